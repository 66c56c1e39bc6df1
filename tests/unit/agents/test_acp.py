"""What real agents said over the Agent Client Protocol, held against its schema."""

from __future__ import annotations

import json

import pytest
from acp import schema
from pydantic import BaseModel

from inspan.agents import signs as s
from inspan.agents.dialect import Turn
from inspan.agents.registry import find
from inspan.agents.signs import Sign
from inspan.model.agent import Ending, Mode, Outcome
from tests.real.goldens import Golden, golden, scenarios
from tests.unit.agents.conversing import allowed, hear, replies, talk

pytestmark = pytest.mark.requirement("C5")

SPEAKERS = ("gemini", "opencode", "vibe")
CASES = [(name, scenario) for name in SPEAKERS for scenario in scenarios(name, "acp")]
every_speaker = pytest.mark.parametrize("name", SPEAKERS)
every_case = pytest.mark.parametrize(("name", "scenario"), CASES)

READ: dict[int, type[BaseModel]] = {1: schema.InitializeResponse, 2: schema.NewSessionResponse}


def played(name: str, scenario: str) -> tuple[Golden, list[Sign], Outcome]:
    one = golden(name, "acp", scenario)
    signs, outcome = one.told(talk(name, resume=one.resumed), stopped=bool(one.meta["we_sent"]))
    return one, signs, outcome


@every_case
def test_it_began_a_session_of_its_own(name: str, scenario: str) -> None:
    one, signs, _ = played(name, scenario)
    began = [sign.session for sign in signs if isinstance(sign, s.Began)]
    busy = any(isinstance(sign, s.Said | s.ToolBegan | s.Permission) for sign in signs)
    if not busy and name == "gemini":
        assert began == []  # it keeps none in which nothing was answered
    elif scenario not in ("no_key", "unknown_session") or began:
        (session,) = began
        assert session.mode is Mode.ACP
        assert "scripted" in session.model
        assert session.version == one.meta["version"]
        assert session.id == one.meta["session"]


@every_case
def test_what_they_say_is_what_the_schema_allows(name: str, scenario: str) -> None:
    """So the schema that ours is held against is the one that they speak."""
    for way, line in golden(name, "acp", scenario).turns():
        message = json.loads(line)
        if way == "in":
            allowed(message)
        elif message.get("method") == "session/update":
            schema.SessionNotification.model_validate(message["params"])
        elif message.get("method") == "session/request_permission":
            schema.RequestPermissionRequest.model_validate(message["params"])
        elif "result" in message and "stopReason" in message["result"]:
            schema.PromptResponse.model_validate(message["result"])
        elif "result" in message and "resumed" not in scenario:
            READ[message["id"]].model_validate(message["result"])


@every_case
def test_the_same_lines_are_due_whoever_reads_them_again(name: str, scenario: str) -> None:
    """A daemon that takes the agent up comes to the requests that the first one wrote."""
    one = golden(name, "acp", scenario)
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
    theirs = [message for message in written if message.get("id", 9) <= len(ours)]
    assert [message["id"] for message in ours] == list(range(1, len(ours) + 1))
    if not scenario.endswith(("_resumed", "unknown_session")):
        assert [message["method"] for message in ours] == [
            message["method"] for message in theirs if "method" in message
        ]


@every_speaker
def test_what_it_answers_is_said_and_counted(name: str) -> None:
    _, signs, _ = played(name, "answer")
    said = [sign for sign in signs if isinstance(sign, s.Said)]
    text = "".join(sign.text for sign in said)
    assert text == "The answer is forty-two, and it took a moment to find."
    assert [sign.more for sign in said] == [False, *[True] * (len(said) - 1)]
    used = [sign.usage for sign in signs if isinstance(sign, s.Counted)][-1]
    assert (used.read, used.written, used.turns) == (120, 34, 1)


@every_speaker
def test_a_resumed_session_is_neither_told_nor_counted_again(name: str) -> None:
    _, signs, _ = played(name, "first_turn_resumed")
    said = "".join(sign.text for sign in signs if isinstance(sign, s.Said))
    assert said == "The second answer."
    used = [sign.usage for sign in signs if isinstance(sign, s.Counted)][-1]
    assert (used.read, used.turns) == (120, 1)


def test_that_it_tries_again_by_itself_is_told() -> None:
    _, signs, _ = played("vibe", "rate_limited_then_ok")
    waits = [sign for sign in signs if isinstance(sign, s.BacksOff)]
    assert waits
    assert all(sign.why for sign in waits)
    assert {sign.ending for sign in waits} == {Ending.QUOTA}


@every_speaker
@pytest.mark.parametrize("word", ["allow", "deny"])
def test_a_permission_is_answered_as_the_person_says(name: str, word: str) -> None:
    one = golden(name, "acp", f"permission_{word}")
    conversation = talk(name)
    given: bytes | None = None
    for way, line in one.turns():
        if way == "in":
            answer = json.loads(line)
            if "result" in answer:
                assert given is not None
                assert json.loads(given) == answer
            conversation.sent(line)
            continue
        for sign in conversation.heard(line):
            if isinstance(sign, s.Permission):
                assert (sign.name, sign.title) == ("execute", "touch permitted.txt")
                assert sign.line == (None if name == "gemini" else "touch permitted.txt")
                assert sign.options == ("allow", "deny")
                given = conversation.answer(sign.request, word)
    assert given is not None
    assert conversation.answer("0", word) is None


@pytest.mark.parametrize(
    "prompt", ["-p --help", "line\nline", "\u0000 and \ud800", "ü" * 1_000_000], ids=str.__len__
)
@every_speaker
def test_a_prompt_arrives_as_it_is(name: str, prompt: str) -> None:
    dialect = find(name)
    assert dialect is not None
    asked = Turn(prompt=prompt, mode=Mode.ACP, arguments=("--own",))
    assert prompt not in dialect.argv(asked)
    assert dialect.argv(asked)[-1] == "--own"
    dialect.check(asked)
    conversation = dialect.talk(asked)
    hear(conversation, id=1, result={"protocolVersion": 1})
    sent = replies(hear(conversation, id=2, result={"sessionId": "a-1"}))
    assert sent.count(b"\n") == 1
    assert json.loads(sent)["params"]["prompt"][0]["text"] == prompt
