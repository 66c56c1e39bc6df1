"""One open session: what its run tells becomes events, and its cells are known by them.

An event goes to the transcript first and then to who follows. It knows no store, no name and no
other session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from inspan.engine.code.feed import Feed
from inspan.engine.code.ports import (
    CodeAsked,
    CodeRun,
    CodeSeen,
    CodeWithdrawn,
    Transcripts,
)
from inspan.engine.code.standing import Standing, word
from inspan.engine.ports import Clock
from inspan.errors import InspanError, SessionEnded, StoreFailed
from inspan.model.code import (
    Asked,
    Cell,
    CellBegan,
    CellEnd,
    CellEnded,
    CellEntered,
    CellOptions,
    CellState,
    CodeEvent,
    CodeFact,
    CodeSession,
    Given,
    Opened,
    Pulse,
    RunEnded,
    Wanted,
    asked_by,
)
from inspan.model.session import CodeState
from inspan.model.task import Reason
from inspan.model.value import replaced, value

log = logging.getLogger(__name__)

#: Cells that have ended whose place in the transcript is known without a look.
_RECENT: Final = 256
#: What can be done about a session that is over.
RESTORE: Final = "`restore` gives it another process and the names of a checkpoint."
_LOST: Final = CellEnd(state=CellState.LOST)


@dataclass(slots=True)
class Open:
    """A cell as it was entered by the event ``seq``, and how far it has got since."""

    entered: Cell
    seq: int
    state: CellState = CellState.WAITING
    end: CellEnd | None = None

    @property
    def cell(self) -> Cell:
        """It as it is now."""
        return replaced(self.entered, state=self.state, end=self.end)


@value(frozen=True)
class Heard:
    """What somebody else must act on, called on the loop; each must be quick."""

    ended: Callable[[Place], None]
    asked: Callable[[Place, CodeAsked], None]
    withdrawn: Callable[[Place, str], None]


class Place:
    """A session in memory. ``sink`` is what a provider is given for a run."""

    def __init__(
        self,
        session: CodeSession,
        transcripts: Transcripts,
        clock: Clock,
        heard: Heard,
        *,
        head: int,
        standing: Standing,
    ) -> None:
        self.session = session
        self.feed = Feed(session.id, transcripts, head)
        #: While a process serves it.
        self.run: CodeRun | None = None
        #: Cells that have not ended, in order.
        self.cells: dict[str, Open] = {}
        #: Set while nothing of its life is under way: it has a run, or is over and stored as such.
        self.settled = asyncio.Event()
        #: When something last happened in it, or it was found; monotonic.
        self.touched = clock.monotonic()
        #: Why it is being closed, where that is not because somebody asked; it takes no cell then.
        self.closing: Reason | None = None
        #: One at a time, so that they are numbered as they are sent.
        self._entering = asyncio.Lock()
        self._transcripts = transcripts
        self._clock = clock
        self._heard = heard
        #: The events of what is open, see ``Standing``.
        self._open: tuple[int, ...] = ()
        self._wanted: dict[str, tuple[str | None, int]] = {}
        #: What was asked of the host and is not a promise yet, and the number of its event.
        self._asked: dict[str, int] = {}
        #: How a request begins that code made of its host.
        self._asks = f"{asked_by(session.id)}/"
        self._recent: dict[str, int] = {}
        self._count = standing.cells
        self._mark = standing.mark
        self._told = standing.run
        self._over = standing.over
        self._pulse: Pulse | None = None
        #: Appended, and not published yet: before what it is written with, or before it is sent.
        self._begun: list[CodeEvent] = []

    # ── how it is ─────────────────────────────────────────────────────────────

    def now(self) -> CodeSession:
        """The session with what is not stored."""
        session = self.session
        if session.open and self.run is not None:
            state = CodeState.BUSY if self.cells else CodeState.READY
            session = replaced(session, state=state)
        return replaced(session, cells=self._count, pulse=self._pulse)

    async def alive(self) -> CodeRun:
        """Its run, once it is started or found. Raises SessionEnded."""
        if self.run is None:
            await self.settled.wait()
            if self.run is None:
                raise self.ended()
        return self.run

    def ended(self) -> SessionEnded:
        """The error of who wants something of a session that is over, or is being closed."""
        why = self.closing or self.session.reason
        said = "" if why is None else f": {why.message}"
        return SessionEnded(f"The code session {self.session.id} is over{said}", hint=RESTORE)

    def since(self, cell: str) -> int | None:
        """The number before its first event, where that is known without a look."""
        found = self.cells.get(cell)
        seq = self._recent.get(cell) if found is None else found.seq
        return None if seq is None else seq - 1

    def over(self, reason: Reason, at: float) -> None:
        """Its process is gone."""
        self.run = None
        self.settled.clear()
        self.session = replaced(
            self.session, state=CodeState.TERMINATED, reason=reason, ended_at=at, pid=None
        )

    def wants(self, request: str) -> bool:
        """Whether a cell waits for this line."""
        return request in self._wanted

    # ── what happens ──────────────────────────────────────────────────────────

    async def execute(self, code: str, options: CellOptions) -> Cell:
        """Hand in a cell. Raises InputFull, BadInput, SessionEnded, SessionDied."""
        run = self.run or await self.alive()
        async with self._entering:
            if self.closing is not None:
                raise self.ended()
            number = self._count + 1
            name = f"c{number}"
            cell = Cell(session=self.session.id, id=name, number=number, code=code, options=options)

            def entered() -> None:
                self._count = number
                self.cells[name] = Open(cell, self._next())
                self._opened()
                self._append(CellEntered(name, number, code, options))

            try:
                await run.execute(name, code, options, entered)
            finally:
                # The worker has it by now, and goes on meanwhile.
                self._publish()
        return cell

    async def interrupt(self, cell: str | None, deadline: float) -> Cell | None:
        """Interrupt one, or the one that runs; it as it ended."""
        found = next(iter(self.cells.values()), None) if cell is None else self.cells.get(cell)
        if found is None:
            return None
        await (await self.alive()).interrupt(found.entered.id, deadline)
        return found.cell

    async def answer(self, request: str, text: str | None) -> bool:
        """Give a line; False where nothing waits for it."""
        run = await self.alive()
        if self._wanted.pop(request, None) is None:
            return False
        self._opened()
        await run.answer(request, text)
        self.tell(Given(request))
        return True

    def want(self, wanted: Wanted) -> None:
        """Somebody else wants a line, and sees to the answer."""
        self._note(wanted)
        self.tell(wanted)

    def given(self, request: str) -> None:
        """Somebody else has answered it, or nobody will."""
        self._wanted.pop(request, None)
        self._opened()
        self.tell(Given(request))

    def taken(self, promise: str) -> None:
        """What was asked is a promise from now on, or was refused."""
        if self._asked.pop(promise, None) is not None:
            self._opened()

    def untaken(self) -> tuple[str, ...]:
        """What was asked of an engine that ended before it had taken it."""
        return tuple(self._asked)

    def sink(self, seen: CodeSeen, mark: str, *, more: bool = False) -> None:
        """What a run tells; see the port."""
        if isinstance(seen, CellEnded):
            self._end(seen, mark)
            return
        self._mark = mark
        match seen:
            case Pulse():
                self._pulse = seen
            case CodeAsked(cell=cell, promise=promise, capability=capability):
                # What is told later moves the mark: were this nowhere, it could get lost.
                fact = Asked(cell, promise, capability)
                self._note(fact)
                self.tell(fact)
                self._heard.asked(self, seen)
            case CodeWithdrawn(promise):
                self._heard.withdrawn(self, promise)
            case RunEnded():
                self._die(seen)
            case _:
                self._note(seen)
                self.tell(seen, more=more)

    def tell(self, fact: CodeFact, *, more: bool = False) -> None:
        """Append it, then publish; ``more``: together with the next, which comes at once."""
        self._append(fact, more=more)
        if not more:
            self._publish()

    def _append(self, fact: CodeFact, *, more: bool = False) -> None:
        clock = self._clock
        self.touched = clock.monotonic()
        event = CodeEvent(self._next(), clock.now(), self.session.id, fact)
        try:
            self._transcripts.append(event, self._word(), more=more)
        except StoreFailed as error:
            # Who follows hears of it all the same: an end that nobody is told is worse.
            log.warning("not in the transcript: %s", error, extra={"session": self.session.id})
        self._begun.append(event)

    def _publish(self) -> None:
        if self._begun:
            begun, self._begun = self._begun, []
            self.feed.publish(begun)

    def _next(self) -> int:
        """The number of the next event."""
        return self.feed.head + len(self._begun) + 1

    def _word(self) -> str:
        return word(self._told, self._count, self._over, self._open, self._mark)

    def recall(self, events: Iterable[CodeEvent]) -> None:
        """Take up what an earlier engine left open."""
        for event in events:
            fact = event.fact
            if isinstance(fact, CellEntered):
                cell = Cell(
                    session=self.session.id,
                    id=fact.cell,
                    number=fact.number,
                    code=fact.code,
                    options=fact.options,
                )
                self.cells[fact.cell] = Open(cell, event.seq)
            elif isinstance(fact, Wanted):
                self._wanted[fact.request] = (fact.cell, event.seq)
            elif isinstance(fact, Asked):
                self._asked[fact.promise] = event.seq
        self._opened()

    # ── within ────────────────────────────────────────────────────────────────

    def _note(self, fact: CodeFact) -> None:
        match fact:
            case Opened(run=number, pid=pid):
                self._told, self._over = number, False
                self.session = replaced(self.session, pid=pid)
            case CellBegan(cell=name) if name in self.cells:
                self.cells[name].state = CellState.RUNNING
            case Wanted(cell=cell, request=request):
                self._wanted[request] = (cell, self._next())
                self._opened()
            case Asked(promise=promise):
                self._asked[promise] = self._next()
                self._opened()

    def _end(self, ended: CellEnded, mark: str) -> None:
        name, end = ended.cell, ended.end
        if self._wanted:
            self._want_no_more(name)
        found = self.cells.pop(name, None)
        self._opened()
        if found is not None:
            found.state, found.end = end.state, end
            self._recent[name] = found.seq
            if len(self._recent) > _RECENT:
                del self._recent[next(iter(self._recent))]
        # Not before: an engine that goes on from ``mark`` is not told of the end again.
        self._mark = mark
        self.tell(ended)

    def _want_no_more(self, name: str) -> None:
        """Nothing of the run waits, with this cell; what was asked of the host may go on."""
        for request in [one for one, (cell, _) in self._wanted.items() if cell == name]:
            if not request.startswith(self._asks):
                self.given(request)

    def _opened(self) -> None:
        """What is open has changed."""
        seqs = [one.seq for one in self.cells.values()]
        if self._wanted:
            seqs += [seq for _, seq in self._wanted.values()]
        if self._asked:
            seqs += self._asked.values()
        self._open = tuple(seqs)

    def _lose(self) -> None:
        for name in [*self.cells]:
            self._end(CellEnded(name, _LOST), self._mark)

    def _die(self, seen: RunEnded) -> None:
        self._lose()
        for request in [*self._wanted]:
            self.given(request)
        self._asked.clear()
        self._opened()
        self._over, self._told = True, seen.run
        why = self.closing or seen.reason
        hint = why.hint
        if self.run is not None or not hint:
            hint = f"{hint} {RESTORE}".lstrip()
        seen = replaced(seen, reason=replaced(why, hint=hint))
        self.over(seen.reason, self._clock.now())
        self.tell(seen)
        self._heard.ended(self)


def reason_of(error: BaseException) -> Reason:
    """Why a session is over, for who reads of it."""
    if isinstance(error, InspanError):
        return Reason(error.code, error.message, error.hint)
    return Reason("internal", f"{type(error).__name__}: {error}")
