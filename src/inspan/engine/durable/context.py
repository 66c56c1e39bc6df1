"""What a durable function is given: each thing it asks of the world outside, kept for ever.

It knows the journal of its run. What a function does without its context is done again after each
restart, and has to come out the same.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar, overload

import anyio
import anyio.to_thread

from inspan.engine.durable.function import DurableFunction
from inspan.engine.durable.journal import Journal
from inspan.engine.durable.outcome import asked_to_stop, failure, given
from inspan.errors import BadInput, PromiseExists
from inspan.model.patience import Backoff
from inspan.model.promise import TIMER, PromiseState

T = TypeVar("T")

_BACKOFF: Final = Backoff()


class DurableContext:
    """The first argument of a durable function.

    Each call takes the next position when it is made, not when it is awaited: so the calls may be
    awaited together, and have to be made in the same order each time.
    """

    def __init__(self, journal: Journal, scope: str) -> None:
        self._journal = journal
        self._scope = scope
        self._taken = 0

    @property
    def run(self) -> str:
        """The id of the run."""
        return self._journal.run

    def now(self) -> float:
        """Seconds since the epoch, the same after each restart."""
        return float(self._journal.give(self._take(), ["now"], self._journal.clock.now()))

    def random(self) -> float:
        """A number from [0, 1), the same after each restart."""
        return float(self._journal.give(self._take(), ["random"], self._journal.clock.chance()))

    @overload
    def step(
        self, name: str, fn: DurableFunction[..., T], *args: Any, **kwargs: Any
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def step(
        self,
        name: str,
        fn: Callable[..., Coroutine[Any, Any, T]],
        *args: Any,
        retries: int = 0,
        backoff: Backoff = _BACKOFF,
        **kwargs: Any,
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def step(
        self,
        name: str,
        fn: Callable[..., T],
        *args: Any,
        retries: int = 0,
        backoff: Backoff = _BACKOFF,
        **kwargs: Any,
    ) -> Coroutine[Any, Any, T]: ...

    def step(
        self,
        name: str,
        fn: Callable[..., Any],
        *args: Any,
        retries: int = 0,
        backoff: Backoff = _BACKOFF,
        **kwargs: Any,
    ) -> Coroutine[Any, Any, Any]:
        """What ``fn`` gives, called once and stored; called again only where it was cut short.

        An ordinary function is called in a thread. A durable function gets a context of its own,
        and its steps are kept, too. After ``retries`` more tries its error is stored and raised,
        now and each time, as StepFailed; an error of inspan's as itself. A restart begins the
        tries anew. Raises NotStorable where the value is not JSON, NotDeterministic, StoreFailed.
        """
        return self._step(self._take(), name, fn, args, kwargs, retries, backoff)

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        """Go on ``seconds`` after this was first asked for, whoever was dead meanwhile."""
        return self._sleep(self._take(), seconds)

    def promise(
        self,
        promise: str,
        *,
        timeout: float | None = None,
        param: Any = None,
    ) -> Coroutine[Any, Any, Any]:
        """The value of a promise that is settled from outside; made where it does not exist.

        ``timeout``: seconds until it is rejected, where it is made here. ``param`` tells whoever
        settles it what is asked. Raises PromiseRejected, PromiseCanceled, PromiseTimedOut.
        """
        return self._promise(self._take(), promise, timeout, param)

    async def gather(self, *awaitables: Awaitable[T]) -> list[T]:
        """What they give, in their order, once all have ended; the first error among them, too."""
        values: dict[int, T] = {}
        errors: dict[int, Exception] = {}

        async def ended(number: int, awaitable: Awaitable[T]) -> None:
            try:
                values[number] = await awaitable
            except Exception as error:  # noqa: BLE001 - raised below, the first by position
                errors[number] = error

        async with anyio.create_task_group() as group:
            for number, awaitable in enumerate(awaitables):
                group.start_soon(ended, number, awaitable)
        if errors:
            raise errors[min(errors)]
        return [values[number] for number in range(len(awaitables))]

    def end(self) -> None:
        """The function has returned. Raises NotDeterministic where it once went further."""
        self._journal.refuse_beyond(self._scope, self._taken)

    # ── how ───────────────────────────────────────────────────────────────────

    def _take(self) -> str:
        self._taken += 1
        return f"{self._scope}/{self._taken}"

    async def _step(
        self,
        position: str,
        name: str,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        retries: int,
        backoff: Backoff,
    ) -> Any:
        what = ["step", name]
        stored = self._journal.found(position, what)
        if stored is None:
            if retries and isinstance(fn, DurableFunction):
                raise self._journal.at_fault(
                    BadInput(f"the step {name!r} is a durable function and cannot have retries")
                )
            await self._journal.settle_given()
            state, value = PromiseState.RESOLVED, None
            try:
                value = await self._tried(position, fn, args, kwargs, retries, backoff)
            except Exception as error:
                if self._journal.fault is not None:
                    raise
                state, value = PromiseState.REJECTED, failure(error, f"the step {name!r}")
            else:
                value = self._journal.plain(value, f"the step {name!r}")
            stored = self._journal.row(position, what, state, value)
            await self._journal.add(stored)
        return given(stored)

    async def _tried(
        self,
        position: str,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        retries: int,
        backoff: Backoff,
    ) -> Any:
        if isinstance(fn, DurableFunction):
            inner = DurableContext(self._journal, position)
            value = await fn.body(inner, *args, **kwargs)
            inner.end()
            return value
        for tries in range(1, retries + 1):
            try:
                return await _called(fn, args, kwargs)
            except Exception:
                if self._journal.fault is not None:
                    raise
                clock = self._journal.clock
                await clock.sleep(backoff.delay(tries, clock.chance()))
        return await _called(fn, args, kwargs)

    async def _sleep(self, position: str, seconds: float) -> None:
        what, journal = ["sleep"], self._journal
        stored = journal.found(position, what)
        if stored is None:
            with journal.ours():
                stored = journal.promises.draft(
                    position, param=what, timeout=seconds, tags={TIMER: "true"}
                )
            await journal.add(stored)
        if not stored.settled:
            with journal.ours():
                await journal.promises.wait(position)

    async def _promise(self, position: str, promise: str, seconds: float | None, param: Any) -> Any:
        what, journal = ["promise", promise], self._journal
        if journal.found(position, what) is None:
            with journal.ours():
                if promise == self.run or "/" in promise:
                    raise BadInput(f"the run {self.run!r} cannot wait for {promise!r}")
                asked = journal.plain(param, f"the parameter of {promise!r}")
                await journal.settle_given()
                with suppress(PromiseExists):  # whoever made it, it is the one that is meant
                    await journal.promises.create(
                        promise, param=asked, timeout=seconds, key=self.run
                    )
            await journal.add(journal.row(position, what, PromiseState.RESOLVED, None))
        with journal.ours():
            found = await journal.promises.wait(promise)
        return given(found)


async def _called(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        if inspect.iscoroutinefunction(fn):
            return await fn(*args, **kwargs)
        value = await anyio.to_thread.run_sync(lambda: fn(*args, **kwargs))
        return await value if inspect.isawaitable(value) else value
    except asyncio.CancelledError as error:
        if asked_to_stop():
            raise
        raise RuntimeError("something that it waited for was cancelled") from error
