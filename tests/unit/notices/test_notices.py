"""Who is told what and when: over Control in memory, with time in the test's hand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from inspan.errors import FellBehind, InspanError, StoreFailed, Unable
from inspan.model import event as e
from inspan.model.notice import USUAL, Desktop, NoticeKind, Target
from inspan.model.task import TaskSpec
from inspan.notices import gathering, marks
from inspan.notices.notices import Notices
from inspan.notices.wording import Message
from tests.fakes.clock import FakeClock
from tests.fakes.control import FakeControl

pytestmark = pytest.mark.anyio


class Heard:
    """A way that remembers, and fails while it is told to."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.trouble = ""
        self.gate: anyio.Event | None = None

    async def deliver(self, message: Message) -> None:
        self.messages.append(message)
        if self.gate is not None:
            await self.gate.wait()
        if self.trouble:
            raise Unable(self.trouble)

    @property
    def titles(self) -> list[str]:
        return [message.title for message in self.messages]


class World:
    """One daemon's notices after another's, over the same tasks."""

    def __init__(self, path: Path) -> None:
        self.control = FakeControl(backlog=100_000)
        self.clock = FakeClock()
        self.path = path / "notices.json"
        self.ways: dict[str, Heard] = {}

    def way(self, target: Target) -> Heard:
        return self.ways.setdefault(target.name, Heard())

    @asynccontextmanager
    async def telling(self, *targets: Target) -> AsyncIterator[Notices]:
        notices = Notices(targets, self.way, self.path, self.clock)
        async with anyio.create_task_group() as group:
            await group.start(notices.run, self.control)
            with anyio.fail_after(40):
                yield notices
            group.cancel_scope.cancel()

    async def passing(self, true: Callable[[], object], most: float = 3600) -> float:
        """Let time pass until that is so; how much had to. None does while files are written."""
        begun = self.clock.monotonic()
        while not true():
            assert self.clock.monotonic() - begun < most
            await self.clock.advance(0.5)
            while anyio.to_thread.current_default_thread_limiter().borrowed_tokens:
                await anyio.sleep(0.001)
                await anyio.wait_all_tasks_blocked()
        return self.clock.monotonic() - begun

    async def quiet(self, seconds: float) -> None:
        """So much time passes."""
        end = self.clock.monotonic() + seconds
        await self.passing(lambda: self.clock.monotonic() >= end)

    async def failing(self, count: int) -> None:
        for _ in range(count):
            self.control.ends((await self.control.submit_running()).id, 3)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


DESK = Target(name="desk", way=Desktop())


async def test_a_question_is_told_a_moment_after_it_was_asked(world: World) -> None:
    async with world.telling(DESK):
        task = await world.control.submit_running()
        world.control.asks(task.id, "Which?")
        heard = world.way(DESK)
        assert await world.passing(lambda: heard.messages) <= 3
        assert heard.messages[0].text == "Which?"
        assert heard.messages[0].notices[0].task == task.id


async def test_what_is_answered_meanwhile_is_told_to_nobody(world: World) -> None:
    async with world.telling(DESK):
        task = await world.control.submit_running()
        world.control.asks(task.id, "Which?")
        await world.clock.advance(1)
        await world.control.answer(task.id, "this")
        await world.quiet(60)
        assert world.way(DESK).messages == []


async def test_a_question_is_told_once_and_the_next_is_another(world: World) -> None:
    async with world.telling(DESK):
        heard = world.way(DESK)
        task = await world.control.submit_running()
        for _ in range(3):
            world.control.asks(task.id, "Which?")
            await world.quiet(30)
        assert heard.titles == [f"{task.id[-6:]} asks"]
        await world.control.answer(task.id, "this")
        world.control.asks(task.id, "Which?")
        await world.passing(lambda: len(heard.messages) == 2)


async def test_a_hundred_failures_are_a_few_notices(world: World) -> None:
    async with world.telling(DESK):
        await world.failing(100)
        heard = world.way(DESK)
        await world.passing(lambda: heard.messages)
        await world.quiet(60)
        assert heard.titles == ["100 tasks failed"]


async def test_failures_over_a_minute_are_a_few_notices_too(world: World) -> None:
    async with world.telling(DESK):
        for _ in range(60):
            await world.failing(1)
            await world.quiet(1)
        await world.quiet(30)
        heard = world.way(DESK)
        told = [notice.task for message in heard.messages for notice in message.notices]
        assert sorted(told) == sorted(world.control.tasks)
        assert 2 <= len(heard.messages) <= 8


