"""Plans as YAML: what a person gets to edit, and what is read of what they wrote."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inspan.errors import BadInput, CyclicPlan
from inspan.model.goal import GoalPlan, PlanStep
from inspan.model.task import WorkspaceKind
from inspan.settings.planfile import BYTES_MOST, decoded, parsed, written
from tests.unit.model.test_goal import plans

pytestmark = pytest.mark.requirement("A6")

WORK = PlanStep(name="work", prompt="Do it,\n  with care.\n\n\nAnd then:\n- this", after=("tests",))
PLAN = GoalPlan(
    summary="A limit: 5 a second, # or 6",
    steps=(
        PlanStep(name="tests", title="Tests: first", prompt="- write tests", minutes=10.0),
        WORK,
        PlanStep(
            name="all",
            provider="shell",
            command=("make", "test"),
            after=("tests", "work"),
            workspace=WorkspaceKind.HERE,
            review=False,
        ),
    ),
)


def test_a_plan_is_written_so_that_a_person_can_read_it() -> None:
    text = written(PLAN)
    assert "#   minutes   how long" in text
    assert "  - name: tests\n    title: 'Tests: first'\n" in text
    assert "    prompt: |-\n      Do it,\n        with care.\n\n\n      And then:\n" in text
    assert "    after: [tests, work]\n" in text
    assert "    command: [make, test]\n    workspace: here\n    review: false\n" in text
    assert parsed(text, "x") == PLAN


@given(plans())
@example(GoalPlan(steps=(PlanStep(name="1", prompt="a\x85b\u2028c\r\n\x0b\x1cd\x00\ufeff\x7f"),)))
@example(GoalPlan(steps=(PlanStep(name="no", prompt=" \n lead\n trail \n\n", title="null"),)))
@example(GoalPlan(steps=(PlanStep(name="a", prompt="\t\n# no remark: {}\n---\n...\n%x\n😀"),)))
def test_what_is_written_is_read_as_it_was(plan: GoalPlan) -> None:
    assert parsed(written(plan), "x") == plan


@given(st.text(alphabet="ab \n\t\r\x85\u2028\u2029\x0b\x0c\x1d:#-|>'\"\\é😀\x07", min_size=1))
def test_any_prompt_is_read_as_it_was(prompt: str) -> None:
    if prompt.strip():
        plan = GoalPlan(steps=(PlanStep(name="a", prompt=prompt),))
        assert parsed(written(plan), "x") == plan


def test_where_there_is_no_plan_one_begins() -> None:
    text = written(None)
    assert parsed(text, "x") is None
    about, _, steps = text.partition("steps:\n")
    plan = parsed(about + "steps:\n" + re.sub(r"^# ", "", steps, flags=re.MULTILINE), "x")
    assert plan is not None
    assert [(step.name, step.after) for step in plan.steps] == [("tests", ()), ("work", ("tests",))]


WRONG: list[tuple[str, str]] = [
    ("steps:\n  - name: a\n    prompt: x\n    minutes: soon\n", "p:4: step 'a': minutes: must be"),
    ("steps:\n  - name: a\n    promt: x\n", "p:3: step 'a': there is no key 'promt'"),
    ("steps:\n  - name: a\n    prompt: x\n  - prompt: y\n", "p:4: step 2: it needs a `name`"),
    ("steps:\n  - name: A\n    prompt: x\n", "p:2: step 1: the name 'A'"),
    ("steps:\n  - {name: a, prompt: x}\n  - name: a\n    prompt: x\n", "p:3: two steps"),
    ("steps:\n  - name: a\n\n    prompt: ' '\n", "p:4: step 'a': a `prompt` has to say"),
    ("steps:\n  - name: a\n    prompt: x\n    after: [b]\n", "p:4: step 'a': `after` names 'b'"),
    ("summary: x\nmore: y\nsteps: []\n", "p:2: the plan: there is no key 'more'"),
    ("summary: x\n", "p:1: the plan needs `steps`"),
    ("- a\n", "p:1: the plan: must be an object"),
    ("steps: [\n", "p:2: "),
    ("steps:\n  - name: a\n    name: b\n", "p:3: 'name' is there twice"),
]


@pytest.mark.parametrize(("text", "why"), WRONG, ids=[why for _, why in WRONG])
def test_a_mistake_is_told_with_its_line(text: str, why: str) -> None:
    with pytest.raises(BadInput) as caught:
        parsed(text, "p")
    assert caught.value.message.startswith(why)


def test_a_circle_is_told_with_the_line_of_one_of_its_steps() -> None:
    text = "steps:\n- {name: x, prompt: x}\n- name: a\n  after: b\n  prompt: x\n"
    text += "- name: b\n  prompt: x\n  after: [x, a]\n"
    with pytest.raises(CyclicPlan) as caught:
        parsed(text, "p")
    assert caught.value.message == "p:4: these wait for one another: a → b → a"


def test_json_is_a_plan_too() -> None:
    plan = parsed('{"steps": [{"name": "a", "prompt": "\\ud83d\\ude00"}]}', "p")
    assert plan == GoalPlan(steps=(PlanStep(name="a", prompt="😀"),))


def test_what_is_no_text_or_too_much_is_refused() -> None:
    assert decoded(b"\xef\xbb\xbfsteps:", "p") == "steps:"
    with pytest.raises(BadInput, match="p is not valid UTF-8"):
        decoded(b"\xff", "p")
    with pytest.raises(BadInput, match="p is too large"):
        decoded(b" " * (BYTES_MOST + 1), "p")
