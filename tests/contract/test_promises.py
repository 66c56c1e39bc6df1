"""What every store does with promises, and what ``Promises`` does over each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from inspan.engine.ports import Change, PromiseStore
from inspan.engine.promises import Promises
from inspan.errors import (
    BadInput,
    InspanError,
    NotStorable,
    PromiseExists,
    PromiseNotFound,
    PromiseSettled,
    StoreFailed,
)
from inspan.model.promise import TIMER, Promise, PromiseState
from inspan.store.memory import MemoryStore
from inspan.store.sqlite import SqliteStore
from tests.fakes.clock import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D6")]


@pytest.fixture(params=["sqlite", "memory"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[SqliteStore | MemoryStore]:
    opened = (
        await SqliteStore.open(tmp_path / "inspan.db")
        if request.param == "sqlite"
        else MemoryStore()
    )
    async with AsyncExitStack() as held:
        held.push_async_callback(opened.close)
        yield opened


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def promises(store: PromiseStore, clock: FakeClock) -> Promises:
    made = Promises(store, clock)
    await made.load()
    return made


async def test_what_is_settled_can_be_forgotten(store: PromiseStore) -> None:
    pending, done = made("pending"), made("done", state=PromiseState.RESOLVED, completed_at=1.0)
    await store.commit(Change(promised=(pending, done)))
    await store.forget_promises(["pending", "done", "none"])
    assert [await store.promise(name) for name in ("pending", "done")] == [pending, None]


def made(name: str, **fields: Any) -> Promise:
    return Promise(id=name, created_at=1.0, **fields)


def done(promise: Promise, value: Any = None) -> Promise:
    return replace(promise, state=PromiseState.RESOLVED, value=value, completed_at=2.0)


# ── the store ─────────────────────────────────────────────────────────────────


async def test_what_was_stored_is_read_back_equal(store: PromiseStore) -> None:
    odd = {"\udcff": ["\x00 ☃", 1.5, None, True, {}], "": 10**30}
    full = made(
        "a ☃", param=odd, timeout_at=9.5, create_key="\x1a", tags={TIMER: "true", "\udcff": ""}
    )
    settled = replace(done(full, odd), complete_key="k")
    await store.commit(Change(promised=(full,)))
    assert await store.promise("a ☃") == full
    await store.commit(Change(settled=(settled,)))
    assert await store.promise("a ☃") == settled
    assert await store.promise("other") is None


async def test_settling_changes_what_settling_changes(store: PromiseStore) -> None:
    first = made("p", param=1, create_key="k", tags={"a": "b"}, timeout_at=5.0)
    await store.commit(Change(promised=(first,)))
    other = done(made("p", param=2, create_key="x", timeout_at=6.0), "v")
    await store.commit(Change(settled=(replace(other, created_at=99.0),)))
    assert await store.promise("p") == done(first, "v")


async def test_pending_ones_are_listed_in_the_order_in_which_they_were_made(
    store: PromiseStore,
) -> None:
    for name in ("c", "a", "b"):
        await store.commit(Change(promised=(made(name),)))
    await store.commit(Change(promised=(done(made("d")),), settled=(done(made("a")),)))
    assert [promise.id for promise in await store.pending_promises()] == ["c", "b"]


async def test_those_under_one_are_its_own(store: PromiseStore) -> None:
    names = ["r", "r/2", "r/10", "r/2/1", "r0", "r-1/1", "R/1", "r/☃", "s/1"]
    await store.commit(Change(promised=tuple(map(made, names))))
    found = [promise.id for promise in await store.promises_under("r")]
    assert found == ["r/10", "r/2", "r/2/1", "r/☃"]


@pytest.mark.parametrize(
    "change",
    [
        Change(promised=(made("p"),)),
        Change(promised=(done(made("p")),)),
        Change(promised=(made("q"), made("q"))),
        Change(settled=(done(made("q")),)),
        Change(promised=(made("q"),), settled=(done(made("q")), done(made("q")))),
        Change(promised=(made("q"),), settled=(done(made("settled")),)),
    ],
)
async def test_what_contradicts_the_store_is_refused_whole(
    store: PromiseStore, change: Change
) -> None:
    before = (made("p"), done(made("settled"), 1))
    await store.commit(Change(promised=before))
    with pytest.raises(StoreFailed):
        await store.commit(change)
    assert (await store.promise("p"), await store.promise("settled")) == before
    assert await store.promise("q") is None


async def test_promises_are_told_before_the_commit_returns(store: PromiseStore) -> None:
    told: list[str] = []
    store.on_promises = lambda promises: told.extend(promise.id for promise in promises)
    await store.commit(Change(promised=(made("a"), made("b")), settled=(done(made("a")),)))
    assert told == ["a", "b", "a"]
    with pytest.raises(StoreFailed):
        await store.commit(Change(promised=(made("a"),)))
    assert told == ["a", "b", "a"]


async def test_a_bad_promise_fails_alone_among_many(store: PromiseStore) -> None:
    await store.commit(Change(promised=(made("7"),)))
    changes = [Change(promised=(made(str(number)),)) for number in range(20)]
    outcomes = await asyncio.gather(*map(store.commit, changes), return_exceptions=True)
    assert [number for number, outcome in enumerate(outcomes) if outcome] == [7]
    assert len(await store.pending_promises()) == 20


# ── promises over a store ─────────────────────────────────────────────────────


async def test_a_promise_is_made_found_and_settled(promises: Promises, clock: FakeClock) -> None:
    first = await promises.create("p", param={"q": (1,)}, timeout=60, key="k", tags={"a": "b"})
    assert first == Promise(
        id="p",
        param={"q": [1]},
        timeout_at=clock.now() + 60,
        create_key="k",
        tags={"a": "b"},
        created_at=clock.now(),
    )
    assert await promises.get("p") == first
    assert promises.pending() == (first,)
    await clock.advance(5)
    settled = await promises.resolve("p", ("v",), key="r")
    assert (settled.state, settled.value, settled.completed_at) == (
        PromiseState.RESOLVED,
        ["v"],
        clock.now(),
    )
    assert await promises.get("p") == settled
    assert promises.pending() == ()


async def test_the_same_request_gets_the_same_answer(promises: Promises) -> None:
    first = await promises.create("p", param=1, key="k")
    assert await promises.create("p", param=2, key="k") == first
    with pytest.raises(PromiseExists):
        await promises.create("p", key="other")
    with pytest.raises(PromiseExists):
        await promises.create("p")
    rejected = await promises.reject("p", "no", key="r")
    assert await promises.reject("p", "yes", key="r") == rejected
    assert await promises.resolve("p", key="r") == rejected
    for settle in (promises.resolve, promises.reject, promises.cancel):
        with pytest.raises(PromiseSettled):
            await settle("p", key="other")
        with pytest.raises(PromiseSettled):
            await settle("p")
    with pytest.raises(PromiseSettled):
        await promises.resolve("p", key="r", strict=True)
    assert await promises.create("p", key="k") == rejected
    with pytest.raises(PromiseExists):
        await promises.create("p", key="k", strict=True)


async def test_one_settlement_wins_among_many_at_once(promises: Promises) -> None:
    await promises.create("p")
    calls = [promises.resolve, promises.reject, promises.cancel] * 10
    outcomes = await asyncio.gather(
        *(settle("p", number) for number, settle in enumerate(calls)), return_exceptions=True
    )
    won = [outcome for outcome in outcomes if isinstance(outcome, Promise)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, PromiseSettled)]
    assert (len(won), len(lost)) == (1, 29)
    assert await promises.get("p") == won[0]


async def test_one_is_made_among_many_at_once(promises: Promises) -> None:
    outcomes = await asyncio.gather(
        *(promises.create("p", param=number, key="k") for number in range(20))
    )
    assert {outcome.param for outcome in outcomes} == {0}


async def test_a_late_look_sees_that_its_time_has_passed(
    promises: Promises, store: PromiseStore, clock: FakeClock
) -> None:
    await promises.create("p", timeout=10)
    await promises.create("t", timeout=10, tags={TIMER: "true"})
    at = clock.now() + 10
    await clock.advance(25)
    late = await promises.get("p")
    assert (late.state, late.completed_at) == (PromiseState.TIMEDOUT, at)
    assert await store.promise("p") == late
    assert (await promises.get("t")).state is PromiseState.RESOLVED
    assert await promises.resolve("p", 1) == late
    with pytest.raises(PromiseSettled, match="rejected_timedout"):
        await promises.resolve("p", 1, strict=True)


async def test_settling_late_without_having_looked_is_too_late(
    promises: Promises, store: PromiseStore, clock: FakeClock
) -> None:
    await promises.create("p", timeout=10)
    await clock.advance(10)
    late = await promises.resolve("p", "too late", key="k")
    assert (late.state, late.value) == (PromiseState.TIMEDOUT, None)
    assert await store.promise("p") == late


async def test_what_has_no_time_at_all_is_over_when_it_is_made(
    promises: Promises, store: PromiseStore
) -> None:
    over = await promises.create("p", timeout=0)
    assert over.state is PromiseState.TIMEDOUT
    assert await store.promise("p") == over


async def test_what_cannot_be_is_refused(promises: Promises) -> None:
    with pytest.raises(PromiseNotFound, match="'p'"):
        await promises.resolve("p")
    with pytest.raises(PromiseNotFound):
        await promises.wait("p")
    for timeout in (-1.0, float("nan"), float("inf")):
        with pytest.raises(BadInput):
            await promises.create("p", timeout=timeout)
    with pytest.raises(BadInput):
        await promises.create("a\nb")
    with pytest.raises(NotStorable, match="parameter of the promise 'p'"):
        await promises.create("p", param={1})
    await promises.create("p")
    with pytest.raises(NotStorable, match="value of the promise 'p'"):
        await promises.resolve("p", object())
    with pytest.raises(BadInput):
        await promises.resolve("p", key="")
    assert not (await promises.get("p")).settled


async def test_who_waits_is_woken_by_whoever_settles(promises: Promises) -> None:
    await promises.create("p")
    got: list[Promise] = []

    async def wait() -> None:
        got.append(await promises.wait("p"))

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        assert got == []
        settled = await promises.cancel("p", "why")
    assert got == [settled] * 3
    assert await promises.wait("p") == settled


async def test_a_wait_ends_at_its_own_time(promises: Promises, clock: FakeClock) -> None:
    first = await promises.create("p")
    got: list[Promise] = []

    async def wait() -> None:
        got.append(await promises.wait("p", 5))

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await clock.advance(4.9)
        assert got == []
        await clock.advance(0.2)
    assert got == [first]
    assert promises._waiting == {}


async def test_times_run_out_in_order_while_time_is_kept(
    promises: Promises, clock: FakeClock, store: PromiseStore
) -> None:
    order: list[str] = []
    async with anyio.create_task_group() as group:
        group.start_soon(promises.keep_time)
        for name, timeout in (("late", 300), ("soon", 10), ("never", None), ("other", 200)):
            await promises.create(name, timeout=timeout)

        async def wait(name: str) -> None:
            order.append((await promises.wait(name)).id)

        for name in ("late", "soon", "other"):
            group.start_soon(wait, name)
        await promises.cancel("other")
        await until(lambda: order == ["other"])
        await clock.advance(11)
        await until(lambda: order == ["other", "soon"])
        await clock.advance(300)
        await until(lambda: order == ["other", "soon", "late"])
        group.cancel_scope.cancel()
    assert [promise.id for promise in await store.pending_promises()] == ["never"]


async def until(true: Any) -> None:
    with anyio.fail_after(30):
        while not true():  # noqa: ASYNC110 - the condition is the point
            await anyio.sleep(0.001)


async def test_a_clock_that_is_set_forward_is_noticed(promises: Promises, clock: FakeClock) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(promises.keep_time)
        await promises.create("p", timeout=10_000)
        await anyio.wait_all_tasks_blocked()
        clock.jump(20_000)
        await clock.advance(60)
        with anyio.fail_after(30):
            assert (await promises.wait("p")).state is PromiseState.TIMEDOUT
        group.cancel_scope.cancel()


async def test_a_thousand_times_at_once_all_run_out(promises: Promises, clock: FakeClock) -> None:
    await asyncio.gather(*(promises.create(str(number), timeout=1) for number in range(1000)))
    async with anyio.create_task_group() as group:
        await clock.advance(2)
        group.start_soon(promises.keep_time)
        await until(lambda: not promises.pending())
        group.cancel_scope.cancel()


async def test_many_that_are_settled_early_leave_nothing_behind(promises: Promises) -> None:
    for number in range(1500):
        await promises.create(str(number), timeout=1000)
        await promises.resolve(str(number))
    assert len(promises._times) < 600


async def test_pending_ones_are_taken_up_after_a_restart(
    promises: Promises, store: PromiseStore, clock: FakeClock
) -> None:
    await promises.create("p", timeout=10)
    await promises.create("q", timeout=1000)
    await clock.advance(20)
    again = Promises(store, clock)
    await again.load()
    async with anyio.create_task_group() as group:
        group.start_soon(again.keep_time)
        with anyio.fail_after(30):
            assert (await again.wait("p")).state is PromiseState.TIMEDOUT
        assert not (await again.get("q")).settled
        group.cancel_scope.cancel()


async def test_closing_tells_who_waits(promises: Promises) -> None:
    await promises.create("p")
    errors: list[InspanError] = []

    async def wait() -> None:
        try:
            await promises.wait("p")
        except StoreFailed as error:
            errors.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        promises.close()
    assert len(errors) == 1
    with pytest.raises(StoreFailed, match="closed"):
        await promises.wait("p")


async def test_settling_by_a_caller_who_is_cancelled_is_all_or_nothing(
    promises: Promises, store: PromiseStore
) -> None:
    await promises.create("p")
    with anyio.move_on_after(0):
        await promises.resolve("p", 1)
    stored = await store.promise("p")
    assert await promises.get("p") == stored


def test_the_port_is_met() -> None:
    stores: list[type[PromiseStore]] = [SqliteStore, MemoryStore]
    assert len(stores) == 2
