"""An agent on a terminal as a ``Run``: what its screen, title and announcements say it does.

It folds the recording as it grows, as ``terminal.replay`` does with one that is whole, with the
clock in the place of the recording's times. It knows no agent (the rules do) and no task. What it
does is told as ``Does``; that it asks a person, as ``Asks``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import replace
from math import inf
from typing import Final, cast
from zlib import crc32

import anyio

from inspan.agents.endings import killed_there
from inspan.agents.handed import Handed
from inspan.engine.ports import (
    Asks,
    Clock,
    Does,
    Finished,
    GoesOn,
    Grew,
    Halts,
    Lost,
    Observation,
    Reached,
    Run,
    Started,
)
from inspan.errors import BadInput, Conflict, SessionNotFound
from inspan.model.activity import CALM, Activity, Doing, Reading, Source, judge
from inspan.model.receipt import Arrival, Way
from inspan.model.task import Needs
from inspan.providers.firstturn import FirstTurn
from inspan.providers.inturn import InTurn
from inspan.providers.keptprompts import KeptPrompts
from inspan.providers.leisure import BUSY, Leisure
from inspan.providers.listening import News
from inspan.providers.procfacts import Commands, is_stopped, rests
from inspan.providers.redaction import Redaction
from inspan.providers.seeing import Eyes
from inspan.providers.typist import Typist
from inspan.terminal.discern import Discern, announced
from inspan.terminal.rules import Asks as How

log = logging.getLogger(__name__)

#: Seconds between two times at which what is new is drawn: a spinner comes in many small writes.
_DRAWS: Final = 0.05
#: Seconds after which what is new should have been drawn.
_LATE: Final = 1.0
#: Seconds for which another question has to stand before it takes the place of one that is asked:
#: one that counts the seconds would be a new one each time.
_STANDS: Final = 1.0
#: Seconds after which a question is answered at the soonest: Vibe passes over keys before that.
_HEARS: Final = 1.0
#: Seconds between two looks at its processes: a look is a millisecond of work.
_ASKS_SYSTEM: Final = 1.0
#: Why what waits is lost, as other modes say it.
_INTERRUPTED: Final = "its turn was interrupted"


class PtyRun:
    """A live agent on a terminal. ``inner`` is its process, and ``eyes`` look at its recording."""

    way: Final = Way.SCREEN

    def __init__(
        self,
        inner: Run,
        eyes: Eyes,
        slot: anyio.Lock,
        clock: Clock,
        hidden: Redaction,
        kept: KeptPrompts,
        *,
        first: str = "",
        silent: float | None = None,
    ) -> None:
        """``slot`` is held while it is drawn, since all sessions are drawn on one loop.

        ``hidden`` is taken out of what is told. ``first`` is the prompt that it was started with.
        ``silent``: of one that an earlier engine began, for how many seconds it has been.
        """
        self._inner = inner
        self._eyes = eyes
        self._slot = slot
        self._clock = clock
        self._hidden = hidden
        self._discern = Discern()
        self._handed = Handed()
        self._typist = Typist(eyes.screen, self._press, self._doing, clock, self._handed, self._own)
        self._first = FirstTurn(first, eyes.screen, Leisure(clock, self._own, silent or 0.0))
        self._turns = InTurn(
            self._typist, self._handed, kept, self._free_at, clock, awake=self._awake
        )
        if silent is not None:
            self._turns.resume()
        #: How far each prompt had got when that was told last.
        self._arrived: dict[str, Arrival] = {}
        self._announced: Reading | None = None
        self._pid: int | None = None
        self._commands: Commands | None = None
        #: What the system told last, when it was asked, and what was shown then.
        self._system: Reading | None = None
        self._system_at, self._system_for = -inf, Doing.UNKNOWN
        self._size = 0
        self._drawn = 0
        self._drawn_at = -inf
        #: Of one that was adopted, until it is known whether it announced a question.
        self._silent = silent
        #: What was told that it asks; of one that was adopted nothing was told yet.
        self._needs: Needs | None = None
        self._told = silent is None
        self._asked_at = -inf
        #: What was answered last, and until when it may still be shown.
        self._answered: tuple[Needs | None, float] = (None, -inf)
        self._asked_again = inf
        self._wake: asyncio.Future[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def activity(self) -> Activity | None:
        """What it does by now; times are the clock's monotonic ones."""
        return self._discern.shown

    async def observations(self) -> AsyncIterator[Observation]:
        """What happens, in order; of an adopted agent first where it stands."""
        news = News(cast("AsyncGenerator[Observation, None]", self._inner.observations()))
        try:
            while True:
                told = await news.next(self._alarmed())
                self._hear(told)
                if told is not None and not isinstance(told, Asks | GoesOn):
                    yield _judged(told)
                if isinstance(told, Finished | Lost):
                    return
                await self._look()
                if self._silent is None or isinstance(told, Asks | GoesOn):
                    for seen in self._step():
                        yield seen
        finally:
            if self._alarm is not None:
                self._alarm.cancel()
            self._typist.close()
            await self._turns.close()
            self._eyes.close()
            await news.close()

    def _hear(self, told: Observation | None) -> None:
        match told:
            case Asks(needs):
                self._announced = announced(needs, self._clock.monotonic())
            case GoesOn():
                self._announced = None
            case Started(pid):
                self._pid, self._commands = pid, Commands(pid)
            case Grew(size):
                self._size = size
                if is_stopped(self._system):
                    self._system = None  # it prints, and so it goes on
            case _:
                return

    # ── looking ──────────────────────────────────────────────────────────────

    async def _look(self) -> None:
        """Draw what is new, where it is time to, and look at it, where it is."""
        now = self._clock.monotonic()
        at = now if self._silent is None or self._drawn else now - self._silent
        if self._drawn < self._size and now >= self._drawn_at + _DRAWS:
            async with self._slot:
                try:
                    await self._eyes.see(self._size, at)
                except SessionNotFound as error:
                    log.debug("%s", error)  # somebody removed it; its process goes on
            self._drawn, self._drawn_at = self._size, now
        while self._eyes.due <= now:
            self._eyes.look(max(at, self._eyes.due))

    def _step(self) -> Iterator[Observation]:
        """What is new, now that was looked."""
        now, first = self._clock.monotonic(), not self._told
        self._silent = None
        if self._doing() is Doing.UNKNOWN or self._doing() is not self._system_for:
            self._ask_system(now)
        readings = self._readings()
        new = self._discern.step(readings, now)
        asked = self._asked(now)
        if not self._told or asked != self._needs:
            # First, so that nobody hears that it waits before that is stored.
            self._needs, self._told, self._asked_at = asked, True, now
            yield GoesOn() if asked is None else Asks(asked)
        if new is not None:
            since = min(reading.at for reading in readings) if first and readings else new.since
            yield Does(self._dated(replace(new, since=min(since, new.since)), now))
        self._first.look(self._discern.shown)
        self._typist.looked()
        self._turns.go_on()
        yield from self._reached()

    def _asked(self, now: float) -> Needs | None:
        """What is to be told that it asks; ``_asked_again``: when that may be other."""
        self._asked_again = inf
        shown, known = self._discern.shown, self._needs
        if shown is None or (shown.doing is Doing.UNKNOWN and known is None):
            return None
        if shown.doing is Doing.UNKNOWN:
            # A screen that is half drawn ends no question.
            return known if self._not_before(shown.since + CALM, now) else None
        if shown.doing is not Doing.WAITING or shown.needs is None:
            self._answered = (None, -inf)
            return None
        needs = self._put(shown.needs)
        answered, until = self._answered
        if needs == answered and self._not_before(until, now):
            return None
        if known is not None and needs != known and self._not_before(shown.since + _STANDS, now):
            return known
        return needs

    def _put(self, needs: Needs) -> Needs:
        """As it is told: with an id that is the same for the same question, whoever reads it.

        The options of a permission are the words for which the keys are known.
        """
        words = "\0".join((needs.kind, needs.question, *needs.options))
        name = f"{crc32(words.encode(errors='replace')):08x}"
        asks = self._asks() if needs.kind == "permission" else None
        known = [word for word in ("allow", "deny") if asks is not None and asks.keys(needs, word)]
        return self._hidden.needs(replace(needs, id=name, options=tuple(known) or needs.options))

    def _asks(self) -> How | None:
        """How what it shows is asked; nothing where it announced it."""
        shown, seen = self._discern.shown, self._eyes.reading
        if shown is None:
            return None
        if shown.source is Source.HOOK:  # it tells that it asks, and its screen what
            return None if seen is None else self._eyes.asks(seen.rule)
        return self._eyes.asks(shown.rule)

    def _not_before(self, at: float, now: float) -> bool:
        """True where ``at`` is still to come; it is asked again then."""
        if now < at:
            self._asked_again = at
        return now < at

    def _readings(self) -> list[Reading]:
        announced = [] if self._announced is None else [self._announced]
        system = [] if self._system is None else [self._system]
        return [*announced, *self._eyes.readings, *system]

    def _ask_system(self, now: float) -> None:
        """What its processes tell, at most once a second; who rests runs no command."""
        if self._commands is None or now < self._system_at + _ASKS_SYSTEM:
            return
        doing = self._doing()
        self._system_at, self._system_for = now, doing
        self._system = self._commands.look(now, rests=doing in (Doing.IDLE, Doing.WAITING))

    async def look(self) -> Activity:
        """What it does, now that somebody asks: the system tells more than what was seen last."""
        now = self._clock.monotonic()
        self._ask_system(now)
        shown = self._discern.shown or Activity(Doing.UNKNOWN, now)
        found = judge(self._readings(), now, shown)
        self._awake()
        return self._dated(found if found.source is Source.PROCESS else shown, now)

    def _dated(self, activity: Activity, now: float) -> Activity:
        """As it is told: with nothing that is hidden, and since the epoch."""
        told = self._hidden.activity(activity)
        return replace(told, since=self._clock.now() - (now - activity.since))

    # ── waiting ──────────────────────────────────────────────────────────────

    def _alarmed(self) -> asyncio.Future[None]:
        """Done when there is something to look at, though the process tells nothing."""
        loop = asyncio.get_running_loop()
        if self._wake is None or self._wake.done():
            self._wake = loop.create_future()
        if self._alarm is not None:
            self._alarm.cancel()
        now, due = self._clock.monotonic(), self._due()
        self._alarm = loop.call_later(max(0.0, due - now), self._awake) if due < inf else None
        return self._wake

    def _due(self) -> float:
        drawing = self._drawn_at + _DRAWS if self._drawn < self._size else inf
        discerned = self._discern.due(self._readings(), self._clock.monotonic())
        looked = min(drawing, self._eyes.due, discerned, self._asked_again)
        return min(looked, self._first.due, self._typist.due, self._turns.due)

    def _awake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    # ── a hand at its keys ───────────────────────────────────────────────────

    def _typed(self, data: bytes = b"") -> None:
        self._eyes.typed(self._clock.monotonic(), data)
        self._discern.typed()
        self._awake()

    async def write(self, data: bytes) -> None:
        """Type. Whether it answers what is asked, the screen tells.

        Nothing is no end of its input: on a terminal that would be a Ctrl-D, by which agents end.
        """
        if data:
            await self._press(data)
            self._typist.pressed()

    async def _press(self, data: bytes) -> None:
        await self._inner.write(data)
        self._typed(data)

    async def answer(self, needs: Needs, text: str) -> None:
        """Answer what it asks. Raises Conflict where it no longer asks that, BadInput."""
        if self._announced is not None:
            await self._inner.answer(needs, text)
        else:
            await self._clock.sleep(max(0.0, self._asked_at + _HEARS - self._clock.monotonic()))
            if self._needs is None or self._needs.id != needs.id:
                raise Conflict(
                    "it no longer asks that", hint="`inspan show ID` tells what it does."
                )
            await self._inner.write(self._keys(text).encode())
            self._answered = (self._needs, self._clock.monotonic() + CALM)
        self._typed()

    def _keys(self, text: str) -> str:
        shown, asks = self._discern.shown, self._asks()
        needs = None if shown is None else shown.needs
        keys = None if asks is None or needs is None else asks.keys(needs, text)
        if keys is None:
            raise BadInput(
                f"which keys say {text!r} to what it shows is not known",
                hint="`inspan attach ID` shows it, and types what you type.",
            )
        return keys

    # ── prompts with a receipt ───────────────────────────────────────────────

    async def check_prompt(self, text: str) -> None:
        """Raises BadInput, Conflict, InputFull."""
        self._turns.check(text)

    async def prompt(self, key: str, text: str) -> Arrival:
        """Type it, press Enter, and see whether it went; or have it wait until it is idle.

        Raises what ``write`` raises, and StoreFailed.
        """
        return await self._turns.take(key, text)

    async def knows(self, key: str) -> bool | None:
        """What another engine typed is in no recording."""
        return True if key in self._handed.arrivals else None

    def share(self, taken: Callable[[], bool]) -> None:
        """While ``taken`` says so a person types there, and nobody is typed over."""
        self._turns.taken = taken

    def _free_at(self) -> float:
        """From when on it takes a prompt; where nobody knows what it does, once it is still."""
        shown = self._discern.shown
        match self._doing():
            case Doing.IDLE if self._first.had:
                return -inf
            case Doing.UNKNOWN if shown is not None and self._drawn and self._first.had:
                return max(shown.since, self._drawn_at) + CALM
            case _:
                return inf

    def _doing(self) -> Doing:
        shown = self._discern.shown
        return Doing.UNKNOWN if shown is None else shown.doing

    def _own(self) -> float:
        """How much of its time is its own now: none where it was stopped, or nobody looked at it.

        It has all of it where nothing of it runs.
        """
        if self._drawn < self._size and self._clock.monotonic() >= self._drawn_at + _LATE:
            return 0.0
        resting = True if self._pid is None else rests(self._pid)
        return 0.0 if resting is None else 1.0 if resting else BUSY

    def _reached(self) -> Iterator[Observation]:
        for key, arrival in tuple(self._handed.arrivals.items()):
            if self._arrived.get(key) != arrival:
                self._arrived[key] = arrival
                yield Reached(key, arrival)

    # ── the process ──────────────────────────────────────────────────────────

    def halted(self) -> str:
        """That a signal stopped it, in words."""
        return self._inner.halted() if isinstance(self._inner, Halts) else ""

    async def resize(self, cols: int, rows: int) -> None:
        """Change the size of its terminal."""
        await self._inner.resize(cols, rows)
        self._discern.resized(self._clock.monotonic())

    async def attend(self, on: bool, *, shown: int | None = None) -> int | None:
        """Say whether a real terminal is attached."""
        return await self._inner.attend(on, shown=shown)

    async def interrupt(self) -> None:
        """SIGINT to the foreground process group, which is as good as a key."""
        await self._turns.drop(_INTERRUPTED)
        await self._inner.interrupt()
        self._typed()

    async def terminate(self) -> None:
        """SIGTERM to the whole tree."""
        await self._turns.drop(_INTERRUPTED)
        await self._inner.terminate()

    async def kill(self) -> int:
        """SIGKILL to the whole tree; how many processes are left."""
        await self._turns.drop(_INTERRUPTED)
        return await self._inner.kill()

    async def close(self) -> None:
        """Forget it: its exit has been stored."""
        await self._inner.close()


def _judged(told: Observation) -> Observation:
    """With how its agent ended, as far as that can be told without a word of it."""
    if isinstance(told, Finished):
        return replace(told, outcome=killed_there(told.exit))
    return told
