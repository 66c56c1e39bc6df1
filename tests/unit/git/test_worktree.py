"""Worktrees whose place is not what it seems."""

from pathlib import Path

import pytest

from inspan.errors import GitFailed
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
