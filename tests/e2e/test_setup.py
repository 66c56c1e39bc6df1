"""Workspaces are set up by real commands, through the deaths of the daemon and of the keeper."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.client.sync import SyncControl
from inspan.model.place import SweepPolicy
from inspan.model.task import (
    Patience,
    SetupState,
    Task,
    TaskSpec,
    TaskState,
    Verdict,
    WorkspaceKind,
)
from tests.fakes.repository import make_repository
from tests.real.daemon import Daemon, alive, until

pytestmark = [pytest.mark.timeout(200), pytest.mark.requirement("A2", "B1")]

#: Leaves a mark for each time that it was started, and ends when there is a file.
WAITS = (
    'echo "{0} $INSPAN_PORT" >>"$HOME/runs"; echo "{0} begins";'
    ' until [ -e "$HOME/{0}.go" ]; do sleep 0.02; done; echo "{0}" >>made; echo "{0} ends"'
)
CONFIG = f"workspaces: {{setup: {json.dumps([WAITS.format(n) for n in ('one', 'two')])}, ports: 2}}"
#: The one of the task: it leaves a family, one of it out of reach of its group.
FAMILY = 'sleep 1000 & setsid sleep 1000 & echo "$$ $!" >>"$HOME/pids"; wait'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "a repository")


@pytest.fixture
def daemon(request: pytest.FixtureRequest) -> Iterator[Daemon]:
    with Daemon(getattr(request, "param", "")) as running:
        yield running


def _spec(daemon: Daemon, repository: Path, *command: str, **fields: object) -> TaskSpec:
    spec = daemon.spec(*command, workspace=WorkspaceKind.WORKTREE, **fields)
    given = {name: getattr(spec, name) for name in TaskSpec.__dataclass_fields__}
    return TaskSpec(**{**given, "cwd": str(repository)})


def _states(task: Task) -> list[SetupState]:
    return [step.state for step in task.setup]


def _until_set_up(control: SyncControl, task: Task, *states: SetupState) -> None:
    until(lambda: _states(control.get(task.id)) == [*states], f"it to be {states}")


def _runs(daemon: Daemon, name: str) -> int:
    path = daemon.home / "runs"
    return path.read_text().split().count(name) if path.exists() else 0


@pytest.mark.parametrize("daemon", [CONFIG], indirect=True)
def test_deaths_of_the_daemon_run_no_command_twice_and_lose_none(
    daemon: Daemon, repository: Path
) -> None:
    with daemon.control() as control:
        line = 'cat made; echo "$INSPAN_PORT"'
        task = control.submit(_spec(daemon, repository, "sh", "-c", line))
    runs, done = SetupState.RUNS, SetupState.DONE
    until(lambda: _runs(daemon, "one") == 1, "the first to begin")
    daemon.kill()
    daemon.start()
    with daemon.control() as control:
        _until_set_up(control, task, runs)
    daemon.kill()
    # It ends while there is nobody to hear of it.
    (daemon.home / "one.go").touch()
    daemon.start()
    with daemon.control() as control:
        _until_set_up(control, task, done, runs)
        until(lambda: _runs(daemon, "two") == 1, "the second to begin")
    daemon.kill()
    daemon.start()
    with daemon.control() as control:
        _until_set_up(control, task, done, runs)
        (daemon.home / "two.go").touch()
        ended = control.wait(task.id, 60)
        assert ended.state is TaskState.COMPLETED
        assert (_states(ended), ended.attempt) == ([done, done], 1)
        assert (_runs(daemon, "one"), _runs(daemon, "two")) == (1, 1)
        assert ended.workspace is not None
        port = str(ended.workspace.port)
        assert daemon.output(ended.id).decode().split() == ["one", "two", port]
        assert (daemon.home / "runs").read_text().split()[1::2] == [port, port]
        for name, step in zip(("one", "two"), ended.setup, strict=True):
            assert daemon.output(step.session).decode() == f"{name} begins\n{name} ends\n"
        kinds = [event.kind for event in control.history() if event.kind.startswith("setup")]
        assert kinds == ["setup.started", "setup.done"] * 2
        control.decide(ended.id, Verdict.REJECT)
        assert control.sweep(SweepPolicy()) == ()
        assert not Path(ended.workspace.path).exists()


@pytest.mark.parametrize("daemon", ["workspaces: {setup_timeout: 2}\n"], indirect=True)
def test_what_takes_too_long_is_ended_with_all_that_it_started(
    daemon: Daemon, repository: Path
) -> None:
    patience = Patience(deadline=None, grace=0.4, lifted=True)
    with daemon.control() as control:
        spec = _spec(daemon, repository, "true", setup=(FAMILY,), patience=patience)
        ended = control.wait(control.submit(spec).id, 60)
    assert (ended.state, _states(ended)) == (TaskState.FAILED, [SetupState.TIMED_OUT])
    assert ended.reason is not None
    assert ended.reason.code == "setup-timed-out"
    # On a machine that stood still it was ended before it had told.
    told = daemon.home / "pids"
    pids = [int(word) for word in told.read_text().split()] if told.exists() else []
    until(lambda: not any(map(alive, pids)), "all of it to end")


def test_a_keeper_that_is_lost_interrupts_it_and_another_attempt_sets_up_again(
    daemon: Daemon, repository: Path
) -> None:
    line = 'echo "one" >>"$HOME/runs"; until [ -e "$HOME/go" ]; do sleep 0.02; done'
    with daemon.control() as control:
        task = control.submit(_spec(daemon, repository, "true", setup=(line,)))
        until(lambda: _runs(daemon, "one") == 1, "it to begin")
        keeper = daemon.keeper_pid()
        assert keeper is not None
        os.kill(keeper, signal.SIGKILL)
        lost = control.wait(task.id, 60)
        assert (lost.state, _states(lost)) == (TaskState.INTERRUPTED, [SetupState.STOPPED])
        (daemon.home / "go").touch()
        control.resume(task.id)
        ended = control.wait(task.id, 60)
        assert (ended.state, _states(ended)) == (TaskState.COMPLETED, [SetupState.DONE])
        assert _runs(daemon, "one") == 2


def test_who_looks_is_told_what_it_does_and_why_it_failed(daemon: Daemon, repository: Path) -> None:
    def inspan(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "inspan.cli.main", *words]
        return subprocess.run(
            command,
            cwd=repository,
            env=daemon.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    line = f'echo "missing: a part"; until [ -e "{daemon.home}/go" ]; do sleep 0.02; done; exit 3'
    asked = ("--worktree", "--setup", line)
    refused = inspan("add", "--setup", "x", "--", "true")
    assert (refused.returncode, "only a workspace of its own" in refused.stderr) == (2, True)
    added = inspan("add", *asked, "--", "true")
    assert added.returncode == 0, added.stderr
    with daemon.control() as control:
        task = control.get("last")
        _until_set_up(control, task, SetupState.RUNS)
    for told in (inspan("show", "last"), inspan("why", "last"), inspan("ls")):
        assert "setting up: echo" in told.stdout
    with subprocess.Popen(
        [sys.executable, "-m", "inspan.cli.main", "logs", "-f", "--setup", "last"],
        env=daemon.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as follows:
        assert follows.stdout is not None
        assert follows.stdout.readline() == "missing: a part\n"
        (daemon.home / "go").touch()
        assert follows.wait(60) == 0
    with daemon.control() as control:
        assert control.wait(task.id, 60).state is TaskState.FAILED
    why = inspan("why", "last").stdout
    assert "exited with status 3" in why
    assert f"inspan logs {task.id[-6:]} --setup" in why
    assert inspan("logs", "last", "--setup").stdout == "missing: a part\n"
    assert inspan("logs", "last", "--setup", "--attempt", "1").stdout == "missing: a part\n"
    assert "--setup shows" in inspan("logs", "last").stderr
    assert ": failed, exit 3" in inspan("show", "last").stdout
    (daemon.home / "go").unlink()
    with subprocess.Popen(
        [sys.executable, "-m", "inspan.cli.main", "run", *asked, "--", "true"],
        cwd=repository,
        env=daemon.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as runs:
        assert runs.stderr is not None
        assert any('setting up: echo "missing' in line for line in runs.stderr)
        (daemon.home / "go").touch()
        assert "exited with status 3" in runs.stderr.read()
        assert runs.wait(60) == 1
