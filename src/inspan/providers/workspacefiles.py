"""Text files of one workspace, read and written for an agent that asks us to.

We stand outside of what confines the agent, so a path is walked name by name, each opened in the
folder before it and no link followed by the system: a link is read and walked like any other path,
and none leads out of the workspace, whatever is exchanged meanwhile. Whether it may is asked
elsewhere; what an agent is, is not known here.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import anyio.to_thread

from inspan.agents.served import Fault, FileText, NotServed
from inspan.agents.signs import FileAsked
from inspan.errors import InspanError
from inspan.model.value import value
from inspan.providers.mounts import Access, Mounts

T = TypeVar("T")
#: The most that is read for one request and written by one, in bytes: each of them is recorded.
MOST: Final = 4 << 20
#: How far into a file lines are counted.
_SCANNED_MOST: Final = 256 << 20
_PIECE: Final = 1 << 16
#: As deep as no tree of sources is: every folder on the way is held open.
_DEPTH_MOST: Final = 100
_LINKS_MOST: Final = 40
_PATH_MOST: Final = 4096
#: Where git keeps what it runs by itself, and believes.
_GIT: Final = ".git"

_FOLDER: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: Nobody may be there at the other end of a pipe, and a terminal is not to become ours.
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@value
class Fence:
    """The workspace as the system names it, and what in it may be seen and written."""

    top: str
    mounts: Mounts


class _RefusedError(Exception):
    """It is not done; ``str`` says why."""

    def __init__(self, why: str, fault: Fault = Fault.REFUSED) -> None:
        super().__init__(why)
        self.fault = fault


@value
class _Spot:
    """A name in a folder that is held open, both without links; there may be nothing."""

    folder: int
    name: str
    #: Where that is.
    path: str
    found: os.stat_result | None


class WorkspaceFiles:
    """The files below one folder."""

    def __init__(self, cwd: str, fence: Callable[[], Awaitable[Fence]]) -> None:
        """``cwd``: how the workspace was named to the agent. ``fence`` is asked for once."""
        self._cwd = cwd
        self._make_fence = fence
        self._fence: Fence | None = None

    async def serve(self, asked: FileAsked) -> FileText | NotServed:
        """Do it, in a thread: a disk may be slow. Raises nothing."""
        return await self._tried(asked.path, lambda fence: self._served(asked, fence))

    async def folder(self, path: str) -> str | NotServed:
        """Where a folder of the workspace really is. Raises nothing."""
        return await self._tried(path, lambda fence: self._folder(path, fence))

    async def _tried(self, path: str, work: Callable[[Fence], T]) -> T | NotServed:
        try:
            fence = self._fence = self._fence or await self._make_fence()
        except (InspanError, OSError) as error:
            return NotServed(Fault.FAILED, f"The workspace cannot be opened: {error}")
        try:
            return await anyio.to_thread.run_sync(work, fence)
        except _RefusedError as error:
            return NotServed(error.fault, f"{error}: {path}")
        except FileNotFoundError:
            return NotServed(Fault.MISSING, f"No such file: {path}")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it cannot be opened"
            return NotServed(Fault.FAILED, f"{why}: {path}")

    def _served(self, asked: FileAsked, fence: Fence) -> FileText:
        data = None if asked.text is None else _checked(asked.text)
        with self._found(asked.path, fence, make=data is not None) as spot:
            if data is None:
                return FileText(_read(spot, asked, fence))
            _write(spot, data, fence)
            return FileText()

    def _folder(self, path: str, fence: Fence) -> str:
        _check_path(path)
        way = _Way(fence)
        try:
            found = way.into(self._below(path, fence.top))
        finally:
            way.close()
        if not fence.mounts.sees(found):
            raise _RefusedError("It is hidden from agents")
        return found

    # ── the way there ─────────────────────────────────────────────────────────

    @contextmanager
    def _found(self, path: str, fence: Fence, *, make: bool) -> Iterator[_Spot]:
        """The place of ``path``, with folders made on the way where they are to be."""
        _check_path(path)
        names = self._below(path, fence.top)
        if make and _GIT in map(str.lower, names):  # before a folder is made
            raise _RefusedError("It may not be written")
        way = _Way(fence)
        try:
            yield way.to(names, make=make)
        finally:
            way.close()

    def _below(self, path: str, top: str) -> list[str]:
        """The names of ``path`` from the workspace on. It has two names where links lead to it."""
        if not path.startswith("/"):
            path = f"{self._cwd}/{path}"
        return _names_below(path, (self._cwd, top), top)


class _Way:
    """Folders held open from the top on, each within the one before it."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._fds = [os.open(fence.top, _FOLDER)]
        self._names: list[str] = []

    def close(self) -> None:
        """Let go of all of them."""
        for fd in self._fds:
            os.close(fd)

    def to(self, names: list[str], *, make: bool) -> _Spot:
        """The place that these names lead to."""
        spot = self._walk(names, make=make)
        if spot is None:
            raise _RefusedError("It is a folder")
        return spot

    def into(self, names: list[str]) -> str:
        """The folder that these names lead to."""
        self._walk([*names, "."], make=False)
        return "/".join([self._fence.top.rstrip("/"), *self._names]) or "/"

    def _walk(self, names: list[str], *, make: bool) -> _Spot | None:
        """Go there; ``None`` where it is the folder that was opened last."""
        todo = deque(names)
        links = 0
        while todo:
            name = todo.popleft()
            if name in ("", "."):
                continue
            if name == "..":
                self._up()
                continue
            last = not any(todo)
            found = self._look(name, make=make and not last)
            if found is not None and stat.S_ISLNK(found.st_mode):
                links += 1
                if links > _LINKS_MOST:
                    raise _RefusedError("It goes round in a circle of links")
                todo.extendleft(reversed(self._led(name)))
            elif last:
                return _Spot(self._fds[-1], name, self._at(name), found)
            elif found is None:
                raise FileNotFoundError
            else:
                self._down(name)
        return None

    def _look(self, name: str, *, make: bool) -> os.stat_result | None:
        try:
            return os.stat(name, dir_fd=self._fds[-1], follow_symlinks=False)
        except FileNotFoundError:
            if not make:
                return None
        _check_writable(self._at(name), self._fence)
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=self._fds[-1])
        return os.stat(name, dir_fd=self._fds[-1], follow_symlinks=False)

    def _led(self, name: str) -> list[str]:
        """The names that a link stands for."""
        target = os.readlink(name, dir_fd=self._fds[-1])
        if not target.startswith("/"):
            return target.split("/")
        names = _names_below(target, (self._fence.top,), self._fence.top)
        while self._names:
            self._up()
        return names

    def _at(self, name: str) -> str:
        return "/".join([self._fence.top.rstrip("/"), *self._names, name])

    def _down(self, name: str) -> None:
        if len(self._fds) > _DEPTH_MOST:
            raise _RefusedError("It lies too deep")
        self._fds.append(os.open(name, _FOLDER, dir_fd=self._fds[-1]))
        self._names.append(name)

    def _up(self) -> None:
        if not self._names:
            raise _RefusedError("It is outside of the workspace")
        os.close(self._fds.pop())
        self._names.pop()


