"""Copies files that git ignores (``.env`` and the like) from the user's checkout into a worktree.

Only regular files that are reached by no link, and only what git ignores: so none of them is in a
diff, a commit or what is saved. What is there already stays, since somebody may have changed it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Final

import anyio.to_thread

from inspan.errors import WorkspaceFailed
from inspan.git.run import Git
from inspan.workspaces.taskfile import failed

#: More than that is no configuration any more.
FILES_MOST: Final = 1000
BYTES_MOST: Final = 64 << 20
_PIECE: Final = 1 << 20


async def copy_ignored(checkout: Git, worktree: Git, patterns: Sequence[str]) -> tuple[str, ...]:
    """Copy what the patterns match; the names of the copies. Raises WorkspaceFailed, GitFailed.

    What git would not ignore in the worktree, whose rules may be older ones, is left where it is.
    """
    names = await _ignored(checkout, patterns) if patterns else ()
    if len(names) > FILES_MOST:
        raise _too_much(f"{len(names)} files")
    if not names:
        return ()
    asked = "\0".join(names).encode(errors="surrogateescape")
    said = await worktree.ask("check-ignore", "-z", "--stdin", given=asked)
    there = [name for name in said.out.decode(errors="surrogateescape").split("\0") if name]
    return await anyio.to_thread.run_sync(_copy_all, checkout.folder, worktree.folder, there)


async def _ignored(git: Git, patterns: Sequence[str]) -> tuple[str, ...]:
    magic = [f":(top,glob){pattern}" for pattern in patterns]
    asked = ("ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", *magic)
    said = await git.ask(*asked)
    if said.code:
        raise WorkspaceFailed(f"what is to be copied cannot be found: {said.words}")
    if said.cut:
        raise _too_much("more than can be listed")
    names = said.out.decode(errors="surrogateescape").split("\0")
    # A repository of its own is told as a folder; it is none of this one's.
    return tuple(name for name in names if name and not name.endswith("/"))


def _copy_all(top: Path, tree: Path, names: Sequence[str]) -> tuple[str, ...]:
    left, copied = BYTES_MOST, []
    for name in names:
        try:
            took = _copy(top, tree, PurePosixPath(name), left)
        except OSError as error:
            raise failed(f"{name!a} could not be copied into the worktree", error) from error
        if took is not None:
            left -= took
            copied.append(name)
    return tuple(copied)


def _copy(top: Path, tree: Path, name: PurePosixPath, most: int) -> int | None:
    """How many bytes it had; ``None`` where it is no plain file, or is there already."""
    with _plain(top, name) as source:
        if source is None:
            return None
        mode = os.fstat(source)
        if mode.st_size > most:
            raise _too_much(f"more than {BYTES_MOST >> 20} MiB")
        with _folder(tree, name.parent, make=True) as folder:
            new = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                target = os.open(name.name, new, 0o600, dir_fd=folder)
            except FileExistsError:
                return None
            try:
                with os.fdopen(target, "wb") as file:
                    took = _pour(source, file.fileno(), most)
                    os.fchmod(file.fileno(), stat.S_IMODE(mode.st_mode) & 0o777)
            except BaseException:
                os.unlink(name.name, dir_fd=folder)
                raise
            return took


def _pour(source: int, target: int, most: int) -> int:
    took = 0
    while data := os.read(source, _PIECE):
        took += len(data)
        if took > most:
            raise _too_much(f"more than {BYTES_MOST >> 20} MiB")
        while data:
            data = data[os.write(target, data) :]
    return took


@contextmanager
def _plain(top: Path, name: PurePosixPath) -> Iterator[int | None]:
    """The file, open to be read; ``None`` where it is none, or a link leads there."""
    try:
        with _folder(top, name.parent) as folder:
            calm = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            opened = os.open(name.name, calm, dir_fd=folder)
    except OSError as error:
        if isinstance(error, PermissionError):
            raise
        yield None
        return
    try:
        yield opened if stat.S_ISREG(os.fstat(opened).st_mode) else None
    finally:
        os.close(opened)


@contextmanager
def _folder(top: Path, inside: PurePosixPath, *, make: bool = False) -> Iterator[int]:
    """A folder below ``top``, open; no part of the way is a link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    opened = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in inside.parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=opened)
            below = os.open(part, flags, dir_fd=opened)
            os.close(opened)
            opened = below
        yield opened
    finally:
        os.close(opened)


def _too_much(what: str) -> WorkspaceFailed:
    return WorkspaceFailed(
        f"the settings have {what} copied into each worktree",
        hint="Name fewer in `workspaces: {copy: [...]}`: configuration, and not what is installed.",
    )
