"""A folder that is no git repository is copied, and what is done there has a diff."""

from pathlib import Path

import pytest

from inspan.errors import WorkspaceFailed
from inspan.model.place import Standing
from inspan.model.task import Task, WorkspaceKind
from inspan.workspaces import foldercopy
from inspan.workspaces.places import Workspaces
from tests.fakes.repository import contents, git, task_in

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A2")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "plain ä folder"
    (top / "part").mkdir(parents=True)
    (top / "file").write_text("one\n")
    (top / "part" / "program").write_text("#!/bin/sh\n")
    (top / "part" / "program").chmod(0o755)
    (top / "link").symlink_to("/nowhere")
    (top / "built").write_text("built\n")
    (top / ".gitignore").write_text("built\n")
    (top / "inner").mkdir()
    git(top / "inner", "init", "--quiet")
    (top / "inner" / "file").write_text("of another repository\n")
    return top


def task_of(folder: Path, number: int = 1) -> Task:
    return task_in(folder, number, workspace=WorkspaceKind.COPY)


async def test_a_copy_has_a_diff_is_saved_and_comes_back(
    places: Workspaces, folder: Path, root: Path
) -> None:
    before = contents(folder)
    place = await places.prepare(task_of(folder))
    tree = Path(place.path)
    assert place.kind is WorkspaceKind.WORKTREE
    assert (tree / "file").read_text() == "one\n"
    assert (tree / "part" / "program").stat().st_mode & 0o100
    assert (tree / "link").readlink() == Path("/nowhere")
    assert not (tree / "built").exists()
    assert not (tree / "inner").exists()
    assert await places.diff(place) == ""
    (tree / "file").write_text("two\n")
    patch = await places.diff(place)
    assert "-one\n+two" in patch
    assert await places.remove(place) is not None
    assert [one.standing for one in await places.found()] == [Standing.REMOVED]
    await places.restore(task_of(folder).id, None)
    assert (tree / "file").read_text() == "two\n"
    await places.accept(place, "message")
    await places.remove(place)
    assert await places.diff(place) == patch
    assert contents(folder) == before
    # As anybody takes it over, who has git and no repository.
    (folder.parent / "patch").write_text(patch)
    git(folder, "apply", str(folder.parent / "patch"))
    assert (folder / "file").read_text() == "two\n"
    assert {path.name for path in root.iterdir()} == {"copies", "saved"}


async def test_each_copy_begins_with_what_lies_there_then(places: Workspaces, folder: Path) -> None:
    first = await places.prepare(task_of(folder, 1))
    second = await places.prepare(task_of(folder, 2))
    assert second.base == first.base
    (folder / "file").write_text("later\n")
    third = await places.prepare(task_of(folder, 3))
    assert third.repository == first.repository
    assert (Path(third.path) / "file").read_text() == "later\n"
    assert (Path(first.path) / "file").read_text() == "one\n"
    assert await places.prepare(task_of(folder, 1)) == first


async def test_an_empty_folder_has_a_copy_too(places: Workspaces, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    place = await places.prepare(task_of(empty))
    (Path(place.path) / "new").write_text("new\n")
    assert "+new" in await places.diff(place)


async def test_what_cannot_be_copied_is_said(
    places: Workspaces, folder: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root.mkdir(parents=True)
    with pytest.raises(WorkspaceFailed, match="holds inspan's own state"):
        await places.prepare(task_of(root.parent, 1))
    monkeypatch.setattr(foldercopy, "BYTES_MOST", 10)
    with pytest.raises(WorkspaceFailed, match="more than 100,000 files or"):
        await places.prepare(task_of(folder, 2))
