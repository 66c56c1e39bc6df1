"""Writes ``task.json``: what a task is, for whoever works on it. No environment, no secret.

The folder belongs to whoever works there, so nothing in it is believed: no link is followed, and
the file is put in place whole.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from inspan.errors import DiskFull, InspanError, WorkspaceFailed
from inspan.model.task import Task, Workspace

NAME: Final = "task.json"
#: In a worktree the file lies in a folder that ignores itself, so that git never sees it, and a
#: ``task.json`` of the repository's own stays as it is.
APART: Final = ".inspan"
_IGNORE: Final = ".gitignore"


def write(folder: Path, task: Task, workspace: Workspace, *, apart: bool = False) -> Path:
    """Write it for the attempt that is due; where it is now. Raises WorkspaceFailed, DiskFull."""
    text = json.dumps(_content(task, workspace), indent=2, ensure_ascii=False) + "\n"
    try:
        with _opened(folder, None) as top:
            if not apart:
                _put(top, NAME, text)
                return folder / NAME
            with suppress(FileExistsError):
                os.mkdir(APART, 0o700, dir_fd=top)
            with _opened(Path(APART), top) as inner:
                _put(inner, _IGNORE, "*\n")
                _put(inner, NAME, text)
                return folder / APART / NAME
    except OSError as error:
        raise failed(f"{NAME} could not be written in {folder}", error) from error


def failed(what: str, error: OSError) -> InspanError:
    """The error of ours for ``error``: a full disk is one that passes."""
    kind = DiskFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else WorkspaceFailed
    return kind(f"{what}: {error.strerror}")


def _content(task: Task, workspace: Workspace) -> dict[str, Any]:
    spec = task.spec
    return {
        "id": task.id,
        "attempt": task.attempt,
        "name": spec.name,
        "prompt": spec.prompt,
        "command": list(spec.command),
        "role": spec.role,
        "labels": spec.labels,
        "findings": [*spec.findings, *task.findings],
        "workspace": workspace.path,
        "branch": workspace.branch,
        "base": workspace.base,
    }


@contextmanager
def _opened(folder: Path, inside: int | None) -> Iterator[int]:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=inside)
    try:
        yield opened
    finally:
        os.close(opened)


def _put(folder: int, name: str, text: str) -> None:
    part = f".{name}.part"
    with suppress(FileNotFoundError):
        os.unlink(part, dir_fd=folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(part, flags, 0o600, dir_fd=folder), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)
