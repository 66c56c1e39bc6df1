"""`inspan merge`, by a real daemon: a task's branch onto the user's, with checks and without."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.fakes.repository import git, make_repository
from tests.real.console import Console

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("A3", "C9")]

PATIENCE = 60


@pytest.fixture
def console() -> Iterator[Console]:
    with Console("") as console:
        make_repository(console.home / "the repository ü")
        yield console


def accepted(console: Console, command: str) -> str:
    """The id of a task that worked in a worktree and whose result was accepted."""
    place = str(console.home / "the repository ü")
    task = console.say("add", "--worktree", "--cwd", place, "--", "sh", "-c", command)
    console.say("wait", task, "--timeout", str(PATIENCE))
    console.say("accept", task)
    return task


def test_a_result_comes_to_the_branch_that_is_checked_out(console: Console) -> None:
    place = console.home / "the repository ü"
    task = accepted(console, "mkdir new && echo new > 'new/ö'")
    status = git(place, "status", "--porcelain")
    would = console.run("merge", task, "--dry-run")
    assert b"would merge inspan/" in would.stdout
    assert not (place / "new").exists()
    failed = console.run("merge", task, "--check", "test ! -e new")
    assert failed.returncode == 1
    assert (
        "main stays as it is: the check `test ! -e new` exited with status 1"
        in failed.stderr.decode()
    )
    assert not (place / "new").exists()
    merged = json.loads(console.say("merge", task, "--check", "test -e new", "--json"))
    assert (merged["moved"], merged["into"], merged["changed"]) == (True, "main", 1)
    assert (place / "new" / "ö").read_text() == "new\n"
    assert git(place, "status", "--porcelain") == status
    assert "main has all of inspan/" in console.say("merge", task)


def test_what_keeps_it_from_being_merged_is_said(console: Console) -> None:
    place = console.home / "the repository ü"
    task = accepted(console, "echo work > file")
    refused = console.run("merge", task)
    assert refused.returncode == 1
    assert "main stays as it is: changed there and not committed: file" in refused.stderr.decode()
    assert "git merge inspan/" in refused.stderr.decode()
    git(place, "commit", "--quiet", "--all", "-m", "mine")
    conflict = console.run("merge", task)
    assert conflict.returncode == 1
    assert "differ in file: nothing was changed" in conflict.stderr.decode()
    assert (place / "file").read_text() == "changed\n"
    git(place, "branch", "--quiet", "topic", "main~1")
    console.say("merge", task, "--into", "topic")
    assert git(place, "show", "topic:file") == "work"
