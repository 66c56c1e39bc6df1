"""What code asks of its host: granted or refused, kept as a promise, done, and told to the code.

A promise that is pending when an engine dies is taken up by the next one; the code goes on waiting
meanwhile. It knows no capability, only that each has a name and a grant.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

import anyio

from inspan.engine.code.place import Place
from inspan.engine.code.ports import CodeAsked, CodePorts
from inspan.engine.promises import Promises
from inspan.errors import (
    BadInput,
    InputFull,
    InspanError,
    NotFound,
    NotGranted,
    PromiseCanceled,
    PromiseNotFound,
    PromiseRejected,
    PromiseSettled,
    PromiseTimedOut,
    SessionDied,
    SessionEnded,
    Unable,
    by_code,
)
from inspan.model.code import Grants, asked_by
from inspan.model.promise import Promise, PromiseState, plain

log = logging.getLogger(__name__)

#: Questions of one session that are open at once; the next one is refused.
MOST: Final = 256
#: Of what comes with a question, in bytes of JSON.
PAYLOAD_MOST: Final = 1 << 18
#: Questions of one session that are settled and still stored.
KEPT: Final = 64
_MISSED: Final = "The daemon ended before it had taken this; ask again."
#: Seconds after its time for which an answer is told again: as long as the worker waits for it.
_GRACE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and by what right."""

    #: What the session was granted of it: for ``http=X`` that is ``X``, for ``tasks`` it is empty.
    given: tuple[str, ...]
    payload: Any

    def fields(self, names: Sequence[str]) -> dict[str, Any]:
        """The payload, a dict with none but these names. Raises BadInput."""
        if not isinstance(self.payload, Mapping):
            raise BadInput(f"what is asked is a dict; its keys are {', '.join(names)}")
        strange = [key for key in self.payload if key not in names]
        if strange:
            raise BadInput(f"there is no {strange[0]!r:.100} here; there is {', '.join(names)}")
        return dict(self.payload)


@dataclass(frozen=True, slots=True)
class Ask(Question):
    """One question of a session: who asks, and under which id its answer is kept."""

    place: Place
    promise: str
    cell: str | None


class Capability(Protocol):
    """Something that code may ask its host for."""

    @property
    def name(self) -> str:
        """As ``host.ask`` has it."""
        ...

    @property
    def grant(self) -> str:
        """The word in ``Grants.capabilities`` that allows it, up to a ``=``."""
        ...

    @property
    def word(self) -> str:
        """How that is written, for who has to be told."""
        ...

    def check(self, given: Sequence[str]) -> None:
        """See whether this, as in ``Ask.given``, can be granted. Raises BadInput."""
        ...

    async def asked(self, ask: Ask) -> Any:
        """The answer, which JSON has. Raises InspanError, which the code is told.

        It is cancelled when nobody waits any more or the engine ends, and called again under the
        same promise by the next engine: what it does must be there once all the same.
        """
        ...