async def test_more_than_can_be_held_is_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "HELD", 5)
    async with world.telling(DESK):
        await world.failing(12)
        heard = world.way(DESK)
        await world.passing(lambda: heard.messages)
        assert heard.titles == ["5 tasks failed, 7 more"]


async def test_each_is_told_what_it_wants(world: World) -> None:
    done = Target(name="done", way=Desktop(), kinds=frozenset({NoticeKind.COMPLETED}))
    named = Target(name="named", way=Desktop(), kinds=frozenset(NoticeKind), tasks=("deploy-*",))
    async with world.telling(DESK, done, named):
        for name, status in (("deploy-a", 3), ("deploy-b", 0), ("other", 0)):
            task = await world.control.submit(TaskSpec(command=("x",), cwd="/", name=name))
            world.control.start(task.id)
            world.control.ends(task.id, status)
        await world.quiet(30)
    assert world.ways["desk"].titles == ["deploy-a has failed"]
    assert world.ways["done"].titles == ["2 tasks done"]
    assert world.ways["named"].titles == ["1 task failed, 1 done"]
    assert NoticeKind.COMPLETED not in USUAL


async def test_one_that_is_slow_or_fails_holds_up_no_other(world: World) -> None:
    slow = Target(name="slow", way=Desktop())
    broken = Target(name="broken", way=Desktop())
    gate = world.way(slow).gate = anyio.Event()
    world.way(broken).trouble = "nobody is there"
    async with world.telling(slow, broken, DESK) as notices:
        await world.failing(1)
        await world.passing(lambda: world.way(DESK).messages and list(notices.warnings()))
        await world.failing(1)
        await world.passing(lambda: len(world.way(DESK).messages) == 2)
        assert len(world.way(slow).messages) == 1
        assert list(notices.warnings()) == ["notify: broken was not told: nobody is there"]
        world.way(broken).trouble = ""
        await world.failing(1)
        await world.passing(lambda: not list(notices.warnings()))
        gate.set()
        await world.passing(lambda: len(world.way(slow).messages) == 2)
        assert world.way(slow).titles[1] == "2 tasks failed"


async def test_the_next_daemon_goes_on_where_this_one_was(world: World) -> None:
    heard = world.way(DESK)
    async with world.telling(DESK):
        await world.failing(2)
        await world.passing(lambda: heard.messages)
    async with world.telling(DESK):
        await world.quiet(60)
    assert heard.titles == ["2 tasks failed"]
    await world.failing(3)  # while nobody listens
    async with world.telling(DESK):
        await world.passing(lambda: len(heard.messages) == 2)
        await world.quiet(60)
    assert heard.titles == ["2 tasks failed", "3 tasks failed"]


async def test_what_was_gathered_when_the_daemon_ended_is_told_by_the_next(world: World) -> None:
    heard = world.way(DESK)
    async with world.telling(DESK):
        await world.failing(1)
        await world.passing(lambda: heard.messages)
        await world.failing(1)
        await world.clock.advance(1)
    async with world.telling(DESK):
        await world.passing(lambda: len(heard.messages) == 2)
    assert len({notice.task for message in heard.messages for notice in message.notices}) == 2


async def test_what_was_being_sent_when_the_daemon_was_killed_is_not_sent_again(
    world: World,
) -> None:
    heard = world.way(DESK)
    heard.gate = anyio.Event()
    async with world.telling(DESK):
        await world.failing(1)
        await world.passing(lambda: heard.messages)
        written = world.path.read_text()
    world.path.write_text(written)  # one that is killed writes no more
    async with world.telling(DESK):
        await world.quiet(60)
    assert len(heard.messages) == 1


async def test_each_goes_on_where_it_was_itself(world: World) -> None:
    late = Target(name="late", way=Desktop(), gather=600.0)
    async with world.telling(DESK, late):
        await world.failing(1)
        await world.passing(lambda: world.way(DESK).messages)
    async with world.telling(DESK, late):
        await world.passing(lambda: world.way(late).messages)
        await world.failing(1)
        await world.passing(lambda: len(world.way(late).messages) == 2)
    for told in world.ways.values():
        named = [notice.task for message in told.messages for notice in message.notices]
        assert sorted(named) == sorted(world.control.tasks)


@pytest.mark.parametrize("text", ["", "{", '{"version": 9}', "[]", '{"version": 1, "targets": 3}'])
async def test_marks_that_cannot_be_read_begin_anew(world: World, text: str) -> None:
    await world.failing(1)
    world.path.write_text(text)
    async with world.telling(DESK):
        await world.failing(1)
        await world.passing(lambda: world.way(DESK).messages)
        assert len(world.way(DESK).messages[0].notices) == 1