def _check_path(path: str) -> None:
    if not path or "\0" in path or len(path) > _PATH_MOST:
        raise _RefusedError("This is no path")


def _names_below(path: str, tops: tuple[str, ...], top: str) -> list[str]:
    for one in tops:
        base = one.rstrip("/")
        if path == base or path.startswith(f"{base}/"):
            # What it was named from may lie below the top of the workspace.
            inner = os.path.realpath(one).removeprefix(top) if one != top else ""
            return [*inner.split("/"), *path[len(base) :].split("/")]
    raise _RefusedError("It is outside of the workspace")


# ── what is done there ────────────────────────────────────────────────────────


def _read(spot: _Spot, asked: FileAsked, fence: Fence) -> str:
    if not fence.mounts.sees(spot.path):
        raise _RefusedError("It is hidden from agents")
    if spot.found is None:
        raise FileNotFoundError
    _check_regular(spot.found)  # before it is opened: to open a device may do something
    with os.fdopen(os.open(spot.name, _READ, dir_fd=spot.folder), "rb") as file:
        _check_regular(os.fstat(file.fileno()))
        data = bytearray()
        left = asked.limit
        passed, scanned = asked.line - 1, 0
        while left != 0 and (piece := file.readline(_PIECE)):
            scanned += len(piece)
            if passed == 0:
                data += piece
            if len(data) > MOST or scanned > _SCANNED_MOST:
                raise _RefusedError(f"It has more than {MOST} bytes; ask for fewer lines of it")
            if piece.endswith(b"\n"):
                if passed:
                    passed -= 1
                elif left is not None:
                    left -= 1
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _RefusedError("It is no text in UTF-8") from error


def _checked(text: str) -> bytes:
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise _RefusedError("This is no text in UTF-8") from error
    if len(data) > MOST:
        raise _RefusedError(f"This is more than {MOST} bytes")
    return data


def _write(spot: _Spot, data: bytes, fence: Fence) -> None:
    """Have the whole of it there, or nothing of it. A file keeps its mode, and its owner."""
    _check_writable(spot.path, fence)
    old = spot.found
    if old is not None:
        _check_regular(old)
        if not old.st_mode & 0o222:
            raise _RefusedError("It is read-only")
    part = f".{secrets.token_hex(8)}.part"
    fd = os.open(part, _NEW, 0o666 if old is None else 0o600, dir_fd=spot.folder)
    try:
        with os.fdopen(fd, "wb") as file:
            if old is not None:
                with suppress(PermissionError):
                    os.fchown(fd, old.st_uid, old.st_gid)
                os.fchmod(fd, old.st_mode & 0o777)
            file.write(data)
            file.flush()
            os.fsync(fd)
        os.rename(part, spot.name, src_dir_fd=spot.folder, dst_dir_fd=spot.folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(part, dir_fd=spot.folder)
        raise


def _check_writable(path: str, fence: Fence) -> None:
    names = path[len(fence.top) :].lower().split("/")
    if fence.mounts.at(path) is not Access.WRITE or _GIT in names:
        raise _RefusedError("It may not be written")


def _check_regular(found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise _RefusedError("It is a folder")
    if not stat.S_ISREG(found.st_mode):
        raise _RefusedError("It is no regular file")


def alone(top: str) -> Fence:
    """A workspace of which all may be seen and written."""
    mounts = Mounts()
    mounts.put(Access.WRITE, [Path(top)])
    return Fence(os.path.realpath(top), mounts)
