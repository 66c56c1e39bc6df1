"""What a session says that concerns a provider: the keeper's news of it, and what it announces.

It reads and waits, decides nothing, and knows no task. The output itself goes by, since it is in
the recording; it is only looked through for announcements (``terminal.announce``).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final, Generic, TypeVar

import anyio

from inspan.terminal.announce import Announcement, Listener

T = TypeVar("T")

#: How much output is looked through at a time: large, since a flood comes in large pieces.
_BLOCK: Final = 1 << 18
#: How far back an adopted session is looked through. A program that waits for a person has not
#: printed more than this since it asked.
_BACK: Final = 1 << 20


class Ears:
    """Listens to a growing recording; ``whole`` from its beginning, else from near its end."""

    def __init__(self, raw: Path, *, whole: bool) -> None:
        self._raw = raw
        self._at = 0 if whole else None
        self._listener = Listener()

    async def hear(self, size: int) -> Announcement | None:
        """The last announcement of what is new up to ``size``: those before it are overtaken."""
        at = max(0, size - _BACK) if self._at is None else self._at
        last: Announcement | None = None
        while at < size:
            data = self._read(at, min(_BLOCK, size - at))
            if not data:
                break
            at += len(data)
            for announcement in self._listener.feed(data):
                last = announcement
            if at < size:
                await asyncio.sleep(0)  # a flood must not keep others from the loop
        self._at = at
        return last

    def _read(self, offset: int, limit: int) -> bytes:
        """Read in the loop: what was just written is in memory. Nothing where it was removed."""
        try:
            raw = os.open(self._raw, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return b""
        try:
            return os.pread(raw, limit, offset)
        finally:
            os.close(raw)


class News(Generic[T]):
    """Items of ``told``, one of which can be waited for together with something else.

    The wait is a task, because to give up a wait for an iterator is to end the iterator. Whoever
    makes a ``News`` closes it, and then nothing of it is left.
    """

    def __init__(self, told: AsyncGenerator[T, None]) -> None:
        self._told = told
        self._next: asyncio.Task[T | None] | None = None

    async def next(self, sooner: asyncio.Future[None] | None) -> T | None:
        """The next item; ``None`` where ``sooner`` is done before it, or no item comes any more.

        Raises what the iterator raises.
        """
        if self._next is None:
            self._next = asyncio.ensure_future(self._pull())
        waits: set[asyncio.Future[object]] = {self._next}  # type: ignore[arg-type]  # only waited for
        if sooner is not None:
            waits.add(sooner)  # type: ignore[arg-type]  # the same
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if sooner is not None and sooner.done():
            return None
        done, self._next = self._next, None
        return done.result()

    async def close(self) -> None:
        """End the iterator, and the wait for it."""
        with anyio.CancelScope(shield=True):
            if self._next is not None:
                self._next.cancel()
                await asyncio.gather(self._next, return_exceptions=True)
            await self._told.aclose()

    async def _pull(self) -> T | None:
        return await anext(self._told, None)
