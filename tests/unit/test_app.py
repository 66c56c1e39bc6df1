"""The corners of the application that no daemon reaches in a test."""

from __future__ import annotations

import logging
import subprocess
import sys

import anyio
import pytest

from inspan import app
from inspan.control import Pruned, PrunePolicy
from inspan.engine.ledger import _fold
from inspan.errors import DiskFull, StoreLocked
from inspan.settings import Settings


class Full:
    """An engine that cannot prune."""

    async def prune(self, policy: PrunePolicy) -> Pruned:
        raise DiskFull


@pytest.mark.anyio
async def test_retention_that_fails_is_told_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        async with anyio.create_task_group() as group:
            group.start_soon(app._retain, Full(), Settings())  # type: ignore[arg-type]
            await anyio.wait_all_tasks_blocked()
            assert "retention: The disk is full." in caplog.text
            group.cancel_scope.cancel()


def test_a_process_that_is_gone_takes_no_memory() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    assert app._rss(child.pid) == 0


def test_the_first_of_many_errors_is_ours_or_a_mistake() -> None:
    locked = StoreLocked()
    assert app._first(ExceptionGroup("", [locked])) is locked
    with pytest.raises(TypeError):
        app._first(ExceptionGroup("", [ValueError()]))  # type: ignore[list-item]


def test_a_task_of_nothing_is_no_task() -> None:
    with pytest.raises(ValueError, match="nothing happened"):
        _fold(None, ())
