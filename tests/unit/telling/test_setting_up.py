"""How far a workspace is set up, in words."""

from dataclasses import replace

import pytest

from inspan.model import event as e
from inspan.model.task import (
    Exit,
    SetupState,
    SetupStep,
    Task,
    TaskSpec,
    TaskState,
    Workspace,
    WorkspaceKind,
)
from inspan.telling import facts, phrases
from inspan.telling.why import why

pytestmark = pytest.mark.requirement("A2")

PLACE = Workspace(WorkspaceKind.WORKTREE, "/trees/a", setup=("npm ci", "make \x1b[2Jdb", "last"))
STEPS = (
    SetupStep("npm ci", "s0", SetupState.DONE, 100.0, 112.0, Exit(0)),
    SetupStep("make \x1b[2Jdb", "s1", SetupState.RUNS, 112.0),
)
TASK = Task(
    id="t",
    spec=TaskSpec(cwd="/src", setup=("last",)),
    state=TaskState.RUNNING,
    workspace=PLACE,
    setup=STEPS,
)


def test_what_runs_is_told_with_how_long_it_does() -> None:
    words = "setting up: make db (8s)"
    assert phrases.setting_up(TASK, 120.0) == words
    assert phrases.reason(TASK).startswith("setting up: make db (")
    assert ("doing", words) in list(why(TASK, None, 120.0))
    assert ("doing", words) in list(facts.why(TASK, 120.0))


def test_nothing_is_told_where_nothing_runs() -> None:
    done = replace(TASK, setup=STEPS[:1])
    over = replace(TASK, state=TaskState.INTERRUPTED)
    assert phrases.setting_up(done) == phrases.setting_up(over) == ""
    assert phrases.setting_up(replace(TASK, setup=())) == ""


def test_each_command_is_told_with_what_came_of_it() -> None:
    told = [value for _, value in facts.set_up(TASK)]
    assert told == ["npm ci: done, 12s", "make db: runs", "last: not run yet"]
    late = SetupStep("x", "s1", SetupState.TIMED_OUT, 112.0, 114.0, Exit(signal=9))
    assert [value for _, value in facts.set_up(replace(TASK, setup=(late,), workspace=None))] == [
        "x: timed out, signal 9, 2s",
        "last: not run yet",
    ]


def test_events_name_the_command() -> None:
    assert facts.detail(e.SetupStarted(1, "npm ci", "s0")) == "  npm ci"
    assert facts.detail(e.SetupFailed(1, "npm ci", "s0", Exit(7))) == "  npm ci (exit 7)"
