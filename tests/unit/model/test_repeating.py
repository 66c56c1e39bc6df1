"""What is handed in once more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inspan.errors import BadInput
from inspan.model.ids import short
from inspan.model.pursuit import GOAL, STEP
from inspan.model.repeating import repeated
from inspan.model.task import Task, TaskSpec, TaskState

FIRST = "01m85685d4p8ez6v0rqp5mrfza"
OTHER = "01m85685k0jhjj7dwbnzq6vg6c"
SPEC = TaskSpec(cwd="/there", command=("make",), env={"A": "1"}, checks=("true",), retries=2)


def _task(spec: TaskSpec) -> Task:
    return Task(id=FIRST, spec=spec, state=TaskState.FAILED)


def test_it_is_the_same_but_for_what_it_waited_for() -> None:
    waited = replace(SPEC, after=(OTHER,), not_before=17.5)
    assert repeated(_task(waited)) == SPEC


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (replace(SPEC, labels={GOAL: OTHER, STEP: "one"}), "a step of a goal"),
        (replace(SPEC, parent=OTHER), "by the agent of"),
    ],
    ids=["step", "child"],
)
def test_a_part_of_something_else_is_not_done_alone(part: TaskSpec, why: str) -> None:
    with pytest.raises(BadInput, match=why) as refused:
        repeated(_task(part))
    assert refused.value.hint.startswith(f"`inspan again {short(OTHER)}`")
