"""A stage for durable functions: one store, and runtimes over it that begin and end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from inspan.durability import DurableFunction, Runtime
from inspan.engine.promises import Promises
from inspan.errors import (
    InspanError,
)
from inspan.store.memory import MemoryStore
from inspan.store.sqlite import SqliteStore
from tests.fakes.clock import FakeClock


class Stage:
    """One store, and runtimes over it that begin and end like processes."""

    def __init__(self, store: SqliteStore | MemoryStore) -> None:
        self.store = store
        self.clock = FakeClock()
        #: What was done, in order.
        self.done: list[str] = []

    def does(self, word: str, value: Any = None) -> Callable[[], Any]:
        async def do() -> Any:
            self.done.append(word)
            if isinstance(value, Exception):
                raise value
            return value

        return do

    @asynccontextmanager
    async def runtime(self, *functions: DurableFunction[..., Any]) -> AsyncIterator[Runtime]:
        promises = Promises(self.store, self.clock)
        await promises.load()
        raised = None
        async with anyio.create_task_group() as group:
            group.start_soon(promises.keep_time)
            try:
                yield Runtime(promises, self.clock, group, functions)
            except InspanError as error:
                raised = error
            group.cancel_scope.cancel()
        promises.close()
        if raised is not None:
            raise raised

    async def cut_short(self, function: DurableFunction[..., Any], *args: Any, run: str) -> None:
        """Let it go as far as it can, and end its process there."""
        async with self.runtime() as runtime, anyio.create_task_group() as group:

            async def go() -> None:
                await runtime.run(function, *args, id=run)

            group.start_soon(go)
            await self._at_rest(run)
            group.cancel_scope.cancel()

    async def _at_rest(self, run: str) -> None:
        """Return once a look at the store, which comes behind what was handed in, shows no more."""
        before: object = None
        with anyio.fail_after(30):
            while True:
                await anyio.wait_all_tasks_blocked()
                now = ([*self.done], await self.store.promises_under(run))
                if now == before:
                    return
                before = now


async def made(runtime: Runtime, promise: str) -> None:
    with anyio.fail_after(30):
        while promise not in {  # noqa: ASYNC110 - it is made by another task
            each.id for each in runtime.promises.pending()
        }:
            await anyio.sleep(0.001)


@asynccontextmanager
async def stage_over(kind: str, folder: Path) -> AsyncIterator[Stage]:
    """A stage over a store of this kind."""
    store = await SqliteStore.open(folder / "durable.db") if kind == "sqlite" else MemoryStore()
    yield Stage(store)
    await store.close()
