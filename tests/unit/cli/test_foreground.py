"""One task in the foreground, where somebody else types into it, or it is gone, or the daemon."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inspan.cli.foreground import Foreground
from inspan.client import link, wire
from inspan.client.sync import SyncControl
from inspan.errors import DaemonUnreachable
from inspan.model.event import Event
from inspan.model.task import Task, TaskSpec, TaskState
from tests.fakes.terminal import FakeTerminal
from tests.unit.cli.desk import Desk, desk

pytestmark = pytest.mark.requirement("A11")

SPEC = TaskSpec(command=("work",), cwd="/")


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with desk(tmp_path, monkeypatch) as made:
        yield made


def ended(daemon: Desk, code: int = 3) -> Task:
    """A task that has run to its end, as it was when it began."""
    task = daemon.portal.call(daemon.fake.submit_running)
    daemon.portal.call(daemon.fake.prints, task.id, b"all of it\n")
    daemon.portal.call(daemon.fake.ends, task.id, code)
    return task


def test_where_somebody_else_types_it_is_watched_and_that_is_said(
    daemon: Desk, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = daemon.portal.call(daemon.fake.submit_running)
    attach = daemon.fake.attach
    ways: list[tuple[bool, bool]] = []

    def noticed(session: str, **how: Any) -> AbstractAsyncContextManager[FakeTerminal]:
        ways.append((how["writer"], how["steal"]))
        if not how["writer"]:  # it has come to watch
            daemon.fake.prints(task.id, b"all of it\n")
            daemon.fake.ends(task.id, 3)
        return attach(session, **how)

    monkeypatch.setattr(daemon.fake, "attach", noticed)
    with (
        daemon.control() as ours,
        daemon.control() as other,
        other.attach(f"{task.id}-1", writer=True),
    ):
        assert Foreground(ours, lambda: ours).run(task) == 3
    told = capfd.readouterr()
    assert told.out == "all of it\n"
    assert "somebody else types into it now; Ctrl-C interrupts it" in told.err
    assert ways == [(True, False), (True, False), (False, False)]


def test_a_recording_that_was_let_go_leaves_the_status(
    daemon: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    task = ended(daemon)
    del daemon.fake.sessions[f"{task.id}-1"]
    with daemon.control() as control:
        assert Foreground(control, lambda: control).run(task) == 3
    assert capfd.readouterr().out == ""


def test_a_daemon_that_is_gone_when_the_task_is_looked_at_is_looked_for_again(
    daemon: Desk, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    task = ended(daemon)
    with SyncControl(tmp_path / "none") as gone, daemon.control() as control:
        found = iter([gone, control])
        assert Foreground(gone, lambda: next(found)).run(task) == 3
    assert capfd.readouterr().out == "all of it\n"


def test_a_daemon_that_does_not_come_back_is_told(daemon: Desk, tmp_path: Path) -> None:
    task = ended(daemon)
    with SyncControl(tmp_path / "none") as gone, pytest.raises(DaemonUnreachable, match="none"):
        Foreground(gone, lambda: gone).run(task)


@pytest.mark.parametrize("started", [False, True])
def test_a_command_that_begins_at_once_is_not_asked_about_first(
    daemon: Desk,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    started: bool,
) -> None:
    """Each question more is a millisecond or two of what a short command costs."""
    fake = daemon.fake
    task = daemon.portal.call(fake.submit, SPEC)
    if started:  # as a task is told of that started in the change that accepted it
        task = replace(task, state=TaskState.RUNNING, session=f"{task.id}-1")
    attach, asked = fake.attach, list[str]()

    def begins(session: str, **how: Any) -> AbstractAsyncContextManager[FakeTerminal]:
        asked.append("attach")
        fake.start(task.id)
        fake.prints(task.id, b"all of it\n")
        fake.ends(task.id, 3)
        return attach(session, **how)

    monkeypatch.setattr(fake, "attach", begins)
    exchange = link.exchange

    def counted(connection: socket.socket, raw: bytes) -> tuple[wire.Response, bytes]:
        asked.append(raw.split()[1].decode().partition("?")[0])
        return exchange(connection, raw)

    monkeypatch.setattr(link, "exchange", counted)
    with daemon.control() as control:
        assert Foreground(control, lambda: control).run(task) == 3
    assert capfd.readouterr().out == "all of it\n"
    assert asked == [f"/v1/sessions/{task.id}-1/terminal", "attach", f"/v1/tasks/{task.id}/wait"]


def test_a_command_that_does_not_begin_at_once_is_waited_for(
    daemon: Desk, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = daemon.fake
    task = daemon.portal.call(fake.submit, SPEC)
    watch = fake.watch

    def begins(since: int | None = None, *, task: str | None = None) -> AsyncGenerator[Event, None]:
        assert task is not None
        fake.start(task)
        fake.prints(task, b"all of it\n")
        fake.ends(task, 3)
        return watch(since, task=task)

    monkeypatch.setattr(fake, "watch", begins)
    with daemon.control() as control:
        assert Foreground(control, lambda: control).run(task) == 3
    assert capfd.readouterr().out == "all of it\n"
