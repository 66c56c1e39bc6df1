"""The Agent Client Protocol, by itself: what follows from what, whoever speaks it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inspan.agents import signs as s
from inspan.errors import BadInput
from inspan.model.agent import Ending
from inspan.model.task import Exit
from tests.unit.agents.conversing import ask, hear, opened, replies, send, talk, update

pytestmark = pytest.mark.requirement("C5")


def test_one_that_went_while_it_tried_again_could_not_be_served() -> None:
    conversation = opened()
    params = {"sessionId": "a-1", "category": "connection", "detail": "refused"}
    hear(conversation, method="_session/retrying", params=params)
    ended = conversation.outcome(Exit(code=1), stopped=False, complaint="")
    assert (ended.ending, ended.message) == (Ending.OVERLOADED, "connection refused")


def test_words_of_ones_own_deny_and_are_its_next_prompt() -> None:
    conversation = opened()
    (asked,) = [sign for sign in ask(conversation, title="rm x") if isinstance(sign, s.Permission)]
    denied, held = send(conversation, conversation.answer(asked.request, "take y instead"))
    assert denied["result"] == {"outcome": {"outcome": "selected", "optionId": "x3"}}
    assert "id" not in held  # a notification: nobody owes it an answer
    before = conversation.over
    assert not before
    signs = hear(conversation, id=3, result={"stopReason": "end_turn"})
    (prompt,) = send(conversation, replies(signs))
    assert prompt["id"] == 4
    assert prompt["params"]["prompt"][0]["text"] == "take y instead"
    hear(conversation, id=4, result={"stopReason": "refusal"})
    assert conversation.over
    assert conversation.ask("more") is None
    assert conversation.outcome(Exit(code=0), stopped=False, complaint="").ending is Ending.REFUSED


def test_what_is_not_offered_cannot_be_chosen() -> None:
    conversation = opened()
    options = [{"optionId": "a", "name": "For ever", "kind": "allow_always"}]
    params = {"sessionId": "a-1", "options": options, "toolCall": {"toolCallId": "t"}}
    hear(conversation, id="q", method="session/request_permission", params=params)
    with pytest.raises(BadInput):
        conversation.answer('"q"', "allow")
    (denied,) = send(conversation, conversation.answer('"q"', "deny"))
    assert denied == {"jsonrpc": "2.0", "id": "q", "result": {"outcome": {"outcome": "cancelled"}}}


def test_an_interrupt_answers_what_is_open_and_what_is_asked_after_it() -> None:
    conversation = opened()
    ask(conversation, 0)
    ask(conversation, "0")
    send(conversation, conversation.ask("and then?"))
    cancel, *answers = send(conversation, conversation.interrupt())
    assert cancel == {
        "jsonrpc": "2.0",
        "method": "session/cancel",
        "params": {"sessionId": "a-1"},
    }
    assert [answer["id"] for answer in answers] == [0, "0"]
    assert all(a["result"] == {"outcome": {"outcome": "cancelled"}} for a in answers)
    late = ask(conversation, 7)
    (refused,) = send(conversation, replies(late))
    assert refused["result"] == {"outcome": {"outcome": "cancelled"}}
    signs = hear(conversation, id=3, result={"stopReason": "cancelled"})
    assert replies(signs) == b""
    assert conversation.over
    assert conversation.interrupt() is None
    ended = conversation.outcome(Exit(code=0), stopped=False, complaint="")
    assert ended.ending is Ending.STOPPED


def test_before_its_session_is_open_only_a_signal_stops_it() -> None:
    conversation = talk()
    send(conversation, conversation.begin())
    assert conversation.interrupt() is None


@pytest.mark.parametrize("method", ["fs/read_text_file", "terminal/create", "x/unheard_of"])
def test_what_we_do_not_serve_is_refused_and_not_left_hanging(method: str) -> None:
    signs = hear(opened(), id=5, method=method, params={})
    refused = json.loads(replies(signs))
    assert (refused["id"], refused["error"]["code"]) == (5, -32601)


def test_a_turn_without_anything_in_it_is_no_success() -> None:
    conversation = opened()
    update(conversation, "available_commands_update", availableCommands=[])
    hear(conversation, id=3, result={"stopReason": "end_turn"})
    assert conversation.outcome(Exit(code=0), stopped=False, complaint="").ending is Ending.EMPTY


@pytest.mark.parametrize(
    ("reason", "ending"),
    [
        ("max_tokens", Ending.CUT),
        ("max_turn_requests", Ending.FAILED),
        ("refusal", Ending.REFUSED),
        ("cancelled", Ending.STOPPED),
        ("something_new", Ending.FAILED),
    ],
)
def test_how_a_turn_stops_is_its_word(reason: str, ending: Ending) -> None:
    conversation = opened()
    update(conversation, "agent_message_chunk", content={"type": "text", "text": "So"})
    hear(conversation, id=3, result={"stopReason": reason})
    assert conversation.outcome(Exit(code=0), stopped=False, complaint="").ending is ending


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        ({"code": 401, "message": "no"}, Ending.LOGIN),
        ({"code": -32000, "message": "Authentication required"}, Ending.LOGIN),
        ({"code": -32603, "message": "Internal error: Incorrect API key"}, Ending.LOGIN),
        ({"code": 429, "message": "slowly"}, Ending.QUOTA),
        ({"code": -32603, "message": "Rate limit exceeded"}, Ending.QUOTA),
        ({"code": 503, "message": "busy"}, Ending.OVERLOADED),
        ({"code": -32603, "message": "Internal error"}, Ending.FAILED),
    ],
)
def test_an_error_ends_a_turn_for_what_it_says(error: dict[str, Any], ending: Ending) -> None:
    conversation = opened()
    hear(conversation, id=3, error=error)
    assert conversation.over
    ended = conversation.outcome(Exit(code=0), stopped=False, complaint="")
    assert ended.ending is ending
    assert ended.message
    assert (ending is Ending.LOGIN) == bool(ended.hint)


def test_an_agent_of_another_version_is_not_spoken_to() -> None:
    conversation = talk()
    send(conversation, conversation.begin())
    assert replies(hear(conversation, id=1, result={"protocolVersion": 2})) == b""
    assert conversation.over
    assert "version 2" in conversation.outcome(Exit(code=0), stopped=False, complaint="").message


@pytest.mark.parametrize(
    ("capabilities", "method"),
    [
        ({"loadSession": True}, "session/load"),
        ({"loadSession": True, "sessionCapabilities": {"resume": {}}}, "session/resume"),
        ({}, None),
    ],
)
def test_a_session_is_taken_up_as_the_agent_can(
    capabilities: dict[str, Any], method: str | None
) -> None:
    conversation = talk(resume="a-1")
    send(conversation, conversation.begin())
    hello = {"protocolVersion": 1, "agentCapabilities": capabilities}
    signs = hear(conversation, id=1, result=hello)
    if method is None:
        assert conversation.outcome(Exit(code=0), stopped=False, complaint="").ending is (
            Ending.FORGOTTEN
        )
        return
    (request,) = send(conversation, replies(signs))
    assert request["method"] == method
    assert request["params"]["sessionId"] == "a-1"
    retold = update(
        conversation, "agent_message_chunk", content={"type": "text", "text": "Earlier."}
    )
    assert retold == []


def test_a_tool_that_is_pending_has_not_begun() -> None:
    conversation = opened()
    assert update(conversation, "tool_call", toolCallId="t", title="write", kind="edit") == []
    pending = update(
        conversation, "tool_call_update", toolCallId="t", status="pending", title="a.py"
    )
    assert pending == []
    begun = update(conversation, "tool_call_update", toolCallId="t", status="in_progress")
    assert begun == [s.ToolBegan("t", "edit", "a.py")]
    again = update(conversation, "tool_call_update", toolCallId="t", status="in_progress")
    assert again == []
    content = [{"type": "content", "content": {"type": "text", "text": "no such folder"}}]
    ended = update(
        conversation, "tool_call_update", toolCallId="t", status="failed", content=content
    )
    assert ended == [s.ToolEnded("t", ok=False, text="no such folder")]


def test_what_a_permission_is_about_is_taken_from_what_the_agent_states() -> None:
    conversation = opened()
    diff = {"type": "diff", "path": "/w/b", "oldText": "", "newText": "x"}
    edit = ask(conversation, 1, kind="edit", locations=[{"path": "/w/a"}], content=[diff])
    assert edit == [s.Permission("1", "edit", "", paths=("/w/a", "/w/b"))]
    words = ask(conversation, 2, toolCallId="u", kind="execute", rawInput={"command": ["ls", "-l"]})
    assert words == [s.Permission("2", "execute", "ls -l", argv=("ls", "-l"))]


def test_chunks_of_other_kinds_are_told_too() -> None:
    conversation = opened()
    link = {"type": "resource_link", "uri": "file:///w/a", "name": "a"}
    assert update(conversation, "agent_message_chunk", content=link) == [s.Said("file:///w/a")]
    image = {"type": "image", "data": "", "mimeType": "image/png"}
    assert update(conversation, "agent_message_chunk", content=image) == [s.Said("[image]", True)]
    thought = update(conversation, "agent_thought_chunk", content={"type": "text", "text": "Hm"})
    assert thought == [s.Thought("Hm")]
    assert update(conversation, "plan", entries=[]) == []
    assert update(conversation, "agent_message_chunk", content={"type": "text", "text": ""}) == []


def test_money_is_that_of_the_session_since_it_was_taken_up() -> None:
    conversation = opened()
    dollars = {"amount": 0.25, "currency": "USD"}
    update(conversation, "usage_update", used=1, size=2, cost=dollars)
    usage = {"totalTokens": 10, "inputTokens": 3, "outputTokens": 4, "cachedReadTokens": 2}
    signs = hear(
        conversation,
        id=3,
        result={"stopReason": "end_turn", "usage": {**usage, "thoughtTokens": 1}},
    )
    (counted,) = [sign.usage for sign in signs if isinstance(sign, s.Counted)]
    assert (counted.read, counted.cached, counted.written) == (5, 2, 5)
    assert counted.cost == 0.25


@pytest.mark.parametrize(
    "line",
    [b"", b"not json", b"[1]", b"null", b'{"id":99,"result":{}}', b'{"id":3,"result":7}'],
)
def test_a_line_that_is_none_of_its_language_does_no_harm(line: bytes) -> None:
    conversation = opened()
    list(conversation.heard(line))
    ended = conversation.outcome(Exit(code=0), stopped=False, complaint="it broke")
    assert ended.ending is Ending.FAILED
