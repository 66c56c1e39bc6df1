"""An agent at its limits, or killed: a real daemon, and a process that plays Claude Code's part."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.client.sync import SyncControl
from inspan.errors import BadInput
from inspan.model.budget import Budget, OverBudget
from inspan.model.task import OnLimit, Patience, Task, TaskSpec, TaskState
from tests.real.daemon import Daemon, until
from tests.real.goldens import ROOT, golden

pytestmark = pytest.mark.requirement("B4", "C4")

PLAYER = Path(__file__).parents[1] / "fakes" / "golden_agent.py"
LATER = "roles: {default: 20}\nagents: {first_wait: 1h}\n"
SOON = "roles: {default: 20}\nagents: {first_wait: 1s}\n"


def _plays(daemon: Daemon, first: str, then: str) -> None:
    """Make ``claude`` play ``first``, and ``then`` where it takes a session up."""
    bin_ = daemon.home / "bin"
    bin_.mkdir()
    first, then = (
        shlex.join([sys.executable, str(PLAYER), str(folder)])
        for folder in (_one_turn(daemon, first), ROOT / "claude" / "stdio" / then)
    )
    program = bin_ / "claude"
    program.write_text(
        '#!/bin/sh\n[ "$1" != auth ] || exit 0\necho "$*" >>argv\n'
        f'case "$*" in *--resume*) exec {then};; *) exec {first};; esac\n'
    )
    program.chmod(0o755)


def _one_turn(daemon: Daemon, name: str) -> Path:
    """A transcript up to the end of its first turn."""
    whole, folder = golden("claude", "stdio", name), daemon.home / name
    folder.mkdir()
    said = whole.lines("stdout")
    end = next(at for at, line in enumerate(said, start=1) if b'"type":"result"' in line)
    sent = [
        (after, line)
        for after, line in zip(whole.meta["stdin_lines_after"], whole.lines("stdin"), strict=True)
        if after < end
    ]
    (folder / "stdout").write_bytes(b"\n".join(said[:end]) + b"\n")
    (folder / "stdin").write_bytes(b"".join(line + b"\n" for _, line in sent))
    (folder / "stderr").touch()
    meta = {**whole.meta, "stdin_lines_after": [after for after, _ in sent]}
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder


def _spec(daemon: Daemon, **fields: object) -> TaskSpec:
    env = {"PATH": f"{daemon.home / 'bin'}:{os.environ['PATH']}", "HOME": str(daemon.home)}
    fields = {"patience": Patience(deadline=None, lifted=True), **fields}
    return TaskSpec(
        provider="claude",
        prompt="do it",
        cwd=str(daemon.home),
        env=env,
        **fields,  # type: ignore[arg-type]
    )


def _parked(control: SyncControl, task: Task) -> Task:
    until(lambda: control.get(task.id).is_parked, "it to be parked")
    return control.get(task.id)


def _stopped(control: SyncControl, task: Task) -> Task:
    """It asks for a moment, and is stopped all the same."""
    until(lambda: control.get(task.id).ended_at is not None, "it to be stopped")
    return control.get(task.id)


def _sessions(daemon: Daemon) -> list[str]:
    """Which session each start of the agent took up."""
    lines = (daemon.home / "argv").read_text().splitlines()
    return [line.partition("--resume ")[2] for line in lines]


@pytest.fixture
def later() -> Iterator[Daemon]:
    with Daemon(LATER) as daemon:
        yield daemon


def test_it_is_parked_and_goes_on_in_its_own_session() -> None:
    with Daemon(SOON) as daemon:
        _plays(daemon, "quota", "answer")
        with daemon.control() as control:
            task = control.submit(_spec(daemon, on_limit=OnLimit.WAIT))
            ended = control.wait(task.id, 60)
        assert ended.state is TaskState.COMPLETED
        assert (ended.attempt, ended.parked) == (2, 1)
        first, second = _sessions(daemon)
        assert not first
        assert ended.agent is not None
        assert second == ended.resumes


def test_one_that_is_killed_is_interrupted_and_goes_on_in_its_own_session(later: Daemon) -> None:
    _plays(later, "hang", "answer")
    with later.control() as control:
        task = control.submit(_spec(later))
        until(lambda: control.get(task.id).agent, "its session to have begun")
        pid = control.get(task.id).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: control.get(task.id).state is TaskState.INTERRUPTED, "it to be interrupted")
        reason = control.get(task.id).reason
        assert reason is not None
        assert (reason.code, reason.message) == ("killed", "claude was killed by SIGKILL")
        control.resume(task.id)
        ended = control.wait(task.id, 60)
    assert ended.state is TaskState.COMPLETED
    assert _sessions(later)[1] == ended.resumes


def test_a_session_that_it_forgot_is_begun_anew_when_a_person_says_so(later: Daemon) -> None:
    _plays(later, "hang", "unknown_session")
    with later.control() as control:
        task = control.submit(_spec(later)).id
        until(lambda: control.get(task).agent, "its session to have begun")
        control.interrupt(task)
        until(lambda: control.get(task).state is TaskState.INTERRUPTED, "it to be interrupted")
        control.resume(task)
        forgotten = control.wait(task, 60)
        assert forgotten.state is TaskState.INTERRUPTED
        assert forgotten.reason is not None
        assert forgotten.reason.code == "forgotten"
        assert "begins anew" in forgotten.reason.hint
        control.resume(task)
        until(lambda: len(_sessions(later)) == 3, "it to be started anew")
        control.cancel(task, force=True)
    first, second, third = _sessions(later)
    assert (bool(first), bool(second), bool(third)) == (False, True, False)


def test_it_stays_parked_through_the_death_of_the_daemon(later: Daemon) -> None:
    _plays(later, "quota", "answer")
    with later.control() as control:
        before = _parked(control, control.submit(_spec(later, on_limit=OnLimit.WAIT)))
    later.kill()
    later.start()
    with later.control() as control:
        assert control.get(before.id) == before
        listed = _inspan(later, "ls")
        assert "parked until " in listed
        assert "insufficient_quota" in _inspan(later, "show", before.id)
        assert "queued" in _inspan(later, "resume", before.id)
        ended = control.wait(before.id, 60)
    assert (ended.state, ended.attempt) == (TaskState.COMPLETED, 2)
    assert len(_sessions(later)) == 2


def test_an_overload_outlives_the_daemon_that_met_it() -> None:
    settings = f"{LATER}providers: {{claude: {{slots: 4}}}}\n"
    with Daemon(settings) as daemon:
        _plays(daemon, "overloaded", "answer")
        with daemon.control() as control:
            tasks = [control.submit(_spec(daemon)) for _ in range(4)]
            ended = [control.wait(task.id, 60) for task in tasks]
            assert {task.reason and task.reason.code for task in ended} == {"overloaded"}
            (before,) = (words for words in control.health().warnings if "overloaded" in words)
        daemon.kill()
        with daemon.start().control() as control:
            (after,) = (words for words in control.health().warnings if "overloaded" in words)
    assert before.partition(",")[0] == after.partition(",")[0]
    assert "at once rather than 4" in after


def test_without_the_flag_it_fails_and_the_hint_names_it(later: Daemon) -> None:
    _plays(later, "quota", "answer")
    with later.control() as control:
        ended = control.wait(control.submit(_spec(later)).id, 60)
    assert ended.state is TaskState.FAILED
    assert ended.reason is not None
    assert (ended.reason.code, ended.parked) == ("quota", 0)
    assert "--on-limit wait" in ended.reason.hint


def test_a_budget_bites_in_the_middle_of_a_turn_and_more_of_it_lets_it_go_on(later: Daemon) -> None:
    """It reads 120 tokens with its first message, and then waits for a permission."""
    _plays(later, "permission_interrupt", "answer")
    with later.control() as control:
        task = control.submit(_spec(later, budget=Budget(tokens=100)))
        rests = _stopped(control, task)
        assert rests.state is TaskState.INTERRUPTED
        assert rests.reason is not None
        assert (rests.reason.code, rests.used.read) == ("budget", 120)
        assert "100 tokens, and then: ask" in _inspan(later, "show", task.id)
        with pytest.raises(BadInput, match="used up"):
            control.resume(task.id)
        assert "queued" in _inspan(later, "resume", task.id, "--budget", "1k")
        ended = control.wait(task.id, 60)
    assert (ended.state, ended.used.read) == (TaskState.COMPLETED, 240)
    assert _sessions(later)[1] == ended.resumes


def test_over_its_budget_it_can_be_over(later: Daemon) -> None:
    _plays(later, "permission_interrupt", "answer")
    budget = Budget(tokens=100, over=OverBudget.STOP)
    with later.control() as control:
        ended = _stopped(control, control.submit(_spec(later, budget=budget)))
    assert ended.state is TaskState.FAILED
    assert ended.reason is not None
    assert ended.reason.code == "budget"


def _inspan(daemon: Daemon, *words: str) -> str:
    command = [sys.executable, "-m", "inspan.cli.main", *words]
    done = subprocess.run(
        command, env=daemon.env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
