"""What every Control promises of its figures."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from inspan.control import EventQuery
from inspan.errors import BadInput
from inspan.model import event as e
from inspan.model.metrics import MetricsQuery
from inspan.model.task import TERMINAL, Task, TaskState
from tests.fakes.hands import CONTROLS, Factory, Hand

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A5", "A8")]


@pytest.fixture(params=[factory for _, factory in CONTROLS], ids=[name for name, _ in CONTROLS])
async def hand(request: pytest.FixtureRequest) -> AsyncIterator[Hand]:
    factory: Factory = request.param
    async with factory() as made:
        with anyio.fail_after(20):
            yield made


async def reached(hand: Hand, task: Task, *states: TaskState) -> Task:
    """The task once it is in one of ``states``."""
    async for _ in hand.control.watch(0, task=task.id):
        found = await hand.control.get(task.id)
        if found.state in states:
            return found
    raise AssertionError("a watch ended by itself")


async def running(hand: Hand) -> Task:
    task = await hand.control.submit(hand.spec)
    await hand.start(task)
    return await reached(hand, task, TaskState.RUNNING)


async def ended(hand: Hand, code: int = 0) -> Task:
    task = await running(hand)
    await hand.ends(task, code)
    return await reached(hand, task, *TERMINAL)


async def test_metrics_count_what_history_tells(hand: Hand) -> None:
    await ended(hand)
    await ended(hand, code=3)
    open_ = await running(hand)
    metrics = await hand.control.metrics()
    events = await hand.control.history(EventQuery(limit=1000))
    assert metrics.totals.tasks_submitted == sum(isinstance(x.fact, e.Submitted) for x in events)
    assert metrics.totals.tasks_started == sum(isinstance(x.fact, e.AttemptStarted) for x in events)
    assert metrics.totals.tasks_ended == {"completed": 1, "failed": 1}
    assert metrics.now.concurrent == 1
    assert metrics.now.daemon is not None
    assert metrics.now.daemon.rss_bytes > 1 << 20
    assert [use.owner for use in metrics.now.sessions] == [open_.id]


async def test_metrics_of_a_time_are_those_after_it(hand: Hand) -> None:
    begun = (await hand.control.metrics()).now.at
    while not (told := (await hand.control.metrics(MetricsQuery(since=begun))).samples):  # noqa: ASYNC110 - nobody is told
        await anyio.sleep(0.05)
    assert all(sample.at > begun for sample in told)
    after = MetricsQuery(since=told[-1].at + 3600)
    assert (await hand.control.metrics(after)).samples == ()
    with pytest.raises(BadInput):
        await hand.control.metrics(MetricsQuery(limit=0))
