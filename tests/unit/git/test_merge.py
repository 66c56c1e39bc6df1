"""Merging without a work tree: what comes of it, and that nothing of the repository runs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from inspan.errors import Conflict, GitFailed
from inspan.git.merge import merge, move
from inspan.git.repository import tip
from inspan.git.run import Git
from inspan.git.snapshot import commit_tree

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A3", "C9")]

WHO = {"GIT_AUTHOR_NAME": "n", "GIT_AUTHOR_EMAIL": "a@b"}
WHO |= {"GIT_COMMITTER_NAME": "n", "GIT_COMMITTER_EMAIL": "a@b"}


def git(place: Path, *words: str) -> str:
    ran = subprocess.run(
        ["git", *words], cwd=place, capture_output=True, text=True, check=True, env=os.environ | WHO
    )
    return ran.stdout.strip()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "-b", "main")
    _commit(tmp_path, "main", {"a ü.txt": "zero\n", "b.txt": "b\n"})
    return tmp_path


def _commit(place: Path, branch: str, files: dict[str, str]) -> str:
    if branch != "main":
        git(place, "checkout", "--quiet", "-B", branch, "main")
    for name, text in files.items():
        (place / name).write_text(text)
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "-m", branch)
    commit = git(place, "rev-parse", "HEAD")
    git(place, "checkout", "--quiet", "main")
    return commit


async def test_two_sides_come_together_and_no_file_is_touched(place: Path) -> None:
    one = _commit(place, "one", {"a ü.txt": "one\n"})
    two = _commit(place, "two", {"c.txt": "two\n"})
    joined = await merge(Git(place), one, two)
    assert joined.conflicts == ()
    commit = await commit_tree(Git(place), joined.tree, one, "both", two)
    assert git(place, "rev-list", "--parents", "-n1", commit).split()[1:] == [one, two]
    assert git(place, "show", f"{commit}:a ü.txt") == "one"
    assert git(place, "show", f"{commit}:c.txt") == "two"
    assert git(place, "status", "--porcelain") == ""


async def test_a_conflict_is_told_by_its_file_and_lies_in_the_tree(place: Path) -> None:
    one = _commit(place, "one", {"a ü.txt": "one\n"})
    two = _commit(place, "two", {"a ü.txt": "two\n"})
    joined = await merge(Git(place), one, two)
    assert joined.conflicts == ("a ü.txt",)
    assert "<<<<<<<" in git(place, "show", f"{joined.tree}:a ü.txt")


async def test_a_driver_that_the_repository_names_does_not_run(place: Path) -> None:
    (place / ".gitattributes").write_text("* merge=evil\n")
    _commit(place, "main", {})
    one = _commit(place, "one", {"a ü.txt": "one\n"})
    two = _commit(place, "two", {"a ü.txt": "two\n"})
    ran = place / "ran"
    git(place, "config", "merge.evil.driver", f"touch '{ran}'; true")
    (place / ".git" / "info").mkdir(exist_ok=True)
    (place / ".git" / "info" / "attributes").write_text("* merge=evil\n")
    joined = await merge(Git(place), one, two)
    assert joined.conflicts == ("a ü.txt",)
    both = "<<<<<<< ours\none\n=======\ntwo\n>>>>>>> theirs\n"
    assert both in git(place, "show", f"{joined.tree}:a ü.txt") + "\n"
    assert not ran.exists()
    # It would have: this is what it is kept from.
    git(place, "merge-tree", "--write-tree", one, two)
    assert ran.exists()


async def test_a_branch_moves_only_from_where_it_was_seen(place: Path) -> None:
    one = _commit(place, "one", {"a ü.txt": "one\n"})
    first = git(place, "rev-parse", "main")
    ref = "refs/heads/inspan/goal"
    await move(Git(place), ref, first, seen=None, why="begin")
    with pytest.raises(Conflict):
        await move(Git(place), ref, one, seen=None, why="again")
    await move(Git(place), ref, one, seen=first, why="on")
    with pytest.raises(Conflict):
        await move(Git(place), ref, first, seen=first, why="back")
    assert await tip(Git(place), ref) == one


@pytest.mark.parametrize("name", ["--help", "nowhere", "-O", "HEAD --output=x"])
async def test_what_is_no_commit_is_refused_with_gits_words(place: Path, name: str) -> None:
    with pytest.raises(GitFailed):
        await merge(Git(place), "main", name)
