from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest

from inspan import Backoff, DurableContext, durable
from inspan.errors import (
    BadInput,
    InspanError,
    PromiseCanceled,
    RunDiffers,
    StepFailed,
    TaskNotFound,
)
from tests.unit.engine.durable_stage import Stage, made, stage_over

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D6", "D8")]


@pytest.fixture(params=["sqlite", "memory"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage_over(request.param, tmp_path) as opened:
        yield opened


async def test_what_is_done_is_not_done_again(stage: Stage) -> None:
    @durable
    async def order(ctx: DurableContext, item: str, *, times: int) -> list[Any]:
        first = await ctx.step("first", stage.does("first", (item, times)))
        moment, chance = ctx.now(), ctx.random()
        await ctx.sleep(100)
        second = await ctx.step("second", stage.does("second", 2))
        return [first, moment, chance, second]

    stage.clock.luck = 0.25
    began = stage.clock.now()
    async with stage.runtime() as runtime, anyio.create_task_group() as group:

        async def go() -> None:
            await runtime.run(order, "tea", times=2, id="r")

        group.start_soon(go)
        await made(runtime, "r/4")
        group.cancel_scope.cancel()
    stage.clock.luck = 0.5
    await stage.clock.advance(60)
    async with stage.runtime(order) as runtime:
        assert await runtime.recover() == ("r",)
        await anyio.wait_all_tasks_blocked()
        assert stage.done == ["first"]
        await stage.clock.advance(50)
        assert await runtime.result("r") == [["tea", 2], began, 0.25, 2]
        assert stage.done == ["first", "second"]
        assert await runtime.recover() == ()
        assert await runtime.run(order, "tea", times=2, id="r") == [["tea", 2], began, 0.25, 2]
    assert stage.done == ["first", "second"]


async def test_a_second_run_with_the_id_awaits_the_first(stage: Stage) -> None:
    @durable
    async def slow(ctx: DurableContext, number: int) -> int:
        await ctx.step("once", stage.does("once"))
        return int(await ctx.promise("go")) + number

    @durable
    async def other(ctx: DurableContext, number: int) -> int:
        return ctx.run.count("x") + number

    async with stage.runtime() as runtime:
        got: list[int] = []

        async def go() -> None:
            got.append(await runtime.run(slow, 1, id="r"))

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(go)
            await anyio.wait_all_tasks_blocked()
            for function, number in ((slow, 2), (other, 1)):
                with pytest.raises(RunDiffers, match="'r' belongs to another"):
                    await runtime.run(function, number, id="r")
            await made(runtime, "go")
            await runtime.promises.resolve("go", 41)
        assert got == [42] * 3
        with pytest.raises(RunDiffers):
            await runtime.run(slow, 1, id="go")
        assert await runtime.run(other, 0, id="x") == 1
    assert stage.done == ["once"]


async def test_a_step_is_tried_again_and_its_last_error_is_kept(stage: Stage) -> None:
    tries = []

    async def flaky() -> int:
        tries.append(stage.clock.monotonic())
        if len(tries) < 3:
            raise ValueError("not yet")
        return len(tries)

    @durable
    async def patient(ctx: DurableContext) -> Any:
        value = await ctx.step("flaky", flaky, retries=5, backoff=Backoff(first=2.0, jitter=0))
        try:
            await ctx.step("hopeless", stage.does("tried", KeyError("k")), retries=1)
        except StepFailed as error:
            return [value, error.kind, error.message]

    async with stage.runtime(patient) as runtime, anyio.create_task_group() as group:

        async def go() -> None:
            await runtime.run(patient, id="r")

        group.start_soon(go)
        for _ in range(100):
            await anyio.sleep(0.002)
            await stage.clock.advance(0.5)
    assert [after - before for before, after in pairwise(tries)] == [2, 4]
    assert stage.done == ["tried", "tried"]
    async with stage.runtime() as runtime:
        message = "the step 'hopeless' failed: KeyError: 'k'"
        assert await runtime.run(patient, id="r") == [3, "KeyError", message]


async def test_an_error_is_raised_again_identically(stage: Stage) -> None:
    @durable
    async def failing(ctx: DurableContext, error: str) -> None:
        chosen = {
            "theirs": ZeroDivisionError("by hand"),
            "ours": TaskNotFound("no such", hint="Look."),
        }
        await ctx.step("it", stage.does("it", chosen[error]))

    @durable
    async def bare(ctx: DurableContext) -> None:
        raise LookupError(ctx.run)

    seen: list[list[tuple[Any, ...]]] = []
    for _ in range(2):
        async with stage.runtime() as runtime:
            errors = []
            for function, args in ((failing, ("theirs",)), (failing, ("ours",)), (bare, ())):
                with pytest.raises(InspanError) as caught:
                    await runtime.run(function, *args, id="-".join(("r", function.name, *args)))
                error = caught.value
                kind = getattr(error, "kind", None)
                errors.append(
                    (type(error), error.message, error.hint, kind, tuple(error.__notes__))
                )
            seen.append(errors)
    assert seen[0] == seen[1]
    assert [(kind, message, name) for kind, message, _, name, _ in seen[0]] == [
        (StepFailed, "the step 'it' failed: ZeroDivisionError: by hand", "ZeroDivisionError"),
        (TaskNotFound, "no such", None),
        (StepFailed, "the run 'r-bare' failed: LookupError: r-bare", "LookupError"),
    ]
    assert "raise LookupError(ctx.run)" in seen[0][2][4][0]
    assert stage.done == ["it", "it"]


async def test_an_error_of_a_step_is_the_same_before_and_after_a_death(stage: Stage) -> None:
    told: list[tuple[str, str]] = []

    @durable
    async def brave(ctx: DurableContext) -> str:
        try:
            await ctx.step("it", stage.does("it", ValueError("v")))
        except StepFailed as error:
            told.append((error.message, error.kind))
        return str(await ctx.promise("go"))

    await stage.cut_short(brave, run="r")
    async with stage.runtime(brave) as runtime:
        await runtime.recover()
        await runtime.promises.resolve("go", "on")
        assert await runtime.result("r") == "on"
    assert told == [("the step 'it' failed: ValueError: v", "ValueError")] * 2
    assert stage.done == ["it"]


async def test_fan_out_keeps_its_order_and_what_was_done(stage: Stage) -> None:
    gates = {number: anyio.Event() for number in range(4)}

    async def work(number: int) -> int:
        stage.done.append(str(number))
        await gates[number].wait()
        return number * 10

    @durable
    async def wide(ctx: DurableContext) -> list[int]:
        return await ctx.gather(*(ctx.step(f"part {n}", work, n) for n in range(4)))

    gates[3].set()
    gates[1].set()
    await stage.cut_short(wide, run="r")
    assert stage.done == ["0", "1", "2", "3"]
    for gate in gates.values():
        gate.set()
    async with stage.runtime() as runtime:
        assert await runtime.run(wide, id="r") == [0, 10, 20, 30]
    assert stage.done == ["0", "1", "2", "3", "0", "2"]


async def test_fan_out_ends_with_its_first_error_when_all_have_ended(stage: Stage) -> None:
    @durable
    async def wide(ctx: DurableContext) -> None:
        await ctx.gather(
            ctx.step("a", stage.does("a")),
            ctx.step("b", stage.does("b", ValueError("b"))),
            ctx.step("c", stage.does("c", ValueError("c"))),
            ctx.step("d", stage.does("d")),
        )

    async with stage.runtime() as runtime:
        with pytest.raises(StepFailed, match="the step 'b' failed"):
            await runtime.run(wide, id="r")
    assert stage.done == ["a", "b", "c", "d"]


async def test_a_durable_function_is_a_step_of_another(stage: Stage) -> None:
    @durable
    async def inner(ctx: DurableContext, name: str) -> str:
        await ctx.step("one", stage.does(f"{name} one"))
        ctx.random()
        value = await ctx.promise(f"go-{name}")
        return f"{name} {value}"

    @durable
    async def outer(ctx: DurableContext) -> list[str]:
        return await ctx.gather(*(ctx.step(f"part {n}", inner, n) for n in ("a", "b")))

    @durable
    async def impatient(ctx: DurableContext) -> None:
        await ctx.step("it", inner, "c", retries=1)

    await stage.cut_short(outer, run="r")
    assert sorted(stage.done) == ["a one", "b one"]
    async with stage.runtime(outer) as runtime:
        assert await runtime.recover() == ("r",)
        for name in ("a", "b"):
            await runtime.promises.resolve(f"go-{name}", 1)
        assert await runtime.result("r") == ["a 1", "b 1"]
        with pytest.raises(BadInput, match="cannot have retries"):
            await runtime.run(impatient, id="q")
    assert len(stage.done) == 2


async def test_a_part_called_by_name_is_a_part_of_the_same_run(stage: Stage) -> None:
    @durable
    async def part(ctx: DurableContext, number: int) -> int:
        return int(await ctx.step("part", stage.does("part", number)))

    @durable
    async def whole(ctx: DurableContext) -> int:
        return await part(ctx, 1) + await part(ctx, 2)

    async with stage.runtime() as runtime:
        assert await runtime.run(whole, id="r") == 3
    assert [row.id for row in await stage.store.promises_under("r")] == ["r/1", "r/2"]


async def test_an_ordinary_function_runs_in_a_thread(stage: Stage) -> None:
    here = threading.get_ident()

    async def later() -> str:
        return f"awaited {threading.get_ident() == here}"

    @durable
    async def mixed(ctx: DurableContext) -> list[Any]:
        return [
            await ctx.step("thread", lambda: threading.get_ident() != here),
            await ctx.step("both", lambda: later()),
            await ctx.step("arguments", sorted, [2, 1], reverse=True),
        ]

    async with stage.runtime() as runtime:
        assert await runtime.run(mixed, id="r") == [True, "awaited True", [2, 1]]


# ── promises from outside ─────────────────────────────────────────────────────


async def test_a_promise_is_settled_from_outside_in_each_way(stage: Stage) -> None:
    @durable
    async def asking(ctx: DurableContext, promise: str) -> Any:
        return await ctx.promise(promise, timeout=30, param={"please": ctx.run})

    async with stage.runtime() as runtime:
        promises, ended = runtime.promises, dict[str, Any]()
        await promises.create("early")
        await promises.resolve("early", "before it was asked")

        async def go(promise: str) -> None:
            try:
                ended[promise] = await runtime.run(asking, promise, id=f"r-{promise}")
            except InspanError as error:
                ended[promise] = error

        async with anyio.create_task_group() as group:
            for name in ("early", "yes", "no", "never mind", "late"):
                group.start_soon(go, name)
            for name in ("yes", "no", "never mind", "late"):
                await made(runtime, name)
            assert (await promises.get("yes")).param == {"please": "r-yes"}
            await promises.resolve("yes", {"ok": 1})
            await promises.reject("no", "because")
            await promises.cancel("never mind")
            await stage.clock.advance(31)
    assert ended.pop("early") == "before it was asked"
    assert ended.pop("yes") == {"ok": 1}
    assert {name: (error.code, str(error)) for name, error in ended.items()} == {
        "no": ("promise-rejected", "the promise 'no' is rejected: 'because'"),
        "never mind": ("promise-canceled", "the promise 'never mind' is rejected_canceled"),
        "late": ("promise-timed-out", "the promise 'late' is rejected_timedout"),
    }


async def test_a_run_can_wait_for_another(stage: Stage) -> None:
    @durable
    async def first(ctx: DurableContext) -> int:
        return int(await ctx.step("it", stage.does("it", 7)))

    @durable
    async def second(ctx: DurableContext, run: str) -> int:
        return int(await ctx.promise(run)) + 1

    async with stage.runtime() as runtime:
        await runtime.run(first, id="a")
        assert await runtime.run(second, "a", id="b") == 8
        with pytest.raises(BadInput, match="cannot wait for 'c'"):
            await runtime.run(second, "c", id="c")


async def test_a_cancelled_run_stops(stage: Stage) -> None:
    stopped: list[str] = []

    @durable
    async def endless(ctx: DurableContext) -> None:
        try:
            await ctx.sleep(1000)
        finally:
            stopped.append(ctx.run)

    async with stage.runtime(endless) as runtime, anyio.create_task_group() as group:

        async def go() -> None:
            with pytest.raises(PromiseCanceled):
                await runtime.run(endless, id="r")

        group.start_soon(go)
        await made(runtime, "r/1")
        await runtime.promises.cancel("r")
    assert stopped == ["r"]
    async with stage.runtime(endless) as runtime:
        assert await runtime.recover() == ()


async def test_a_run_that_settles_itself_otherwise_is_as_it_is_settled(stage: Stage) -> None:
    @durable
    async def odd(ctx: DurableContext) -> str:
        await ctx.step("cancel me", lambda: promises.cancel(ctx.run, "by itself"))
        return "unreachable"

    async with stage.runtime() as runtime:
        promises = runtime.promises
        with pytest.raises(PromiseCanceled, match="by itself"):
            await runtime.run(odd, id="r")
