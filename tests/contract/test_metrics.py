"""What every Control promises of its figures."""

from __future__ import annotations

import anyio
import pytest

from inspan.control import EventQuery
from inspan.errors import BadInput
from inspan.model import event as e
from inspan.model.metrics import MetricsQuery
from tests.fakes.hands import Hand, ended, running

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A5", "A8")]


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
