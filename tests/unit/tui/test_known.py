"""What is known of tasks, while the daemon comes and goes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from inspan.clock import SystemClock
from inspan.control import PrunePolicy, TaskPage, TaskQuery
from inspan.errors import DaemonUnreachable, FellBehind, InspanError
from inspan.model.event import Answered, Event
from inspan.model.task import Task, TaskSpec, TaskState
from inspan.telling.groups import Group
from inspan.tui import known as known_module
from inspan.tui.known import Known, Link
from tests.fakes.control import FakeControl

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]


class Losing(FakeControl):
    """Control of a daemon that can be lost."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble: InspanError | None = None
        self.broken = anyio.Event()
        self.lists: list[TaskQuery] = []

    def lose(self, error: InspanError, *, stays_away: bool = True) -> None:
        self.trouble = error if stays_away else None
        self._error = error
        self.broken.set()

    def find(self) -> None:
        self.trouble = None

    async def list(self, query: TaskQuery = TaskQuery()) -> TaskPage:
        if self.trouble is not None:
            raise self.trouble
        self.lists.append(query)
        return await super().list(query)

    async def watch(
        self, since: int | None = None, *, task: str | None = None
    ) -> AsyncGenerator[Event, None]:
        self.broken = anyio.Event()
        send, receive = anyio.create_memory_object_stream[Event](1000)

        async def pump() -> None:
            async for event in super(Losing, self).watch(since, task=task):
                await send.send(event)

        async with anyio.create_task_group() as group:
            group.start_soon(pump)

            async def end() -> None:
                await self.broken.wait()
                send.close()

            group.start_soon(end)
            with send, receive:
                async for event in receive:
                    yield event
            group.cancel_scope.cancel()
        raise self._error


async def _nothing() -> None: ...


@asynccontextmanager
async def _running(control: FakeControl) -> AsyncIterator[Known]:
    known = Known(
        control, heard=lambda _: None, told=lambda _: None, revive=_nothing, clock=SystemClock()
    )
    async with anyio.create_task_group() as group:
        group.start_soon(known.run)
        await _until(lambda: known.link is Link.LIVE)
        yield known
        group.cancel_scope.cancel()


async def _until(wanted: Callable[[], object]) -> None:
    while not wanted():  # noqa: ASYNC110 - a fake tells nobody what it has become
        await anyio.sleep(0.005)


async def _add(control: FakeControl, number: int = 1) -> list[str]:
    spec = TaskSpec(command=("work",), cwd="/")
    return [(await control.submit(spec)).id for _ in range(number)]


def _true(known: Known, control: FakeControl) -> bool:
    return known.tasks == control.tasks


async def test_events_keep_it_true_without_asking() -> None:
    control = Losing()
    await _add(control, 3)
    async with _running(control) as known:
        asked = len(control.lists)
        for task in await _add(control, 50):
            control.start(task)
            control.asks(task, "Go on?")
            await control.answer(task, "yes")
            control.ends(task)
        await _until(lambda: _true(known, control))
        # But for what no event tells, which is asked for once a second.
        assert len(control.lists) - asked <= 3
        assert known.number(Group.DONE) == 50
        assert known.number(Group.QUEUED) == 3


async def test_what_happened_while_the_daemon_was_away_is_there_when_it_is_back() -> None:
    control = Losing()
    first, second = await _add(control, 2)
    async with _running(control) as known:
        control.lose(DaemonUnreachable("it went away"))
        await _until(lambda: known.link is Link.LOST)
        assert known.trouble == "it went away"
        assert set(known.tasks) == {first, second}
        control.start(first)
        await _add(control)
        control.find()
        await _until(lambda: known.link is Link.LIVE)
        assert _true(known, control)
        control.ends(first)
        await _until(lambda: known.tasks[first].state is TaskState.COMPLETED)


async def test_who_fell_behind_reads_anew_at_once() -> None:
    control = Losing()
    await _add(control, 2)
    async with _running(control) as known:
        control.lose(FellBehind(), stays_away=False)
        (third,) = await _add(control)
        await _until(lambda: third in known.tasks)
        assert known.link is Link.LIVE


async def test_what_was_pruned_is_gone_though_no_event_tells() -> None:
    control = FakeControl()
    first, second = await _add(control, 2)
    control.start(first)
    control.ends(first)
    async with _running(control) as known:
        await control.prune(PrunePolicy(older_than=0))
        await _until(lambda: set(known.tasks) == {second})


async def test_older_tasks_are_read_when_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_module, "PAGE", 10)
    control = FakeControl()
    ids = await _add(control, 35)
    async with _running(control) as known:
        assert set(known.tasks) == set(ids[-10:])
        assert known.number(Group.QUEUED) == 35
        for task in ids[:5]:  # one that is not known here begins
            control.start(task)
        await _until(lambda: set(ids[:5]) <= set(known.tasks))
        for _ in range(3):
            await known.more(Group.QUEUED)
        assert _true(known, control)
        assert not known.older
        await known.more(Group.QUEUED)  # there are no more


def _tells(control: FakeControl, task: str) -> None:
    """An event that fits no state that is known here, as a newer version may tell one."""
    known = control.events[-1]
    control.events.append(Event(known.seq + 1, known.at, task, known.correlation, Answered(1)))
    control._news.tell()


async def test_a_task_of_which_something_strange_is_told_is_asked_for() -> None:
    control = FakeControl()
    first, second = await _add(control, 2)
    async with _running(control) as known:
        control.tasks[first] = changed = replace(control.tasks[first], seq=3, attempt=7)
        _tells(control, first)
        await _until(lambda: known.tasks[first] == changed)
        del control.tasks[second]
        _tells(control, second)
        await _until(lambda: second not in known.tasks)
        assert known.link is Link.LIVE


class Silent(Losing):
    """One that answers no question about one task, or about what runs or all."""

    asked = 0
    gets = True
    #: Which lists it answers: those of what runs, and all others.
    lists_running = lists_all = True

    async def get(self, task: str) -> Task:
        if not self.gets:
            self.asked += 1
            raise DaemonUnreachable("gone")
        return await super().get(task)

    async def list(self, query: TaskQuery = TaskQuery()) -> TaskPage:
        answers = self.lists_running if query.states == (TaskState.RUNNING,) else self.lists_all
        if not answers:
            self.asked += 1
            raise DaemonUnreachable("gone")
        return await super().list(query)


@pytest.mark.parametrize("silent", ["gets", "lists_running", "lists_all"])
async def test_a_question_in_vain_leaves_what_is_known_until_the_daemon_is_back(
    silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_module, "_ASKS_EVERY", 0.01)
    control = Silent()
    first, second = await _add(control, 2)
    async with _running(control) as known:
        setattr(control, silent, False)
        if silent == "gets":
            _tells(control, first)
        elif silent == "lists_all":
            await control.cancel(second)
            await _until(lambda: known.tasks[second].done)
            await control.prune(PrunePolicy(older_than=0))
        await _until(lambda: control.asked)
        assert set(known.tasks) == {first, second}
        setattr(control, silent, True)
        control.lose(DaemonUnreachable("it went away"), stays_away=False)
        (third,) = await _add(control)
        # The old stream may still have told of the third.
        await _until(
            lambda: (third in known.tasks and known.link is Link.LIVE and _true(known, control))
        )
