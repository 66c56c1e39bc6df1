"""Traces of a daemon, over Control in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from inspan.errors import FellBehind, StoreFailed
from inspan.model import event as e
from inspan.model import trace
from inspan.model.task import TaskSpec, Verdict
from inspan.tracing import traces
from inspan.tracing.spans import Span, spans
from inspan.tracing.traces import Traces
from tests.fakes.clock import FakeClock
from tests.fakes.control import FakeControl

pytestmark = pytest.mark.anyio


class Kept:
    """Where spans go, in memory."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def hand_on(self, span: Span) -> None:
        self.spans.append(span)

    def warnings(self) -> Iterator[str]:
        return iter(())

    async def run(self) -> None:
        await anyio.sleep_forever()


class World:
    """One daemon's traces after another's, over the same tasks."""

    def __init__(self, folder: Path) -> None:
        self.control = FakeControl(backlog=100_000)
        self.clock = FakeClock()
        self.path = folder / "traced"

    @asynccontextmanager
    async def tracing(self) -> AsyncIterator[Kept]:
        kept = Kept()
        async with anyio.create_task_group() as group:
            await group.start(Traces(kept, self.path, self.clock).run, self.control)
            with anyio.fail_after(20):
                yield kept
            group.cancel_scope.cancel()

    def told(self) -> list[Span]:
        """All there are to be told."""
        by_task: dict[str, list[e.Event]] = {}
        for event in self.control.events:
            by_task.setdefault(event.task, []).append(event)
        return [span for events in by_task.values() for span in spans(events)]


async def until(true: Callable[[], object]) -> None:
    while not true():  # noqa: ASYNC110 - what is waited for tells nobody
        await anyio.sleep(0.002)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def ids(found: list[Span]) -> list[str]:
    return sorted(span.place.span for span in found)


async def test_spans_are_those_of_the_events(world: World) -> None:
    async with world.tracing() as kept:
        for status in (0, 3):
            world.control.ends((await world.control.submit_running()).id, status)
        await until(lambda: len(kept.spans) >= len(world.told()))
        assert ids(kept.spans) == ids(world.told())


async def test_the_next_daemon_goes_on_with_the_same_trace(world: World) -> None:
    async with world.tracing() as first:
        asking = await world.control.submit_running()
        world.control.asks(asking.id, "Which?")
        await until(lambda: first.spans)
    await world.control.answer(asking.id, "this")  # while nobody listens
    async with world.tracing() as second:
        world.control.ends(asking.id)
        await until(lambda: len(second.spans) == 3)
    assert [span.name for span in second.spans] == ["question", "attempt", "task"]
    assert ids(first.spans + second.spans) == ids(world.told())
    assert len({span.place.trace for span in first.spans + second.spans}) == 1


async def test_one_that_was_killed_loses_nothing_and_the_ids_say_what_came_twice(
    world: World,
) -> None:
    async with world.tracing() as first:
        world.control.ends((await world.control.submit_running()).id)
        await until(lambda: len(first.spans) == len(world.told()))
    kept = world.path.read_text()
    async with world.tracing() as second:
        world.control.ends((await world.control.submit_running()).id)
        await until(lambda: second.spans)
    world.path.write_text(kept)  # it had not come to write
    async with world.tracing() as third:
        await until(lambda: len(third.spans) == len(second.spans))
    assert ids(third.spans) == ids(second.spans)


async def test_a_task_that_is_not_known_is_read_from_its_events(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "KNOWN", 2)
    before = [await world.control.submit_running() for _ in range(3)]
    async with world.tracing() as kept:
        during = [await world.control.submit_running() for _ in range(3)]
        for task in (*before, *during):
            world.control.ends(task.id)
        await until(lambda: sum(span.name == "task" for span in kept.spans) == 6)
    counted = Counter(span.name for span in kept.spans)
    assert counted["attempt"] == 6
    whole = next(span for span in kept.spans if span.place == trace.root(before[0].id, {}))
    assert whole.start == world.control.events[0].at


