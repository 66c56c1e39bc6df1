"""The lives of code sessions: opened, found again, given another process, ended, forgotten.

Where a session stands is stored before a verb returns, but for that it is ready: what is stored as
starting is looked for alike. Every open session is held in memory; the store has one owner, and
nobody else can change one. What happens in a cell is not known here.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import anyio

from inspan.engine.code.asks import Asks, Capability
from inspan.engine.code.place import RESTORE, Heard, Place, reason_of
from inspan.engine.code.ports import CodeOrder, CodePorts, CodeRun
from inspan.engine.code.standing import Standing, standing
from inspan.engine.hindrances import AGAIN
from inspan.engine.ports import Change
from inspan.engine.turns import Turns
from inspan.errors import (
    BadInput,
    Conflict,
    InspanError,
    KeyReused,
    SessionEnded,
    SessionNotFound,
    StoreFailed,
)
from inspan.model.code import (
    CellBegan,
    CellEnd,
    CellEnded,
    CellEntered,
    CellOptions,
    CodeEvent,
    CodeSession,
    CodeSpec,
    Printed,
    RunEnded,
)
from inspan.model.ids import Ulids
from inspan.model.plain import dump, expect
from inspan.model.session import CodeState
from inspan.model.task import Reason

log = logging.getLogger(__name__)

_GONE: Final = Reason(
    "session-died",
    "The session's process ended while no daemon ran.",
    RESTORE,
)

_CLOSED: Final = reason_of(SessionEnded("The session was closed."))
#: What a session may be called: in a command line as it is, and no word for a session.
_NAME: Final = re.compile(r"(?!last$)[^\W_][\w.-]{0,63}")
#: Seconds for the end of a session that did not begin to be stored before its error is told.
_STORED: Final = 5.0
#: Seconds after which the keeper makes a process that was asked for, and this one waits for it.
_ASKED: Final = 0.002
#: What is told of each cell.
_OF_CELLS: Final = (
    CodeEvent,
    CellEntered,
    CellOptions,
    CellBegan,
    CellEnded,
    CellEnd,
    Printed,
)

Spawn = Callable[[Callable[[], Awaitable[None]]], None]


class Lives:
    """Every code session of one store; ``spawn`` runs an errand beside the caller."""

    def __init__(self, ports: CodePorts, capabilities: Sequence[Capability], spawn: Spawn) -> None:
        self.asks = Asks(ports, capabilities, spawn)
        #: Those that are open, or about to be stored as over.
        self.places: dict[str, Place] = {}
        self._ports = ports
        self._spawn = spawn
        #: Names of open sessions, those that are being opened among them.
        self._names: dict[str, str] = {}
        self._turns = Turns()
        self._ids = Ulids()
        self._heard = Heard(self._ended, self.asks.heard, self.asks.withdrawn)

    # ── an engine comes and goes ──────────────────────────────────────────────

    async def load(self) -> None:
        """Take up what an earlier engine left; each is looked for beside the caller."""
        await self.asks.load()
        for session in await self._ports.store.code_sessions(ended=False):
            last, word = await self._ports.transcripts.last(session.id)
            stands = standing(word)
            place = self._place(session, last, stands)
            if session.spec.name is not None:
                self._names[session.spec.name] = session.id
            self._spawn(partial(self._adopt, place, stands))

    async def abandon(self) -> None:
        """Leave every process running, for an engine that comes later."""
        for place in self.places.values():
            if place.run is not None:
                await place.run.abandon()

    async def close_all(self, deadline: float) -> None:
        """End every session, side by side."""
        async with anyio.create_task_group() as group:
            for place in tuple(self.places.values()):
                group.start_soon(self._close, place, deadline)

    def holds(self, run: str) -> bool:
        """Whether a session is open that this run serves, or may."""
        place = self.places.get(run.rpartition("-")[0])
        return place is not None and _order(place.session).name == run

    # ── verbs ─────────────────────────────────────────────────────────────────

    async def open(self, spec: CodeSpec, key: str | None) -> Place:
        """A new session, ready; or the place of the one that ``key`` made.

        Raises BadInput, Conflict, KeyReused, and what starting a process raises.
        """
        self.asks.check(spec.grants)
        if key == "":
            raise BadInput("an empty key tells no request from another", hint="Leave it out.")
        if key is None:
            return await self._start(await self._create(spec, {}))
        async with self._turns.of(f"key {key}"):
            digest = _digest(spec)
            used = await self._ports.store.by_key(key)
            if used is None:
                return await self._start(await self._create(spec, {key: digest}))
        if used[1] != digest:
            raise KeyReused(f"the key {key!r} made {used[0]} from another request")
        place = await self.find(used[0])
        await place.settled.wait()
        return place

    async def find(self, ref: str) -> Place:
        """The place of a session, by id or name. Raises SessionNotFound.

        One that is over has a place to look at, made for it.
        """
        place = self.places.get(ref) or self.places.get(self._names.get(ref, ""))
        if place is not None:
            return place
        session = await self._ports.store.code_session(ref)
        if session is None:
            raise SessionNotFound(
                f"No code session has the id or the name {ref!r}.",
                hint="`inspan py ls --all` lists them.",
            )
        last, word = await self._ports.transcripts.last(session.id)
        place = self.places.get(session.id)
        return self._make(session, last, standing(word)) if place is None else place

    async def all(self, *, ended: bool) -> tuple[CodeSession, ...]:
        """Sessions as they are now, oldest first."""
        if not ended:
            open_ones = [place.now() for place in self.places.values() if place.session.open]
            return tuple(sorted(open_ones, key=lambda one: one.id))
        stored = await self._ports.store.code_sessions(ended=True)
        return tuple([await self._as_it_is(session) for session in stored])

    async def revive(self, ref: str) -> Place:
        """Its place, with a process. Raises Conflict, and what starting one raises."""
        place = await self.find(ref)
        async with self._turns.of(place.session.id):
            place = await self.find(place.session.id)
            if place.run is None:
                await place.settled.wait()
            if place.run is None:
                await self._again(place)
        return place

    async def close(self, ref: str, deadline: float, why: Reason | None = None) -> CodeSession:
        """End it; it is over, and stored as such, when this returns."""
        place = await self.find(ref)
        async with self._turns.of(place.session.id):
            place.closing = why
            try:
                await self._close(place, deadline)
            finally:
                place.closing = None
            if why is None and not place.session.closed:
                await self._give_up(place)
        return place.now()

    async def forget(self, session: str) -> bool:
        """Delete all of one that is over; False where it is not, any more."""
        async with self._turns.of(session):
            if session in self.places:
                return False
            # The row is last: while it is there, this is tried again.
            await self._ports.provider.remove(session)
            await self._ports.transcripts.remove(session)
            await self._ports.store.forget_code([session])
        return True

    # ── how one begins ────────────────────────────────────────────────────────

    def _place(self, session: CodeSession, head: int, stands: Standing) -> Place:
        place = self.places[session.id] = self._make(session, head, stands)
        place.settled.clear()
        place.feed.reopen()
        return place

    def _make(self, session: CodeSession, head: int, stands: Standing) -> Place:
        ports = self._ports
        place = Place(
            session, ports.transcripts, ports.clock, self._heard, head=head, standing=stands
        )
        place.settled.set()
        place.feed.end()
        return place

    async def _create(self, spec: CodeSpec, keys: dict[str, str]) -> Place:
        if spec.name is not None and not _NAME.fullmatch(spec.name):
            raise BadInput(
                f"{spec.name!r} is no name for a session",
                hint="It is of at most 64 letters, digits, '.', '_' and '-', begins with a letter"
                " or a digit, and is not `last`.",
            )
        now = self._ports.clock.now()
        made = self._ids.next(now, self._ports.clock.entropy(10))
        session = CodeSession(id=f"py-{made}", spec=spec, state=CodeState.STARTING, created_at=now)
        self._take_name(session)
        used = {key: (session.id, digest) for key, digest in keys.items()}
        try:
            await self._ports.store.commit(Change(code=(session,), keys=used))
        except BaseException:
            self._free_name(session)
            raise
        return self._place(session, 0, Standing())

    async def _again(self, place: Place) -> None:
        """Another process for one that is over."""
        old = place.session
        session = replace(
            old,
            state=CodeState.STARTING,
            run=old.run + 1,
            pid=None,
            ended_at=None,
            reason=None,
        )
        self._take_name(session)
        try:
            await self._ports.store.commit(Change(code=(session,)))
        except BaseException:
            self._free_name(session)
            raise
        place.session = session
        place.settled.clear()
        place.feed.reopen()
        self.places[session.id] = place
        await self._start(place)

    async def _start(self, place: Place) -> Place:
        order = _order(place.session)
        asyncio.get_running_loop().call_later(_ASKED, _expect_cells)
        try:
            run = await self._ports.provider.open(order, place.sink)
        except BaseException as error:
            why = reason_of(error)
            if place.session.open:
                place.sink(RunEnded(place.session.run, why), "")
            with anyio.move_on_after(_STORED, shield=True):
                await self._bury(place, place.session.run)
            raise
        self._ready(place, run)
        return place

    def _ready(self, place: Place, run: CodeRun) -> None:
        """Its process is there: let in who waits for that, and have it stored."""
        if not place.session.open:
            return
        place.run = run
        place.session = replace(place.session, state=CodeState.READY, pid=run.pid)
        place.settled.set()
        self._spawn(partial(self._store_ready, place, place.session))

    async def _store_ready(self, place: Place, ready: CodeSession) -> None:
        """Nobody waits for it: it is stored as starting, which recovery takes for the same."""
        if place.session is not ready:
            return  # it is over already
        try:
            await self._ports.store.commit(Change(code=(ready,)))
        except StoreFailed as error:
            log.warning("not stored yet: %s", error, extra={"session": ready.id})

    async def _adopt(self, place: Place, stands: Standing) -> None:
        """Find the process of a session that an earlier engine had."""
        session, run, why = place.session, None, _GONE
        told = stands.run == session.run
        if told and stands.over:
            await self._remember_end(place)
            return
        try:
            await self._recall(place, stands)
            mark = stands.mark if told else ""
            cells = [one.cell for one in place.cells.values()]
            run = await self._ports.provider.adopt(_order(session), place.sink, mark, cells)
        except InspanError as error:
            why = reason_of(error)
        if place.session.run != session.run:
            return  # the end was told on the way, and somebody wanted it back
        if run is not None:
            self._ready(place, run)
            await self.asks.resume(place)
        elif place.session.open:
            place.sink(RunEnded(session.run, why), "")

    async def _recall(self, place: Place, stands: Standing) -> None:
        read = self._ports.transcripts.read
        pages = [await read(place.session.id, seq - 1, 1) for seq in stands.open]
        place.recall(event for page in pages for event in page)

    async def _remember_end(self, place: Place) -> None:
        """Its end was told, and the engine died before it was stored."""
        head = place.feed.head
        (last,) = await self._ports.transcripts.read(place.session.id, head - 1, 1)
        place.over(last.fact.reason if isinstance(last.fact, RunEnded) else _GONE, last.at)
        await self._bury(place, place.session.run)

    # ── how one ends ──────────────────────────────────────────────────────────

    async def _close(self, place: Place, deadline: float) -> None:
        if place.run is None:
            await place.settled.wait()
        if place.run is not None:
            await place.run.close(deadline)
        await self._bury(place, place.session.run)

    async def _give_up(self, place: Place) -> None:
        """Close one that was over by itself: nobody wants it back."""
        place.session = replace(place.session, reason=_CLOSED)
        await self._ports.store.commit(Change(code=(place.session,)))

    def _ended(self, place: Place) -> None:
        self._spawn(partial(self._bury, place, place.session.run))
        self._spawn(partial(self.asks.lose, place))

    async def _bury(self, place: Place, run: int) -> None:
        """Store that it is over, however often that has to be tried; once, whoever asks first."""
        async with self._turns.of(f"end of {place.session.id}"):
            if place.session.run == run and not place.settled.is_set():
                await self._store_end(place)

    async def _store_end(self, place: Place) -> None:
        pause, most = AGAIN
        while True:
            try:
                await self._ports.store.commit(Change(code=(place.session,)))
                break
            except StoreFailed as error:
                log.warning("not stored yet: %s", error, extra={"session": place.session.id})
            await self._ports.clock.sleep(pause)
            pause = min(most, pause * 2)
        self._free_name(place.session)
        del self.places[place.session.id]
        self._ports.transcripts.release(place.session.id)
        place.settled.set()
        place.feed.end()

    # ── names ─────────────────────────────────────────────────────────────────

    def _take_name(self, session: CodeSession) -> None:
        name = session.spec.name
        if name is None:
            return
        if name in self._names:
            raise Conflict(f"The session {self._names[name]} is open and called {name!r}.")
        self._names[name] = session.id

    def _free_name(self, session: CodeSession) -> None:
        name = session.spec.name
        if name is not None and self._names.get(name) == session.id:
            del self._names[name]

    async def _as_it_is(self, session: CodeSession) -> CodeSession:
        place = self.places.get(session.id)
        if place is not None:
            return place.now()
        _, word = await self._ports.transcripts.last(session.id)
        return replace(session, cells=standing(word).cells)


def _order(session: CodeSession) -> CodeOrder:
    return CodeOrder(name=f"{session.id}-{session.run}", session=session.id, spec=session.spec)


def _expect_cells() -> None:
    for kind in _OF_CELLS:
        expect(kind)


def _digest(spec: CodeSpec) -> str:
    text = json.dumps([dump(spec), sorted(spec.env.items())], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
