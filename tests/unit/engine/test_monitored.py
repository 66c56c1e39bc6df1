"""The monitor hears of all that is stored, after it is stored, and can break nothing."""

from __future__ import annotations

import pytest

from inspan.control import EventQuery
from inspan.model.task import TaskState
from tests.unit.engine.stage import Stage, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A8")]


async def test_it_hears_of_every_event_in_their_order() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit()
        stage.run_of(task).finish()
        await settle()
        heard = [event for change in stage.monitor.heard for event in change.events]
        assert heard == list(await stage.store.history(EventQuery()))
        assert await stage.state(task) is TaskState.COMPLETED
        left = await stage.submit()
    async with stage.running():
        assert [known.id for known in stage.monitor.begun] == [left.id]


async def test_a_monitor_that_fails_fails_alone(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.monitor.fault = RuntimeError("odd")
    async with stage.running():
        task = await stage.submit()
        stage.run_of(task).finish()
        await settle()
        assert await stage.state(task) is TaskState.COMPLETED
    assert "the monitor failed" in caplog.text
