"""Worktrees where something that was there is gone, damaged, or of no interest to git."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from inspan.errors import NotFound, WorkspaceFailed
from inspan.model.merging import MergeRequest
from inspan.model.task import Task, WorkspaceKind
from inspan.workspaces.places import Workspaces
from inspan.workspaces.plan import Notes, Plan, Saved
from tests.fakes.repository import contents, git

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A2")]

PLAN = Plan(top="t", common="c", branch="b", base="0", inside="")


async def test_a_worktree_that_is_gone_with_its_branch_has_nothing_to_show(
    places: Workspaces, repository: Path, root: Path, task: Task
) -> None:
    place = await places.prepare(task)
    shutil.rmtree(root / task.id)
    git(repository, "worktree", "prune")
    git(repository, "branch", "-D", str(place.branch))
    with pytest.raises(WorkspaceFailed, match="is gone, and so is the worktree"):
        await places.diff(place)
    with pytest.raises(WorkspaceFailed, match="is gone, and so is the worktree"):
        await places.accept(place, "message")
    assert await places.ignored(place) == 0


async def test_what_was_noted_of_a_worktree_may_be_damaged_or_missing(
    places: Workspaces, root: Path, task: Task
) -> None:
    place = await places.prepare(task)
    note = root / f"{task.id}.json"
    note.write_text("{")
    with pytest.raises(WorkspaceFailed, match="cannot be read"):
        await places.diff(place)
    note.unlink()
    with pytest.raises(WorkspaceFailed, match="nothing is known"):
        await places.diff(replace(place, repository=None))


async def test_a_place_that_cannot_be_is_said(tmp_path: Path, task: Task) -> None:
    (tmp_path / "file").touch()
    nowhere = Workspaces(tmp_path / "file")
    with pytest.raises(WorkspaceFailed, match="could not be made"):
        await nowhere.prepare(
            replace(task, spec=replace(task.spec, workspace=WorkspaceKind.FOLDER))
        )
    with pytest.raises(WorkspaceFailed, match="cannot be read"):
        await nowhere.prepare(task)
    with pytest.raises(WorkspaceFailed, match="not the id of a task"):
        await nowhere.prepare(replace(task, id="../x"))


async def test_ignored_files_are_counted_but_for_our_own(
    places: Workspaces, root: Path, task: Task
) -> None:
    place = await places.prepare(task)
    assert await places.ignored(place) == 0
    (root / task.id / "ignored").write_text("of the task")
    assert await places.ignored(place) == 1
    assert await places.ignored(replace(place, kind=WorkspaceKind.FOLDER)) == 0


@pytest.mark.parametrize(
    "note",
    [
        {"plan": {}, "ref": "r", "head": "h", "at": 1.0},
        {"plan": {"top": "t", "of a newer one": 1}, "ref": "r", "head": "h", "at": 1.0},
        {"plan": asdict(PLAN), "head": "h", "at": 1.0},
        {"plan": asdict(PLAN)},
        [1],
    ],
)
def test_a_note_of_what_was_saved_that_says_too_little_is_named(
    tmp_path: Path, note: object
) -> None:
    notes = Notes(tmp_path)
    notes.save("a" * 26, Saved(PLAN, "r", "h", 1.0))
    (written,) = (tmp_path / "saved").iterdir()
    written.write_text(json.dumps(note))
    with pytest.raises(WorkspaceFailed, match=f"{written.name} cannot be read"):
        notes.saved("a" * 26)
    assert json.loads(written.read_text()) == note


async def test_a_branch_that_is_gone_is_not_merged(
    places: Workspaces, repository: Path, task: Task
) -> None:
    place = await places.prepare(task)
    before = contents(repository)
    with pytest.raises(NotFound, match="the branch inspan/none is not there"):
        await places.merge(replace(task, workspace=place), "inspan/none", MergeRequest())
    assert contents(repository) == before