class Asks:
    """The questions of every session of one store. ``load`` comes first."""

    def __init__(
        self,
        ports: CodePorts,
        capabilities: Sequence[Capability],
        spawn: Callable[[Callable[[], Awaitable[None]]], None],
    ) -> None:
        self._promises = Promises(ports.store, ports.clock)
        self._clock = ports.clock
        self._known = {each.name: each for each in capabilities}
        self._spawn = spawn
        #: Promises that are seen to, by session.
        self._open: dict[str, set[str]] = {}
        #: Promises whose end was told, by session, first told first.
        self._told: dict[str, deque[str]] = {}

    def check(self, grants: Grants) -> None:
        """See whether these can be granted. Raises BadInput."""
        known = sorted({each.grant for each in self._known.values()})
        for word in grants.capabilities:
            if word.partition("=")[0] not in known:
                raise BadInput(
                    f"grants.capabilities: there is no {word[:100]!r}; there is {', '.join(known)}"
                )
        for capability in self._known.values():
            try:
                capability.check(given_of(grants.capabilities, capability.grant))
            except BadInput as error:
                raise BadInput(f"grants.capabilities: {error.message}", hint=error.hint) from None

    async def load(self) -> None:
        """Take up the promises of the store."""
        await self._promises.load()

    def heard(self, place: Place, asked: CodeAsked) -> None:
        """Its code asks; quick."""
        self._spawn(partial(self._see_to, place, asked))

    def waits(self, session: str) -> bool:
        """Whether code of it waits for an answer."""
        return session in self._open

    def withdrawn(self, place: Place, promise: str) -> None:
        """Its code waits for that no longer; quick."""
        name = f"{asked_by(place.session.id)}/{promise}"
        self._spawn(partial(self._give_up, name, "Nobody waits for it any more."))

    async def resume(self, place: Place) -> None:
        """Its run was found again: go on with what it waits for."""
        since = self._clock.now() - _GRACE
        under = asked_by(place.session.id)
        stored = await self._promises.under(under)
        for promise in stored:
            if not promise.settled or (promise.timeout_at or 0.0) > since:
                self.heard(place, _asked(promise))
            else:
                await self._remember(place, promise.id)
        known = {promise.id for promise in stored}
        for name in place.untaken():
            if f"{under}/{name}" not in known:
                await _tell(place, name, error=Unable(_MISSED))
            place.taken(name)

    async def lose(self, place: Place) -> None:
        """Its process is gone: nobody waits any more."""
        self._told.pop(place.session.id, None)
        under = f"{asked_by(place.session.id)}/"
        for promise in self._promises.pending():
            if promise.id.startswith(under):
                await self._give_up(promise.id, "The session's process is gone.")

    async def answer(self, request: str, text: str | None) -> None:
        """A person answers. Raises PromiseSettled, PromiseNotFound, StoreFailed."""
        if text is None:
            await self._promises.reject(request, "Nobody wants to answer.")
        else:
            await self._promises.resolve(request, text)

    # ── within ────────────────────────────────────────────────────────────────

    async def _give_up(self, name: str, why: str) -> None:
        # One that was refused is no promise, and one that is settled has its answer.
        with suppress(PromiseSettled, PromiseNotFound):
            await self._promises.cancel(name, why)

    async def _see_to(self, place: Place, asked: CodeAsked) -> None:
        name = f"{asked_by(place.session.id)}/{asked.promise}"
        mine = self._open.setdefault(place.session.id, set())
        if name in mine:
            return
        full = len(mine) >= MOST
        mine.add(name)
        try:
            if full:
                raise InputFull(f"{MOST} questions of this session are open already.")
            await _tell(place, asked.promise, value=await self._value(place, asked, name))
        except InspanError as error:
            await _tell(place, asked.promise, error=error)
            place.taken(asked.promise)
        finally:
            mine.discard(name)
            if not mine and self._open.get(place.session.id) is mine:
                del self._open[place.session.id]

    async def _remember(self, place: Place, name: str) -> None:
        """It is settled: kept for a while, for who was not told, and then forgotten."""
        if not place.session.open:
            return  # all of it is forgotten with the session
        told = self._told.setdefault(place.session.id, deque())
        if name in told:
            return
        told.append(name)
        if len(told) > KEPT:
            await self._promises.forget([told.popleft()])

    async def _value(self, place: Place, asked: CodeAsked, name: str) -> Any:
        """What the code is told. Raises what it is told instead."""
        found = self._known.get(asked.capability)
        if found is None:
            known = ", ".join(sorted(self._known))
            raise NotFound(f"There is no capability {asked.capability!r}; there is {known}.")
        size = len(json.dumps(plain(asked.payload, "what is asked")))
        if size > PAYLOAD_MOST:
            raise BadInput(f"What is asked has {size} bytes, and {PAYLOAD_MOST} are the most.")
        given = given_of(place.session.spec.grants.capabilities, found.grant)
        if not given:
            raise NotGranted(
                f"This session was not granted {found.grant!r}, which {found.name!r} needs."
                f" Open one with `inspan py --session NAME --grant {found.word}`, or with"
                f" Grants(capabilities=({found.word!r},))."
            )
        settled = await self._answered(place, asked, name, found, given)
        if place.wants(name):
            place.given(name)
        await self._remember(place, name)
        if settled.state is not PromiseState.RESOLVED:
            raise _error(settled)
        return settled.value

    async def _answered(
        self,
        place: Place,
        asked: CodeAsked,
        name: str,
        capability: Capability,
        given: tuple[str, ...],
    ) -> Promise:
        promise = await self._promises.create(
            name,
            param=[asked.cell, asked.promise, asked.capability, asked.payload],
            timeout=asked.timeout,
            key=name,
        )
        place.taken(asked.promise)
        if promise.settled:
            return promise
        ask = Ask(given, promise.param[3], place, name, asked.cell)
        left = (promise.timeout_at or 0.0) - self._clock.now()
        async with anyio.create_task_group() as group:
            group.start_soon(self._do, capability, ask)
            await self._promises.wait(name, max(0.0, left))
            group.cancel_scope.cancel()
        return await self._promises.get(name)

    async def _do(self, capability: Capability, ask: Ask) -> None:
        try:
            try:
                value = await capability.asked(ask)
            except InspanError as error:
                await self._promises.reject(ask.promise, _rejection(error))
            except Exception as error:
                log.exception("%s failed", capability.name)
                why = f"{type(error).__name__}: {error}"
                failed = Unable(f"{capability.name} failed: {why}")
                await self._promises.reject(ask.promise, _rejection(failed))
            else:
                await self._promises.resolve(ask.promise, value)
        except PromiseSettled as error:
            log.debug("%s", error)  # somebody was quicker: his answer counts
        except InspanError as error:
            log.warning("not answered: %s", error, extra={"promise": ask.promise})


def given_of(capabilities: Sequence[str], grant: str) -> tuple[str, ...]:
    """What is said of a grant each time that it is among these words."""
    words = (word.partition("=") for word in capabilities)
    return tuple(given for name, _, given in words if name == grant)


def _rejection(error: InspanError) -> dict[str, str]:
    return {"code": error.code, "message": error.message}


def _error(promise: Promise) -> InspanError:
    """What the code is told where its promise was not resolved."""
    value = promise.value
    if promise.state is PromiseState.TIMEDOUT:
        return PromiseTimedOut("Nobody answered in time.")
    if promise.state is PromiseState.CANCELED:
        return PromiseCanceled(value)
    if isinstance(value, Mapping):
        return by_code(value["code"], value["message"])
    return PromiseRejected(value)


def _asked(promise: Promise) -> CodeAsked:
    cell, name, capability, payload = promise.param
    left = 0.0 if promise.timeout_at is None else promise.timeout_at - promise.created_at
    return CodeAsked(cell, name, capability, payload, left)


async def _tell(
    place: Place, promise: str, *, value: object = None, error: InspanError | None = None
) -> None:
    try:
        run = await place.alive()
        try:
            await run.settle(promise, value=value, error=error)
        except BadInput as too_much:
            await run.settle(promise, error=too_much)
    except (SessionDied, SessionEnded) as gone:
        log.debug("nobody waits for %s: %s", promise, gone)