async def test_links_lead_to_where_other_tasks_are(world: World) -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with world.tracing() as kept:
        spec = TaskSpec(command=("x",), cwd="/", env={"TRACEPARENT": parent})
        first = await world.control.submit(spec)
        second = await world.control.submit(TaskSpec(command=("x",), cwd="/", after=(first.id,)))
        for task in (first, second):
            world.control.start(task.id)
            world.control.ends(task.id)
        await until(lambda: sum(span.name == "task" for span in kept.spans) == 2)
    last = kept.spans[-1]
    assert last.links == (("after", trace.root(first.id, spec.env)),)


async def test_what_is_said_of_a_task_that_is_over_is_no_trouble(world: World) -> None:
    async with world.tracing() as kept:
        task = await world.control.submit_running()
        world.control.ends(task.id)
        await until(lambda: len(kept.spans) == len(world.told()))
        await world.control.decide(task.id, Verdict.ACCEPT)
        other = await world.control.submit_running()
        world.control.ends(other.id)
        await until(lambda: sum(span.name == "task" for span in kept.spans) == 2)


async def test_only_what_was_sent_long_ago_is_not_sent_again(world: World) -> None:
    async with world.tracing() as kept:
        world.control.ends((await world.control.submit_running()).id)
        await until(lambda: len(kept.spans) == len(world.told()))
        early = len(world.control.events)
        await world.clock.advance(31)
        world.control.ends((await world.control.submit_running()).id)
        await until(lambda: len(kept.spans) == len(world.told()))
        assert not world.path.exists()
        await world.clock.advance(31)
        await until(world.path.exists)
        assert int(world.path.read_text()) == early
    assert int(world.path.read_text()) == len(world.control.events)


@pytest.mark.parametrize("error", [StoreFailed("no"), FellBehind("too slow"), OSError("odd")])
async def test_events_that_cannot_be_read_are_asked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    watch, left = world.control.watch, [error]

    async def failing(since: int | None = None) -> AsyncIterator[e.Event]:
        async for event in watch(since):
            yield event
            if left:
                raise left.pop()

    monkeypatch.setattr(world.control, "watch", failing)
    async with world.tracing() as kept:
        world.control.ends((await world.control.submit_running()).id)
        await until(lambda: not left)
        await anyio.wait_all_tasks_blocked()
        await world.clock.advance(6)
        await until(lambda: len(kept.spans) >= len(world.told()))
    assert ids(kept.spans) == ids(world.told())


async def test_a_task_that_is_forgotten_meanwhile_is_no_trouble(world: World) -> None:
    forgotten = await world.control.submit_running()
    async with world.tracing() as kept:
        del world.control.tasks[forgotten.id]
        other = await world.control.submit_running()
        late = e.Event(
            len(world.control.events) + 1, 1.0, forgotten.id, "", e.Completed(forgotten.attempt)
        )
        world.control.events.append(late)
        world.control.ends(other.id)
        await until(lambda: sum(span.name == "task" for span in kept.spans) == 1)
    assert kept.spans[-1].place == trace.root(other.id, {})


async def test_what_another_version_has_stored_in_an_odd_order_is_not_traced(world: World) -> None:
    async with world.tracing() as kept:
        task = await world.control.submit(TaskSpec(command=("x",), cwd="/"))
        odd = e.Event(len(world.control.events) + 1, 1.0, task.id, "", e.Completed(7))
        world.control.events.append(odd)
        other = await world.control.submit_running()
        world.control.ends(other.id)
        await until(lambda: sum(span.name == "task" for span in kept.spans) == 1)
    assert kept.spans[-1].place == trace.root(other.id, {})


async def test_where_it_cannot_be_written_down_spans_go_out_all_the_same(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.path = world.path / "no" / "folder"
    async with world.tracing() as kept:
        world.control.ends((await world.control.submit_running()).id)
        await until(lambda: len(kept.spans) == len(world.told()))
    assert "not written down" in caplog.text
