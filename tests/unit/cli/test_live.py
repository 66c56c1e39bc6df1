"""Tasks that are watched until somebody, or the daemon, has had enough."""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from inspan.cli import demo, events, exits, live, rows
from inspan.client.sync import SyncControl
from inspan.errors import DaemonUnreachable, Unable
from inspan.model.activity import Activity, Doing
from inspan.model.event import Event
from inspan.model.task import TaskSpec
from tests.unit.cli.desk import Desk, desk

pytestmark = pytest.mark.requirement("A11")


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with desk(tmp_path, monkeypatch) as made:
        yield made


class Pressed:
    """A stream of events under which a person presses Ctrl-C."""

    def recv(self, timeout: float | None = None) -> Event | None:
        del timeout
        signal.raise_signal(signal.SIGINT)
        return None

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        return None


class Impatient(SyncControl):
    """A client whose person does not wait."""

    def watch(self, since: int | None = None, *, task: str | None = None) -> Pressed:  # type: ignore[override]
        del since, task
        return Pressed()


def test_ctrl_c_interrupts_all_that_runs_and_tells_what_became_of_each(
    daemon: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks = [daemon.portal.call(daemon.fake.submit_running) for _ in range(3)]
    daemon.portal.call(daemon.fake.ends, tasks[0].id, 0)
    with ExitStack() as clients:
        status = live.watch(
            lambda: clients.enter_context(Impatient(daemon.socket)), tasks, as_json=True
        )
    told = capsys.readouterr()
    assert status == exits.INTERRUPTED
    assert "interrupting what still runs" in told.err
    states = [task["state"] for task in json.loads(told.out)]
    assert states == ["completed", "interrupted", "interrupted"]


class Hopeless:
    """``reach.Reached`` of a daemon that hangs up on whoever watches."""

    def __init__(self) -> None:
        self.asked: list[int | None] = []

    def watch(self, since: int | None = None, *, task: str | None = None) -> Pressed:
        del task
        self.asked.append(since)
        raise DaemonUnreachable("it hung up")


def test_who_follows_events_is_told_where_their_stream_has_given_up() -> None:
    control = Hopeless()
    with pytest.raises(DaemonUnreachable, match="hung up"):
        events._follow(control, None, 7, argparse.Namespace(json=True))  # type: ignore[arg-type]
    assert control.asked == [7]


def test_a_demo_that_hangs_ends_in_words(daemon: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspan.cli.demo._PATIENCE", -1.0)
    task = daemon.portal.call(daemon.fake.submit_running)
    with daemon.control() as control:
        play = demo._Play(control, [], (), quiet=True)
        play.tasks[task.id] = task
        with pytest.raises(Unable, match="took too long"):
            play.run()


def test_what_agents_do_is_asked_where_somebody_sees_it(daemon: Desk) -> None:
    spec = TaskSpec(prompt="do it", provider="claude", cwd="/")
    task = daemon.portal.call(daemon.fake.submit, spec)
    daemon.portal.call(daemon.fake.start, task.id)
    daemon.fake.doing[task.id] = Activity(Doing.IDLE, 1.0)
    with daemon.control() as control:
        task = control.get(task.id)
        told = live._Watcher(lambda: control, [task], seen=True)._doing()
        assert told[task.id].doing is Doing.IDLE
        assert live._Watcher(lambda: control, [task], seen=False)._doing() == {}
    assert rows.fitted([task], 80, activities=told)[1][1] == "running, idle"
