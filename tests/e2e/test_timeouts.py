"""timeouts.yaml under a daemon that runs: it is read again, and broken it changes nothing."""

from __future__ import annotations

import pytest

from inspan.model.task import TaskState
from tests.real.daemon import Daemon, until

pytestmark = pytest.mark.requirement("C3")


def test_it_is_read_again_and_one_that_is_broken_is_told_and_changes_nothing() -> None:
    with Daemon() as daemon, daemon.control() as control:
        file = daemon.places.timeouts
        first = control.submit(daemon.spec("sleep", "600", patience=None))
        until(lambda: control.get(first.id).pid, "it to run, with the limits of before")
        file.write_text("command: {timeout: 100ms}\nstop: {grace: 500ms}\n")
        second = control.submit(daemon.spec("sleep", "600", patience=None))
        until(lambda: control.get(second.id).state is TaskState.FAILED, "the new deadline")
        reason = control.get(second.id).reason
        assert reason is not None
        assert reason.message == "ran longer than 0.1 s"
        assert control.health().warnings == ()
        file.write_text("command: {timeout: 100ms}\nstop: {grace: 500ms, gracious: 1}\n")
        (warning,) = control.health().warnings
        assert f"{file}:2" in warning
        third = control.submit(daemon.spec("sleep", "600", patience=None))
        until(lambda: control.get(third.id).state is TaskState.FAILED, "the deadline of before")
        assert control.get(first.id).state is TaskState.RUNNING
        control.cancel(first.id)
