from __future__ import annotations

from dataclasses import replace

import pytest

from inspan.errors import GitFailed, NotFound
from inspan.model.place import Place, Standing, SweepPolicy, Swept
from inspan.model.task import Exit, Task, TaskState, Verdict, WorkspaceKind
from tests.unit.engine.stage import Stage, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A2")]

FORGOTTEN = "01zzzzzzzzzzzzzzzzzzzzzzzz"


def place_of(task: str, standing: Standing = Standing.STRAY) -> Place:
    return Place(task=task, kind=WorkspaceKind.WORKTREE, path=f"/w/{task}", standing=standing)


async def _with(stage: Stage, *tasks: Task) -> dict[str, Place]:
    places = {task.id: place_of(task.id) for task in tasks}
    stage.workspaces.there = places
    return places


async def test_what_is_needed_is_told_by_the_task_and_stays() -> None:
    stage = Stage()
    async with stage.running() as engine:
        working = await stage.submit(workspace=WorkspaceKind.WORKTREE)
        stage.shell.auto = Exit(0)
        ended = await stage.submit(workspace=WorkspaceKind.WORKTREE)
        judged = await stage.submit(workspace=WorkspaceKind.WORKTREE)
        await settle()
        await engine.decide(judged.id, Verdict.REJECT, ["no"])
        places = await _with(stage, working, ended, judged)
        places[FORGOTTEN] = place_of(FORGOTTEN)
        assert {place.task: place.standing for place in await engine.workspaces()} == {
            working.id: Standing.IN_USE,
            ended.id: Standing.UNDECIDED,
            judged.id: Standing.STRAY,
            FORGOTTEN: Standing.STRAY,
        }
        would = await engine.sweep(SweepPolicy(dry_run=True))
        assert [one.place.task for one in would] == [judged.id, FORGOTTEN]
        assert len(places) == 4
        saved = "refs/inspan/saved/x"
        assert [one.saved for one in await engine.sweep(SweepPolicy())] == [saved, saved]
        assert (await stage.facts(judged))[-1] == "saved"
        assert list(places) == [working.id, ended.id]
        await engine.sweep(SweepPolicy(undecided=True, folders=True))
        assert list(places) == [working.id]
        assert (await engine.get(working.id)).state is TaskState.RUNNING


async def test_what_cannot_be_saved_stays_and_says_why() -> None:
    stage = Stage()
    async with stage.running() as engine:
        stage.workspaces.there = {FORGOTTEN: place_of(FORGOTTEN)}
        stage.workspaces.fails = GitFailed("its repository is gone")
        [stays] = await engine.sweep(SweepPolicy())
        assert stays == Swept(place=place_of(FORGOTTEN), stays="its repository is gone")
        assert list(stage.workspaces.there) == [FORGOTTEN]


async def test_folders_and_what_was_saved_go_only_when_asked_for() -> None:
    stage = Stage()
    async with stage.running() as engine:
        now = stage.clock.now()
        stage.workspaces.there = {
            "a" * 26: replace(place_of("a" * 26), kind=WorkspaceKind.FOLDER),
            "b" * 26: replace(place_of("b" * 26, Standing.REMOVED), saved_at=now - 100),
            "c" * 26: replace(place_of("c" * 26, Standing.RESTORED), saved_at=now - 100),
        }
        assert await engine.sweep(SweepPolicy(undecided=True)) == ()
        assert await engine.sweep(SweepPolicy(saved_older_than=200)) == ()
        assert len(await engine.sweep(SweepPolicy(saved_older_than=50))) == 1
        assert len(await engine.sweep(SweepPolicy(folders=True))) == 1
        assert list(stage.workspaces.there) == ["c" * 26]


async def test_one_of_a_task_that_is_forgotten_comes_back_by_the_end_of_its_id() -> None:
    stage = Stage()
    async with stage.running() as engine:
        stage.workspaces.there = {FORGOTTEN: place_of(FORGOTTEN, Standing.REMOVED)}
        with pytest.raises(NotFound):
            await engine.restore_workspace("zz")
        assert (await engine.restore_workspace("zzzzzz")).standing is Standing.RESTORED
