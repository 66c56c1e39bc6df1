"""Tasks that are handed in side by side: few requests, and each caller as if it were alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from inspan.client import together
from inspan.client.remote import RemoteControl
from inspan.errors import DaemonUnreachable, InspanError
from inspan.model.task import Task, TaskSpec
from tests.fakes.control import FakeControl
from tests.fakes.hands import served

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A5")]

SPEC = TaskSpec(command=("work",), cwd="/")


class Slow(FakeControl):
    """Takes nothing in before it may, and knows what came together."""

    def __init__(self) -> None:
        super().__init__()
        self.may = anyio.Event()
        self.asked = anyio.Event()
        self.requests: list[list[str]] = []

    async def submit(self, spec: TaskSpec, *, key: str | None = None) -> Task:
        return (await self.submit_all([spec], key=key))[0]

    async def submit_all(
        self, specs: Sequence[TaskSpec], *, key: str | None = None
    ) -> tuple[Task, ...]:
        self.requests.append([spec.name for spec in specs])
        self.asked.set()
        await self.may.wait()
        return await super().submit_all(specs, key=key)


@asynccontextmanager
async def daemon() -> AsyncIterator[tuple[Slow, RemoteControl]]:
    slow = Slow()
    with anyio.fail_after(20):
        async with served(slow) as socket, RemoteControl.connect(socket) as control:
            yield slow, control


def named(*names: str) -> list[TaskSpec]:
    return [replace(SPEC, name=name) for name in names]


class Callers:
    """Each hands one task in, and keeps what it is told."""

    def __init__(self, control: RemoteControl) -> None:
        self._control = control
        self.told: dict[str, Task | InspanError] = {}

    async def __call__(self, spec: TaskSpec) -> None:
        try:
            self.told[spec.name] = await self._control.submit(spec)
        except InspanError as error:
            self.told[spec.name] = error

    async def until(self, scope: anyio.CancelScope, spec: TaskSpec) -> None:
        """The same for one that leaves when ``scope`` is cancelled."""
        with scope:
            await self(spec)

    def names(self) -> dict[str, str]:
        return {name: told.spec.name for name, told in self.told.items() if isinstance(told, Task)}


async def ahead(group: anyio.abc.TaskGroup, slow: Slow, callers: Callers) -> None:
    """Return once one request is under way, so that what follows waits for it."""
    group.start_soon(callers, named("first")[0])
    await slow.asked.wait()


async def settled() -> None:
    for _ in range(20):
        await anyio.lowlevel.checkpoint()


async def test_what_comes_while_one_is_under_way_goes_together_and_each_gets_its_own() -> None:
    async with daemon() as (slow, control), anyio.create_task_group() as group:
        callers = Callers(control)
        await ahead(group, slow, callers)
        for spec in named(*"abc"):
            group.start_soon(callers, spec)
        await settled()
        slow.may.set()
    assert slow.requests == [["first"], ["a", "b", "c"]]
    assert callers.names() == {name: name for name in ("first", "a", "b", "c")}
    assert len({told.id for told in callers.told.values() if isinstance(told, Task)}) == 4


async def test_of_what_is_refused_together_each_is_told_of_itself_alone() -> None:
    async with daemon() as (slow, control), anyio.create_task_group() as group:
        callers = Callers(control)
        await ahead(group, slow, callers)
        good, bad = named("good", "bad")
        group.start_soon(callers, good)
        group.start_soon(callers, replace(bad, after=("01ARZ3NDEKTSV4RRFFQ69G5FAV",)))
        await settled()
        slow.may.set()
    assert callers.names() == {"first": "first", "good": "good"}
    assert isinstance(callers.told["bad"], InspanError)
    assert sorted(slow.requests[2:]) == [["bad"], ["good"]]


async def test_a_place_in_a_submission_is_one_in_its_own() -> None:
    async with daemon() as (slow, control), anyio.create_task_group() as group:
        callers = Callers(control)
        await ahead(group, slow, callers)
        own, other = named("own", "other")
        group.start_soon(callers, other)
        group.start_soon(callers, replace(own, after=("@0",)))
        await settled()
        slow.may.set()
    assert sorted(slow.requests) == [["first"], ["other"], ["own"]]
    assert len(callers.told) == 3


async def test_who_leaves_before_it_goes_hands_nothing_in() -> None:
    async with daemon() as (slow, control), anyio.create_task_group() as group:
        callers = Callers(control)
        await ahead(group, slow, callers)
        scope = anyio.CancelScope()
        group.start_soon(callers.until, scope, named("left")[0])
        group.start_soon(callers, named("stays")[0])
        await settled()
        scope.cancel()
        await settled()
        slow.may.set()
    assert slow.requests == [["first"], ["stays"]]
    assert callers.names() == {"first": "first", "stays": "stays"}


async def test_where_whoever_asked_for_all_leaves_the_others_get_what_it_asked_for() -> None:
    async with daemon() as (slow, control), anyio.create_task_group() as group:
        callers = Callers(control)
        await ahead(group, slow, callers)
        scope = anyio.CancelScope()
        group.start_soon(callers.until, scope, named("leads")[0])
        await settled()
        group.start_soon(callers, named("follows")[0])
        await settled()
        slow.may.set()
        slow.may, slow.asked = anyio.Event(), anyio.Event()
        await slow.asked.wait()
        scope.cancel()
        await settled()
        slow.may.set()
    assert slow.requests == [["first"], ["leads", "follows"]]
    assert callers.names() == {"first": "first", "follows": "follows"}


async def test_a_daemon_that_goes_is_told_to_each() -> None:
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            slow = Slow()
            async with served(slow) as socket:
                callers = Callers(RemoteControl(socket))
                await ahead(group, slow, callers)
                for spec in named("a", "b"):
                    group.start_soon(callers, spec)
                await settled()
    errors = list(callers.told.values())
    assert [type(error) for error in errors] == [DaemonUnreachable] * 3
    assert len(set(map(id, errors))) == 3


async def test_no_request_grows_beyond_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "TASKS_MOST", 2)
    async with daemon() as (slow, control), anyio.create_task_group() as group:
        callers = Callers(control)
        await ahead(group, slow, callers)
        for spec in named(*"abcde"):
            group.start_soon(callers, spec)
        await settled()
        slow.may.set()
    assert slow.requests == [["first"], ["a", "b"], ["c", "d"], ["e"]]
    assert len(callers.names()) == 6


async def test_what_is_larger_than_goes_together_goes_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(together, "BYTES_MOST", 1000)
    async with daemon() as (slow, control), anyio.create_task_group() as group:
        callers = Callers(control)
        await ahead(group, slow, callers)
        small, large, last = named("small", "large", "last")
        for spec in (small, replace(large, env={"LONG": "x" * 2000}), last):
            group.start_soon(callers, spec)
        await settled()
        slow.may.set()
    assert slow.requests == [["first"], ["small"], ["large"], ["last"]]
