"""The corners of the application and of the daemon that no daemon reaches in a test."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from inspan import app, daemon
from inspan.control import Pruned, PrunePolicy
from inspan.errors import DiskFull
from inspan.settings import Settings, locate


class Full:
    """An engine that cannot prune."""

    async def prune(self, policy: PrunePolicy) -> Pruned:
        raise DiskFull


@pytest.mark.anyio
async def test_retention_that_fails_is_told_and_tried_again(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    places = locate({"INSPAN_HOME": str(tmp_path)})
    with caplog.at_level(logging.WARNING):
        async with anyio.create_task_group() as group:
            group.start_soon(daemon._retain, Full(), places, Settings())  # type: ignore[arg-type]
            await anyio.wait_all_tasks_blocked()
            assert "retention: The disk is full." in caplog.text
            group.cancel_scope.cancel()


class Refusing:
    """An engine whose store refuses the first time that idle sessions are closed."""

    def __init__(self) -> None:
        self.code = self
        self.asked = 0
        self.closed = anyio.Event()

    async def close_idle(self, idle: float) -> int:
        self.asked += 1
        if self.asked == 1:
            raise DiskFull
        self.closed.set()
        return int(idle > 0)


@pytest.mark.anyio
async def test_idle_sessions_that_cannot_be_closed_are_told_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    running = Refusing()
    with caplog.at_level(logging.INFO), anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(daemon._rest, running, 0.002)  # type: ignore[arg-type]
            await running.closed.wait()
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
    assert "idle sessions: The disk is full." in caplog.text
    assert "closed 1 idle sessions" in caplog.text


def test_a_process_that_is_gone_takes_no_memory() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    assert app._rss(child.pid) == 0
