"""The bytes plane: what sessions printed, read from their folders.

Readers pull from the files, at their own speed; nothing is queued for anybody. The keeper is
asked for one thing only: to say when a recording has grown. What a byte means is
``terminal.playback``'s to tell.
"""

from __future__ import annotations

import os
import shutil
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, Protocol, cast

import anyio
import anyio.to_thread

from inspan.errors import KeeperLost, SessionNotFound, Unable
from inspan.keeper.client import EndedSession, Grew
from inspan.model.ids import SESSION_ID
from inspan.model.session import Chunk, Ended, Frame, Gap, Hit, Hits, Output, Times, Wanted
from inspan.terminal.keyframes import Keyframes
from inspan.terminal.playback import STREAMS, Playback
from inspan.terminal.screen import Backend, backend
from inspan.terminal.search import Needle, find
from inspan.terminal.times import times

#: The most bytes a follower holds at once.
CHUNK_MOST: Final = 1 << 16
#: Of so many recordings it is remembered how far they were drawn, at some 100 KB each.
FILMS_MOST: Final = 8
#: So many bytes that were written a moment ago are read on the loop: they are in memory, and a
#: thread would take longer to wake than to read them.
AT_ONCE_MOST: Final = 1 << 14


class Keeper(Protocol):
    """What recordings need of ``keeper.client.KeeperClient``."""

    def watch(self, session: str, *, inline: bool) -> AsyncIterator[object]:
        """An item at once, then one whenever the recording has grown or ended; then it ends.

        With ``inline`` a ``Grew`` may bring along what is new.

        Raises SessionNotFound where it does not hold the session, KeeperLost.
        """
        ...


class Recordings:
    """The recordings under one folder, which only this user can write to."""

    def __init__(self, root: Path, keeper: Callable[[], Awaitable[Keeper]]) -> None:
        self._root = root
        self._keeper = keeper
        self._films: OrderedDict[str, _Film] = OrderedDict()

    async def read(self, session: str, offset: int, limit: int) -> tuple[Chunk, ...]:
        """At most ``limit`` bytes from ``offset``; ends with ``Ended`` where nothing more comes."""
        playback = Playback(self.folder(session))
        return await anyio.to_thread.run_sync(playback.read, offset, limit)

    async def times(self, session: str, offset: int, until: int | None, most: int) -> Times:
        """When the bytes from ``offset`` up to ``until`` came, in at most ``most`` marks."""
        playback = Playback(self.folder(session))
        return await anyio.to_thread.run_sync(times, playback, offset, until, most)

    async def frame(self, session: str, offset: int) -> Frame:
        """What its terminal showed there, or before it as far as one call reads.

        Of the recordings that were asked for last it is remembered how far they were read.
        """
        folder = self.folder(session)
        redraws = (await anyio.to_thread.run_sync(_backend)).redraws
        if redraws is None:
            raise Unable(
                "nothing here can tell what a terminal showed",
                hint="`pip install 'inspan[agents]'` beside the daemon brings what can.",
            )
        film = self._films.pop(session, None) or _Film(Keyframes(Playback(folder), redraws))
        self._films[session] = film
        while len(self._films) > FILMS_MOST:
            self._films.popitem(last=False)
        async with film.one:
            return await anyio.to_thread.run_sync(film.keyframes.frame, offset)

    async def search(self, session: str, offset: int, wanted: Wanted) -> Hits:
        """Lines from ``offset`` on, found in a bounded part; ``next``: where to search on."""
        playback = Playback(self.folder(session))
        needle = Needle(wanted.text, case=wanted.case)
        hits, on = await anyio.to_thread.run_sync(find, playback, needle, offset, wanted.most)
        told = tuple(Hit(session, hit.end, hit.at, hit.line, hit.before, hit.after) for hit in hits)
        return Hits(told, None if on is None else str(on))

    async def follow(self, session: str, offset: int) -> AsyncGenerator[Chunk, None]:
        """What is there from ``offset`` and what comes, until ``Ended``.

        A follower that begins in the middle is first told the size that the terminal has there.
        Where the keeper is gone, ``Ended`` comes after what was recorded.
        """
        reader = _Reader(Playback(self.folder(session)), offset)
        async for chunk in reader.begin():
            yield chunk
        async with aclosing(self._looks(session)) as looks:
            async for told in looks:
                news = reader.news(told)
                if news is not None:
                    yield news
                    continue
                async for chunk in reader.rest(told):
                    yield chunk
                if reader.ended:
                    return
        yield await reader.lost()

    async def remove(self, session: str) -> int:
        """Delete a recording; the bytes it had on the disk. Raises SessionNotFound."""
        return await anyio.to_thread.run_sync(_remove, self.folder(session))

    async def usage(self) -> tuple[tuple[str, int], ...]:
        """Every recording and its bytes on the disk, oldest first."""
        return await anyio.to_thread.run_sync(_usage, self._root)

    def folder(self, session: str) -> Path:
        """Where the recording of ``session`` is, or would be. Raises SessionNotFound."""
        if not SESSION_ID.fullmatch(session):
            raise SessionNotFound("That is not the id of a session.")
        return self._root / session

    async def _looks(self, session: str) -> AsyncGenerator[Grew | EndedSession | None, None]:
        """An item whenever it is worth to look at the file: now, as it grows, and at the end.

        It is what the keeper told, where it told something.
        """
        yield None
        try:
            pushes = (await self._keeper()).watch(session, inline=True)
            # A generator that is let go is closed at some later time, if at all; so close it here.
            async with aclosing(cast("AsyncGenerator[object, None]", pushes)):
                async for told in pushes:
                    yield told if isinstance(told, Grew | EndedSession) else None
        except (KeeperLost, SessionNotFound):
            # It is held by nobody any more; what it left is all there is.
            yield None
        else:
            yield None


