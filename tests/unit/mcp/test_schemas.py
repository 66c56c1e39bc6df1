"""What a model gives a tool is held against the table, and a mistake is told by its name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest

from inspan.errors import BadInput
from inspan.mcp import schemas
from inspan.mcp.schemas import ANSWER, LIST, PLAN, SHOW, SUBMIT, WAIT_FOR, checked

MUCH = "x" * ((1 << 20) + 1)

WRONG: tuple[tuple[Mapping[str, Any], dict[str, Any], str], ...] = (
    (SHOW, {"task": "a", "colour": 1}, "there is no argument 'colour'; there are task, output"),
    (SHOW, {}, "the argument 'task' is missing"),
    (ANSWER, {"task": "a"}, "the argument 'text' is missing"),
    (SHOW, {"task": 1}, "`task` has to be a text"),
    (SHOW, {"task": None}, "`task` has to be a text"),
    (SUBMIT, {"prompt": MUCH}, "`prompt` has to be a text of 1048576 characters at most"),
    (SUBMIT, {"prompt": "a\0b"}, "`prompt` holds what is no character"),
    (SUBMIT, {"prompt": "\udcff"}, "`prompt` holds what is no character"),
    (SUBMIT, {"workspace": "cloud"}, "`workspace` has to be one of here, worktree, folder, copy"),
    (SUBMIT, {"command": "ls -l"}, "`command` has to be a list of 1000 at most"),
    (SUBMIT, {"command": ["x"] * 1001}, "`command` has to be a list of 1000 at most"),
    (SUBMIT, {"command": ["ls", 1]}, "`command`[1] has to be a text"),
    (WAIT_FOR, {"tasks": []}, "`tasks` has to be a list"),
    (LIST, {"states": ["happy"]}, "`states`[0] has to be one of"),
    (SUBMIT, {"review": "yes"}, "`review` has to be true or false"),
    (SUBMIT, {"review": 1}, "`review` has to be true or false"),
    (PLAN, {"goal": "a", "plan": ["step"]}, "`plan` has to be an object"),
    (LIST, {"limit": "20"}, "`limit` has to be a number"),
    (LIST, {"limit": True}, "`limit` has to be a number"),
    (LIST, {"limit": 0}, f"`limit` has to be from 1 to {schemas.PAGE_MOST}"),
    (LIST, {"limit": 1.5}, "`limit` has to be a whole number"),
    (SUBMIT, {"retries": math.nan}, "`retries` has to be from 0 to"),
    (WAIT_FOR, {"tasks": ["a"], "timeout": math.inf}, "`timeout` has to be from 0 to 3600"),
)


@pytest.mark.parametrize(("schema", "given", "told"), WRONG, ids=range(len(WRONG)))
def test_a_mistake_is_told_by_its_name(
    schema: Mapping[str, Any], given: dict[str, Any], told: str
) -> None:
    with pytest.raises(BadInput) as caught:
        checked(given, schema)
    assert caught.value.message.startswith(told)


def test_what_is_as_it_should_be_is_handed_on_as_it_is() -> None:
    for schema, given in (
        (LIST, {"limit": 20.0, "states": ["running"]}),
        (WAIT_FOR, {"tasks": ["a"], "timeout": 0.5, "any": False}),
        (PLAN, {"goal": "a", "plan": {"steps": []}, "version": 0}),
        (SUBMIT, {"prompt": "Größe ☃"}),
    ):
        assert checked(given, schema) is given
