"""Repositories that were made to have inspan run something: nothing of it may run.

Each test first shows that the trap is live for a git that is run as it is.
"""

import os
from pathlib import Path

import pytest

from inspan.errors import NotARepository, WorkspaceFailed
from inspan.model.task import Task, Workspace
from inspan.workspaces.places import Workspaces
from tests.fakes.repository import contents, git, task_in
from tests.fakes.trap import Trap

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A2")]


async def whole_life(places: Workspaces, task: Task) -> None:
    """All that happens to a worktree, from its making to its end and back to its diff."""
    place = await places.prepare(task)
    tree = Path(place.path)
    (tree / "file").write_text("the work\n")
    (tree / "new").write_text("new\n")
    assert "+the work" in await places.diff(place)
    await places.snapshot(place)
    await places.accept(place, "message")
    (tree / "file").write_text("the rest\n")
    await places.ignored(place)
    assert await places.remove(place) is not None
    assert "+the rest" in await places.diff(place)


@pytest.mark.parametrize("condition", ["gitdir:**/worktrees/**", "onbranch:inspan/**"])
async def test_what_is_configured_for_the_worktree_alone(
    places: Workspaces, repository: Path, task: Task, trap: Trap, condition: str, tmp_path: Path
) -> None:
    """Read from the repository's top the filter does not exist; in the worktree it does."""
    more = tmp_path / "more"
    more.write_text(f'[filter "q"]\n\tsmudge = {trap.path}\n\tclean = {trap.path}\n')
    git(repository, "config", f"includeIf.{condition}.path", str(more))
    (repository / ".git" / "info" / "attributes").write_text("* filter=q\n")
    assert "filter.q" not in git(repository, "config", "--list")
    git(repository, "worktree", "add", "-b", "inspan/x", str(tmp_path / "live"))
    assert trap.sprung()
    await whole_life(places, task)
    assert not trap.sprung()


async def test_a_submodule_that_was_made_in_the_worktree(
    places: Workspaces, task: Task, trap: Trap
) -> None:
    """A program may write there, and nowhere else: inspan must not run for it what is outside."""
    place = await places.prepare(task)
    inner = _submodule(place)
    (inner / ".gitattributes").write_text("* filter=q\n")
    git(inner, "add", "--all")
    git(inner, "commit", "--quiet", "-m", "second")
    for name in ("filter.q.clean", "filter.q.process", "core.fsmonitor", "diff.external"):
        git(inner, "config", name, str(trap.path))
    (inner / "file").write_text("same size\n")
    os.utime(inner / "file", (1, 1))
    git(Path(place.path), "-c", "core.fsmonitor=false", "status")
    assert trap.sprung()
    assert "+Subproject commit" in await places.diff(place)
    await places.snapshot(place)
    await places.accept(place, "message")
    with pytest.raises(WorkspaceFailed, match="repository of its own in 'inner'"):
        await places.remove(place)
    assert not trap.sprung()
    assert (inner / "file").read_text() == "same size\n"


async def test_a_bare_repository_inside(
    places: Workspaces, repository: Path, trap: Trap, tmp_path: Path
) -> None:
    """One that is checked out with all of its files, its configuration among them."""
    bare = repository / "part" / "bare"
    git(tmp_path, "init", "--quiet", "--bare", str(bare))
    (bare / "objects" / "kept").touch()
    (bare / "refs" / "kept").touch()
    for name, setting in {
        "core.bare": "false",
        "core.worktree": str(repository),
        "core.fsmonitor": str(trap.path),
    }.items():
        git(bare, "config", "--file", str(bare / "config"), name, setting)
    git(bare, "status")
    assert trap.sprung()
    git(repository, "add", "part/bare")
    git(repository, "commit", "--quiet", "-m", "a trap")
    before = contents(repository)
    with pytest.raises(NotARepository):
        await places.prepare(task_in(bare))
    await whole_life(places, task_in(repository))
    assert not trap.sprung()
    assert contents(repository) == before


async def test_all_other_programs_that_a_configuration_can_name(
    places: Workspaces, repository: Path, task: Task, trap: Trap
) -> None:
    plain = (
        "pager.diff pager.config merge.m.driver gpg.ssh.program gpg.ssh.defaultKeyCommand "
        "core.alternateRefsCommand core.gitProxy core.pager interactive.diffFilter diff.guitool "
        "uploadpack.packObjectsHook sequence.editor trailer.t.command url.ext::x.insteadOf "
        "remote.origin.uploadpack remote.origin.vcs"
    )
    names = dict.fromkeys(plain.split(), "")
    names |= dict.fromkeys(("alias.add", "alias.diff", "submodule.inner.update"), "!")
    for name, mark in names.items():
        git(repository, "config", name, f"{mark}{trap.path}")
    git(repository, "config", "alias.live", f"!{trap.path}")
    git(repository, "config", "remote.origin.url", f"ext::{trap.path}")
    git(repository, "config", "remote.origin.promisor", "true")
    git(repository, "config", "log.showSignature", "true")
    (repository / ".gitmodules").write_text(
        f'[submodule "inner"]\n\tpath = inner\n\turl = ext::{trap.path}\n\tupdate = !{trap.path}\n'
    )
    (repository / ".gitattributes").write_text("* merge=m diff=d\n")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "-m", "traps")
    git(repository, "live")
    assert trap.sprung()
    await whole_life(places, task)
    assert not trap.sprung()


