"""Fire and forget, without forgetting: counted, told of their errors, gone at the end."""

from __future__ import annotations

import asyncio
import gc
import weakref

import anyio
import pytest

from inspan.clock import SystemClock
from inspan.tui import background
from inspan.tui.background import BackgroundTasks
from tests.fakes.clock import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E1")]


class Heard:
    """The one handler of errors."""

    def __init__(self) -> None:
        self.errors: list[tuple[str, str]] = []

    def __call__(self, error: Exception, name: str) -> None:
        self.errors.append((name, str(error)))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def tasks(heard: Heard) -> BackgroundTasks:
    return BackgroundTasks(SystemClock(), heard)


async def test_two_that_were_fired_are_counted_and_gone_when_they_end(
    tasks: BackgroundTasks,
) -> None:
    go = anyio.Event()
    first = tasks.fire_and_forget(go.wait(), "first")
    tasks.fire_and_forget(go.wait(), "second")
    assert tasks.active_task_count == 2
    assert tasks.names == ("first", "second")
    assert not first.over
    go.set()
    await anyio.wait_all_tasks_blocked()
    assert tasks.active_task_count == 0
    assert first.over


async def test_one_knows_from_its_first_step_on_that_it_was_fired(tasks: BackgroundTasks) -> None:
    told: list[bool] = []

    async def asks() -> None:
        told.append(tasks.inside)

    tasks.fire_and_forget(asks(), "asks")
    assert told == []  # whoever fired it goes on first
    await anyio.wait_all_tasks_blocked()
    assert (told, tasks.inside) == ([True], False)


async def test_a_thousand_are_counted_end_by_themselves_and_leave_nothing(
    tasks: BackgroundTasks,
) -> None:
    go, ended = anyio.Event(), 0

    async def one() -> None:
        nonlocal ended
        await go.wait()
        ended += 1

    for number in range(1000):
        tasks.fire_and_forget(one(), f"{number}")
    assert tasks.active_task_count == 1000
    go.set()
    await anyio.wait_all_tasks_blocked()
    assert (ended, tasks.active_task_count) == (1000, 0)


async def test_a_thousand_that_wait_are_gone_after_the_shutdown(tasks: BackgroundTasks) -> None:
    before = asyncio.all_tasks()
    for number in range(1000):
        tasks.fire_and_forget(anyio.sleep_forever(), f"{number}")
    assert await tasks.shutdown() == ()
    assert tasks.active_task_count == 0
    assert asyncio.all_tasks() == before


async def test_what_runs_is_held_though_nobody_else_holds_it(tasks: BackgroundTasks) -> None:
    class Held:
        pass

    held = Held()
    alive = weakref.ref(held)

    async def one(mine: Held) -> None:
        # Only this task knows of the future that it waits for: a circle that may be collected.
        await asyncio.get_running_loop().create_future()
        assert mine

    tasks.fire_and_forget(one(held), "one")
    del held
    await anyio.wait_all_tasks_blocked()
    gc.collect()
    assert alive() is not None
    await tasks.shutdown()
    gc.collect()
    assert alive() is None


async def test_every_error_is_told_to_one_handler_and_ends_nobody_else(
    tasks: BackgroundTasks, heard: Heard
) -> None:
    async def fails(word: str) -> None:
        await anyio.lowlevel.checkpoint()
        raise ValueError(word)

    go = anyio.Event()
    tasks.fire_and_forget(fails("one"), "a")
    tasks.fire_and_forget(go.wait(), "b")
    tasks.fire_and_forget(fails("two"), "c")
    await anyio.wait_all_tasks_blocked()
    assert heard.errors == [("a", "one"), ("c", "two")]
    assert tasks.names == ("b",)
    await tasks.shutdown()


async def test_a_handler_that_fails_itself_is_logged_and_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(_error: Exception, _name: str) -> None:
        raise OSError("no room")

    async def fails() -> None:
        raise ValueError("the first")

    tasks = BackgroundTasks(SystemClock(), broken)
    tasks.fire_and_forget(fails(), "poor")
    await anyio.wait_all_tasks_blocked()
    assert tasks.active_task_count == 0
    assert [record.getMessage() for record in caplog.records] == [
        "poor failed with ValueError('the first'), and so did telling it"
    ]


