"""Commands that have nothing to give to a filter or a driver of the repository."""

import os
from pathlib import Path

import pytest

from inspan.git.run import _NO_CONTENT, Git
from tests.fakes.repository import git, make_repository
from tests.fakes.trap import Trap

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A2")]


@pytest.fixture
def hostile(tmp_path: Path, trap: Trap) -> Path:
    """All that is in it has a filter and a driver, and what the index knows of it is not true."""
    top = make_repository(tmp_path / "hostile")
    for name in ("filter.q.clean", "filter.q.smudge", "merge.q.driver"):
        git(top, "config", name, str(trap.path))
    (top / ".git" / "info" / "attributes").write_text("* filter=q merge=q diff=q\n")
    (top / "file").write_text("as long as\n")
    return top


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)


async def test_none_of_them_runs_what_is_configured(hostile: Path, trap: Trap) -> None:
    head = git(hostile, "rev-parse", "HEAD")
    git(hostile, "branch", "other")
    trap.sprung()
    told = {
        "branch": ("-D", "--", "other"),
        "check-ref-format": ("--branch", "name"),
        "commit-tree": ("-m", "words", f"{head}^{{tree}}"),
        "config": ("--get", "core.bare"),
        "for-each-ref": (),
        "ls-files": ("--others", "--cached", "--stage", "--ignored", "--exclude-standard"),
        "merge-base": ("--is-ancestor", head, head),
        "rev-list": ("--all",),
        "rev-parse": ("HEAD",),
        "symbolic-ref": ("HEAD", "refs/heads/main"),
        "update-ref": ("refs/heads/third", head),
    }
    assert told.keys() == _NO_CONTENT
    who = {
        f"GIT_{one}_{what}": "x" for one in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    ours = Git(hostile, identity=who)
    for name, arguments in told.items():
        await ours.run(name, *arguments)
        assert not trap.sprung(), name
    git(hostile, "add", "file")
    assert trap.sprung()


async def test_only_the_others_are_preceded_by_a_look_at_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, seen = tmp_path / "bin", tmp_path / "seen"
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\nshift 2; echo "$1" >> {seen}\n')
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    for asked in (["rev-parse"], ["write-tree"], ["ls-files"], ["ls-files", "--modified"]):
        await Git(tmp_path).run(*asked)
    found = ["rev-parse", "config", "write-tree", "ls-files", "config", "ls-files"]
    assert seen.read_text().split() == found
