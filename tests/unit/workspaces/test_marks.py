"""What sets a workspace up, and the mark by which it is known whether it was made anew."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from inspan.errors import WorkspaceFailed
from inspan.model.outfit import Outfit
from inspan.model.task import Task, WorkspaceKind
from inspan.workspaces.places import Workspaces
from tests.fakes.repository import git

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A2")]


def _kind(task: Task, kind: WorkspaceKind, *own: str) -> Task:
    return replace(task, spec=replace(task.spec, workspace=kind, setup=own))


async def test_commands_are_those_of_the_settings_and_its_own(task: Task, root: Path) -> None:
    places = Workspaces(root, Outfit(setup=("a", "b"), setup_timeout=7.0, ports=0))
    place = await places.prepare(_kind(task, WorkspaceKind.WORKTREE, "b", "c"))
    assert (place.setup, place.setup_timeout) == (("a", "b", "c"), 7.0)
    assert await places.diff(place) == ""
    assert await places.remove(place) is None


async def test_a_copy_of_a_folder_is_set_up_as_a_worktree_is(task: Task, root: Path) -> None:
    folder = root.parent / "no repository"
    folder.mkdir(parents=True)
    (folder / "file").write_text("one\n")
    copied = _kind(task, WorkspaceKind.COPY, "own")
    copied = replace(copied, spec=replace(copied.spec, cwd=str(folder)))
    place = await Workspaces(root, Outfit(setup=("a",), ports=0)).prepare(copied)
    assert place.setup == ("a", "own")


async def test_an_empty_folder_is_set_up_by_what_the_task_names_alone(
    task: Task, root: Path
) -> None:
    places = Workspaces(root, Outfit(setup=("a",), ports=0))
    place = await places.prepare(_kind(task, WorkspaceKind.FOLDER))
    assert (place.setup, place.made) == ((), "")
    assert [path.name for path in Path(place.path).iterdir()] == ["task.json"]
    assert (await places.prepare(_kind(task, WorkspaceKind.FOLDER, "own"))).setup == ("own",)
    assert (await places.prepare(_kind(task, WorkspaceKind.HERE))).setup == ()


async def test_a_workspace_keeps_its_mark_as_long_as_what_git_ignores_is_there(
    task: Task, root: Path
) -> None:
    places = Workspaces(root, Outfit(setup=("a",), ports=0))
    place = await places.prepare(task)
    assert len(place.made) == 16
    assert (await places.prepare(task)).made == place.made
    git(Path(place.path), "clean", "-fdxq")
    cleaned = (await places.prepare(task)).made
    assert cleaned not in ("", place.made)
    (Path(place.path) / "new").write_text("work\n")
    await places.remove(place)
    again = await places.restore(task.id, place)
    assert (Path(again.path) / "new").exists()
    assert (await places.prepare(task)).made not in ("", place.made, cleaned)


@pytest.mark.parametrize("made", ["link", "fifo", "folder", "long", "bytes"])
async def test_a_mark_that_somebody_else_put_there_is_not_believed(
    task: Task, root: Path, tmp_path: Path, made: str
) -> None:
    places = Workspaces(root, Outfit(setup=("a",), ports=0))
    place = await places.prepare(task)
    mark = Path(place.path) / ".inspan" / "made"
    mark.unlink()
    (tmp_path / "elsewhere").write_text("0123456789abcdef")
    match made:
        case "link":
            mark.symlink_to(tmp_path / "elsewhere")
        case "fifo":
            os.mkfifo(mark)
        case "folder":
            mark.mkdir()
        case "long":
            mark.write_text("0" * 1000)
        case _:
            mark.write_bytes(b"\xff" * 16)
    with anyio.fail_after(20):
        if made == "folder":
            with pytest.raises(WorkspaceFailed, match="could not be marked"):
                await places.prepare(task)
            return
        again = (await places.prepare(task)).made
    assert len(again) == 16
    assert again not in ("0123456789abcdef", "0" * 16)
    assert not mark.is_symlink()
    assert (tmp_path / "elsewhere").read_text() == "0123456789abcdef"


async def test_a_folder_of_ours_that_is_a_link_is_refused(
    task: Task, root: Path, tmp_path: Path
) -> None:
    places = Workspaces(root, Outfit(ports=0))
    folder = _kind(task, WorkspaceKind.FOLDER, "own")
    place = await places.prepare(folder)
    shutil.rmtree(Path(place.path) / ".inspan")
    (Path(place.path) / ".inspan").symlink_to(tmp_path)
    with pytest.raises(WorkspaceFailed, match="could not be marked"):
        await places.prepare(folder)
