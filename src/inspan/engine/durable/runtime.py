"""Runs durable functions, and goes on with those that a death has cut short.

A run is a promise with the id that its caller chose: it says which function with which arguments,
and how that ended. It never knows where promises are kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Iterable
from typing import Any, Final, TypeVar

import anyio
from anyio.abc import TaskGroup

from inspan.engine.durable.context import DurableContext
from inspan.engine.durable.function import DurableFunction
from inspan.engine.durable.journal import Journal
from inspan.engine.durable.outcome import asked_to_stop, failure, given
from inspan.engine.ports import Clock
from inspan.engine.promises import Promises
from inspan.errors import BadInput, PromiseExists, PromiseSettled, RunDiffers, StoreFailed
from inspan.model.promise import Promise, Verb, plain

T = TypeVar("T")

log = logging.getLogger(__name__)

#: The tag of a promise that is a run; its value names the function.
_FUNCTION: Final = "inspan:function"
#: The idempotency key of a run's own end.
_KEY: Final = "run"


class _Active:
    """A run that goes on in this process."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        #: Why it stopped without an end; it goes on with the next ``run`` or ``recover``.
        self.error: Exception | None = None


class Runtime:
    """Durable functions at work over ``promises``, each run as a task of ``group``.

    As many run at once as were asked for: most of them only wait.
    """

    def __init__(
        self,
        promises: Promises,
        clock: Clock,
        group: TaskGroup,
        functions: Iterable[DurableFunction[..., Any]] = (),
    ) -> None:
        #: To settle what a function waits for, and to look at it.
        self.promises = promises
        self._clock = clock
        self._group = group
        self._functions: dict[str, DurableFunction[..., Any]] = {}
        self._active: dict[str, _Active] = {}
        for function in functions:
            self._know(function)

    async def run(
        self,
        fn: DurableFunction[..., T],
        *args: Any,
        id: str,  # noqa: A002 - what it is called everywhere else
        **kwargs: Any,
    ) -> T:
        """What ``fn`` gives; with an ``id`` that was used before, what that run gave or will give.

        Leaving the call leaves the run at work. Raises what the run ended with, the same each
        time: StepFailed for an error that is not inspan's. Raises RunDiffers where the id belongs
        to another function or other arguments, NotStorable where they are not JSON. Where it
        raises NotDeterministic, NotStorable or StoreFailed the run has not ended: it goes on from
        its last step when it is run again.
        """
        self._know(fn)
        if "/" in id:
            raise BadInput(f"the id {id!r} cannot have a slash", hint="It parts runs from steps.")
        asked = plain([args, kwargs], f"an argument of {fn.name!r}")
        key = hashlib.sha256(json.dumps([fn.name, asked], sort_keys=True).encode()).hexdigest()
        try:
            promise = await self.promises.create(
                id, param=asked, key=key, tags={_FUNCTION: fn.name}
            )
        except PromiseExists as error:
            raise RunDiffers(f"the id {id!r} belongs to another run or promise") from error
        if not promise.settled:
            self._start(promise)
        value: T = await self.result(id)
        return value

    async def recover(self) -> tuple[str, ...]:
        """Go on with every run that has not ended and whose function is known; their ids."""
        going = []
        for promise in self.promises.pending():
            name = promise.tags.get(_FUNCTION)
            if name in self._functions:
                self._start(promise)
                going.append(promise.id)
            elif name is not None:
                log.warning("nobody knows the function %s", name, extra={"run": promise.id})
        return tuple(going)

    async def result(self, run: str) -> Any:
        """What a run or another promise gives, once it does. Raises as ``run`` does."""
        active = self._active.get(run)
        if active is not None:
            await active.ended.wait()
            if active.error is not None and not (await self.promises.get(run)).settled:
                raise active.error
        return given(await self.promises.wait(run))

    def _know(self, function: DurableFunction[..., Any]) -> None:
        known = self._functions.setdefault(function.name, function)
        if known.body is not function.body:
            raise BadInput(
                f"two durable functions are called {function.name!r}",
                hint='Give one of them another name: `@inspan.durable(name="...")`.',
            )

    def _start(self, promise: Promise) -> None:
        if promise.id not in self._active:
            active = self._active[promise.id] = _Active()
            self._group.start_soon(self._go, promise, active, name=f"run {promise.id}")

    async def _go(self, promise: Promise, active: _Active) -> None:
        end: tuple[Verb, Any] | None = None
        try:
            with (
                anyio.CancelScope() as scope,
                self.promises.listening(promise.id, scope.cancel),
            ):
                if not (await self.promises.get(promise.id)).settled:
                    end = await self._end(promise)
            if end is not None:
                verb, value = end
                settle = self.promises.resolve if verb is Verb.RESOLVE else self.promises.reject
                await settle(promise.id, value, key=_KEY)
        except asyncio.CancelledError:
            active.error = StoreFailed("the runtime was closed before the end of the run")
            raise
        except PromiseSettled:
            log.info("somebody else settled it meanwhile", extra={"run": promise.id})
        except Exception as error:  # noqa: BLE001 - told to who waits; other runs go on
            log.warning("stopped before its end: %s", error, extra={"run": promise.id})
            active.error = error
        finally:
            del self._active[promise.id]
            active.ended.set()

    async def _end(self, promise: Promise) -> tuple[Verb, Any]:
        """How the run is to be settled. Raises what keeps it from being settled."""
        stored = await self.promises.under(promise.id)
        journal = Journal(promise.id, stored, self.promises, self._clock)
        context = DurableContext(journal, promise.id)
        function = self._functions[promise.tags[_FUNCTION]]
        args, kwargs = plain(promise.param, "")  # a copy: the function may change it
        try:
            value = await function.body(context, *args, **kwargs)
            context.end()
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and asked_to_stop():
                raise
            if journal.fault is None:
                return Verb.REJECT, failure(error, f"the run {promise.id!r}")
            if journal.fault is error:
                raise
            raise journal.fault from error
        if journal.fault is not None:
            raise journal.fault
        return Verb.RESOLVE, journal.plain(value, function.name)
