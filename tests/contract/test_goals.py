"""What every Control promises of goals and their plans."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from inspan.control import EventQuery
from inspan.errors import (
    BadInput,
    Conflict,
    CyclicPlan,
    IllegalTransition,
    NotFound,
    NothingToDecide,
)
from inspan.goals import planned, pursued
from inspan.model import event as e
from inspan.model.goal import PROMPT_MOST, GoalPlan, PlanStep
from inspan.model.merging import MergeRequest, goal_branch
from inspan.model.pursuit import APPLY, GOAL, PHASE, STEP, StepState
from inspan.model.task import TERMINAL, Task, TaskKind, TaskState, WorkspaceKind
from tests.fakes.hands import Hand, reached
from tests.fakes.repository import git, make_repository

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A1", "A3")]

PLAN = GoalPlan(
    steps=(
        PlanStep(name="test", prompt="Write tests.\nAll of them: ü", minutes=2.5, files=("a b",)),
        PlanStep(
            name="run",
            title="all tests",
            provider="shell",
            command=("make", "test"),
            after=("test",),
            workspace=WorkspaceKind.HERE,
            review=False,
        ),
    ),
    summary="Test it.",
)
OTHER = GoalPlan(steps=(PlanStep(name="a", prompt="another"),))


async def goal(hand: Hand) -> Task:
    return await hand.control.submit(replace(hand.spec, kind=TaskKind.GOAL))


async def test_a_plan_is_kept_as_it_was_said_and_replaced(hand: Hand) -> None:
    task = await goal(hand)
    assert await planned(hand.control, task.id) is None
    first = await hand.control.replan(task.id, PLAN, version=0, by="planner")
    assert (first.planned, first.state) == (1, task.state)
    assert await planned(hand.control, task.id) == e.Planned(1, PLAN, "planner")
    second = await hand.control.replan(task.id, OTHER, version=1)
    assert second.planned == 2
    assert await planned(hand.control, task.id) == e.Planned(2, OTHER, "person")
    told = await hand.control.history(EventQuery(task=task.id))
    plans = [event.fact for event in told if isinstance(event.fact, e.Planned)]
    assert [(plan.version, plan.plan) for plan in plans] == [(1, PLAN), (2, OTHER)]


async def test_how_far_a_goal_is_is_told_by_the_tasks_of_it(hand: Hand) -> None:
    task = await goal(hand)
    assert (await pursued(hand.control, task.id)).steps == ()
    await hand.control.replan(task.id, PLAN, version=0)
    labels = {GOAL: task.id, STEP: "test", PHASE: APPLY}
    work = replace(hand.spec, correlation=task.correlation, labels=labels)
    step = await hand.control.submit(work)
    await hand.control.submit(hand.spec)
    told = await pursued(hand.control, task.id)
    assert [(one.name, one.state, one.task) for one in told.steps] == [
        ("test", StepState.WORKING, step.id),
        ("run", StepState.WAITS, None),
    ]
    await hand.control.cancel(step.id)
    told = await pursued(hand.control, task.id)
    assert (told.steps[0].state, told.done) == (StepState.FAILED, 0)


async def test_a_plan_is_found_behind_many_events(hand: Hand) -> None:
    task = await goal(hand)
    for version in range(50):
        await hand.control.replan(task.id, OTHER, version=version)
    assert await planned(hand.control, task.id) == e.Planned(50, OTHER, "person")


@pytest.mark.parametrize("version", [-1, 0, 2])
async def test_a_plan_that_somebody_else_replaced_is_not_replaced(hand: Hand, version: int) -> None:
    task = await goal(hand)
    await hand.control.replan(task.id, PLAN, version=0)
    with pytest.raises(Conflict) as caught:
        await hand.control.replan(task.id, OTHER, version=version)
    assert "inspan plan show" in caught.value.hint
    assert await planned(hand.control, task.id) == e.Planned(1, PLAN, "person")


async def test_of_two_that_plan_at_once_one_is_refused(hand: Hand) -> None:
    task = await goal(hand)
    refused: list[Conflict] = []

    async def plan() -> None:
        try:
            await hand.control.replan(task.id, PLAN, version=0)
        except Conflict as error:
            refused.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(plan)
    assert len(refused) == 3
    assert (await hand.control.get(task.id)).planned == 1


async def test_only_a_goal_that_is_not_over_has_a_new_plan(hand: Hand) -> None:
    work = await hand.control.submit(hand.spec)
    with pytest.raises(IllegalTransition):
        await hand.control.replan(work.id, PLAN, version=0)
    task = await goal(hand)
    await hand.start(task)
    task = await reached(hand.control, task, TaskState.RUNNING)
    await hand.control.replan(task.id, PLAN, version=0)
    await hand.ends(task)
    task = await reached(hand.control, task, *TERMINAL)
    assert task.planned == 1
    with pytest.raises(IllegalTransition):
        await hand.control.replan(task.id, OTHER, version=1)
    assert await planned(hand.control, task.id) == e.Planned(1, PLAN, "person")


async def test_a_plan_that_cannot_be_carried_out_is_refused(hand: Hand) -> None:
    task = await goal(hand)
    step = PLAN.steps[0]
    circle = (replace(step, name="a", after=("b",)), replace(step, name="b", after=("a",)))
    with pytest.raises(CyclicPlan, match="a → b → a"):
        await hand.control.replan(task.id, GoalPlan(steps=circle), version=0)
    for wrong in (
        (),
        (step, step),
        (replace(step, name="A"),),
        (replace(step, after=("nobody",)),),
        (replace(step, prompt=" \n"),),
        (replace(step, prompt="x" * (PROMPT_MOST + 1)),),
        (replace(step, command=("rm",)),),
    ):
        with pytest.raises(BadInput):
            await hand.control.replan(task.id, GoalPlan(steps=wrong), version=0)
    assert (await hand.control.get(task.id)).planned == 0


async def test_a_plan_of_no_task_is_not_found(hand: Hand) -> None:
    with pytest.raises(NotFound):
        await planned(hand.control, "01zzzzzzzzzzzzzzzzzzzzzzzz")


async def test_a_goal_is_merged_as_it_was_asked(hand: Hand, tmp_path: Path) -> None:
    place = make_repository(tmp_path / "repository")
    spec = replace(hand.spec, kind=TaskKind.GOAL, cwd=str(place))
    task = await hand.control.submit(spec)
    git(place, "branch", "topic")
    tree = git(place, "rev-parse", "stash^{tree}")
    work = git(place, "commit-tree", "-p", "main", "-m", "the work", tree)
    git(place, "branch", goal_branch(task.id), work)
    asked = MergeRequest(into="topic", dry_run=True)
    would = await hand.control.merge(task.id, asked)
    assert (would.branch, would.into, would.moved) == (goal_branch(task.id), "topic", False)
    done = await hand.control.merge(task.id, replace(asked, made=would.commit, dry_run=False))
    assert (done.into, done.commit, done.moved) == ("topic", would.commit, True)
    with pytest.raises(NothingToDecide):
        await hand.control.merge((await hand.control.submit(hand.spec)).id, MergeRequest())
