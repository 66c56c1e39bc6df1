"""An agent on a terminal, in a real daemon: what it shows is known, also to the daemon after it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from inspan.client.sync import SyncControl
from inspan.control import EventQuery
from inspan.errors import BadInput, Conflict, IllegalTransition
from inspan.model import event as e
from inspan.model.activity import Activity, Doing, Source
from inspan.model.agent import Mode
from inspan.model.task import Needs, Task, TaskState, TerminalSpec
from tests.real.agenthome import showing
from tests.real.daemon import Daemon, until

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("B4", "C4")]

#: Where the recorded claude asks, and where it is idle after that, in seconds.
ASKS, RESTS = 8.0, 12.0


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with Daemon() as made:
        yield made


def _submitted(daemon: Daemon, control: SyncControl, *stops: str) -> Task:
    programs = daemon.home / "bin"
    programs.mkdir()
    claude = programs / "claude"
    claude.write_text(
        "#!/bin/sh\n"
        """if [ "$1 $2" = "auth status" ]; then echo '{"loggedIn": true}'; exit; fi\n"""
        f"exec {showing('claude', 'permission', *stops)}\n"
    )
    claude.chmod(0o755)
    spec = daemon.spec(
        provider="claude",
        mode=Mode.PTY,
        prompt="do it",
        terminal=TerminalSpec(cols=100, rows=30),
    )
    path = f"{programs}:{spec.env['PATH']}"
    return control.submit(replace(spec, env={**spec.env, "PATH": path}))


def _activity(control: SyncControl, task: Task) -> Activity | None:
    try:
        return control.activity(task.id)
    except IllegalTransition:
        return None  # it has not begun


def _does(control: SyncControl, task: Task, doing: Doing) -> bool:
    found = _activity(control, task)
    # What the store tells of a question is known before anybody has looked again.
    return found is not None and (found.doing, found.source) == (doing, Source.SCREEN)


def _asked(control: SyncControl, task: Task) -> list[Needs]:
    facts = [event.fact for event in control.history(EventQuery(task=task.id))]
    return [fact.needs for fact in facts if isinstance(fact, e.NeedsInput)]


def _say(daemon: Daemon, *words: str) -> str:
    command = [sys.executable, "-m", "inspan.cli.main", *words]
    return subprocess.run(
        command, env=daemon.env, check=True, capture_output=True, text=True, timeout=30
    ).stdout


def test_what_it_asks_outlives_the_daemon_and_is_answered(daemon: Daemon) -> None:
    with daemon.control() as control:
        task = _submitted(daemon, control, f"{ASKS}=b'1'", f"{RESTS}=b'x'")
        until(lambda: control.get(task.id).state is TaskState.WAITING, "it to ask")
        asked = control.get(task.id).needs
    assert asked is not None
    daemon.kill()
    with daemon.start().control() as control:
        until(lambda: _does(control, task, Doing.WAITING), "it to be seen again")
        assert control.get(task.id).needs == asked
        assert len(_asked(control, task)) == 1
        assert "asks: Do you want to proceed?" in _say(daemon, "ls")
        with pytest.raises(Conflict):
            control.answer(task.id, "allow", question="another")
        with pytest.raises(BadInput, match="keys"):
            control.answer(task.id, "no", question=asked.id)
        assert control.get(task.id).state is TaskState.WAITING
        _say(daemon, "answer", task.id, "allow")
        until(lambda: _does(control, task, Doing.IDLE), "it to come to rest")
        assert control.get(task.id).state is TaskState.RUNNING
        assert len(_asked(control, task)) == 1
        assert "running, idle" in _say(daemon, "ls")
        assert "idle, for" in _say(daemon, "show", task.id)
        why = _say(daemon, "why", task.id)
        assert "known by  screen, rule claude/prompt (likely)" in why
        control.send(task.id, b"x")
        until(lambda: control.get(task.id).done, "it to end")
        assert "running, idle" not in _say(daemon, "ls")


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells it in /proc")
def test_one_that_a_signal_stopped_is_not_called_idle(daemon: Daemon) -> None:
    with daemon.control() as control:
        task = _submitted(daemon, control, f"{RESTS}=b'x'")
        plain = control.submit(daemon.spec("sleep", "60"))
        until(lambda: _does(control, task, Doing.IDLE), "it to come to rest")
        pids = [control.get(one.id).pid for one in (task, plain)]
        assert None not in pids
        for pid in filter(None, pids):
            os.killpg(pid, signal.SIGSTOP)
        until(lambda: _say(daemon, "ls").count("running, stopped") == 2, "both to be stopped")
        assert "was stopped by a signal; `kill -CONT" in _say(daemon, "why", task.id)
        assert "was stopped by a signal; `kill -CONT" in _say(daemon, "why", plain.id)
        for pid in filter(None, pids):
            os.killpg(pid, signal.SIGCONT)
        until(lambda: "stopped" not in _say(daemon, "ls"), "both to go on")
        assert "running, idle" in _say(daemon, "ls")
        control.cancel(task.id, force=True)
        control.cancel(plain.id, force=True)
        assert "running" not in _say(daemon, "ls")


def test_an_answer_given_at_its_own_keys_is_seen(daemon: Daemon) -> None:
    with daemon.control() as control:
        task = _submitted(daemon, control, f"{ASKS}=b'1'", f"{RESTS}=b'x'")
        until(lambda: control.get(task.id).state is TaskState.WAITING, "it to ask")
        control.send(task.id, b"1")
        until(lambda: control.get(task.id).state is TaskState.RUNNING, "it to go on")
        until(lambda: _does(control, task, Doing.IDLE), "it to come to rest")
