"""What the adapters of Claude Code and Codex said over the Agent Client Protocol."""

from __future__ import annotations

import json
from typing import Final

import pytest
from acp import schema

from inspan.agents import signs as s
from inspan.agents.signs import Sign
from inspan.model.agent import Ending, Mode, Outcome
from tests.real.goldens import Golden, golden, scenarios
from tests.unit.agents.conversing import allowed, replies, talk

pytestmark = pytest.mark.requirement("A2", "C5")

NAMES = ("claude", "codex")
CASES = [(name, scenario) for name in NAMES for scenario in scenarios(f"{name}-acp", "acp")]
every_case = pytest.mark.parametrize(("name", "scenario"), CASES)

#: How each ended, where it was not well.
ENDINGS: Final = {
    "claude": {
        "cut": Ending.OVERLOADED,
        "no_key": Ending.LOGIN,
        "overloaded": Ending.OVERLOADED,
        "quota": Ending.QUOTA,
        "rate_limited": Ending.QUOTA,
        "unauthorized": Ending.LOGIN,
        "unfinished": Ending.OVERLOADED,
        "unknown_session": Ending.FORGOTTEN,
    },
    # What has it end without an answer it says as a message, and then ends its turn as any.
    "codex": {
        "cut": Ending.CUT,
        "long_command_kill": Ending.STOPPED,
        "no_key": Ending.CUT,
        "overloaded": Ending.CUT,
        "quota": Ending.QUOTA,
        "rate_limited": Ending.STOPPED,  # it waits for an hour, and is told to go
        "unauthorized": Ending.LOGIN,
        "unfinished": Ending.CUT,
        "unknown_session": Ending.FORGOTTEN,
    },
}


def played(name: str, scenario: str) -> tuple[Golden, list[Sign], Outcome]:
    one = golden(f"{name}-acp", "acp", scenario)
    signs, outcome = one.told(talk(name, resume=one.resumed), stopped=bool(one.meta["we_sent"]))
    return one, signs, outcome


@every_case
def test_what_they_say_is_what_the_schema_allows(name: str, scenario: str) -> None:
    for way, line in golden(f"{name}-acp", "acp", scenario).turns():
        message = json.loads(line)
        if way == "in":
            allowed(message)
        elif message.get("method") == "session/update":
            schema.SessionNotification.model_validate(message["params"])
        elif message.get("method") == "session/request_permission":
            schema.RequestPermissionRequest.model_validate(message["params"])
        elif "result" in message and "stopReason" in message["result"]:
            schema.PromptResponse.model_validate(message["result"])


@every_case
def test_how_it_ended_is_understood(name: str, scenario: str) -> None:
    _, _, outcome = played(name, scenario)
    assert outcome.ending is ENDINGS[name].get(scenario, Ending.DONE), outcome


@every_case
def test_the_same_lines_are_due_whoever_reads_them_again(name: str, scenario: str) -> None:
    """A daemon that takes the agent up comes to the requests that the first one wrote."""
    one = golden(f"{name}-acp", "acp", scenario)
    conversation = talk(name, resume=one.resumed)
    due = conversation.begin()
    written = []
    for way, line in one.turns():
        if way == "in":
            written.append(json.loads(line))
            conversation.sent(line)
        else:
            due += replies(list(conversation.heard(line)))
    ours = [json.loads(line) for line in due.splitlines()]
    assert [message["id"] for message in ours] == list(range(1, len(ours) + 1))
    if not scenario.endswith(("_resumed", "unknown_session")):
        theirs = [
            message["method"] for message in written if "id" in message and "method" in message
        ]
        assert [message["method"] for message in ours] == theirs[: len(ours)]


@pytest.mark.parametrize("name", NAMES)
def test_what_it_answers_is_said_and_counted(name: str) -> None:
    one, signs, _ = played(name, "answer")
    text = "".join(sign.text for sign in signs if isinstance(sign, s.Said))
    assert text.endswith("The answer is forty-two, and it took a moment to find.")
    used = [sign.usage for sign in signs if isinstance(sign, s.Counted)][-1]
    assert (used.read, used.written, used.turns) == (120, 34, 1)
    (session,) = [sign.session for sign in signs if isinstance(sign, s.Began)]
    assert (session.mode, session.version) == (Mode.ACP, one.meta["version"])


@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_session_is_neither_told_nor_counted_again(name: str) -> None:
    _, signs, _ = played(name, "first_turn_resumed")
    said = "".join(sign.text for sign in signs if isinstance(sign, s.Said))
    assert "The first answer." not in said
    assert said.endswith("The second answer.")
    used = [sign.usage for sign in signs if isinstance(sign, s.Counted)][-1]
    assert (used.read, used.turns) == (120, 1)


@pytest.mark.parametrize("word", ["allow", "deny"])
def test_a_permission_of_claude_is_answered_as_the_person_says(word: str) -> None:
    one = golden("claude-acp", "acp", f"permission_{word}")
    conversation = talk("claude")
    asked: list[s.Permission] = []
    for way, line in one.turns():
        if way == "in":
            message = json.loads(line)
            if "result" in message:
                given = conversation.answer(asked[-1].request, word)
                assert given is not None
                assert json.loads(given) == message
            conversation.sent(line)
            continue
        asked += [sign for sign in conversation.heard(line) if isinstance(sign, s.Permission)]
    (permission,) = asked
    assert (permission.name, permission.line) == ("execute", "touch permitted.txt")
