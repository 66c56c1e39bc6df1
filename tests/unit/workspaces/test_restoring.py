"""What was removed comes back as it lay; what nobody needs is found, whatever left it there."""

import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from inspan.errors import Conflict, GitFailed, NothingToDecide, WorkspaceFailed
from inspan.model.place import Standing
from inspan.model.task import Task, Workspace, WorkspaceKind
from inspan.workspaces.places import Workspaces
from tests.fakes.repository import contents, git, task_in

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A2")]


def files(tree: Path) -> dict[str, tuple[bytes, bool]]:
    """What lies in a worktree, with who may run it; nothing of git's or ours."""
    found = {}
    for path in sorted(tree.rglob("*")):
        name = str(path.relative_to(tree))
        if path.is_symlink():
            found[name] = (str(path.readlink()).encode(), False)
        elif path.is_file() and not name.startswith((".git", ".inspan")):
            found[name] = (path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return found


def work(tree: Path) -> dict[str, tuple[bytes, bool]]:
    """Work in every state: committed, staged, changed, deleted, new, a link, a program."""
    (tree / "done").write_text("committed\n")
    git(tree, "add", "done")
    git(tree, "commit", "--quiet", "-m", "some")
    (tree / "staged ä").write_text("staged\n")
    git(tree, "add", "--all")
    (tree / "file").write_bytes(b"\x00changed\xff\n")
    (tree / "part" / "inner").unlink()
    (tree / "a folder").mkdir()
    (tree / "a folder" / "new\nline").write_text("untracked\n")
    (tree / "program").write_text("#!/bin/sh\n")
    (tree / "program").chmod(0o755)
    (tree / "link").symlink_to("/nowhere")
    return files(tree)


async def test_it_comes_back_as_it_lay(
    places: Workspaces, repository: Path, task: Task, root: Path
) -> None:
    before = contents(repository)
    place = await places.prepare(task)
    tree = Path(place.path)
    lay = work(tree)
    head, patch = git(tree, "rev-parse", "HEAD"), await places.diff(place)
    ref = await places.remove(place)
    assert not tree.exists()
    assert [(one.standing, one.saved) for one in await places.found()] == [(Standing.REMOVED, ref)]
    # Another process, which knows the task no more.
    again = await Workspaces(root).restore(task.id, None)
    assert again == replace(place, task_file=None)
    assert files(tree) == lay
    assert git(tree, "rev-parse", "HEAD") == head
    assert git(tree, "symbolic-ref", "HEAD") == f"refs/heads/{place.branch}"
    assert git(tree, "diff", "--cached", "--name-only") == ""
    assert await places.diff(place) == patch
    assert [one.standing for one in await places.found()] == [Standing.RESTORED]
    assert contents(repository) == before


async def test_what_was_not_changed_since_is_not_saved_twice(
    places: Workspaces, repository: Path, task: Task
) -> None:
    place = await places.prepare(task)
    work(Path(place.path))
    ref = await places.remove(place)
    await places.restore(task.id, place)
    assert await places.remove(place) == ref
    await places.restore(task.id, place)
    (Path(place.path) / "file").write_text("changed again\n")
    assert await places.remove(place) == f"{ref}.2"
    assert "+changed again" in await places.diff(place)
    await places.restore(task.id, place)
    assert (Path(place.path) / "file").read_text() == "changed again\n"
    await places.accept(place, "message")
    await places.remove(place)
    assert "+changed again" in await places.diff(place)
    assert git(repository, "show", f"{ref}:done") == "committed"


async def test_commits_away_from_the_branch_come_back(places: Workspaces, task: Task) -> None:
    place = await places.prepare(task)
    tree = Path(place.path)
    git(tree, "checkout", "--quiet", "--detach")
    (tree / "file").write_text("detached\n")
    git(tree, "commit", "--quiet", "--all", "-m", "away")
    head = git(tree, "rev-parse", "HEAD")
    assert await places.remove(place) is not None
    await places.restore(task.id, None)
    assert git(tree, "rev-parse", "HEAD") == head
    assert git(tree, "status", "--porcelain") == ""


async def test_a_branch_that_somebody_has_or_moved_stays_his(
    places: Workspaces, task: Task, repository: Path
) -> None:
    place = await places.prepare(task)
    tree = Path(place.path)
    lay = work(tree)
    await places.remove(place)
    mine = repository.parent / "mine"
    git(repository, "worktree", "add", "--quiet", str(mine), str(place.branch))
    await places.restore(task.id, None)
    assert files(tree) == lay
    await places.remove(place)
    git(mine, "commit", "--quiet", "--allow-empty", "-m", "mine")
    moved = git(repository, "rev-parse", str(place.branch))
    await places.restore(task.id, None)
    assert files(tree) == lay
    assert git(repository, "rev-parse", str(place.branch)) == moved


async def test_one_from_before_there_were_notes(places: Workspaces, task: Task, root: Path) -> None:
    place = await places.prepare(task)
    lay = work(Path(place.path))
    await places.remove(place)
    (root / "saved" / f"{task.id}.json").unlink()
    with pytest.raises(WorkspaceFailed, match="nothing is known"):
        await places.restore(task.id, None)
    await places.restore(task.id, place)
    assert files(Path(place.path)) == lay


async def test_what_cannot_come_back_is_said(places: Workspaces, task: Task) -> None:
    place = await places.prepare(task)
    with pytest.raises(Conflict, match="is there"):
        await places.restore(task.id, place)
    await places.remove(place)
    with pytest.raises(WorkspaceFailed, match="nothing was saved"):
        await places.restore(task.id, place)
    with pytest.raises(NothingToDecide):
        await places.restore(task.id, Workspace(WorkspaceKind.FOLDER, "/somewhere"))


async def test_what_was_saved_goes_when_it_is_let_go_of(
    places: Workspaces, task: Task, repository: Path
) -> None:
    place = await places.prepare(task)
    work(Path(place.path))
    await places.remove(place)
    [found] = await places.found()
    await places.drop(found)
    await places.drop(found)
    assert await places.found() == ()
    assert git(repository, "for-each-ref", "refs/inspan") == ""


async def test_a_removal_and_a_return_that_are_cut_short_anywhere_lose_nothing(
    places: Workspaces, repository: Path, root: Path
) -> None:
    before = contents(repository)
    for number in range(10):
        task = task_in(repository, number)
        place = await places.prepare(task)
        lay = work(Path(place.path))
        with anyio.move_on_after(number * 0.015):
            await places.remove(place)
        later = Workspaces(root)
        [found] = [one for one in await later.found() if one.task == task.id]
        if found.standing is not Standing.REMOVED:
            assert await later.sweep(found) is not None
        with anyio.move_on_after(number * 0.015):
            await later.restore(task.id, None)
        last = Workspaces(root)
        with suppress(Conflict):
            await last.restore(task.id, None)
        assert files(Path(place.path)) == lay
        assert await last.remove(place) is not None
    assert contents(repository) == before
    assert not (repository / ".git" / "worktrees").exists()
    assert [path.name for path in root.iterdir()] == ["saved"]


async def test_folders_and_halves_are_found(
    places: Workspaces, repository: Path, root: Path
) -> None:
    folder = await places.prepare(task_in(repository, 1, workspace=WorkspaceKind.FOLDER))
    half = task_in(repository, 2)
    place = await places.prepare(half)
    (root / f"{half.id}.adding").touch()
    (root / "something else").mkdir()
    found = await places.found()
    assert [(one.path, one.kind, one.standing) for one in found] == [
        (folder.path, WorkspaceKind.FOLDER, Standing.STRAY),
        (place.path, WorkspaceKind.WORKTREE, Standing.STRAY),
    ]
    for one in found:
        assert await places.sweep(one) is None
    assert [path.name for path in root.iterdir()] == ["something else"]
    assert not (repository / ".git" / "worktrees").exists()


async def test_what_git_would_make_elsewhere_comes_back_once_its_place_is_right(
    repository: Path, tmp_path: Path, task: Task
) -> None:
    root = tmp_path / "root"
    places = Workspaces(root)
    place = await places.prepare(task)
    lay = work(Path(place.path))
    await places.remove(place)
    before = contents(repository)
    root.rename(tmp_path / "elsewhere")
    root.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GitFailed, match="elsewhere than at"):
        await places.restore(task.id, None)
    assert contents(repository) == before
    root.unlink()
    (tmp_path / "elsewhere").rename(root)
    shutil.rmtree(root / task.id)
    git(repository, "worktree", "prune")
    assert files(Path((await places.restore(task.id, None)).path)) == lay
