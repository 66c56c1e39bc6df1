"""Promises at work: decide by the rules, store, then wake who waits; and let their time run out.

Every pending promise is held in memory, so that waiting costs no look at the store; the store has
one owner, and nobody else can settle one. What it does not know: what a promise is for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from heapq import heapify, heappop, heappush
from typing import Any, Final

import anyio

from inspan.engine.patrol import until
from inspan.engine.ports import Change, Clock, PromiseStore
from inspan.engine.turns import Turns
from inspan.errors import BadInput, PromiseNotFound, StoreFailed
from inspan.model.promise import Promise, Verb, at, checked, create, plain, settle

log = logging.getLogger(__name__)

#: The wall clock may be set while we sleep on the other one: look at least this often, in seconds,
#: while there is a time to look for.
_LOOK: Final = 60.0
#: How many promises whose time has passed are settled together.
_AT_ONCE: Final = 256
#: Seconds until a time that could not be stored is tried again.
_AGAIN: Final = 1.0


class Promises:
    """All promises of one store, which this object alone writes. Made and used on one event loop.

    ``load`` comes first. Times run out while ``keep_time`` runs; without it, when looked at.
    """

    def __init__(self, store: PromiseStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._pending: dict[str, Promise] = {}
        #: (when, id); a promise that was settled before its time leaves its entry behind.
        self._times: list[tuple[float, str]] = []
        self._sooner = asyncio.Event()
        self._waiting: dict[str, list[Callable[[], None]]] = {}
        self._turns = Turns()
        self._closed = False

    async def load(self) -> None:
        """Take up what the store has. Raises StoreFailed."""
        self._store.on_promises = self._committed
        self._committed(await self._store.pending_promises())

    def close(self) -> None:
        """Nothing will be settled any more: whoever waits gets StoreFailed."""
        self._closed = True
        for call in [call for calls in self._waiting.values() for call in calls]:
            call()

    async def keep_time(self) -> None:
        """Settle the promises whose time has come, until cancelled."""
        while True:
            self._sooner = asyncio.Event()
            await self._lapse()
            if not self._sooner.is_set():
                look_at = None
                if self._times:
                    left = min(_LOOK, self._times[0][0] - self._clock.now())
                    look_at = self._clock.monotonic() + left
                await until(self._sooner, self._clock, look_at)

    # ── the verbs ─────────────────────────────────────────────────────────────

    async def create(
        self,
        promise: str,
        *,
        param: Any = None,
        timeout: float | None = None,  # noqa: ASYNC109 - of the promise, not of the call
        key: str | None = None,
        tags: Mapping[str, str] | None = None,
        strict: bool = False,
    ) -> Promise:
        """A new promise, or the one that the same request, told by its ``key``, has made before.

        ``timeout``: seconds from now. ``strict``: one that is settled already does not count.
        Raises PromiseExists, BadInput, NotStorable, StoreFailed.
        """
        wanted = self.draft(promise, param=param, timeout=timeout, key=key, tags=tags)
        async with self._turns.of(promise):
            found = self._pending.get(promise) or await self._store.promise(promise)
            made = create(found and at(found, wanted.created_at), wanted, strict=strict)
            if made is wanted:
                made = at(wanted, wanted.created_at)
                await self._commit(Change(promised=(made,)))
        return made

    async def get(self, promise: str) -> Promise:
        """The promise as it is now. Raises PromiseNotFound, StoreFailed."""
        found = await self._find(promise)
        if at(found, self._clock.now()) is found:
            return found
        async with self._turns.of(promise):
            found = await self._find(promise)
            return await self._settle(found, at(found, self._clock.now()))

    async def resolve(
        self, promise: str, value: Any = None, *, key: str | None = None, strict: bool = False
    ) -> Promise:
        """Settle it with ``value``; the promise as it is then.

        Sent again with its ``key`` it gives the same answer. A promise whose time has passed is
        given as it is, unless ``strict``. Raises PromiseSettled, PromiseNotFound, NotStorable,
        StoreFailed.
        """
        return await self._ask(promise, Verb.RESOLVE, value, key, strict)

    async def reject(
        self, promise: str, value: Any = None, *, key: str | None = None, strict: bool = False
    ) -> Promise:
        """Say that its value will not come, and why; else as ``resolve``."""
        return await self._ask(promise, Verb.REJECT, value, key, strict)

    async def cancel(
        self, promise: str, value: Any = None, *, key: str | None = None, strict: bool = False
    ) -> Promise:
        """Say that nobody wants it any more; else as ``resolve``."""
        return await self._ask(promise, Verb.CANCEL, value, key, strict)

    async def wait(self, promise: str, timeout: float | None = None) -> Promise:  # noqa: ASYNC109 - by our clock
        """The promise once it is settled, or as it is after ``timeout`` seconds.

        Raises PromiseNotFound; StoreFailed where the store is closed meanwhile.
        """
        found = await self.get(promise)
        if found.settled or self._closed:
            return self._told(found)
        news = asyncio.Event()
        until_at = None if timeout is None else self._clock.monotonic() + timeout
        with self.listening(promise, news.set):
            happened = await until(news, self._clock, until_at)
        return self._told(await self.get(promise) if happened else found)

    # ── for who works with many ───────────────────────────────────────────────

    def draft(
        self,
        promise: str,
        *,
        param: Any = None,
        timeout: float | None = None,
        key: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Promise:
        """A promise as ``create`` would make it, not stored. Raises BadInput, NotStorable."""
        now = self._clock.now()
        if timeout is not None and not 0 <= timeout < float("inf"):
            raise BadInput(f"a promise cannot have {timeout!r} seconds")
        return Promise(
            id=checked(promise),
            param=plain(param, f"the parameter of the promise {promise!r}"),
            timeout_at=None if timeout is None else now + timeout,
            create_key=None if key is None else checked(key),
            tags={} if tags is None else dict(tags),
            created_at=now,
        )

    async def add(self, *made: Promise) -> None:
        """Store new promises together, settled or not, whose ids nobody else can have used.

        Raises StoreFailed; then none of them is stored.
        """
        await self._commit(Change(promised=made))

    def pending(self) -> tuple[Promise, ...]:
        """Every promise that is pending, in the order in which they were made."""
        return tuple(self._pending.values())

    async def under(self, promise: str) -> tuple[Promise, ...]:
        """The promises whose ids begin with this one and a slash."""
        return await self._store.promises_under(promise)

    async def forget(self, promises: Sequence[str]) -> None:
        """Delete those of them that are settled. Raises StoreFailed."""
        await self._store.forget_promises(promises)

    @contextmanager
    def listening(self, promise: str, call: Callable[[], None]) -> Iterator[None]:
        """``call`` once, on the loop, where the promise is settled meanwhile; it is pending now."""
        self._waiting.setdefault(promise, []).append(call)
        try:
            yield
        finally:
            calls = self._waiting.get(promise, [])
            with suppress(ValueError):  # it was called
                calls.remove(call)
            if not calls:
                self._waiting.pop(promise, None)

    # ── deciding and storing ──────────────────────────────────────────────────

    def _told(self, found: Promise) -> Promise:
        if not found.settled and self._closed:
            raise StoreFailed("the promises are closed", hint="Open them again and wait again.")
        return found

    async def _find(self, promise: str) -> Promise:
        found = self._pending.get(promise) or await self._store.promise(promise)
        if found is None:
            raise PromiseNotFound(f"no promise has the id {promise!r}")
        return found

    async def _ask(
        self, promise: str, verb: Verb, value: Any, key: str | None, strict: bool
    ) -> Promise:
        value = plain(value, f"the value of the promise {promise!r}")
        if key is not None:
            checked(key)
        async with self._turns.of(promise):
            stored = await self._find(promise)
            now = self._clock.now()
            found = await self._settle(stored, at(stored, now))
            return await self._settle(
                found, settle(found, verb, value, now, key=key, strict=strict)
            )

    async def _settle(self, before: Promise, after: Promise) -> Promise:
        if after is not before:
            await self._commit(Change(settled=(after,)))
        return after

    async def _commit(self, change: Change) -> None:
        try:
            await self._store.commit(change)
        except StoreFailed:
            if not await self._landed(change):
                raise
            self._committed((*change.promised, *change.settled))
        except asyncio.CancelledError:
            # The store may have it: nobody may decide about these until that is known. It answers
            # in order, so that after one more answer it is.
            with anyio.CancelScope(shield=True), suppress(StoreFailed):
                await self._store.promise("")
            raise

    async def _landed(self, change: Change) -> bool:
        """Whether a write that reported an error is there all the same."""
        wanted = (*change.promised, *change.settled)
        try:
            return [await self._store.promise(each.id) for each in wanted] == [*wanted]
        except StoreFailed:
            return False

    def _committed(self, promises: Sequence[Promise]) -> None:
        for promise in promises:
            if not promise.settled:
                self._pending[promise.id] = promise
                self._watch(promise)
                continue
            self._pending.pop(promise.id, None)
            for call in self._waiting.pop(promise.id, ()):
                call()

    # ── time ──────────────────────────────────────────────────────────────────

    def _watch(self, promise: Promise) -> None:
        if promise.timeout_at is None:
            return
        if len(self._times) > 2 * len(self._pending) + _AT_ONCE:
            pending = self._pending.values()
            self._times = [(p.timeout_at, p.id) for p in pending if p.timeout_at is not None]
            heapify(self._times)
        if not self._times or promise.timeout_at < self._times[0][0]:
            self._sooner.set()
        heappush(self._times, (promise.timeout_at, promise.id))

    async def _lapse(self) -> None:
        now, due = self._clock.now(), list[str]()
        while self._times and self._times[0][0] <= now and len(due) < _AT_ONCE:
            due.append(heappop(self._times)[1])
        async with anyio.create_task_group() as group:
            for promise in due:
                if promise in self._pending:
                    group.start_soon(self._look, promise)
        if len(due) == _AT_ONCE:
            self._sooner.set()

    async def _look(self, promise: str) -> None:
        try:
            await self.get(promise)
        except StoreFailed as error:
            log.warning("its time is not stored yet: %s", error, extra={"promise": promise})
            heappush(self._times, (self._clock.now() + _AGAIN, promise))
