from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from inspan import DurableContext, durable
from inspan.durability import Runtime
from inspan.errors import (
    BadInput,
    InspanError,
    NotDeterministic,
    NotStorable,
    PromiseCanceled,
    StepFailed,
    StoreFailed,
)
from inspan.model.promise import PromiseState
from tests.unit.engine.durable_stage import Stage, made, stage_over

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D6", "D8")]


@pytest.fixture(params=["sqlite", "memory"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage_over(request.param, tmp_path) as opened:
        yield opened


async def test_a_function_that_goes_another_way_is_told_and_can_come_back(stage: Stage) -> None:
    @durable
    async def work(ctx: DurableContext) -> str:
        await ctx.step("a", stage.does("a"))
        await ctx.gather(ctx.step("b", stage.does("b")), ctx.step("c", stage.does("c")))
        return str(await ctx.promise("go"))

    async def renamed(ctx: DurableContext) -> None:
        await ctx.step("a", stage.does("a"))
        try:
            await ctx.step("x", stage.does("x"))
        except NotDeterministic:
            return

    async def shorter(ctx: DurableContext) -> None:
        await ctx.step("a", stage.does("a"))

    async def other_kind(ctx: DurableContext) -> None:
        ctx.now()

    await stage.cut_short(work, run="r")
    for body, message in (
        (renamed, "asks for 'step x' at 'r/2', where 'step b' is stored"),
        (shorter, "ends before 'r/"),
        (other_kind, "asks for 'now' at 'r/1', where 'step a' is stored"),
    ):
        async with stage.runtime() as runtime:
            with pytest.raises(NotDeterministic, match=message):
                await runtime.run(durable(name="work")(body), id="r")
    async with stage.runtime(work) as runtime:
        await runtime.recover()
        await runtime.promises.resolve("go", "on")
        assert await runtime.result("r") == "on"
    assert sorted(stage.done) == ["a", "b", "c"]


async def test_a_value_that_is_no_json_names_its_step_and_can_be_mended(stage: Stage) -> None:
    @durable(name="work")
    async def wrong(ctx: DurableContext) -> Any:
        return await ctx.step("make a set", stage.does("set", {1}))

    @durable(name="work")
    async def right(ctx: DurableContext) -> Any:
        return await ctx.step("make a set", stage.does("list", [1]))

    @durable
    async def end(ctx: DurableContext) -> Any:
        return {ctx}

    async with stage.runtime() as runtime:
        with pytest.raises(NotStorable, match="the step 'make a set' in the run 'r'"):
            await runtime.run(wrong, id="r")
        with pytest.raises(NotStorable, match="the value of end in the run 'q'"):
            await runtime.run(end, id="q")
        with pytest.raises(NotStorable, match="an argument of 'end'"):
            await runtime.run(end, object(), id="p")
    async with stage.runtime() as runtime:
        assert await runtime.run(right, id="r") == [1]


async def test_a_run_is_not_settled_by_an_error_of_the_store(stage: Stage) -> None:
    closed: list[str] = []

    @durable
    async def work(ctx: DurableContext) -> str:
        await ctx.step("a", stage.does("a"))
        try:
            await ctx.step("b", stage.does("b"))
        except StoreFailed:
            closed.append("b")
        return "ended"

    commit, stage.done[:] = stage.store.commit, []

    async def full(change: Any) -> None:
        if any(row.param == ["step", "b"] for row in change.promised):
            raise StoreFailed("full")
        await commit(change)

    stage.store.commit = full  # type: ignore[method-assign]
    async with stage.runtime() as runtime:
        with pytest.raises(StoreFailed, match="full"):
            await runtime.run(work, id="r")
    stage.store.commit = commit  # type: ignore[method-assign]
    async with stage.runtime(work) as runtime:
        assert await runtime.recover() == ("r",)
        assert await runtime.result("r") == "ended"
    assert closed == ["b"]
    assert stage.done == ["a", "b", "b"]


@pytest.mark.parametrize("retries", [0, 3])
async def test_an_error_of_the_store_within_a_step_is_none_of_the_step(
    stage: Stage, retries: int
) -> None:
    """It is neither stored as the step's nor tried again: the run goes on from there later."""

    @durable
    async def part(ctx: DurableContext) -> str:
        await ctx.step("b", stage.does("b"))
        return "ended"

    @durable
    async def work(ctx: DurableContext) -> str:
        async def by_hand() -> str:
            await ctx.step("b", stage.does("b"))
            return "ended"

        if retries:
            return str(await ctx.step("part", by_hand, retries=retries))
        return str(await ctx.step("part", part))

    commit = stage.store.commit

    async def full(change: Any) -> None:
        if any(row.param == ["step", "b"] for row in change.promised):
            raise StoreFailed("full")
        await commit(change)

    stage.store.commit = full  # type: ignore[method-assign]
    async with stage.runtime() as runtime:
        with pytest.raises(StoreFailed, match="full"):
            await runtime.run(work, id="r")
    assert stage.done == ["b"]
    stage.store.commit = commit  # type: ignore[method-assign]
    async with stage.runtime(work) as runtime:
        assert await runtime.recover() == ("r",)
        assert await runtime.result("r") == "ended"
    assert stage.done == ["b", "b"]


async def test_a_run_that_somebody_settles_as_it_ends_is_as_he_settled_it(stage: Stage) -> None:
    ends, stepped, cancelling, may = (anyio.Event() for _ in range(4))
    raised: list[str] = []

    @durable
    async def work(ctx: DurableContext) -> str:
        await ctx.step("wait", ends.wait)
        return "mine"

    commit = stage.store.commit

    async def slow(change: Any) -> None:
        if any(row.state is PromiseState.CANCELED for row in change.settled):
            cancelling.set()
            await may.wait()
        await commit(change)
        if any(row.id == "r/1" for row in change.promised):
            stepped.set()

    stage.store.commit = slow  # type: ignore[method-assign]
    async with stage.runtime() as runtime, anyio.create_task_group() as group:

        async def go() -> None:
            with pytest.raises(PromiseCanceled, match="somebody"):
                await runtime.run(work, id="r")
            raised.append("r")

        group.start_soon(go)
        await made(runtime, "r")
        group.start_soon(runtime.promises.cancel, "r", "somebody")
        await cancelling.wait()
        ends.set()
        await stepped.wait()
        await anyio.wait_all_tasks_blocked()
        may.set()
    assert raised == ["r"]


async def test_a_write_that_reported_an_error_and_is_there_counts(stage: Stage) -> None:
    @durable
    async def work(ctx: DurableContext) -> str:
        await ctx.step("a", stage.does("a"))
        return "ended"

    commit = stage.store.commit

    async def odd(change: Any) -> None:
        await commit(change)
        raise StoreFailed("perhaps")

    stage.store.commit = odd  # type: ignore[method-assign]
    async with stage.runtime() as runtime:
        assert await runtime.run(work, id="r") == "ended"


async def test_what_cannot_be_a_durable_function_or_a_run_is_refused(stage: Stage) -> None:
    with pytest.raises(BadInput, match="not an async function"):
        durable(len)  # type: ignore[arg-type]

    @durable
    async def work(_ctx: DurableContext) -> None:
        return None

    @durable(name="work")
    async def another(_ctx: DurableContext) -> None:
        return None

    with pytest.raises(BadInput, match="two durable functions are called 'work'"):
        async with stage.runtime(work, another):
            pass
    async with stage.runtime() as runtime:
        for name in ("a/b", "", "a\n"):
            with pytest.raises(BadInput):
                await runtime.run(work, id=name)


async def test_a_run_whose_function_nobody_knows_is_left_alone(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    @durable
    async def work(ctx: DurableContext) -> None:
        await ctx.promise("never")

    await stage.cut_short(work, run="r")
    async with stage.runtime() as runtime:
        assert await runtime.recover() == ()
    assert "nobody knows the function work" in caplog.text
    assert (await stage.store.pending_promises())[0].state is PromiseState.PENDING


async def test_given_values_are_stored_before_a_step_can_use_them(stage: Stage) -> None:
    seen: list[list[Any]] = []

    async def look() -> None:
        rows = await stage.store.promises_under("r")
        seen.append([row.param for row in rows])

    @durable
    async def work(ctx: DurableContext) -> None:
        ctx.now()
        ctx.random()
        await ctx.gather(ctx.step("x", look), ctx.step("y", look))

    async with stage.runtime() as runtime:
        await runtime.run(work, id="r")
    assert all(rows[:2] == [["now"], ["random"]] for rows in seen)


async def test_a_cancellation_of_its_own_ends_nothing_else(stage: Stage) -> None:
    async def awaits_what_is_cancelled() -> None:
        task = asyncio.ensure_future(anyio.sleep_forever())
        asyncio.get_running_loop().call_soon(task.cancel)
        await task

    @durable
    async def in_a_step(ctx: DurableContext) -> None:
        await ctx.step("it", awaits_what_is_cancelled)

    @durable
    async def outside(_ctx: DurableContext) -> None:
        await awaits_what_is_cancelled()

    async with stage.runtime() as runtime:
        with pytest.raises(StepFailed, match="the step 'it' failed: RuntimeError"):
            await runtime.run(in_a_step, id="a")
        with pytest.raises(StepFailed, match="the run 'b' failed: CancelledError"):
            await runtime.run(outside, id="b")


async def test_who_awaits_a_run_is_told_when_the_runtime_closes(stage: Stage) -> None:
    @durable
    async def work(ctx: DurableContext) -> None:
        await ctx.promise("never")

    told: list[InspanError] = []

    async def go(runtime: Runtime) -> None:
        try:
            await runtime.run(work, id="r")
        except StoreFailed as error:
            told.append(error)

    async with anyio.create_task_group() as group, stage.runtime() as runtime:
        group.start_soon(go, runtime)
        await made(runtime, "never")
    assert [error.code for error in told] == ["store-failed"]
    assert [promise.id for promise in await stage.store.pending_promises()] == ["r", "never"]