async def test_another_database_than_the_one_that_was_read_begins_anew(world: World) -> None:
    async with world.telling(DESK):
        await world.failing(5)
        await world.passing(lambda: world.way(DESK).messages)
    world.control = FakeControl()
    async with world.telling(DESK):
        await world.failing(1)
        await world.passing(lambda: len(world.way(DESK).messages) == 2)


async def test_what_happened_long_ago_is_not_told(world: World) -> None:
    async with world.telling(DESK):
        await world.failing(1)
        await world.passing(lambda: world.way(DESK).messages)
    await world.failing(1)
    world.clock.jump(world.control.events[0].at - world.clock.now() + 2 * 86400)
    async with world.telling(DESK):
        await world.quiet(60)
    assert len(world.way(DESK).messages) == 1


async def test_a_file_that_cannot_be_written_keeps_nobody_from_being_told(world: World) -> None:
    world.path = world.path / "no" / "folder"
    async with world.telling(DESK):
        await world.failing(1)
        await world.passing(lambda: world.way(DESK).messages)


def _watch_fails(world: World, monkeypatch: pytest.MonkeyPatch, *errors: InspanError) -> None:
    """With each of the errors once, after an event."""
    watch, left = world.control.watch, [*errors]

    async def failing(since: int | None = None) -> AsyncIterator[e.Event]:
        async for event in watch(since):
            yield event
            if left:
                raise left.pop()

    monkeypatch.setattr(world.control, "watch", failing)


async def test_events_that_cannot_be_read_are_asked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _watch_fails(world, monkeypatch, StoreFailed("no"), StoreFailed("still no"))
    async with world.telling(DESK):
        await world.failing(3)
        await world.quiet(60)
    told = [notice.task for message in world.way(DESK).messages for notice in message.notices]
    assert sorted(told) == sorted(world.control.tasks)


async def test_who_cannot_be_told_on_this_machine_is_warned_of_at_once(world: World) -> None:
    def nowhere(_: Target) -> Heard:
        raise Unable("notify-send is not here")

    notices = Notices((DESK,), nowhere, world.path, world.clock)
    async with anyio.create_task_group() as group:
        await group.start(notices.run, world.control)
        assert list(notices.warnings()) == ["notify: desk was not told: notify-send is not here"]
        group.cancel_scope.cancel()


async def test_the_file_is_the_owners_alone_and_says_how_it_went(world: World) -> None:
    async with world.telling(DESK):
        await world.failing(1)
        await world.passing(lambda: world.way(DESK).messages)
    assert world.path.stat().st_mode & 0o777 == 0o600
    mark = marks.read(world.path)["desk"]
    assert mark.seq == len(world.control.events)
    assert mark.title.endswith("has failed")
    assert json.loads(world.path.read_text())["version"] == 1


async def test_events_that_cannot_be_looked_up_at_the_start_begin_anew(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    heard = world.way(DESK)
    async with world.telling(DESK):
        await world.failing(1)
        await world.passing(lambda: heard.messages)
    await world.failing(1)  # while nobody listens

    async def failing(_: object = None) -> tuple[e.Event, ...]:
        raise StoreFailed("the store is away")

    monkeypatch.setattr(world.control, "history", failing)
    async with world.telling(DESK):
        assert "the store is away" in caplog.text
        await world.failing(1)
        await world.passing(lambda: len(heard.messages) == 2)
        assert len(heard.messages[1].notices) == 1


async def test_who_falls_behind_reads_on_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _watch_fails(world, monkeypatch, FellBehind(), FellBehind())
    async with world.telling(DESK):
        await world.failing(3)
        assert await world.passing(lambda: world.way(DESK).messages) <= 5
    told = [notice.task for message in world.way(DESK).messages for notice in message.notices]
    assert sorted(told) == sorted(world.control.tasks)


async def test_of_a_task_that_is_forgotten_nothing_is_told(world: World) -> None:
    async with world.telling(DESK):
        await world.failing(1)
        await world.clock.advance(1)
        world.control.tasks.clear()
        await world.quiet(60)
        assert world.way(DESK).messages == []
        await world.failing(1)
        await world.passing(lambda: world.way(DESK).messages)


async def test_a_way_that_fails_in_an_unforeseen_way_is_tried_at_the_next_message(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd(Heard):
        async def deliver(self, message: Message) -> None:
            await super().deliver(message)
            if len(self.messages) == 1:
                raise RuntimeError("odd")

    heard = world.ways["desk"] = Odd()
    async with world.telling(DESK):
        await world.failing(1)
        await world.passing(lambda: heard.messages)
        await world.quiet(60)
        assert "notices for desk" in caplog.text
        await world.failing(1)
        await world.passing(lambda: len(heard.messages) == 2)
