"""How far a goal is, read from the tasks that are made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from inspan.model.agent import Ending, Outcome, PartFailed, Usage
from inspan.model.event import Planned
from inspan.model.goal import GoalPlan, PlanStep
from inspan.model.ids import short
from inspan.model.pursuit import (
    APPLY,
    CHECK,
    GOAL,
    OF,
    PHASE,
    PLAN,
    RESOLVE,
    REVIEW,
    STEP,
    Pursuit,
    StepState,
    StepTold,
    pursuit,
)
from inspan.model.task import (
    Exit,
    Needs,
    Reason,
    Task,
    TaskKind,
    TaskSpec,
    TaskState,
    WorkspaceKind,
)

pytestmark = pytest.mark.requirement("A3", "A7")

S = TaskState


def goal(state: TaskState = S.RUNNING, **said: Any) -> Task:
    spec = TaskSpec(kind=TaskKind.GOAL, provider="queen", cwd="/r", prompt="reach it")
    return Task(id="G", spec=spec, state=state, correlation="G", **said)


def plan(*steps: PlanStep) -> Planned:
    return Planned(version=2, plan=GoalPlan(steps=steps), by="planner claude")


def step(name: str, *after: str, **said: Any) -> PlanStep:
    return PlanStep(name=name, prompt="do it", after=after, **said)


class Made:
    """Tasks of the goal, each made a second after the one before it."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []

    def add(
        self, phase: str, name: str = "", state: TaskState = S.RUNNING, of: str = "", **said: Any
    ) -> Task:
        at = float(len(self.tasks))
        labels = {GOAL: "G", PHASE: phase, STEP: name, OF: of}
        spec = TaskSpec(
            cwd="/r",
            provider=said.pop("provider", "claude"),
            prompt="p",
            review=phase == APPLY,
            labels={key: text for key, text in labels.items() if text},
        )
        said.setdefault("ended_at", at + 0.5 if state in (S.SUCCEEDED, S.FAILED) else None)
        made = Task(
            id=f"T{len(self.tasks)}", spec=spec, state=state, created_at=at, attempt=1, **said
        )
        self.tasks.append(made)
        return made


def read(found: Sequence[PlanStep], made: Made, of: Task | None = None) -> Pursuit:
    return pursuit(of or goal(), plan(*found), made.tasks)


def told(found: Sequence[PlanStep], made: Made, of: Task | None = None) -> dict[str, StepState]:
    return {one.name: one.state for one in read(found, made, of).steps}


def one(found: Sequence[PlanStep], made: Made, of: Task | None = None) -> StepTold:
    return read(found, made, of).steps[0]


def test_without_a_plan_there_is_a_planner_and_no_step() -> None:
    made = Made()
    made.add(PLAN, state=S.SUCCEEDED)
    newest = made.add(PLAN)
    told = pursuit(goal(), None, made.tasks)
    assert (told.version, told.steps, told.planner) == (0, (), newest.id)


def test_a_plan_that_is_not_begun_waits_and_what_can_begin_is_ready_then() -> None:
    steps = (step("a"), step("b"), step("c", "a"))
    made = Made()
    assert set(told(steps, made).values()) == {StepState.WAITS}
    made.add(APPLY, "a")
    assert told(steps, made) == {
        "a": StepState.WORKING,
        "b": StepState.READY,
        "c": StepState.WAITS,
    }


def test_work_is_reviewed_sent_back_and_reviewed_again() -> None:
    made = Made()
    work = made.add(APPLY, "a", S.PROCESSING, exit=Exit(code=0))
    assert one([step("a")], made).state is StepState.REVIEWED
    reviewer = made.add(REVIEW, "a", of=f"{work.id}:1:0", provider="codex")
    seen = one([step("a")], made)
    assert (seen.state, seen.now, seen.rounds) == (StepState.REVIEWED, reviewer.id, 1)
    made.tasks[1] = replace(reviewer, state=S.SUCCEEDED)
    # It is accepted when it can be merged, and has to wait for its turn.
    assert one([step("a")], made).state is StepState.MERGING
    made.tasks[0] = replace(work, state=S.RUNNING, attempt=2, exit=None, findings=("a bug",))
    seen = one([step("a")], made)
    assert (seen.state, seen.now, seen.why) == (StepState.WORKING, work.id, "a bug")
    # A reviewer who was not understood is asked again about the same attempt.
    for number in range(2):
        made.add(REVIEW, "a", S.SUCCEEDED, of=f"{work.id}:2:{number}")
    assert one([step("a")], made).rounds == 2


