"""A goal in a repository that was made to have something run: nothing of it does, to the merge.

The agents' own programs run git as it is, so those here write files and run none.
"""

from __future__ import annotations

import json

import pytest

from tests.e2e.test_goal import PLAN, WHO, begin, ended, merged
from tests.e2e.test_goal import console as _console
from tests.e2e.test_goal import repository as where
from tests.fakes.repository import git
from tests.fakes.trap import Trap
from tests.real.console import Console

pytestmark = [pytest.mark.timeout(240), pytest.mark.requirement("A3", "C9")]

#: A branch that a command would take for an option, and that git has all the same.
OPTION = "--upload-pack=trap"
HOOKS = (
    "post-checkout post-commit post-index-change post-merge pre-commit pre-merge-commit "
    "prepare-commit-msg commit-msg reference-transaction post-rewrite pre-auto-gc"
)
PROGRAMS = (
    "core.fsmonitor core.sshCommand core.askPass core.pager core.editor core.gitProxy "
    "core.alternateRefsCommand diff.external diff.t.textconv diff.t.command merge.m.driver "
    "filter.q.clean filter.q.smudge filter.q.process gpg.program gpg.ssh.program "
    "credential.helper sequence.editor uploadpack.packObjectsHook interactive.diffFilter"
)

console = _console


def test_a_driver_for_merging_that_fails_loses_no_side(console: Console) -> None:
    place = where(console)
    (place / ".gitattributes").write_text("*.txt merge=x\n")
    git(place, "add", ".gitattributes")
    git(place, "commit", "--quiet", "-m", "first")
    git(place, "config", "merge.x.driver", "false")
    goal = begin(console, "--yes")
    over = ended(console, goal)
    assert over["state"] == "completed", over["reason"]
    assert sorted(merged(console, goal, "a.txt").split()) == ["one", "two", "zero"]
    assert merged(console, goal, "b.txt") == "three\n"


@pytest.fixture
def trap(console: Console) -> Trap:
    """The repository with every trap in it, which git springs where it is run as it is."""
    trap = Trap(console.home)
    place = where(console)
    (place / ".gitattributes").write_text("*.q filter=q merge=m\n* diff=t\n")
    (place / "x.q").write_text("filtered\n")
    bare = place / "bare"
    git(place, "init", "--quiet", "--bare", str(bare))
    for folder in ("objects", "refs"):
        (bare / folder / "kept").touch()
    git(bare, "config", "--file", str(bare / "config"), "core.fsmonitor", str(trap.path))
    git(bare, "config", "--file", str(bare / "config"), "core.worktree", str(place))
    git(place, "add", "--all", "--", ".gitattributes", "x.q", "bare")
    git(place, "commit", "--quiet", "-m", "first")
    git(place, "update-ref", f"refs/heads/{OPTION}", "HEAD")
    for name in PROGRAMS.split():
        git(place, "config", name, str(trap.path))
    git(place, "config", "commit.gpgSign", "true")
    git(place, "config", "branch.main.mergeOptions", "-s trap -S")
    git(place, "config", "remote.origin.url", f"ext::{trap.path}")
    git(place, "config", "remote.origin.promisor", "true")
    hooks = place / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in HOOKS.split():
        (hooks / hook).unlink(missing_ok=True)
        (hooks / hook).symlink_to(trap.path)
    git(place, "status")
    assert trap.sprung()
    return trap


def test_nothing_of_a_hostile_repository_runs_from_goal_to_merge(
    console: Console, trap: Trap
) -> None:
    place = where(console)
    goal = console.say(
        *("goal", f"ANSWER {json.dumps(PLAN)}", *WHO, "--cwd", str(place), "--detach", "--yes"),
        *("--check", "test -s a.txt"),
    )
    over = ended(console, goal)
    assert not trap.sprung()
    assert over["state"] == "completed", over["reason"]
    assert sorted(merged(console, goal, "a.txt").split()) == ["one", "two", "zero"]
    trap.sprung()  # where the git of this test did that
    for name in (OPTION, "--force", "-d"):
        refused = console.run("merge", goal, f"--into={name}")
        assert refused.returncode == 2
        assert b"cannot be the name of a branch" in refused.stderr
    result = json.loads(console.say("merge", goal, "--check", "test -s b.txt", "--json"))
    assert (result["into"], result["moved"]) == ("main", True)
    assert (place / "b.txt").read_text() == "three\n"
    assert (place / "mine.txt").read_text() == "not committed\n"
    assert not trap.sprung()
    assert not (console.home / "ran").exists()
