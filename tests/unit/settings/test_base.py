"""What a task from afar gets of the daemon: its environment, its keys by reference, a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from inspan.errors import BadInput, FolderMissing
from inspan.model.code import CodeSpec
from inspan.model.role import Role
from inspan.model.task import BY_LINES, Handover, OnCrash, TaskKind, TaskSpec
from inspan.settings import Settings, locate
from inspan.settings.base import Base
from inspan.swarm.wishes import Wishes, wishes

pytestmark = pytest.mark.requirement("C6", "C9")


@pytest.fixture
def base(tmp_path: Path) -> Base:
    env = {
        "HOME": str(tmp_path),
        "PATH": "/bin",
        "TERM": "dumb",
        "OTHER": "1",
        "ANTHROPIC_API_KEY": "sk-secret",
        "INSPAN_TOKEN": "t",
    }
    return Base(Settings(), locate({"INSPAN_HOME": str(tmp_path / "h")}), env)


def test_what_it_lacks_is_filled_in_and_what_it_says_stays(base: Base, tmp_path: Path) -> None:
    plain = base.task(TaskSpec(command=("x",), cwd=""))
    assert plain.cwd == str(tmp_path)
    own = {"HOME": str(tmp_path), "PATH": "/bin", "PWD": str(tmp_path), "TERM": "xterm-256color"}
    assert plain.env == own
    assert plain.withheld == ("ANTHROPIC_API_KEY", "INSPAN_TOKEN", "OTHER")
    said = base.task(TaskSpec(command=("x",), cwd="/", env={"PATH": "/sbin", "TERM": "vt100"}))
    assert (said.env["PATH"], said.env["TERM"], said.env["PWD"]) == ("/sbin", "vt100", "/")
    code = base.code(CodeSpec(cwd="", env={"A": "b"}))
    assert (code.cwd, dict(code.env)) == (str(tmp_path), {**own, "A": "b"})


def test_keys_of_an_agent_are_there_by_reference_alone(base: Base) -> None:
    spec = base.task(TaskSpec(provider="claude", prompt="x", cwd="/"))
    assert spec.secrets["ANTHROPIC_API_KEY"].startswith("held:")
    assert "sk-secret" not in str(spec.env)
    assert "ANTHROPIC_API_KEY" not in spec.withheld
    to = base.handover(Handover(provider="claude", env={"A": "b"}))
    assert to.secrets == spec.secrets
    assert to.env["A"] == "b"


def test_a_goal_gets_who_works_for_it_and_what_they_need(tmp_path: Path) -> None:
    for name in ("claude", "codex"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    env = {"PATH": str(tmp_path), "HOME": "/", "ANTHROPIC_API_KEY": "a", "OPENAI_API_KEY": "o"}
    settings = Settings(roles=(Role("worker", 5),))
    base = Base(settings, locate({"INSPAN_HOME": str(tmp_path / "h")}), env)
    wanted = TaskSpec(kind=TaskKind.GOAL, provider="queen", prompt="reach it", cwd="/")
    goal = base.task(replace(wanted, command=("--check=make test",)))
    told = wishes(goal.command)
    assert told == Wishes(
        planner="claude",
        workers=("claude",),
        reviewers=("codex", "claude"),
        checks=("make test",),
        slots=5,
    )
    assert set(goal.secrets) == {"ANTHROPIC_API_KEY", "OPENAI_API_KEY"}
    assert (goal.role, goal.on_crash, goal.terminal) == ("queen", OnCrash.RESUME, BY_LINES)
    assert goal.patience is not None
    assert goal.patience.deadline is None
    assert base.task(goal) == goal
    alone = base.task(replace(wanted, command=("--worker=codex", "--reviewer=none", "--yes")))
    assert wishes(alone.command) == Wishes(planner="codex", workers=("codex",), yes=True, slots=5)
    assert set(alone.secrets) == {"OPENAI_API_KEY"}
    assert base.task(alone) == alone
    with pytest.raises(BadInput, match="no agent is called 'nobody'"):
        base.task(replace(wanted, command=("--worker=nobody",)))
    with pytest.raises(BadInput, match="cannot be read: --wrong"):
        base.task(replace(wanted, command=("--wrong",)))
    nobody = Base(settings, locate({"INSPAN_HOME": str(tmp_path / "h")}), {**env, "PATH": "/x"})
    with pytest.raises(BadInput, match="no agent is installed"):
        nobody.task(wanted)


def test_a_folder_that_is_not_here_is_refused(base: Base) -> None:
    with pytest.raises(FolderMissing, match="on the machine of the daemon"):
        base.task(TaskSpec(command=("x",), cwd="/not/here"))
    with pytest.raises(BadInput, match="no absolute path"):
        base.task(TaskSpec(command=("x",), cwd="src"))