def test_what_was_accepted_is_done_unless_somebody_brings_it_together_with_others() -> None:
    steps = (step("a"), step("b"), step("c"))
    made = Made()
    made.add(APPLY, "a", S.SUCCEEDED, ended_at=10.0)
    made.add(APPLY, "b", S.SUCCEEDED, ended_at=11.0)
    made.add(APPLY, "c", S.SUCCEEDED, ended_at=12.0)
    joins = made.add(RESOLVE, "b")
    # Results are merged one after the other, as they were accepted.
    assert told(steps, made) == {
        "a": StepState.DONE,
        "b": StepState.MERGING,
        "c": StepState.MERGING,
    }
    seen = read(steps, made)
    assert [each.merged for each in seen.steps] == [True, False, False]
    assert (seen.steps[1].now, seen.done) == (joins.id, 1)
    made.tasks[3] = replace(joins, state=S.SUCCEEDED)
    assert set(told(steps, made).values()) == {StepState.DONE}
    made.add(CHECK, "b", S.FAILED)
    assert told(steps, made)["b"] is StepState.MERGING


def test_a_step_that_others_build_on_is_merged_whatever_else_goes_on() -> None:
    steps = (step("a"), step("b"), step("c", "b"))
    made = Made()
    made.add(APPLY, "a", S.SUCCEEDED, ended_at=1.0)
    made.add(APPLY, "b", S.SUCCEEDED, ended_at=2.0)
    made.add(RESOLVE, "a")
    made.add(APPLY, "c")
    assert told(steps, made)["b"] is StepState.DONE


def test_who_needs_somebody_is_told_by_the_step_and_by_the_goal() -> None:
    made = Made()
    made.add(APPLY, "a", S.WAITING, needs=Needs("question", "May I?"))
    seen = one([step("a")], made)
    assert (seen.state, seen.why) == (StepState.NEEDS, "May I?")
    made = Made()
    made.add(APPLY, "a", S.PROCESSING, exit=Exit(code=0))
    asks = goal(S.WAITING, needs=Needs("permission", "rejected 3 times", about="a"))
    assert told([step("a"), step("aa")], made, asks) == {
        "a": StepState.NEEDS,
        "aa": StepState.READY,
    }


def test_how_the_goal_ended_tells_what_was_not_merged() -> None:
    steps = (step("a"), step("b"), step("c"), step("d", "b"))
    made = Made()
    made.add(APPLY, "a", S.SUCCEEDED)
    made.add(APPLY, "b", S.FAILED, reason=Reason("exit", "exited with 3"))
    made.add(APPLY, "c", S.SUCCEEDED)
    failed = (PartFailed("b", "exit", "no; failed: a: x"), PartFailed("c", "unmerged", "f.txt"))
    over = goal(S.FAILED, outcome=Outcome(Ending.FAILED, "1 of 4 done", failed=failed))
    seen = read(steps, made, over)
    assert {each.name: (each.state, each.why) for each in seen.steps} == {
        "a": (StepState.DONE, ""),
        "b": (StepState.FAILED, "no; failed: a: x"),
        "c": (StepState.FAILED, "f.txt"),
        "d": (StepState.LEFT, ""),
    }


def test_a_step_that_failed_says_what_can_be_done_about_that() -> None:
    steps = (step("a"), step("b"), step("c"), step("d"))
    made = Made()
    own = made.add(APPLY, "a", S.ERROR, reason=Reason("x", "no", "See `inspan logs ID`."))
    made.add(APPLY, "b", S.SUCCEEDED)
    lost = Reason("lost", "gone", "`inspan resume ID`")
    stuck = made.add(APPLY, "d", S.INTERRUPTED, reason=lost)
    assert {each.name: each.hint for each in read(steps, made).steps} == {
        "a": f"See `inspan logs {short(own.id)}`.",
        "b": "",
        "c": "",
        "d": f"`inspan resume {short(stuck.id)}`",
    }
    # What was refused when it was handed in has no task.
    failed = (
        PartFailed("b", "unmerged", "f.txt", "Merge it."),
        PartFailed("c", "x", "no", "Mend."),
    )
    over = goal(S.FAILED, outcome=Outcome(Ending.FAILED, "none", failed=failed))
    seen = {each.name: (each.state, each.why, each.hint) for each in read(steps, made, over).steps}
    assert seen["b"] == (StepState.FAILED, "f.txt", "Merge it.")
    assert seen["c"] == (StepState.FAILED, "no", "Mend.")


def test_what_works_in_no_worktree_is_done_and_not_merged() -> None:
    made = Made()
    made.add(APPLY, "a", S.COMPLETED, used_before=Usage(read=3, cost=0.5))
    seen = one([step("a", workspace=WorkspaceKind.HERE)], made)
    assert (seen.state, seen.merged, seen.used.cost) == (StepState.DONE, None, 0.5)


def test_tasks_of_another_goal_with_the_same_correlation_are_left_out() -> None:
    made = Made()
    other = made.add(APPLY, "a")
    made.tasks[0] = replace(other, spec=replace(other.spec, labels={GOAL: "H", STEP: "a"}))
    assert one([step("a")], made).task is None
