"""Ten thousand tasks: the first picture, scrolling, and a flood of events.

Measured in the processor's seconds, since the machine of a test does other things too.
"""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from inspan.model.ids import ulid
from inspan.model.task import Task, TaskSpec, TaskState
from inspan.telling import phrases
from inspan.tui.app import Cockpit
from tests.fakes.control import FakeControl
from tests.unit.tui.test_tasks import seen, until

pytestmark = [pytest.mark.anyio, pytest.mark.alone, pytest.mark.requirement("E4")]

MANY = 10_000
STATES = (
    [TaskState.COMPLETED] * 80
    + [TaskState.FAILED] * 10
    + [TaskState.QUEUED] * 8
    + [TaskState.RUNNING, TaskState.INTERRUPTED]
)


def _many() -> FakeControl:
    control = FakeControl()
    spec = TaskSpec(command=("work",), cwd="/", env={f"NAME_{n}": "value" for n in range(30)})
    for number in range(MANY):
        task_id = ulid(1.7e9 + number, number.to_bytes(10))
        named = replace(spec, name=f"task {number} with a name that is not the shortest")
        control.tasks[task_id] = Task(
            id=task_id, spec=named, state=STATES[number % 100], created_at=1.7e9 + number
        )
    return control


def _p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


async def test_whoever_goes_down_page_by_page_comes_to_the_older_ones() -> None:
    app = Cockpit(_many())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Needs you 100" in seen(app))
        tasks = app.tasks.tasks
        tasks.action_edge(1)
        for _ in range(3):
            known = len(tasks.listing)
            await until(pilot, lambda known=known: len(tasks.listing) > known)  # type: ignore[misc]
            tasks.action_edge(1)


async def test_the_first_picture_and_scrolling() -> None:
    control = _many()
    begun = time.process_time()
    app = Cockpit(control)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Needs you 100" in seen(app))
        first = time.process_time() - begun
        took: list[float] = []
        tasks = app.tasks.tasks
        for act, by in [(tasks.action_step, 1)] * 60 + [(tasks.action_page, 1)] * 60:
            begun = time.process_time()
            act(by)
            shown = seen(app)  # all of the screen is drawn anew
            took.append(time.process_time() - begun)
            assert tasks.current is not None
            assert f"{phrases.title(tasks.current.spec)[:14]}" in shown
            await pilot.pause()
        assert len(tasks.listing) > 1000  # it has read on as it came there
    print(f"first picture {first:.2f} s, a step p95 {_p95(took) * 1000:.0f} ms")
    assert first < 1.0
    assert _p95(took) < 0.05