@dataclass
class _Film:
    """A recording as far as it was drawn; by one at a time."""

    keyframes: Keyframes
    one: anyio.Lock = field(default_factory=anyio.Lock)


_backend: Final[Callable[[], Backend]] = cache(backend)


class _Reader:
    """A place in a recording that moves as it is read; one read per wake-up and chunk."""

    def __init__(self, playback: Playback, offset: int) -> None:
        self._playback = playback
        self.offset = offset
        self.ended = False

    async def begin(self) -> AsyncIterator[Chunk]:
        """The size in force, where that was told before ``offset``."""
        if not self.offset:
            return
        size = await anyio.to_thread.run_sync(self._playback.size_at, self.offset)
        if size is not None and size.offset < self.offset:
            yield size

    async def lost(self) -> Ended:
        """The end of a recording that nobody ended."""
        return Ended(await anyio.to_thread.run_sync(lambda: self._playback.size), None)

    def news(self, told: Grew | EndedSession | None) -> Output | None:
        """What comes next, where the keeper brought it along; then there is no more."""
        if not isinstance(told, Grew) or not told.size - len(told.data) <= self.offset < told.size:
            return None
        start, self.offset = self.offset, told.size
        return Output(start, told.data[start - told.size :], STREAMS[told.kind])

    async def rest(self, told: Grew | EndedSession | None) -> AsyncIterator[Chunk]:
        """What is there by now; up to the size that the keeper told, where it will tell more."""
        size = told.status.size if isinstance(told, EndedSession) else told and told.size
        while not self.ended and (not isinstance(told, Grew) or self.offset < told.size):
            if size is not None and size - self.offset <= AT_ONCE_MOST:
                chunks = self._playback.read(self.offset, AT_ONCE_MOST)
            else:
                read = self._playback.read
                chunks = await anyio.to_thread.run_sync(read, self.offset, CHUNK_MOST)
            for chunk in chunks:
                if isinstance(chunk, Output):
                    self.offset = chunk.offset + len(chunk.data)
                elif isinstance(chunk, Gap):
                    self.offset = chunk.end
                elif isinstance(chunk, Ended):
                    self.ended = True
                yield chunk
            if not chunks:
                return


def _remove(folder: Path) -> int:
    """Delete ``folder`` without following links; the bytes that its files had on the disk."""
    try:
        size = _size(folder)
        shutil.rmtree(folder)
    except OSError as error:
        raise SessionNotFound(f"There is no recording {folder.name}.") from error
    return size


def _usage(root: Path) -> tuple[tuple[str, int], ...]:
    found: list[tuple[str, int]] = []
    with suppress(FileNotFoundError), os.scandir(root) as entries:
        for entry in entries:
            if SESSION_ID.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                with suppress(FileNotFoundError):  # removed meanwhile
                    found.append((entry.name, _size(Path(entry.path))))
    return tuple(sorted(found))  # ids begin with the time


def _size(folder: Path) -> int:
    with os.scandir(folder) as entries:
        found = [entry.stat(follow_symlinks=False) for entry in entries]
    # A recording whose middle was freed takes less room than its size.
    return sum(min(item.st_size, item.st_blocks * 512) for item in found)
