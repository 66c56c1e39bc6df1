"""An agent comes to a limit: a real daemon, and a real process that plays what Claude Code said."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.client.sync import SyncControl
from inspan.model.task import OnLimit, Patience, Task, TaskSpec, TaskState
from tests.real.daemon import Daemon, until
from tests.real.goldens import ROOT

pytestmark = pytest.mark.requirement("B4", "C4")

PLAYER = Path(__file__).parents[1] / "fakes" / "golden_agent.py"
LATER = "roles: {default: 20}\nagents: {first_wait: 1h}\n"
SOON = "roles: {default: 20}\nagents: {first_wait: 1s}\n"


def _plays(daemon: Daemon, first: str, then: str) -> None:
    """Make ``claude`` play ``first``, and ``then`` where it takes a session up."""
    bin_ = daemon.home / "bin"
    bin_.mkdir()
    first, then = (
        shlex.join([sys.executable, str(PLAYER), str(ROOT / "claude" / "stdio" / name)])
        for name in (first, then)
    )
    program = bin_ / "claude"
    program.write_text(
        '#!/bin/sh\necho "$*" >>argv\n'
        f'case "$*" in *--resume*) exec {then};; *) exec {first};; esac\n'
    )
    program.chmod(0o755)


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


def test_it_stays_parked_through_the_death_of_the_daemon(later: Daemon) -> None:
    _plays(later, "quota", "answer")
    with later.control() as control:
        before = _parked(control, control.submit(_spec(later, on_limit=OnLimit.WAIT)))
    later.kill()
    later.start()
    with later.control() as control:
        assert control.get(before.id) == before
        listed = _inspan(later, "ls")
        assert "wakes " in listed
        assert "insufficient_quota" in _inspan(later, "show", before.id)
        assert "queued" in _inspan(later, "resume", before.id)
        ended = control.wait(before.id, 60)
    assert (ended.state, ended.attempt) == (TaskState.COMPLETED, 2)
    assert len(_sessions(later)) == 2


def test_without_the_flag_it_fails_and_the_hint_names_it(later: Daemon) -> None:
    _plays(later, "quota", "answer")
    with later.control() as control:
        ended = control.wait(control.submit(_spec(later)).id, 60)
    assert ended.state is TaskState.FAILED
    assert ended.reason is not None
    assert (ended.reason.code, ended.parked) == ("quota", 0)
    assert "--on-limit wait" in ended.reason.hint


def _inspan(daemon: Daemon, *words: str) -> str:
    command = [sys.executable, "-m", "inspan.cli.main", *words]
    done = subprocess.run(
        command, env=daemon.env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
