"""Durable functions for a Python program: the decorator, and a runtime in its own process.

    @inspan.durable
    async def order(ctx, item):
        paid = await ctx.step("pay", pay, item)
        await ctx.sleep(3600)
        return await ctx.step("send", send, item, paid)

    async with inspan.durable.open("state") as runtime:
        await runtime.run(order, "tea", id="order-1")

It puts the engine's half and a database of its own together, as ``app`` does for tasks.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, overload

import anyio

from inspan.clock import SystemClock
from inspan.engine.durable.context import DurableContext
from inspan.engine.durable.function import DurableFunction
from inspan.engine.durable.runtime import Runtime
from inspan.engine.promises import Promises
from inspan.settings.places import locate
from inspan.store.connection import Synchronous
from inspan.store.sqlite import SqliteStore

__all__ = ["DurableContext", "DurableFunction", "Runtime", "durable"]

P = ParamSpec("P")
T = TypeVar("T")
_Body = Callable[Concatenate[DurableContext, P], Coroutine[Any, Any, T]]

_FILE: Final = "durable.db"


class _Durable:
    """``@durable``, ``@durable(name="...")`` and ``durable.open``."""

    @overload
    def __call__(self, body: _Body[P, T]) -> DurableFunction[P, T]: ...

    @overload
    def __call__(self, *, name: str) -> Callable[[_Body[P, T]], DurableFunction[P, T]]: ...

    def __call__(self, body: Any = None, *, name: str = "") -> Any:
        """Make a durable function; its ``name``, else that of ``body``, is stored with each run."""

        def made(body: Any) -> Any:
            return DurableFunction(name or body.__name__, body)

        return made if body is None else made(body)

    @asynccontextmanager
    async def open(
        self,
        home: Path | str | None = None,
        *functions: DurableFunction[..., Any],
        synchronous: Synchronous = "FULL",
    ) -> AsyncIterator[Runtime]:
        """A runtime over ``durable.db`` in the folder ``home``, which is made where it is missing.

        ``home``: inspan's state directory where none is named. ``functions`` are those that
        ``recover`` can go on with. Leaving the block stops what runs; the next runtime over the
        same folder goes on with it. Raises StoreLocked where another process has it open, and
        what else opening a store raises.
        """
        folder = locate(os.environ).state_dir if home is None else Path(home)
        store = await SqliteStore.open(folder / _FILE, synchronous=synchronous)
        clock = SystemClock()
        promises = Promises(store, clock)
        raised: Exception | None = None
        try:
            await promises.load()
            async with anyio.create_task_group() as group:
                group.start_soon(promises.keep_time)
                try:
                    yield Runtime(promises, clock, group, functions)
                except Exception as error:  # noqa: BLE001 - raised below, and not in a group
                    raised = error
                group.cancel_scope.cancel()
        finally:
            promises.close()
            with anyio.CancelScope(shield=True):
                await store.close()
        if raised is not None:
            raise raised


durable: Final = _Durable()