async def test_a_configuration_that_is_too_large_to_be_looked_through(
    places: Workspaces, repository: Path, task: Task, trap: Trap
) -> None:
    """The filter stands behind more names than are read."""
    (repository / ".git" / "info" / "attributes").write_text("* filter=q\n")
    names = "".join(f"\tn{number:06}{'x' * 60} = 1\n" for number in range(150_000))
    with (repository / ".git" / "config").open("a") as file:
        file.write(f'[many]\n{names}[filter "q"]\n\tclean = {trap.path}\n\tsmudge = {trap.path}\n')
    git(repository, "hash-object", "file")
    assert trap.sprung()
    with pytest.raises(WorkspaceFailed, match="too large"):
        await places.prepare(task)
    assert not trap.sprung()


async def test_a_work_tree_that_is_elsewhere(
    places: Workspaces, repository: Path, tmp_path: Path
) -> None:
    """A configuration can say that the files of the repository are somebody else's."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").write_text("of somebody else\n")
    git(repository, "config", "core.worktree", str(other))
    before = contents(other)
    with pytest.raises((NotARepository, WorkspaceFailed)):
        await places.prepare(task_in(repository))
    assert contents(other) == before


async def test_a_clean_submodule_goes_with_its_worktree(
    places: Workspaces, repository: Path, tmp_path: Path
) -> None:
    git(repository, *_ALLOWED, "submodule", "add", "--quiet", str(_origin(tmp_path)), "inner")
    git(repository, "commit", "--quiet", "-m", "a submodule")
    place = await places.prepare(task_in(repository))
    tree = Path(place.path)
    assert list((tree / "inner").iterdir()) == []
    git(tree, *_ALLOWED, "submodule", "update", "--init", "--quiet")
    assert (tree / "inner" / "file").exists()
    assert await places.diff(place) == ""
    assert await places.remove(place) is None


@pytest.mark.parametrize("what", ["changed", "untracked", "commit", "branch", "stash"])
async def test_work_in_a_submodule_is_not_lost(
    places: Workspaces, repository: Path, tmp_path: Path, what: str
) -> None:
    git(repository, *_ALLOWED, "submodule", "add", "--quiet", str(_origin(tmp_path)), "inner")
    git(repository, "commit", "--quiet", "-m", "a submodule")
    place = await places.prepare(task_in(repository))
    git(Path(place.path), *_ALLOWED, "submodule", "update", "--init", "--quiet")
    inner = Path(place.path) / "inner"
    (inner / ("file" if what != "untracked" else "new")).write_text("work\n")
    if what == "stash":
        git(inner, "stash", "--quiet")
    if what in ("commit", "branch"):
        git(inner, "checkout", "--quiet", "-b", "mine")
        git(inner, "commit", "--quiet", "--all", "-m", "mine")
    if what == "commit":
        assert "+Subproject commit" in await places.diff(place)
    if what == "branch":
        git(inner, "checkout", "--quiet", "--detach", "HEAD^")
        assert await places.diff(place) == ""
    with pytest.raises(WorkspaceFailed, match="repository of its own in 'inner'"):
        await places.remove(place)
    assert inner.is_dir()


async def test_files_where_a_submodule_is_not_checked_out_are_saved(
    places: Workspaces, repository: Path, tmp_path: Path
) -> None:
    git(repository, *_ALLOWED, "submodule", "add", "--quiet", str(_origin(tmp_path)), "inner")
    git(repository, "commit", "--quiet", "-m", "a submodule")
    place = await places.prepare(task_in(repository))
    (Path(place.path) / "inner" / "work").write_text("of an agent\n")
    assert "+of an agent" in await places.diff(place)
    assert await places.remove(place) is not None
    assert "+of an agent" in await places.diff(place)


@pytest.mark.parametrize("instead", ["nothing", "file", "link"])
async def test_what_is_there_instead_of_a_submodule(
    places: Workspaces, repository: Path, tmp_path: Path, instead: str
) -> None:
    git(repository, *_ALLOWED, "submodule", "add", "--quiet", str(_origin(tmp_path)), "inner")
    git(repository, "commit", "--quiet", "-m", "a submodule")
    place = await places.prepare(task_in(repository))
    inner = Path(place.path) / "inner"
    inner.rmdir()
    if instead == "file":
        inner.write_text("a file now\n")
    if instead == "link":
        inner.symlink_to(tmp_path)
    patch = await places.diff(place)
    assert "-Subproject commit" in patch
    assert ("+a file now" in patch) == (instead == "file")
    assert (f"+{tmp_path}" in patch) == (instead == "link")


_ALLOWED = ("-c", "protocol.file.allow=always")


def _submodule(place: Workspace) -> Path:
    inner = Path(place.path) / "inner"
    inner.mkdir()
    git(inner, "init", "--quiet")
    (inner / "file").write_text("the first\n")
    git(inner, "add", "--all")
    git(inner, "commit", "--quiet", "-m", "first")
    git(Path(place.path), "add", "inner")
    return inner


def _origin(folder: Path) -> Path:
    origin = folder / "origin"
    origin.mkdir()
    git(origin, "init", "--quiet", "--initial-branch=main")
    (origin / "file").write_text("one\n")
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "-m", "first")
    return origin
