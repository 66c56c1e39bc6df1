"""The branch of a goal: which branches of its tasks go when they are merged, and which stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from inspan.errors import BadInput, NotARepository
from inspan.model.merging import merged_ref
from inspan.model.pursuit import APPLY, PHASE, STEP
from inspan.model.task import (
    CheckResult,
    Exit,
    Task,
    TaskKind,
    TaskState,
    Workspace,
    WorkspaceKind,
)
from inspan.swarm.branch import Branch
from inspan.swarm.forecast import Forecast, standing, works
from inspan.workspaces.places import Workspaces
from tests.fakes.repository import contents, git, make_repository, task_in

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A3")]


async def _done(places: Workspaces, place: Path, number: int) -> Task:
    task = task_in(place, number)
    space = await places.prepare(task)
    (Path(space.path) / f"new {number}").write_text("new\n")
    await places.accept(space, "the work")
    await places.remove(space)
    return replace(task, workspace=space)


async def test_merged_branches_go_and_their_diffs_stay(tmp_path: Path) -> None:
    place = make_repository(tmp_path / "repository")
    places = Workspaces(tmp_path / "state")
    branch = await Branch.of(task_in(place, 9, kind=TaskKind.GOAL), "HEAD")
    one, two, three = [await _done(places, place, number) for number in (1, 2, 3)]
    foreign = await _done(places, place, 4)  # of no goal, though it is merged
    for task in (one, two, foreign):
        commit = await branch.result(task)
        assert commit is not None
        await branch.advance((await branch.join(commit, "merge")).commit)
    assert two.workspace is not None
    git(place, "worktree", "add", "--quiet", str(tmp_path / "looking"), two.workspace.branch or "")
    here = replace(task_in(place, 5), workspace=Workspace(WorkspaceKind.HERE, str(place)))
    assert await branch.tidy([one, two, three, here]) == 1
    left = git(place, "for-each-ref", "--format=%(refname:short)", "refs/heads").split("\n")
    kept = [task.workspace.branch for task in (two, three, foreign) if task.workspace is not None]
    assert left == sorted([branch.name, "main", *filter(None, kept)])
    assert one.workspace is not None
    assert "+new" in await places.diff(one.workspace)
    assert await branch.result(one) is not None  # so that one who walks the same way sees it merged
    await places.remove(one.workspace)  # it is pruned
    assert git(place, "for-each-ref", merged_ref(one.id)) == ""
    assert await branch.tidy([one]) == 0


async def test_a_goal_without_a_repository_or_a_commit_says_what_to_do(tmp_path: Path) -> None:
    goal = task_in(tmp_path, 9, kind=TaskKind.GOAL)
    with pytest.raises(NotARepository, match=r"is not in a git repository$") as nowhere:
        await Branch.of(goal, "HEAD")
    assert "git init" in nowhere.value.hint
    assert "--worktree" not in nowhere.value.hint
    git(tmp_path, "init", "--quiet")
    with pytest.raises(BadInput) as empty:
        await Branch.of(goal, "HEAD")
    assert "Commit something first" in empty.value.hint


async def test_where_somebody_looks_at_the_branch_is_told_when_it_moves(tmp_path: Path) -> None:
    place = make_repository(tmp_path / "repository")
    places = Workspaces(tmp_path / "state")
    branch = await Branch.of(task_in(place, 9, kind=TaskKind.GOAL), "HEAD")
    one, two = [await branch.result(await _done(places, place, number)) for number in (1, 2)]
    assert one is not None
    assert two is not None
    assert await branch.advance(one) == ()
    git(place, "worktree", "add", "--quiet", str(tmp_path / "looking"), branch.name)
    assert await branch.advance((await branch.join(two, "merge")).commit) == (tmp_path / "looking",)


async def test_what_is_not_committed_is_counted(tmp_path: Path) -> None:
    place = make_repository(tmp_path / "repository")
    branch = await Branch.of(task_in(place, 9, kind=TaskKind.GOAL), "HEAD")
    assert await branch.uncommitted() == 3
    git(place, "stash", "--quiet", "--include-untracked")
    assert await branch.uncommitted() == 0


def test_a_result_that_is_checked_is_news_for_a_forecast(tmp_path: Path) -> None:
    """Its state is the same before and after, and only after it is it compared."""
    task = task_in(tmp_path, 1, labels={STEP: "one", PHASE: APPLY}, review=True, checks=("true",))
    ended = replace(task, state=TaskState.PROCESSING, exit=Exit(code=0))
    checked = replace(ended, checks=(CheckResult("true", Exit(code=0), "c1"),))
    assert standing([ended]) == standing([ended])
    assert standing([ended]) != standing([checked])


async def test_what_will_not_go_together_is_told_once_and_before_it_is_merged(
    tmp_path: Path,
) -> None:
    place = make_repository(tmp_path / "repository")
    places = Workspaces(tmp_path / "state")
    branch = await Branch.of(task_in(place, 9, kind=TaskKind.GOAL), "HEAD")
    steps = []
    for number, name in enumerate(("one", "two", "three", "idle"), 1):
        labels = {STEP: name, PHASE: APPLY}
        task = task_in(place, number, labels=labels, review=True)
        task = replace(task, exit=Exit(code=0))
        space = await places.prepare(task)
        if name != "idle":
            file = "part/inner" if name != "three" else "new"
            (Path(space.path) / file).write_text(f"{name}\n")
        if name == "one":
            await places.accept(space, "the work")
        # The others have ended and wait for their review: nothing of them is committed.
        state = TaskState.SUCCEEDED if name == "one" else TaskState.PROCESSING
        steps.append(replace(task, workspace=space, state=state))
    forecast = Forecast(branch)
    assert [task.id for task in works(steps[::-1])] == [task.id for task in steps]
    before = contents(place)
    (clash,) = await forecast.look(steps)
    assert (clash.one, clash.other, clash.files) == ("one", "two", ("part/inner",))
    assert clash.told == "one and two will not go together: part/inner"
    assert await forecast.look(steps) == ()
    assert contents(place) == before
    cancelled = replace(steps[1], state=TaskState.CANCELLED)
    assert steps[1].id not in [task.id for task in works([cancelled, steps[0]])]
