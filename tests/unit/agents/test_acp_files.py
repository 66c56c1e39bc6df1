"""What an agent has us do with files over the Agent Client Protocol, as signs and as answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from acp import schema

from inspan.agents import signs as s
from inspan.agents.acp import AcpTalk, Speaker
from inspan.agents.acp_files import NOTHING, Offer
from inspan.agents.dialect import Turn
from inspan.agents.gemini import Gemini
from inspan.agents.opencode import OpenCode
from inspan.agents.served import Fault, FileText, NotServed, Serves
from inspan.agents.signs import FileAsked
from inspan.agents.vibe import Vibe
from inspan.model.agent import Ending, Mode, Outcome
from inspan.providers.dialogue import Dialogue
from inspan.providers.redaction import Redaction
from tests.unit.agents.conversing import ask, hear, replies, send, update

pytestmark = pytest.mark.requirement("A2", "C5")

READ, WRITE = "fs/read_text_file", "fs/write_text_file"
CWD = "/home/person/work"


def turn(*arguments: str, ruled: bool = False) -> Turn:
    return Turn(prompt="do it", mode=Mode.ACP, cwd=CWD, arguments=arguments, ruled=ruled)


def talk(offer: Offer | None = None) -> AcpTalk:
    speaker = Speaker(
        login_hint="", silent=lambda _how, _told: Outcome(Ending.FAILED), files=offer or Offer()
    )
    conversation = AcpTalk(turn(), speaker)
    send(conversation, conversation.begin())
    send(conversation, replies(hear(conversation, id=1, result={"protocolVersion": 1})))
    send(conversation, replies(hear(conversation, id=2, result={"sessionId": "a-1"})))
    return conversation


def wants(conversation: AcpTalk, method: str, number: Any = 0, **params: Any) -> FileAsked:
    (sign,) = hear(conversation, id=number, method=method, params={"sessionId": "a-1", **params})
    assert isinstance(sign, FileAsked)
    return sign


def offered(dialect: Gemini | OpenCode | Vibe, *arguments: str, ruled: bool = False) -> Any:
    greeting = json.loads(dialect.talk(turn(*arguments, ruled=ruled)).begin())
    schema.InitializeRequest.model_validate(greeting["params"])
    fs = greeting["params"]["clientCapabilities"]["fs"]
    return fs["readTextFile"], fs["writeTextFile"]


def test_it_is_offered_what_its_own_settings_leave_to_be_asked() -> None:
    assert offered(Gemini()) == (False, True)
    for words in (
        ("--yolo",),
        ("-y",),
        ("--approval-mode", "yolo"),
        ("--approval-mode=auto_edit",),
    ):
        assert offered(Gemini(), *words) == (False, False)
        # Who writes rules wants them to be held against what it does.
        assert offered(Gemini(), *words, ruled=True) == (False, True)
    for dialect in (Vibe(), OpenCode()):
        assert offered(dialect, ruled=True) == (False, False)


def test_what_it_wants_read_is_told_and_answered() -> None:
    conversation = talk()
    asked = wants(conversation, READ, "r", path=f"{CWD}/a.txt", line=2, limit=3)
    assert (asked.path, asked.text, asked.line, asked.limit) == (f"{CWD}/a.txt", None, 2, 3)
    assert asked.permission == s.Permission(asked.request, "read", asked.path, paths=(asked.path,))
    told = conversation.served(asked.request, FileText("x\n"))
    assert told is not None
    (answer,) = map(json.loads, told.splitlines())
    schema.ReadTextFileResponse.model_validate(answer["result"])
    assert (answer["id"], answer["result"]) == ("r", {"content": "x\n"})
    conversation.sent(told.rstrip())
    assert conversation.served(asked.request, FileText("x\n")) is None
    assert conversation.answer(asked.request, "deny") is None


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"path": 3, "line": "x", "limit": 1.5},
        {"path": "", "line": -3, "limit": -1},
        {"path": None, "line": True, "limit": None},
    ],
)
def test_what_is_not_stated_is_nothing(params: dict[str, Any]) -> None:
    asked = wants(talk(), READ, **params)
    assert (asked.path, asked.line) == ("", 1)
    assert asked.limit in (None, 0)


def test_a_relative_path_is_in_the_folder_it_was_given() -> None:
    assert wants(talk(), READ, path="src/a.txt").path == f"{CWD}/src/a.txt"


@pytest.mark.parametrize("fault", list(Fault))
def test_why_it_was_not_done_is_an_error_that_it_can_read(fault: Fault) -> None:
    conversation = talk()
    asked = wants(conversation, WRITE, 7, path="a.txt", content="x")
    told = conversation.served(asked.request, NotServed(fault, "No such file: a.txt"))
    assert told is not None
    error = json.loads(told)["error"]
    assert error["message"] == "No such file: a.txt"
    assert error["code"] in (-32002, -32602, -32603)
    assert (error["code"] == -32002) == (fault is Fault.MISSING)


def test_to_deny_it_is_an_error_and_other_words_are_its_next_prompt_too() -> None:
    conversation = talk()
    asked = wants(conversation, WRITE, 7, path="a.txt", content="x")
    denied, held = send(conversation, conversation.answer(asked.request, "rather b.txt"))
    assert denied["error"]["message"] == "it was not allowed"
    assert held["params"]["prompt"] == "rather b.txt"


def leave(conversation: AcpTalk, kind: str = "edit", **more: Any) -> None:
    """It asks for leave to change ``a.txt`` and gets it."""
    locations = [{"path": f"{CWD}/a.txt"}]
    (asked,) = ask(conversation, 5, kind=kind, locations=locations, **more)
    assert isinstance(asked, s.Permission)
    send(conversation, conversation.answer(asked.request, "allow"))


def test_what_it_had_leave_for_is_known_until_that_call_ends() -> None:
    conversation = talk()
    assert not wants(conversation, WRITE, 6, path=f"{CWD}/a.txt", content="x").granted
    leave(conversation)
    assert wants(conversation, WRITE, 7, path="a.txt", content="x").granted
    assert not wants(conversation, WRITE, 8, path="b.txt", content="x").granted
    assert not wants(conversation, READ, 9, path="a.txt").granted
    update(conversation, "tool_call_update", toolCallId="t", status="completed")
    assert not wants(conversation, WRITE, 10, path="a.txt", content="x").granted


def test_leave_that_was_not_given_or_was_for_something_else_is_none() -> None:
    conversation = talk()
    leave(conversation, kind="execute")
    assert not wants(conversation, WRITE, 7, path="a.txt", content="x").granted
    (asked,) = ask(conversation, 8, kind="edit", locations=[{"path": f"{CWD}/a.txt"}])
    assert isinstance(asked, s.Permission)
    send(conversation, conversation.answer(asked.request, "deny"))
    assert not wants(conversation, WRITE, 9, path="a.txt", content="x").granted
    leave(conversation)
    hear(conversation, id=3, result={"stopReason": "end_turn"})
    assert not wants(conversation, WRITE, 10, path="a.txt", content="x").granted


def test_an_interrupt_refuses_what_is_open_and_what_comes_after_it() -> None:
    conversation = talk()
    wants(conversation, WRITE, 7, path="a.txt", content="x")
    _, refused = send(conversation, conversation.interrupt())
    assert (refused["id"], refused["error"]["message"]) == (7, "the turn was cancelled")
    late = hear(conversation, id=8, method=READ, params={"path": "a.txt"})
    (refused,) = send(conversation, replies(late))
    assert refused["error"]["message"] == "the turn was cancelled"


@pytest.mark.parametrize(
    ("offer", "method"), [(Offer(write=False), WRITE), (Offer(read=False), READ), (NOTHING, READ)]
)
def test_what_was_not_offered_is_refused(offer: Offer, method: str) -> None:
    refused = json.loads(replies(hear(talk(offer), id=5, method=method, params={"path": "a"})))
    assert refused["error"]["code"] == -32601


def test_what_was_offered_is_what_the_recording_says() -> None:
    """Another daemon may have begun it, by other rules or as an older inspan."""
    begun = Gemini().talk(turn("--yolo", ruled=True)).begin()
    conversation = Gemini().talk(turn("--yolo"))
    dialogue = Dialogue(conversation, Redaction(()))
    dialogue.typed(begun)
    assert dialogue.due() == b""  # it is not greeted twice
    asked = b'{"jsonrpc":"2.0","id":0,"method":"fs/write_text_file","params":{"path":"a"}}\n'
    (sign,) = dialogue.heard(asked)
    assert isinstance(sign, FileAsked)
    assert isinstance(conversation, Serves)
    assert dialogue.open["0"].name == "edit"
