"""A session's bytes, from the recording and then as they come, for a terminal that is looked at.

It enters a long recording so far before its end that any screen is whole, with the modes that were
switched on earlier. Whoever falls behind begins again near the end. It knows ``Control`` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from inspan.control import Control, Terminal
from inspan.errors import DaemonUnreachable, FellBehind, InputFull, SessionNotFound
from inspan.model.session import Ended, Gap, Output, Resized
from inspan.terminal.history import Modes
from inspan.tui.again import Again
from inspan.tui.clock import Clock

#: How much of what was printed before is drawn, in bytes: some thousands of lines.
BEFORE: Final = 1 << 20
#: How much before that is looked through for modes, and read at a time.
_MODES_BEFORE: Final = 4 << 20
_READ: Final = 1 << 20
#: Behind all that was printed: who asks there how much that is has none of it looked through.
FAR: Final = 1 << 60
#: Where a line is looked for to begin at.
_LINE: Final = 4096
#: What a session without a terminal is drawn on.
COLUMNS, ROWS = 80, 24
#: What is printed into a pipe ends its lines without a return, which a terminal's driver would add.
_LINES: Final = b"\x1b[20h"
#: Bytes that are drawn before others get their turn.
_TURN: Final = 1 << 16
#: How long a program is left alone that does not read its input, in seconds.
_FULL_PAUSE: Final = 0.02


class Shown(Protocol):
    """Where it is drawn."""

    def begin(self, cols: int, rows: int) -> None: ...
    def feed(self, data: bytes) -> None: ...
    def resize_terminal(self, cols: int, rows: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Start:
    """Where to enter a recording, and how the terminal is there."""

    offset: int
    cols: int
    rows: int
    modes: bytes


async def start(control: Control, session: str, end: int | None = None) -> Start:
    """Where to begin so that at ``end``, or now, the screen is right. Raises InspanError."""
    if end is None:
        end = (await control.times(session, FAR, None, 2)).size
    offset = max(0, end - BEFORE)
    told = await control.times(session, offset, offset, 2)
    cols, rows = told.cols or COLUMNS, told.rows or ROWS
    lines = b"" if told.cols else _LINES
    if not offset:
        return Start(0, cols, rows, lines)
    line = await _bytes(control, session, offset, _LINE)
    offset += line.find(b"\n") + 1
    modes = Modes()
    at = max(0, offset - _MODES_BEFORE)
    while at < offset:
        read = await control.read(session, at, min(_READ, offset - at))
        for chunk in read:
            if isinstance(chunk, Output):
                modes.feed(chunk.data)
                at = chunk.offset + len(chunk.data)
            elif isinstance(chunk, Gap):
                at = chunk.end
        if not read or isinstance(read[-1], Ended):
            break
    return Start(offset, cols, rows, lines + modes.begin())


async def _bytes(control: Control, session: str, offset: int, most: int) -> bytes:
    chunks = await control.read(session, offset, most)
    return b"".join(chunk.data for chunk in chunks if isinstance(chunk, Output))


class Feed:
    """One session on its way to one terminal. ``told`` hears, in words, how it goes."""

    def __init__(
        self,
        control: Control,
        session: str,
        shown: Shown,
        clock: Clock,
        told: Callable[[str], None],
    ) -> None:
        self._control = control
        self._session = session
        self._shown = shown
        self._clock = clock
        self._again = Again(clock)
        self._told = told
        self._offset: int | None = None
        self._link: Terminal | None = None
        self.ended = False

    @property
    def link(self) -> Terminal | None:
        """The attachment, while there is one."""
        return self._link

    async def run(self, *, writer: bool = False, steal: bool = False) -> None:
        """Until the session is over. Raises WriterTaken, and what no waiting mends."""
        while not self.ended:
            try:
                if self._offset is None:
                    await self._begin()
                await self._follow(writer=writer, steal=steal)
            except FellBehind:
                self._offset = None
            except (DaemonUnreachable, SessionNotFound) as error:
                self._told(f"{error}; it is tried again")
                await self._again.pause()

    async def _begin(self) -> None:
        begin = await start(self._control, self._session)
        self._shown.begin(begin.cols, begin.rows)
        self._shown.feed(begin.modes)
        self._offset = begin.offset

    async def _follow(self, *, writer: bool, steal: bool) -> None:
        assert self._offset is not None
        attaching = self._control.attach(
            self._session, offset=self._offset, writer=writer, steal=steal
        )
        async with attaching as link:
            self._link = link
            self._told("")
            self._again.well()
            drawn = 0
            try:
                async for chunk in link:
                    drawn += self._take(chunk)
                    if drawn >= _TURN:
                        drawn = 0
                        # What is there already comes without waiting: keys and drawing would.
                        await self._clock.sleep(0)
            finally:
                if self._link is link:  # another may have followed meanwhile
                    self._link = None

    def _take(self, chunk: Output | Gap | Resized | Ended) -> int:
        if isinstance(chunk, Output):
            self._shown.feed(chunk.data)
            self._offset = chunk.offset + len(chunk.data)
            return len(chunk.data)
        if isinstance(chunk, Gap):
            self._shown.feed(gap(chunk))
            self._offset = chunk.end
        elif isinstance(chunk, Resized):
            self._shown.resize_terminal(chunk.cols, chunk.rows)
        else:
            self.ended = True
        return 0

    async def type(self, data: bytes) -> None:
        """Type; waits for a program that does not read. Raises WriterTaken, and what refuses it."""
        while (link := self._link) is not None:
            try:
                await link.write(data)
            except InputFull:
                await self._clock.sleep(_FULL_PAUSE)
            else:
                return

    async def resize(self, cols: int, rows: int) -> None:
        """Give the terminal this size."""
        if self._link is not None:
            await self._link.resize(cols, rows)


def gap(chunk: Gap) -> bytes:
    """What is drawn in the place of bytes that are gone."""
    return b"\r\n\x1b[0;2m[%d bytes are not kept]\x1b[0m\r\n" % (chunk.end - chunk.start)
