"""Plays a recording into a terminal: at a speed, with idle time cut, from any moment.

Time passes by its clock alone. A moment that is sought is exact: the terminal shows what it showed
when all that came until then, and nothing more, had been drawn. It knows no widget.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from inspan.control import Control
from inspan.errors import Unable
from inspan.model.session import Gap, Output, Resized
from inspan.tui.clock import Clock
from inspan.tui.feed import BEFORE, Shown, Start, gap, start
from inspan.tui.recording import Item, Recording

SPEEDS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
#: Seconds without output that are left out, but for as much as shows that there was something.
IDLE, REST = 2.0, 0.5
#: Seconds between two steps.
TICK: Final = 1 / 30
#: Bytes that are drawn before others get their turn.
_TURN: Final = 1 << 16
#: Bytes between two looks.
_SLICE: Final = 1 << 14
#: Seconds after which one that still grows is looked at again.
_GROWS: Final = 3.0


class Settled(Shown, Protocol):
    """A terminal that draws when it is told to."""

    def settle(self) -> None: ...


class Player:
    """``told`` hears whenever anything but the picture changes."""

    def __init__(
        self, control: Control, session: str, shown: Settled, clock: Clock, told: Callable[[], None]
    ) -> None:
        self.recording = Recording(control, session)
        self._control = control
        self._shown = shown
        self._clock = clock
        self._told = told
        self.moment = 0.0
        self.speed = 1.0
        self.playing = False
        self.cuts_idle = True
        self._queue: deque[Item] = deque()
        #: Where the next part begins; ``None``: nothing follows.
        self._next: int | None = 0
        self._wanted: float | None = 0.0

    @property
    def over(self) -> bool:
        """Whether all that is recorded by now was played."""
        return self._next is None and not self._queue and self._wanted is None

    def flip(self) -> None:
        """Play, or pause; from the beginning where it is over."""
        if not self.playing and self.over:
            self._wanted = 0.0
        self.playing = not self.playing
        self._told()

    def faster(self, steps: int) -> None:
        """Another speed."""
        at = SPEEDS.index(self.speed) + steps
        self.speed = SPEEDS[max(0, min(len(SPEEDS) - 1, at))]
        self._told()

    def seek(self, moment: float) -> None:
        """Go to a moment; it is shown a step later."""
        self._wanted = self.moment = max(0.0, min(self.recording.length, moment))
        self._told()

    def step(self, seconds: float) -> None:
        """Go on or back by so much."""
        self.seek(self.moment + seconds)

    async def run(self) -> None:
        """Until it is cancelled. Raises SessionNotFound."""
        await self.recording.look()
        self._told()
        looked = last = self._clock.monotonic()
        while True:
            now = self._clock.monotonic()
            passed, last = now - last, now
            if self._wanted is not None:
                await self._reach()
            elif self.playing:
                await self._play(passed)
            if not self.recording.ended and now - looked > _GROWS:
                looked = now
                await self._grow()
            await self._clock.sleep(TICK)

    async def _grow(self) -> None:
        size = self.recording.size
        await self.recording.look()
        if self._next is None and self.recording.size > size:
            self._next = size
        self._told()

    # ── playing ───────────────────────────────────────────────────────────────

    async def _play(self, passed: float) -> None:
        if not self._queue and self._next is not None:
            await self._load()
        if not self._queue:
            self.playing = not self.recording.ended
            self.moment = self.recording.length
            self._told()
            return
        away = self._queue[0].moment - self.moment
        if self.cuts_idle and away > IDLE:
            self.moment = self._queue[0].moment - REST
        else:
            self.moment += passed * self.speed
        await self._draw_until(self.moment)
        self._told()

    async def _draw_until(self, moment: float) -> None:
        drawn = 0
        while self._wanted is None:
            if not self._queue:
                if self._next is None:
                    return
                await self._load()
                continue
            if self._queue[0].moment > moment:
                return
            drawn += self._take(self._queue.popleft())
            if drawn > _TURN:
                drawn = 0
                await self._clock.sleep(0)

    async def _load(self) -> None:
        assert self._next is not None
        part = await self.recording.part(self._next)
        self._queue.extend(part.items)
        self._next = part.next

    def _take(self, item: Item) -> int:
        what = item.what
        if isinstance(what, Output):
            for at in range(0, len(what.data), _SLICE):
                self._shown.feed(what.data[at : at + _SLICE])
                # An emulator may pass over what is too much between two looks: here nothing is.
                self._shown.settle()
            return len(what.data)
        if isinstance(what, Gap):
            self._shown.feed(gap(what))
        elif isinstance(what, Resized):
            self._shown.resize_terminal(what.cols, what.rows)
        return 0

    # ── seeking ───────────────────────────────────────────────────────────────

    async def _reach(self) -> None:
        wanted, self._wanted = self._wanted or 0.0, None
        target = await self.recording.offset_at(wanted) if wanted > 0 else 0
        begin = await self._begin(target)
        self._shown.begin(begin.cols, begin.rows)
        self._shown.feed(begin.modes)
        at: int | None = begin.offset
        drawn = 0
        while at is not None and at < target:
            part = await self.recording.part(at, target)
            for item in part.items:
                drawn += self._take(item)
                if drawn > _TURN:
                    drawn = 0
                    await self._clock.sleep(0)
                if self._called_off:
                    return
            at = part.next
        self._queue.clear()
        self._next = target
        self.moment = wanted
        # What prints nothing, a new size, may have come at that moment too.
        await self._draw_until(wanted)
        self._told()

    async def _begin(self, target: int) -> Start:
        """Where to enter so that at ``target`` the screen is right, whenever it was drawn."""
        session = self.recording.session
        if target > BEFORE:
            with suppress(Unable):  # nothing there can tell; what was drawn last is drawn again
                frame = await self._control.frame(session, target - BEFORE)
                while frame.more and not self._called_off:
                    frame = await self._control.frame(session, target - BEFORE)
                return Start(frame.offset, frame.cols, frame.rows, frame.drawn.encode())
        return await start(self._control, session, target)

    @property
    def _called_off(self) -> bool:
        """Whether another moment is wanted by now."""
        return self._wanted is not None
