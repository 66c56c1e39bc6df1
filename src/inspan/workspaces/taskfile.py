"""Writes ``task.json``: what a task is, for whoever works on it. No environment, no secret.

The folder belongs to whoever works there, so nothing in it is believed: no link is followed, and
the file is put in place whole.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from inspan.errors import DiskFull, InspanError, WorkspaceFailed
from inspan.model.task import Task, Workspace

NAME: Final = "task.json"
#: In a worktree the file lies in a folder that ignores itself, so that git never sees it, and a
#: ``task.json`` of the repository's own stays as it is.
APART: Final = ".inspan"
_IGNORE: Final = ".gitignore"
_MARK: Final = "made"
_MARK_SIZE: Final = 16


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


def marked(folder: Path) -> str:
    """The mark that a workspace was given when it was made; one that has none is given one.

    It goes with all that git ignores: where it is gone, so is what the workspace was set up with.
    Raises WorkspaceFailed, DiskFull.
    """
    try:
        with _opened(folder, None) as top:
            with suppress(FileExistsError):
                os.mkdir(APART, 0o700, dir_fd=top)
            with _opened(Path(APART), top) as inner:
                known = _mark(inner)
                if known is None:
                    known = token_hex(_MARK_SIZE // 2)
                    _put(inner, _IGNORE, "*\n")
                    _put(inner, _MARK, known)
                return known
    except OSError as error:
        raise failed(f"{folder} could not be marked", error) from error


def _mark(folder: int) -> str | None:
    calm = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        opened = os.open(_MARK, calm, dir_fd=folder)
    except OSError:
        return None
    try:
        said = os.read(opened, _MARK_SIZE + 1) if stat.S_ISREG(os.fstat(opened).st_mode) else b""
    finally:
        os.close(opened)
    whole = len(said) == _MARK_SIZE and said.isalnum()
    return said.decode() if whole else None


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
