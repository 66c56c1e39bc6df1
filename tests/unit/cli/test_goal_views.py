"""``inspan goal show``, ``log`` and ``graph`` before a daemon of fakes, and how they draw."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from inspan.cli import shells
from inspan.cli.main import main
from inspan.model import event as e
from inspan.model.agent import Usage
from inspan.model.goal import GoalPlan, PlanStep
from inspan.model.pursuit import GOAL, PHASE, STEP
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
from inspan.telling import goalgraph, layers
from inspan.telling.story import Story
from tests.unit.cli.desk import Desk, desk
from tests.unit.model.test_goal import plans as any_plan

pytestmark = pytest.mark.requirement("A6")

PLAN = GoalPlan(
    steps=(
        PlanStep(name="model", title='The <b>"model"\x1b[2J', prompt="x"),
        PlanStep(name="api", prompt="y", after=("model",)),
        PlanStep(name="docs", prompt="z", after=("model", "api")),
    )
)


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with desk(tmp_path, monkeypatch) as made:
        yield made


def goal(daemon: Desk, plan: GoalPlan | None = PLAN) -> Task:
    spec = TaskSpec(provider="queen", prompt="limits\x07, please", cwd="/", kind=TaskKind.GOAL)
    with daemon.control() as control:
        task = control.submit(spec)
        daemon.portal.call(daemon.fake.start, task.id)
        if plan is not None:
            control.replan(task.id, plan, version=0, by="planner")
        return control.get(task.id)


def of_step(daemon: Desk, of: Task, step: str, phase: str, who: str, *, review: bool = True) -> str:
    """A task of the goal that has begun."""
    spec = TaskSpec(
        provider=who,
        prompt="do it",
        cwd="/",
        workspace=WorkspaceKind.WORKTREE,
        review=review,
        correlation=of.correlation,
        labels={GOAL: of.id, STEP: step, PHASE: phase},
    )
    with daemon.control() as control:
        task = control.submit(spec)
    daemon.portal.call(daemon.fake.start, task.id)
    return task.id


def records(daemon: Desk, task: str, *facts: e.Fact) -> None:
    for fact in facts:
        daemon.portal.call(daemon.fake._record, task, fact)


def said(daemon: Desk, task: Task, **told: object) -> None:
    line = json.dumps({"type": "step", "at": 5e9, **told}).encode() + b"\n"
    daemon.portal.call(daemon.fake.prints, task.id, line)


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["goal", *words]) == 0
    return capsys.readouterr().out


def steps(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    told = json.loads(shown(capsys, "show", "--json"))
    return {one["name"]: one for one in told["steps"]}


def states(capsys: pytest.CaptureFixture[str]) -> list[object]:
    return [one["state"] for one in steps(capsys).values()]


def test_a_step_is_followed_from_waiting_to_merged(
    daemon: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    of = goal(daemon)
    assert states(capsys) == ["waits", "waits", "waits"]
    assert "0 of 3 steps done, 3 wait, " in shown(capsys, "show")
    work = of_step(daemon, of, "model", "apply", "claude")
    used = Usage(read=1000, written=234, cost=0.5)
    records(daemon, work, e.UsageCounted(1, used))
    assert states(capsys) == ["working", "waits", "waits"]
    records(daemon, work, e.Exited(1, Exit(code=0), 0))
    review = of_step(daemon, of, "model", "review", "codex", review=False)
    found = steps(capsys)["model"]
    assert (found["state"], found["agent"], found["now"]) == ("in review", "claude", review)
    records(daemon, review, e.Exited(1, Exit(code=0), 0), e.Completed(1))
    records(daemon, work, e.SentBack(1, "queen", ("no test",)))
    daemon.portal.call(daemon.fake.start, work)
    records(daemon, work, e.Exited(2, Exit(code=0), 0), e.Accepted(2, "queen"))
    resolve = of_step(daemon, of, "model", "resolve", "claude")
    assert steps(capsys)["model"]["now"] == resolve
    records(daemon, resolve, e.Exited(1, Exit(code=0), 0), e.Accepted(1, "queen"))
    said(daemon, of, step="model", commit="abcdef0123456789", why="")
    found = steps(capsys)["model"]
    assert (found["state"], found["rounds"], found["commit"]) == ("done", 1, "abcdef0123456789")
    assert states(capsys) == ["done", "ready", "waits"]
    text = shown(capsys, "show", of.id)
    assert "1 of 3 steps done, 1 ready, 1 waits" in text
    assert "1,234 tokens, $0.50" in text
    assert "\x1b" not in text
    assert "\x07" not in text
    log = shown(capsys, "log")
    for sentence in (
        "the goal: limits, please",
        "version 1 of the plan, by planner: 3 steps",
        "hands model to claude",
        "has codex",
        "sends model back, round 1: no test",
        "model is accepted by queen",
        "hands both to claude",
        "model is merged as abcdef012",
    ):
        assert sentence in log


def test_what_needs_a_person_is_told_with_the_command_for_it(
    daemon: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    of = goal(daemon)
    work = of_step(daemon, of, "model", "apply", "claude")
    records(daemon, work, e.NeedsInput(1, Needs("permission", "rm\x1b[2J -r?", ("allow", "deny"))))
    text = shown(capsys, "show")
    assert f"needs you: {work[-6:]} asks: rm -r? (allow | deny); `inspan answer" in text
    assert states(capsys)[0] == "needs you"
    records(daemon, work, e.Interrupted(Reason("lost", "it was killed")))
    assert f"needs you: {work[-6:]} interrupted: it was killed; `inspan resume" in shown(
        capsys, "show"
    )
    records(daemon, of.id, e.Interrupted(Reason("lost", "she was killed")))
    needs = json.loads(shown(capsys, "show", "--json"))["needs"]
    # Resuming the goal resumes what was interrupted with it.
    assert [one["task"] for one in needs] == [of.id]


def test_a_step_that_failed_says_why_and_those_behind_it_never_began(
    daemon: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    of = goal(daemon)
    work = of_step(daemon, of, "model", "apply", "claude")
    failed = Reason("exit", "exited with 3", "`inspan logs ID` has\x1b[2J it.")
    records(daemon, work, e.Exited(1, Exit(code=3), 0), e.Failed(1, failed))
    assert states(capsys)[0] == "failed"
    assert f"model: `inspan logs {work[-6:]}` has it.\n" in shown(capsys, "show")
    said(daemon, of, step="model", why="nobody could\x1b[2J do it", hint="Try again.", commit="")
    over = Reason("agent", "0 of 3 done")
    records(daemon, of.id, e.Exited(1, Exit(code=0), 0), e.Failed(1, over))
    assert states(capsys) == ["failed", "not begun", "not begun"]
    assert "model came to nothing: nobody could do it; Try again.\n" in shown(capsys, "log")
    # A view that follows has nothing to wait for: the goal is over, and tells it by its status.
    assert main(["goal", "show", "--watch"]) == 1
    assert "✗ model" in capsys.readouterr().out


def test_a_goal_that_failed_before_its_first_step_says_why_and_what_to_do(
    daemon: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    of = goal(daemon, plan=None)
    why = Reason("failed", "the planner\x1b[2J failed", "Ask another.")
    records(daemon, of.id, e.Exited(1, Exit(code=0), 0), e.Failed(1, why))
    text = shown(capsys, "show")
    assert text.splitlines()[-2:] == ["the planner failed", "Ask another."]
    given_up = goal(daemon, plan=None)
    records(daemon, given_up.id, e.Cancelled(Reason("stopped", "asked to stop")))
    assert shown(capsys, "show").splitlines()[-1] == "  there is no plan yet"


def test_only_the_very_words_are_verbs(daemon: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    goal(daemon)
    assert main(["goal", "showing", "last"]) == 2
    assert main(["goal", "show the steps", "--cwd", "/nowhere-at-all", "--agent", "claude"]) == 1
    assert "/nowhere-at-all" in capsys.readouterr().err
    assert main(["goal", "show", "--yes"]) == 2
    assert "unrecognized arguments: --yes" in capsys.readouterr().err
    assert "goal) words='show log graph' ;;" in shells.script("bash")


def test_the_newest_goal_is_meant_where_none_is_named(
    daemon: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["goal", "show"]) == 2
    assert "there is no goal yet" in capsys.readouterr().err
    of = goal(daemon, None)
    with daemon.control() as control:
        other = control.submit(TaskSpec(command=("true",), cwd="/"))
    assert shown(capsys, "show").startswith(of.id[-6:])
    assert main(["goal", "show", other.id]) == 2
    assert "is no goal" in capsys.readouterr().err
    assert main(["goal", "graph"]) == 2
    assert "has no plan yet" in capsys.readouterr().err


def test_what_a_planner_wrote_is_text_in_both_drawings(
    daemon: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    goal(daemon)
    mermaid = shown(capsys, "graph")
    assert mermaid.splitlines()[0] == "graph LR"
    assert mermaid.count(" --> ") == 3
    drawn = ET.fromstring(shown(capsys, "graph", "--svg"))
    texts = [node.text for node in drawn.iter() if node.tag.endswith("text")]
    assert 'The <b>"model"' in texts
    assert sum("marker-end" in node.attrib for node in drawn.iter()) == 3


# ── the layout ────────────────────────────────────────────────────────────────


def _after(plan: GoalPlan) -> dict[str, Sequence[str]]:
    return {step.name: step.after for step in plan.steps}


@settings(max_examples=30)
@given(any_plan())
def test_no_box_lies_on_another_and_each_is_right_of_what_it_waits_for(plan: GoalPlan) -> None:
    after = _after(plan)
    drawn = layers.drawing(after)
    assert drawn.boxes.keys() == after.keys()
    assert {(one, name) for one, name, _ in drawn.lines} == {
        (one, name) for name, befores in after.items() for one in befores
    }
    for name, befores in after.items():
        for one in befores:
            assert drawn.boxes[one].x + layers.WIDTH < drawn.boxes[name].x
    corners = sorted((box.x, box.y) for box in drawn.boxes.values())
    for (x, y), (other_x, other_y) in pairwise(corners):
        assert x != other_x or y + layers.HEIGHT <= other_y
    assert all(box.x >= 0 and box.y >= 0 for box in drawn.boxes.values())


def test_a_plan_as_large_as_may_be_is_drawn() -> None:
    chance = random.Random(7)
    after: dict[str, Sequence[str]] = {"0": ()}
    for number in range(1, 2000):
        before = sorted({str(chance.randrange(number)), str(number - 1)})
        after[str(number)] = before
    assert len(layers.drawing(after).boxes) == 2000


def test_a_drawing_of_a_plan_that_nobody_began_is_dashed() -> None:
    story = Story(Task(id="g", spec=TaskSpec(cwd="/"), state=TaskState.RUNNING, correlation="c"))
    story.planned = e.Planned(1, PLAN, "planner")
    assert goalgraph.svg(story).count("stroke-dasharray") == 3