async def test_one_can_be_cancelled_and_that_is_no_error(
    tasks: BackgroundTasks, heard: Heard
) -> None:
    fired = tasks.fire_and_forget(anyio.sleep_forever(), "long")
    fired.cancel()  # before its first step: what it was to run never began, and is closed
    await anyio.wait_all_tasks_blocked()
    assert fired.over
    assert (tasks.active_task_count, heard.errors) == (0, [])


async def test_the_newest_ends_first_and_each_may_clean_up(tasks: BackgroundTasks) -> None:
    ended: list[str] = []

    async def one(name: str) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.lowlevel.checkpoint()
            ended.append(name)

    for name in ("connection", "list", "pane"):
        tasks.fire_and_forget(one(name), name)
    await anyio.wait_all_tasks_blocked()
    assert await tasks.shutdown() == ()
    assert ended == ["pane", "list", "connection"]


async def test_what_comes_after_the_shutdown_never_begins(
    tasks: BackgroundTasks, heard: Heard
) -> None:
    begun: list[int] = []

    async def late() -> None:
        begun.append(1)

    await tasks.shutdown()
    assert not tasks.fire_and_forget(late(), "late").started
    await anyio.wait_all_tasks_blocked()
    assert (begun, heard.errors, tasks.active_task_count) == ([], [], 0)


async def test_one_that_swallows_its_cancellation_is_ended_when_the_grace_is_over(
    heard: Heard,
) -> None:
    clock = FakeClock()
    tasks = BackgroundTasks(clock, heard)

    async def deaf() -> None:
        while True:
            try:
                await anyio.sleep_forever()
            except asyncio.CancelledError:
                continue

    before = asyncio.all_tasks()
    tasks.fire_and_forget(deaf(), "deaf")
    await anyio.wait_all_tasks_blocked()
    async with anyio.create_task_group() as group:
        left: list[tuple[str, ...]] = []

        async def shut() -> None:
            left.append(await tasks.shutdown(grace=2.0))

        group.start_soon(shut)
        await clock.advance(1.9)
        assert tasks.names == ("deaf",)
        await clock.advance(0.2)
    assert left == [()]
    assert tasks.active_task_count == 0
    assert asyncio.all_tasks() == before


async def test_one_of_them_may_shut_down_all_others(tasks: BackgroundTasks) -> None:
    left: list[tuple[str, ...]] = []

    async def quits() -> None:
        assert tasks.inside
        left.append(await tasks.shutdown())

    tasks.fire_and_forget(anyio.sleep_forever(), "long")
    tasks.fire_and_forget(quits(), "quit")
    assert not tasks.inside
    await anyio.wait_all_tasks_blocked()
    assert (left, tasks.active_task_count) == ([()], 0)


async def test_there_is_a_limit_and_beyond_it_an_error(
    tasks: BackgroundTasks, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "MOST", 2)
    for name in ("a", "b", "c"):
        tasks.fire_and_forget(anyio.sleep_forever(), name)
    assert tasks.names == ("a", "b")
    assert [name for name, _ in heard.errors] == ["c"]
    await tasks.shutdown()


async def test_one_that_swallows_even_its_end_is_told_of_and_gone(heard: Heard) -> None:
    clock = FakeClock()
    tasks = BackgroundTasks(clock, heard)
    loop, swallowed = asyncio.get_running_loop(), list[str]()

    async def deaf() -> None:
        while "GeneratorExit" not in swallowed:
            try:
                await loop.create_future()
            except BaseException as error:  # noqa: BLE001 - that is what is wrong with it
                swallowed.append(type(error).__name__)
        await loop.create_future()

    tasks.fire_and_forget(deaf(), "deaf")
    await anyio.wait_all_tasks_blocked()
    async with anyio.create_task_group() as group:
        left: list[tuple[str, ...]] = []

        async def shut() -> None:
            left.append(await tasks.shutdown(grace=2.0))

        group.start_soon(shut)
        await clock.advance(2.1)
    assert swallowed == ["CancelledError", "GeneratorExit"]
    assert heard.errors == [("deaf", "coroutine ignored GeneratorExit")]
    assert (left, tasks.active_task_count) == ([()], 0)
