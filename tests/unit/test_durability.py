from __future__ import annotations

import asyncio
from pathlib import Path

import anyio
import pytest

from inspan import DurableContext, durable
from inspan.errors import (
    StoreFailed,
    StoreLocked,
)
from inspan.store.sqlite import SqliteStore
from inspan.store.verify import verify
from tests.unit.engine.durable_stage import made

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D6", "D8")]


async def test_it_is_opened_over_a_folder_and_locked(tmp_path: Path) -> None:
    @durable
    async def work(ctx: DurableContext) -> float:
        await ctx.sleep(0.01)
        return ctx.now()

    home = tmp_path / "a" / "b"
    async with durable.open(home, work) as runtime:
        first = await runtime.run(work, id="r")
        with pytest.raises(StoreLocked, match="held by pid"):
            async with durable.open(str(home)):
                pass
        # The tasks of the same folder have a lock of their own.
        await (await SqliteStore.open(home / "inspan.db")).close()
    async with durable.open(home) as runtime:
        assert await runtime.run(work, id="r") == first
    report = verify(home / "durable.db")
    assert (report.problems, report.promises) == ((), 2)


async def test_what_its_block_raises_comes_out_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with durable.open(tmp_path):
            raise ZeroDivisionError
    with pytest.raises(asyncio.CancelledError):
        async with durable.open(tmp_path):
            raise asyncio.CancelledError


async def test_leaving_the_block_stops_what_runs(tmp_path: Path) -> None:
    @durable
    async def work(ctx: DurableContext) -> None:
        await ctx.promise("never")

    async with durable.open(tmp_path, work) as runtime, anyio.create_task_group() as group:

        async def go() -> None:
            await runtime.run(work, id="r")

        group.start_soon(go)
        await made(runtime, "never")
        group.cancel_scope.cancel()
    with anyio.fail_after(30):
        with pytest.raises(StoreFailed, match="closed"):
            await runtime.result("r")
    async with durable.open(tmp_path, work) as runtime:
        assert await runtime.recover() == ("r",)


async def test_the_state_directory_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPAN_HOME", str(tmp_path / "home"))
    async with durable.open():
        assert (tmp_path / "home" / "durable.db").exists()
