"""Goals on the screens: handed in, seen with their steps, approved and edited, by keys alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from inspan.cli.tui import _goal_made, _written
from inspan.errors import BadInput, Unable
from inspan.goals import planned
from inspan.model.event import NeedsInput
from inspan.model.goal import GoalPlan, PlanStep
from inspan.model.pursuit import Pursuit, StepState, StepTold
from inspan.model.task import Needs, Task, TaskKind, TaskSpec, TaskState
from inspan.settings.planfile import written
from inspan.swarm.wishes import wishes
from inspan.tui import steps
from inspan.tui.aiming import Aiming
from inspan.tui.app import Cockpit
from inspan.tui.dialogs.choice import ChoiceDialog
from inspan.tui.dialogs.confirm import ConfirmDialog
from inspan.tui.dialogs.newgoal import NewGoal, NewGoalDialog
from inspan.tui.graphview import GraphView
from inspan.tui.rows import Rows
from inspan.tui.screens.goal import GoalScreen
from inspan.tui.screens.task import OneTask
from tests.fakes.control import FakeControl
from tests.unit.tui import posing
from tests.unit.tui.test_dialogs import SIZES, asked, path
from tests.unit.tui.test_tasks import until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A3", "E2")]

OTHER = GoalPlan(steps=(PlanStep(name="other", prompt="another way"),))


def seen(app: Cockpit) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


@asynccontextmanager
async def cockpit(
    make: Callable[[NewGoal], TaskSpec] | None = None,
    write: Callable[[str], str] = str,
    size: tuple[int, int] = (100, 30),
) -> AsyncIterator[tuple[Cockpit, Pilot[Any], FakeControl, str]]:
    """With a goal in the middle of its steps."""
    control = await posing.goals(FakeControl())
    goal = next(one.id for one in control.tasks.values() if one.spec.kind is TaskKind.GOAL)
    app = Cockpit(control, make_goal=make)
    app.aiming = Aiming(control, app.dialogs, make, write, app.say)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.headway.of(goal) is not None)
        yield app, pilot, control, goal


async def opened(app: Cockpit, pilot: Pilot[Any], goal: str, steps: int = 7) -> GoalScreen:
    app.tasks.tasks.select(goal)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, GoalScreen))
    screen = app.screen
    assert isinstance(screen, GoalScreen)
    await until(pilot, lambda: len(screen.query_one(OptionList).options) == steps)
    return screen


async def test_a_goal_is_known_in_the_list_by_its_mark_and_its_steps() -> None:
    async with cockpit() as (app, pilot, _, _):
        await until(pilot, lambda: "◆ 2/7 add rate" in seen(app))


async def test_its_screen_has_each_step_and_enter_opens_the_task_of_one() -> None:
    async with cockpit() as (app, pilot, control, goal):
        await opened(app, pilot, goal)
        await until(pilot, lambda: "2 of 7 steps done" in seen(app))
        shown = seen(app)
        for words in ("✓ limits", "▸ middleware", "? docs", "✗ bench", "└─ · tests"):
            assert words in shown
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, OneTask))
        assert isinstance(app.screen, OneTask)
        assert control.tasks[app.screen.task_id].spec.labels["step"] == "limits"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, GoalScreen))
        # What happens is seen without a key.
        bucket = next(
            one.id for one in control.tasks.values() if one.spec.labels.get("step") == "middleware"
        )
        control.ends(bucket, 0)
        await until(pilot, lambda: "3 of 7 steps done" in seen(app))
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, OneTask))


async def test_its_steps_are_a_graph_too_and_the_same_one_is_pointed_at_in_both() -> None:
    async with cockpit() as (app, pilot, control, goal):
        screen = await opened(app, pilot, goal)
        graph = screen.query_one(GraphView)
        await pilot.press("j", "g")  # the second line of the tree
        await until(pilot, lambda: screen.focused is graph)
        assert graph.chosen == "middleware"
        shown = seen(app)
        # The line that is drawn from `limits` to `middleware` is joined by that of `bucket`.
        for words in (
            "✓ limits ──┬─→ ? docs",
            "┴─→▌▸ middleware ──→ · headers",
            "after limits, bucket",
        ):
            assert words in shown
        way = {"right": "headers", "left": "middleware", "up": "docs", "down": "middleware"}
        for key, name in (way | {"end": "bench", "k": "middleware", "home": "docs"}).items():
            await pilot.press(key)
            assert graph.chosen == name, key
        await until(pilot, lambda: "docs  ? needs you" in seen(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, OneTask))
        assert isinstance(app.screen, OneTask)
        assert control.tasks[app.screen.task_id].spec.labels["step"] == "docs"
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen and screen.focused is graph)
        # How a step is now is seen without a key.
        bench = next(one for one in control.tasks.values() if one.spec.labels.get("step") == "docs")
        control.ends(bench.id, 1)
        await until(pilot, lambda: "✗ docs" in seen(app))
        await pilot.press("g")
        await until(pilot, lambda: screen.focused is screen.query_one(Rows))
        assert screen.query_one(Rows).chosen == "docs"


def test_a_step_that_failed_says_what_can_be_done_about_that() -> None:
    plan = GoalPlan(steps=(PlanStep(name="a", prompt="x"),))
    told = StepTold(name="a", state=StepState.FAILED, why="no such agent", hint="Did you mean b?")
    goal = Task(id="0" * 26, spec=TaskSpec(kind=TaskKind.GOAL, cwd="/"), state=TaskState.RUNNING)
    found = Pursuit(goal=goal, version=1, plan=plan, steps=(told,))
    assert "a: Did you mean b?" in [line.plain for line in steps.about(goal, found, 80, 0.0)]
    assert [line.plain for line in steps.step(found, "a", 80, 0.0)][1:] == [
        "no such agent",
        "Did you mean b?",
    ]


async def test_a_step_that_another_plan_does_not_have_is_pointed_at_no_more() -> None:
    async with cockpit() as (app, pilot, control, goal):
        screen = await opened(app, pilot, goal)
        await pilot.press("j", "g")
        await until(pilot, lambda: "after limits, bucket" in seen(app))
        await control.replan(goal, OTHER, version=1, by="a person")
        await until(pilot, lambda: "another way" in seen(app))
        assert screen.query_one(GraphView).chosen == "other"
        found = app.headway.of(goal)
        assert found is not None
        assert not list(steps.step(found, "middleware", 80, 0.0))


async def test_a_step_that_nobody_began_has_no_task_to_be_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with cockpit() as (app, pilot, _, goal):
        screen = await opened(app, pilot, goal)
        said: list[str] = []
        monkeypatch.setattr(app, "say", said.append)
        await pilot.press("g", "end", "right", "right", "enter")
        assert screen.query_one(GraphView).chosen == "tests"
        assert said == ["nobody has begun it yet"]
        assert app.screen is screen


async def test_a_click_points_at_a_step_and_the_next_opens_its_task() -> None:
    async with cockpit() as (app, pilot, _, goal):
        screen = await opened(app, pilot, goal)
        await pilot.press("g")
        graph = screen.query_one(GraphView)
        await until(pilot, lambda: "· headers" in seen(app))
        rows = [strip.text for strip in app.screen._compositor.render_strips()]
        y = next(at for at, row in enumerate(rows) if "✗ bench" in row)
        await pilot.click(offset=(rows[y].index("bench"), y))
        await until(pilot, lambda: graph.chosen == "bench")
        await pilot.click(offset=(rows[y].index("bench"), y), times=2)
        await until(pilot, lambda: isinstance(app.screen, OneTask))


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (44, 14)], ids=str)
async def test_each_of_sixty_steps_is_seen_with_its_name_once_it_is_pointed_at(
    size: tuple[int, int],
) -> None:
    names = [f"step-{number}" for number in range(60)]
    plan = GoalPlan(
        steps=tuple(
            PlanStep(
                name=name,
                prompt="x",
                after=tuple({names[at // 2], names[at - 5]} if at > 7 else ()),
            )
            for at, name in enumerate(names)
        )
    )
    async with cockpit(size=size) as (app, pilot, control, goal):
        await control.replan(goal, plan, version=1, by="a person")
        screen = await opened(app, pilot, goal, steps=60)
        await pilot.press("g")
        graph = screen.query_one(GraphView)
        await until(pilot, lambda: graph.chosen == "step-0")
        for name in names:
            graph.point(name)
            assert f"▌○ {name}" in seen(app).replace("·", "○")


async def test_a_plan_is_approved_by_one_of_the_words_that_are_offered() -> None:
    async with cockpit() as (app, pilot, control, goal):
        needs = Needs("permission", "Approve plan 1?", ("approve", "reject"), id="q")
        control._record(goal, NeedsInput(control.tasks[goal].attempt, needs))
        await opened(app, pilot, goal)
        await until(pilot, lambda: "Approve plan 1?" in seen(app))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog))
        await pilot.press("enter")
        await until(pilot, lambda: control.tasks[goal].needs is None)
        assert control._session(goal).typed == b"approve\n"


async def test_a_plan_is_edited_mended_and_put_in_the_place_of_a_newer_one() -> None:
    texts: list[str] = []

    def write(text: str) -> str:
        texts.append(text)
        return "steps: [{name: a, prompt: x, after: b}]" if len(texts) == 1 else written(OTHER)

    async with cockpit(write=write) as (app, pilot, control, goal):
        await opened(app, pilot, goal)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "no step is called so" in seen(app)
        newer = GoalPlan(steps=(PlanStep(name="newer", prompt="theirs"),))
        await control.replan(goal, newer, version=1, by="planner")
        await pilot.press("y")
        await until(pilot, lambda: "planner stored version 2" in seen(app))
        assert texts[1].startswith("steps: [{name: a")
        await pilot.press("y")
        await until(pilot, lambda: control.tasks[goal].planned == 3)
    found = await planned(control, goal)
    assert found is not None
    assert found.plan == OTHER


async def test_what_was_written_and_left_is_there_the_next_time() -> None:
    texts: list[str] = []

    def write(text: str) -> str:
        texts.append(text)
        return "steps: ["

    async with cockpit(write=write) as (app, pilot, control, goal):
        await opened(app, pilot, goal)
        for number in (1, 2):
            await pilot.press("e")
            await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
            assert len(texts) == number
            await pilot.press("n")
            await until(pilot, lambda: isinstance(app.screen, GoalScreen))
        assert texts[1] == "steps: ["
        assert control.tasks[goal].planned == 1


async def test_a_goal_is_handed_in_and_what_was_written_outlives_a_refusal() -> None:
    made: list[NewGoal] = []

    def make(new: NewGoal) -> TaskSpec:
        made.append(new)
        if len(made) == 1:
            raise BadInput("no agent is called 'x'")
        return TaskSpec(kind=TaskKind.GOAL, provider="queen", cwd="/", prompt=new.goal)

    async with cockpit(make) as (app, pilot, control, _):
        await pilot.press("N")
        await until(pilot, lambda: isinstance(app.screen, NewGoalDialog))
        await pilot.press(*"reach", "enter")
        await until(pilot, lambda: "no agent is called" in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.tasks)
        await pilot.press("N")
        await until(pilot, lambda: isinstance(app.screen, NewGoalDialog))
        await pilot.press("ctrl+s")
        await until(
            pilot, lambda: any(one.spec.prompt == "reach" for one in control.tasks.values())
        )
        assert [one.goal for one in made] == ["reach", "reach"]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_way_through_the_dialog_of_a_new_goal(size: tuple[int, int]) -> None:
    async with asked(NewGoalDialog(NewGoal(folder="/w")), size) as (app, pilot):
        order = ["goal", "folder", "workers", "planner", "reviewer", "check", "alone", "start"]
        assert await path(app, pilot, "tab", 8) == [*order, "goal"]
        assert await path(app, pilot, "shift+tab", 8) == ["goal", *order[::-1]]
        await pilot.press("enter")
        assert app.screen.query_one("#wrong", Static).display
        await pilot.press(*"it", "tab", "tab", *"pi", "ctrl+s")
        await until(pilot, lambda: bool(app.given))
        assert app.given == [NewGoal(goal="it", folder="/w", workers="pi")]
        assert app.held == "b"


def test_what_is_made_of_it_is_what_inspan_goal_makes(tmp_path: Path) -> None:
    said = NewGoal(
        goal="-x [mend] it",
        folder=str(tmp_path),
        workers="claude, codex",
        reviewer="none",
        check="make test",
        unattended=True,
    )
    spec = _goal_made(said)
    assert (spec.prompt, spec.kind, spec.cwd) == ("-x [mend] it", TaskKind.GOAL, str(tmp_path))
    told = wishes(spec.command)
    assert (told.workers, told.reviewers, told.planner) == (("claude", "codex"), (), "claude")
    assert (told.checks, told.yes) == (("make test",), True)


def test_what_was_written_stays_where_the_editor_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho more >> "$1"\nexit $STATUS\n')
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("STATUS", "0")
    assert _written("steps:\n") == "steps:\nmore\n"
    assert not list(tmp_path.glob("inspan-plan-*"))
    monkeypatch.setenv("STATUS", "3")
    with pytest.raises(Unable, match="what you wrote is in"):
        _written("steps:\n")
    (kept,) = tmp_path.glob("inspan-plan-*")
    assert kept.read_text() == "steps:\nmore\n"
