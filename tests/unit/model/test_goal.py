import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.errors import BadInput, CyclicPlan
from inspan.model.goal import (
    MINUTES_MOST,
    PLAN_MOST,
    PROMPT_MOST,
    STEPS_MOST,
    GoalPlan,
    PlanStep,
    as_told,
    checked,
    levels,
    longest,
    ordered,
    plan_of,
)
from inspan.model.plain import dump, load
from inspan.model.task import WorkspaceKind

pytestmark = pytest.mark.requirement("A6")

NAMES = st.from_regex(r"[a-z0-9_.-]{1,64}", fullmatch=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PROMPT = TEXT.filter(str.strip)
KEYS = {"name", "title", "prompt", "after", "minutes", "files"}


COMMON: dict[str, Any] = {
    "name": st.just("x"),
    "title": TEXT,
    "minutes": st.none() | st.floats(0, MINUTES_MOST),
    "files": st.lists(TEXT, max_size=2).map(tuple),
    "workspace": st.none() | st.sampled_from(WorkspaceKind),
    "review": st.booleans(),
}
#: A step but for its name and for what it waits for. Made once: making it is most of the drawing.
STEPS = st.builds(
    PlanStep, **COMMON, prompt=PROMPT, provider=st.sampled_from(["", "claude"])
) | st.builds(
    PlanStep,
    **COMMON,
    provider=st.just("shell"),
    command=st.lists(TEXT, min_size=1, max_size=3).map(tuple),
)
SEVERAL_NAMES = st.lists(NAMES, min_size=1, max_size=8, unique=True)
EARLIER = st.lists(st.integers(0, 7), max_size=3)


@st.composite
def plans(draw: st.DrawFn, *, by_planner: bool = False) -> GoalPlan:
    """Any plan that can be carried out: a step waits only for some that were drawn before it."""
    names = draw(SEVERAL_NAMES)
    steps = []
    for at, name in enumerate(names):
        after = tuple(names[each % at] for each in draw(EARLIER)) if at else ()
        steps.append(replace(draw(STEPS), name=name, after=after))
    if by_planner:
        steps = [
            PlanStep(**{key: getattr(step, key) for key in KEYS - {"prompt"}}, prompt="do it")
            for step in steps
        ]
    return GoalPlan(steps=tuple(draw(st.permutations(steps))), summary=draw(TEXT))


@given(plans())
def test_a_plan_is_told_and_read_as_it_was(plan: GoalPlan) -> None:
    assert checked(plan) is plan
    assert plan_of(as_told(plan), by_planner=False) == plan
    assert load(GoalPlan, dump(plan)) == plan


@given(plans(by_planner=True))
def test_a_planners_plan_is_told_and_read_as_it_was(plan: GoalPlan) -> None:
    assert plan_of(as_told(plan), by_planner=True) == plan


@given(plans())
def test_every_step_comes_after_what_it_waits_for(plan: GoalPlan) -> None:
    steps = ordered(plan)
    assert sorted(step.name for step in steps) == sorted(step.name for step in plan.steps)
    seen: set[str] = set()
    for step in steps:
        assert seen.issuperset(step.after)
        seen.add(step.name)


@given(plans())
def test_steps_of_a_level_wait_only_for_earlier_levels_and_one_of_the_last(plan: GoalPlan) -> None:
    before: set[str] = set()
    last: set[str] = set()
    for level in levels(plan):
        assert level
        for step in level:
            assert before.issuperset(step.after)
            assert not last or last.intersection(step.after)
        last = {step.name for step in level}
        before |= last
    assert before == {step.name for step in plan.steps}


@given(plans())
def test_the_longest_way_is_one_of_the_ways(plan: GoalPlan) -> None:
    steps = {step.name: step for step in plan.steps}

    def until(name: str) -> float:
        step = steps[name]
        return max((until(one) for one in step.after), default=0.0) + (step.minutes or 0.0)

    assert longest(plan) == max(map(until, steps))


@given(plans(), st.data())
def test_every_circle_is_refused_and_named(plan: GoalPlan, data: st.DataObject) -> None:
    names = data.draw(
        st.lists(st.sampled_from([s.name for s in plan.steps]), min_size=1, unique=True)
    )
    waits = dict(zip(names, [*names[1:], names[0]], strict=True))
    steps = [
        replace(step, after=(waits[step.name],)) if step.name in waits else replace(step, after=())
        for step in plan.steps
    ]
    with pytest.raises(CyclicPlan) as caught:
        checked(replace(plan, steps=tuple(steps)))
    circle = caught.value.message.partition(": ")[2].split(" → ")
    assert circle[0] == circle[-1]
    assert sorted(circle[:-1]) == sorted(names)
    assert all(waits[one] == other for one, other in itertools.pairwise(circle))


def test_of_a_long_circle_the_middle_is_left_out() -> None:
    names = [f"n{number}" for number in range(500)]
    steps = tuple(
        PlanStep(name=name, prompt="x", after=(after,))
        for name, after in zip(names, [*names[1:], "n0"], strict=True)
    )
    with pytest.raises(CyclicPlan) as caught:
        checked(GoalPlan(steps=steps))
    assert "n0 → n1 → " in caught.value.message
    assert " → … → " in caught.value.message
    assert caught.value.message.endswith("n499 → n0")
    assert len(caught.value.message) < 400


def test_a_chain_of_as_many_steps_as_there_may_be_is_no_plan_too_deep() -> None:
    steps = [PlanStep(name="0", prompt="x", minutes=1)]
    steps += [
        PlanStep(name=str(number), prompt="x", minutes=1, after=(str(number - 1),))
        for number in range(1, STEPS_MOST)
    ]
    plan = checked(GoalPlan(steps=tuple(reversed(steps))))
    assert (longest(plan), len(levels(plan))) == (STEPS_MOST, STEPS_MOST)
    with pytest.raises(BadInput, match="1 to 2000 steps, not 2001"):
        checked(replace(plan, steps=(*plan.steps, PlanStep(name="more", prompt="x"))))


GOOD: dict[str, Any] = {"name": "a", "prompt": "do it"}
WRONG: list[tuple[object, str]] = [
    (None, "the plan: must be an object"),
    ([GOOD], "the plan: must be an object"),
    ({}, "needs `steps`"),
    ({"steps": "a"}, "needs `steps`"),
    ({"steps": []}, "1 to 2000 steps, not 0"),
    ({"steps": [GOOD] * 2001}, "1 to 2000 steps, not 2001"),
    ({"steps": [GOOD], "stepz": 1}, "the plan: there is no key 'stepz'; there are steps, summary"),
    ({"steps": [GOOD], "summary": 3}, "summary: must be a text, not a number"),
    ({"steps": ["a"]}, "step 1: must be an object"),
    ({"steps": [GOOD, {"prompt": "x"}]}, "step 2: it needs a `name`"),
    ({"steps": [GOOD, {"name": 3}]}, "step 2: name: must be a text, not a number"),
    ({"steps": [{**GOOD, "name": "A"}]}, "step 1: the name 'A' is not one of"),
    ({"steps": [{**GOOD, "name": "ä"}]}, "step 1: the name 'ä'"),
    ({"steps": [{**GOOD, "name": "a\n"}]}, r"step 1: the name 'a\\n'"),
    ({"steps": [{**GOOD, "name": "x" * 65}]}, "step 1: the name 'xxx"),
    ({"steps": [GOOD, GOOD]}, "two steps are called 'a'"),
    ({"steps": [{**GOOD, "promt": "x"}]}, "step 'a': there is no key 'promt'; there are name,"),
    ({"steps": [{**GOOD, 3: "x"}]}, "step 'a': there is no key '3'"),
    ({"steps": [{**GOOD, "after": 3}]}, "step 'a': after: must be a list of texts, not a number"),
    ({"steps": [{**GOOD, "after": ["b"]}]}, "step 'a': `after` names 'b', and no step is called"),
    ({"steps": [{**GOOD, "files": [3]}]}, "step 'a': files: must be a text, not a number"),
    ({"steps": [{**GOOD, "minutes": "3"}]}, "step 'a': minutes: must be a number, not a text"),
    ({"steps": [{**GOOD, "minutes": True}]}, "step 'a': minutes: must be a number, not true"),
    ({"steps": [{**GOOD, "minutes": -1}]}, "step 'a': minutes are a number from 0"),
    ({"steps": [{**GOOD, "minutes": float("nan")}]}, "step 'a': minutes"),
    ({"steps": [{**GOOD, "minutes": float("inf")}]}, "step 'a': minutes"),
    ({"steps": [{**GOOD, "minutes": 10**400}]}, "step 'a': minutes are a number from 0"),
    ({"steps": [{**GOOD, "review": "no"}]}, "step 'a': review: must be true or false, not a text"),
    ({"steps": [{**GOOD, "workspace": "moon"}]}, "step 'a': workspace: must be one of here, "),
    ({"steps": [{"name": "a"}]}, "step 'a': a `prompt` has to say"),
    ({"steps": [{"name": "a", "prompt": " \n"}]}, "step 'a': a `prompt` has to say"),
    ({"steps": [{**GOOD, "command": ["ls"]}]}, "step 'a': `command` is only for `provider: shell`"),
    ({"steps": [{"name": "a", "provider": "shell"}]}, "step 'a': .* needs a `command`"),
    ({"steps": [{**GOOD, "provider": "shell", "command": ["ls"]}]}, "takes no `prompt`"),
    ({"steps": [{**GOOD, "provider": "shell", "command": "ls"}]}, "command: must be a list of"),
    ({"steps": [{**GOOD, "prompt": "\udcff"}]}, "step 'a': prompt: holds text that is not UTF-8"),
    ({"steps": [{**GOOD, "files": "\udcff"}]}, "step 'a': files: holds text that is not UTF-8"),
    ({"steps": [GOOD], "summary": "\udcff"}, "summary: holds text that is not UTF-8"),
    ({"steps": [{**GOOD, "prompt": "ü" * (PROMPT_MOST // 2 + 1)}]}, "the prompt has 65538 bytes"),
    ({"steps": [GOOD], "summary": "x" * PLAN_MOST}, "the plan has 20972.. bytes"),
]


@pytest.mark.parametrize(("told", "why"), WRONG, ids=[why for _, why in WRONG])
def test_what_is_wrong_is_told_with_its_step(told: object, why: str) -> None:
    with pytest.raises(BadInput, match=why) as caught:
        plan_of(told, by_planner=False)
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("key", "item"),
    [("provider", "shell"), ("command", ["rm"]), ("workspace", "here"), ("review", False)],
)
def test_a_planner_does_not_choose_programs_or_places(key: str, item: object) -> None:
    told = {"steps": [{**GOOD, key: item}]}
    with pytest.raises(BadInput, match=f"step 'a': a planner may not set `{key}`"):
        plan_of(told, by_planner=True)


def test_what_is_null_is_not_said_and_one_name_needs_no_list() -> None:
    told = {"summary": None, "steps": [GOOD, {**GOOD, "name": "b", "after": "a", "review": None}]}
    plan = plan_of(told, by_planner=True)
    assert plan.steps[1] == PlanStep(name="b", prompt="do it", after=("a",))
    assert as_told(plan) == {"steps": [GOOD, {**GOOD, "name": "b", "after": ["a"]}]}
