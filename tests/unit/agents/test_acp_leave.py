"""What an agent names only in a text, and a person allowed, it may have run: that, and once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inspan.agents import signs as s
from inspan.agents.acp import AcpTalk
from tests.unit.agents.conversing import ask, hear, send, update
from tests.unit.agents.test_acp_terminals import talk, wants

pytestmark = pytest.mark.requirement("A2", "C5")


def tells(conversation: AcpTalk, text: str, **told: Any) -> None:
    """A call tells its arguments as Kimi CLI does: as a text, and of no kind."""
    content = [{"type": "content", "content": {"type": "text", "text": text}}]
    status = {"toolCallId": "t", "status": "in_progress"}
    update(conversation, "tool_call", **{**status, "content": content, **told})


def quotes(
    conversation: AcpTalk, command: str = "make test", number: int = 4, **told: Any
) -> s.Permission:
    """It asks for that, and names it nowhere but in that text."""
    tells(conversation, json.dumps({"command": command, "timeout": 60}), **told)
    words = {"type": "text", "text": f"Requesting approval to perform: Run command `{command}`"}
    content = [{"type": "content", "content": words}]
    (asked,) = ask(conversation, number, title="Shell: make t…", content=content)
    assert isinstance(asked, s.Permission)
    return asked


def allows(conversation: AcpTalk, asked: s.Permission, *, person: bool = True) -> None:
    if person:
        conversation.allowed_by_person(asked.request)
    send(conversation, conversation.answer(asked.request, "allow"))


def test_a_command_that_a_person_read_whole_and_allowed_is_run_once() -> None:
    conversation = talk()
    asked = quotes(conversation)
    assert (asked.name, asked.title, asked.quoted) == ("other", "Shell: make test", "make test")
    assert (asked.line, asked.argv) == (None, None)  # no rule is held against it
    allows(conversation, asked)
    assert not wants(conversation, 5, command="make test2").granted
    assert not wants(conversation, 6, command="make test ").granted
    assert not wants(conversation, 7, command="make test", cwd="/home/person/work/sub").granted
    assert not wants(
        conversation, 8, command="make test", env=[{"name": "A", "value": "b"}]
    ).granted
    assert wants(conversation, 9, command="make test").granted
    assert not wants(conversation, 10, command="make test").granted


@pytest.mark.parametrize("how", ["by a rule", "denied", "over", "next turn"])
def test_what_it_quoted_is_leave_by_a_person_and_in_this_turn_alone(how: str) -> None:
    conversation = talk()
    asked = quotes(conversation)
    if how == "denied":
        conversation.allowed_by_person(asked.request)
        send(conversation, conversation.answer(asked.request, "deny"))
    else:
        # So it is for a new daemon too, which reads that it was allowed, and not by whom.
        allows(conversation, asked, person=how != "by a rule")
    if how == "over":
        update(conversation, "tool_call_update", toolCallId="t", status="completed")
    elif how == "next turn":
        hear(conversation, id=3, result={"stopReason": "end_turn"})
    assert not wants(conversation, 5, command="make test").granted


def test_leave_in_one_conversation_is_none_in_another() -> None:
    one, other = talk(), talk()
    allows(one, quotes(one))
    assert not wants(other, 5, command="make test").granted
    assert not wants(one, 6, command="make test", sessionId="a-2").granted
    elsewhere = talk()
    tells(elsewhere, '{"command": "make test"}')
    (asked,) = ask(elsewhere, 4, session="a-2", title="Shell: make test")
    assert isinstance(asked, s.Permission)
    allows(elsewhere, asked)
    assert not wants(elsewhere, 5, command="make test").granted


def test_one_answer_of_a_person_says_nothing_of_the_next_request() -> None:
    conversation = talk()
    allows(conversation, quotes(conversation))
    assert wants(conversation, 5, command="make test").granted
    allows(conversation, quotes(conversation, number=6), person=False)
    assert not wants(conversation, 7, command="make test").granted


@pytest.mark.parametrize(
    "command",
    [
        "make test\nrm -rf .",
        "make test\trm",
        "make  test",
        "make \u202etset",
        "make \x1b[8mtest",
        "x" * 501,
        "",
    ],
)
def test_what_no_title_can_show_as_it_is_is_never_quoted(command: str) -> None:
    conversation = talk()
    asked = quotes(conversation, command)
    assert asked.quoted is None
    allows(conversation, asked)
    if command:
        assert not wants(conversation, 5, command=command).granted


@pytest.mark.parametrize("told", [{"kind": "fetch"}, {"rawInput": {"host": "example"}}])
def test_a_call_that_states_what_it_is_quotes_nothing(told: dict[str, Any]) -> None:
    conversation = talk()
    assert quotes(conversation, **told).quoted is None


@pytest.mark.parametrize("text", ['{"command": ["ls"]}', '["ls"]', "ls", '{"command": "ls"} x', ""])
def test_only_the_arguments_of_a_call_are_read(text: str) -> None:
    conversation = talk()
    tells(conversation, text)
    (asked,) = ask(conversation, 4, title="Shell: ls")
    assert isinstance(asked, s.Permission)
    assert (asked.quoted, asked.title) == (None, "Shell: ls")


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Shell: make t…", "Shell: make test"),
        ("Shell", "Shell: make test"),
        (
            "Explain what this does: make test",
            "Explain what this does: make test, to run: make test",
        ),
        ("tell of the make tests", "tell of the make tests, to run: make test"),
    ],
)
def test_whatever_it_calls_it_the_person_reads_the_command(title: str, shown: str) -> None:
    conversation = talk()
    tells(conversation, '{"command": "make test"}')
    (asked,) = ask(conversation, 4, title=title)
    assert isinstance(asked, s.Permission)
    assert asked.title == shown


def test_of_what_was_allowed_and_never_run_a_bounded_part_is_remembered() -> None:
    conversation = talk()
    for number in range(65):
        given, call = {"command": f"c {number}"}, str(number)
        (asked,) = ask(conversation, 100 + number, toolCallId=call, kind="execute", rawInput=given)
        assert isinstance(asked, s.Permission)
        allows(conversation, asked)
    assert not wants(conversation, 5, command="c 0").granted
    assert wants(conversation, 6, command="c 64").granted
