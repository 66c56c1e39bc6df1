"""What a session shows that concerns a provider: its recording, drawn and looked at as it grows.

It reads and looks, decides nothing, and knows no task and no clock. Whoever has one calls ``see``
when the recording has grown, and ``look`` when ``due`` has come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from inspan.model.activity import Reading
from inspan.model.session import Ended, Gap, Output, Resized
from inspan.terminal.look import Look
from inspan.terminal.playback import Playback
from inspan.terminal.rules import Asks, Rulebook
from inspan.terminal.screen import Backend, Screen

#: How much is drawn at a time: some milliseconds of work with the native emulator.
_BLOCK: Final = 1 << 17
#: How far back an adopted session is drawn. What was shown before has been drawn over by then, or
#: stands still on a screen that a line of text would have moved.
_BACK: Final = 1 << 20
#: How much of its beginning is drawn beside that.
_FIRST: Final = 1 << 14


class Eyes:
    """Looks at a growing recording; ``whole`` from its beginning, else from near its end."""

    def __init__(
        self,
        folder: Path,
        books: Sequence[Rulebook],
        backend: Backend,
        *,
        cols: int,
        rows: int,
        whole: bool,
    ) -> None:
        self._playback = Playback(folder)
        self._at = 0 if whole else None
        self._books = tuple(books)
        self._look = Look(books, backend, cols, rows)

    @property
    def due(self) -> float:
        """When to call ``look``; infinite while nothing happens. It may have passed already."""
        return self._look.due

    @property
    def screen(self) -> Screen:
        """What is drawn by now."""
        return self._look.screen

    @property
    def reading(self) -> Reading | None:
        """What was read when it was looked at last."""
        return self._look.reading

    @property
    def readings(self) -> list[Reading]:
        """That, and what hooks said since."""
        return self._look.readings

    def asks(self, rule: str) -> Asks | None:
        """How the rule of that name asks."""
        found = (book.asks(rule) for book in self._books)
        return next((asks for asks in found if asks), None)

    async def see(self, size: int, now: float) -> None:
        """Draw what is new up to ``size``, as of ``now``. Raises SessionNotFound."""
        late = self._at is None
        at = self._start(size, now) if self._at is None else self._at
        while at < size:
            took = at
            for chunk in self._playback.read(at, min(_BLOCK, size - at)):
                at = self._draw(chunk, at, now)
            self._at = at
            if at == took:
                break  # it is not there after all
            await asyncio.sleep(0)  # a flood must not keep others from the loop
        if late:
            self._look.late()

    def look(self, now: float) -> Reading:
        """What the rules say at ``now`` of what is shown."""
        return self._look.look(now)

    def typed(self, now: float, data: bytes = b"") -> None:
        """Somebody typed ``data``: what is drawn at once is an echo, and no work."""
        self._look.typed(now, data)

    def close(self) -> None:
        """Let go of the screen; nothing else is called after this."""
        self._look.close()

    def _start(self, size: int, now: float) -> int:
        start = max(0, size - _BACK)
        if (resized := self._playback.size_at(start)) is not None:
            self._look.resize(resized.cols, resized.rows, now)
        if start:
            self._begin(now)
        return start

    def _begin(self, now: float) -> None:
        """Hear what a program says of its terminal when it begins, and never again."""
        for chunk in self._playback.read(0, _FIRST):
            if isinstance(chunk, Output):
                self._look.feed(chunk.data, now)

    def _draw(self, chunk: Output | Gap | Resized | Ended, at: int, now: float) -> int:
        """Where the next one begins."""
        if isinstance(chunk, Output):
            self._look.feed(chunk.data, now)
            return chunk.offset + len(chunk.data)
        if isinstance(chunk, Resized):
            self._look.resize(chunk.cols, chunk.rows, now)
        return chunk.end if isinstance(chunk, Gap) else at
