"""Worktrees whose place is not what it seems."""

from pathlib import Path

import pytest

from inspan.errors import GitFailed
from inspan.git.lingering import outlast
from inspan.git.repository import find
from inspan.git.worktree import Worktree
from tests.fakes.repository import git, make_repository

pytestmark = pytest.mark.anyio


async def test_a_worktree_that_git_put_elsewhere_is_none(tmp_path: Path) -> None:
    repository, _ = await find(make_repository(tmp_path / "repository"))
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    made = Worktree(repository, tmp_path / "link" / "tree", "work")
    base = git(tmp_path / "repository", "rev-parse", "HEAD").strip()
    with pytest.raises(GitFailed, match="elsewhere"):
        await made.add(base)


async def test_a_lock_that_a_killed_git_left_on_the_branch_is_taken_away(tmp_path: Path) -> None:
    repository, _ = await find(make_repository(tmp_path / "repository"))
    made = Worktree(repository, tmp_path / "tree", "work")
    lock = repository.common / "refs" / "heads" / "work.lock"
    lock.touch()
    await made.add(git(tmp_path / "repository", "rev-parse", "HEAD").strip())
    assert made.is_whole()
    assert not lock.exists()


async def test_a_lock_of_a_git_that_lives_is_left_to_it() -> None:
    looks: list[bool] = [True, True, False]
    assert await outlast(lambda: looks.pop(0))
    assert looks == []
