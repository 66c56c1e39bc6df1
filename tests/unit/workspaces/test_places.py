import json
from dataclasses import replace
from pathlib import Path

import pytest

from inspan.errors import FolderMissing, NothingToDecide, WorkspaceFailed
from inspan.model.task import Workspace, WorkspaceKind
from inspan.workspaces.places import Workspaces
from tests.fakes.repository import task_in

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A2")]


async def test_here_is_where_the_task_came_from_and_stays_as_it_is(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    places = Workspaces(tmp_path / "workspaces")
    place = await places.prepare(task_in(here, workspace=WorkspaceKind.HERE))
    assert place == Workspace(WorkspaceKind.HERE, str(here))
    assert await places.remove(place) is None
    assert list(here.iterdir()) == []
    with pytest.raises(NothingToDecide):
        await places.diff(place)
    with pytest.raises(NothingToDecide):
        await places.accept(place, "message")


async def test_a_folder_of_its_own(tmp_path: Path) -> None:
    places = Workspaces(tmp_path / "workspaces")
    task = task_in(tmp_path, workspace=WorkspaceKind.FOLDER, prompt="wörk", env={"KEY": "secret"})
    place = await places.prepare(task)
    folder = tmp_path / "workspaces" / task.id
    task_file = str(folder / "task.json")
    assert place == Workspace(WorkspaceKind.FOLDER, str(folder), task_file=task_file)
    told = (folder / "task.json").read_text(encoding="utf-8")
    assert "secret" not in told
    assert json.loads(told)["prompt"] == "wörk"
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / "result").write_text("done")
    assert await places.prepare(replace(task, attempt=2)) == place
    assert json.loads((folder / "task.json").read_text())["attempt"] == 2
    assert (folder / "result").exists()
    assert await places.remove(place) is None
    assert not folder.exists()
    assert await places.remove(place) is None


@pytest.mark.parametrize("kind", list(WorkspaceKind))
async def test_a_working_folder_that_is_missing_is_said(
    tmp_path: Path, kind: WorkspaceKind
) -> None:
    with pytest.raises(FolderMissing):
        await Workspaces(tmp_path / "w").prepare(task_in(tmp_path / "none", workspace=kind))


async def test_a_planted_link_is_not_written_through(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep")
    places = Workspaces(tmp_path / "workspaces")
    task = task_in(tmp_path, workspace=WorkspaceKind.FOLDER)
    folder = Path((await places.prepare(task)).path)
    for name in ("task.json", ".task.json.part"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(precious)
    place = await places.prepare(task)
    assert precious.read_text() == "keep"
    assert not (folder / "task.json").is_symlink()
    (folder / "out").symlink_to(tmp_path)
    await places.remove(place)
    assert precious.read_text() == "keep"


async def test_a_folder_that_became_a_link_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    places = Workspaces(tmp_path / "workspaces")
    task = task_in(tmp_path, workspace=WorkspaceKind.FOLDER)
    (tmp_path / "workspaces").mkdir()
    (tmp_path / "workspaces" / task.id).symlink_to(outside)
    with pytest.raises(WorkspaceFailed):
        await places.prepare(task)
    await places.remove(Workspace(WorkspaceKind.FOLDER, str(tmp_path / "workspaces" / task.id)))
    assert [path.name for path in outside.iterdir()] == ["precious"]


@pytest.mark.parametrize("path", ["/", "/etc", "{root}", "{root}/..", "{root}/x/../../y", "."])
async def test_what_inspan_did_not_make_is_never_removed(tmp_path: Path, path: str) -> None:
    root = tmp_path / "workspaces"
    root.mkdir()
    for kind in (WorkspaceKind.FOLDER, WorkspaceKind.WORKTREE):
        with pytest.raises(WorkspaceFailed):
            await Workspaces(root).remove(Workspace(kind, path.format(root=root)))
    assert root.is_dir()
