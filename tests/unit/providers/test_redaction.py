"""Keys are taken out of what an agent complains of."""

import base64
import json
from urllib.parse import quote

import pytest

from inspan.agents.dialect import Turn
from inspan.agents.own import queen
from inspan.agents.signs import Permission
from inspan.model.agent import Ending, Mode, Outcome, PartFailed
from inspan.providers.dialogue import Dialogue
from inspan.providers.redaction import Redaction

KEY = "sk-canary/0123456789+="


@pytest.mark.parametrize(
    "form",
    [KEY, quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode()],
    ids=["as it is", "in an address", "in base64"],
)
def test_a_key_is_found_in_each_of_its_forms(form: str) -> None:
    told = Redaction((KEY,)).outcome(Outcome(Ending.LOGIN, f"Incorrect API key: {form}!"))
    assert KEY not in told.message
    assert form.rstrip("=") not in told.message
    assert told.message.startswith("Incorrect API key: [secret]")


def test_a_key_is_found_in_what_a_part_of_the_work_failed_for() -> None:
    part = PartFailed("a", "exit", f"no: {KEY}", f"not {KEY}")
    told = Redaction((KEY,)).outcome(Outcome(Ending.FAILED, hint=f"or {KEY}", failed=(part,)))
    assert told.failed == (PartFailed("a", "exit", "no: [secret]", "not [secret]"),)
    assert told.hint == "or [secret]"


def test_a_key_is_found_in_a_question_without_a_title() -> None:
    dialogue = Dialogue(queen().talk(Turn(prompt="x", mode=Mode.STREAM)), Redaction((KEY,)))
    told = {"type": "asks", "request": "q1", "question": f"Accept {KEY}?", "options": []}
    (asked,) = dialogue.heard(json.dumps(told).encode() + b"\n")
    assert isinstance(asked, Permission)
    assert asked.name == "Accept [secret]?"


def test_what_has_no_key_in_it_stays_as_it_is() -> None:
    outcome = Outcome(Ending.FAILED, "short and innocent")
    assert Redaction(("short", "")).outcome(outcome) is outcome
