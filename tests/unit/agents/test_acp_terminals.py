"""What an agent has us do with commands over the Agent Client Protocol, as signs and as answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from acp import schema
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from inspan.agents import signs as s
from inspan.agents.acp import AcpTalk, Speaker
from inspan.agents.registry import find
from inspan.agents.served import (
    Fault,
    NotServed,
    Served,
    TerminalDone,
    TerminalEnded,
    TerminalMade,
    TerminalText,
)
from inspan.agents.signs import CommandAsked, Sign, TerminalAsked, Wish
from inspan.model.agent import Ending, Outcome
from inspan.model.ids import command_id, session_id, ulid
from inspan.model.task import Exit
from inspan.providers.dialogue import Dialogue
from inspan.providers.redaction import Redaction
from tests.unit.agents.conversing import ask, hear, replies, send, turn, update

pytestmark = pytest.mark.requirement("A2", "C5")

CREATE = "terminal/create"
REPLIES: dict[str, type[BaseModel]] = {
    CREATE: schema.CreateTerminalResponse,
    "terminal/output": schema.TerminalOutputResponse,
    "terminal/wait_for_exit": schema.WaitForTerminalExitResponse,
    "terminal/kill": schema.KillTerminalResponse,
    "terminal/release": schema.ReleaseTerminalResponse,
}


def talk(*, terminals: bool = True) -> AcpTalk:
    speaker = Speaker(
        login_hint="", silent=lambda _how, _told: Outcome(Ending.FAILED), terminals=terminals
    )
    conversation = AcpTalk(turn(), speaker)
    send(conversation, conversation.begin())
    send(conversation, replies(hear(conversation, id=1, result={"protocolVersion": 1})))
    send(conversation, replies(hear(conversation, id=2, result={"sessionId": "a-1"})))
    return conversation


def says(conversation: AcpTalk, method: str, number: Any = 0, **params: Any) -> Sign:
    (sign,) = hear(conversation, id=number, method=method, params={"sessionId": "a-1", **params})
    return sign


def wants(conversation: AcpTalk, number: Any = 0, **params: Any) -> CommandAsked:
    sign = says(conversation, CREATE, number, **params)
    assert isinstance(sign, CommandAsked), sign
    return sign


def tell(conversation: AcpTalk, method: str, request: str, answer: Served) -> dict[str, Any]:
    """What it is told, which must be what the schema allows."""
    told = conversation.served(request, answer)
    assert told is not None
    conversation.sent(told.rstrip())
    message: dict[str, Any] = json.loads(told)
    if "result" in message:
        REPLIES[method].model_validate(message["result"])
        return message["result"]  # type: ignore[no-any-return]
    return message["error"]  # type: ignore[no-any-return]


def made(conversation: AcpTalk, terminal: str = "x-t1", number: Any = 0, **params: Any) -> None:
    asked = wants(conversation, number, **{"command": "ls", **params})
    assert tell(conversation, CREATE, asked.request, TerminalMade(terminal)) == {
        "terminalId": terminal
    }


def refusal(conversation: AcpTalk, method: str, **params: Any) -> str:
    """Why it is told at once that this is not done."""
    sign = says(conversation, method, **params)
    assert isinstance(sign, s.Reply), sign
    (line,) = sign.data.splitlines()
    conversation.sent(line)
    return str(json.loads(line)["error"]["message"])


@pytest.mark.parametrize("name", ["claude", "codex", "gemini", "opencode", "vibe"])
def test_who_runs_commands_by_itself_is_not_offered_it(name: str) -> None:
    dialect = find(name)
    assert dialect is not None
    greeting = json.loads(dialect.talk(turn()).begin())
    assert greeting["params"]["clientCapabilities"]["terminal"] is False


def test_what_was_not_offered_is_refused_as_unknown() -> None:
    conversation = talk(terminals=False)
    assert "does not serve" in refusal(conversation, CREATE, command="ls")


def test_what_the_recording_says_was_offered_counts() -> None:
    """A daemon that was older greeted it, and would have had to serve it."""
    conversation = talk()
    greeting = {"protocolVersion": 1, "clientCapabilities": {"fs": {}, "terminal": False}}
    conversation.sent(json.dumps({"method": "initialize", "params": greeting}).encode())
    assert "does not serve" in refusal(conversation, CREATE, command="ls")


@pytest.mark.parametrize(
    ("params", "command", "title"),
    [
        ({"command": "ls"}, ("ls",), "ls"),
        ({"command": "/usr/bin/make", "args": []}, ("/usr/bin/make",), "/usr/bin/make"),
        ({"command": "make", "args": ["a b"]}, ("make", "a b"), "make 'a b'"),
        ({"command": "my tool", "args": ["x"]}, ("my tool", "x"), "'my tool' x"),
        ({"command": "make test"}, "make test", "make test"),
        ({"command": "A=b"}, "A=b", "A=b"),
        ({"command": "~/x"}, "~/x", "~/x"),
        ({"command": "ls", "cwd": "/home/person/work/a"}, ("ls",), "ls (in /home/person/work/a)"),
    ],
)
def test_a_command_is_its_words_or_a_line_for_a_shell(
    params: dict[str, Any], command: tuple[str, ...] | str, title: str
) -> None:
    asked = wants(talk(), **params)
    permission = asked.permission
    assert asked.command == command
    assert (permission.name, permission.title) == ("execute", title)
    assert command in (permission.argv, permission.line)
    assert None in (permission.argv, permission.line)


def test_with_variables_of_its_own_it_is_judged_as_what_that_is() -> None:
    env = [{"name": "PATH", "value": "/a b"}]
    words = wants(talk(), command="make", args=["test"], env=env).permission
    assert words.argv == ("env", "PATH=/a b", "make", "test")
    line = wants(talk(), command="make test", env=env).permission
    assert line.line == "PATH='/a b' make test"


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"command": ""},
        {"command": 3},
        {"command": "a\0b"},
        {"command": "a\ud800"},
        {"command": "ls", "args": "x"},
        {"command": "ls", "args": [1]},
        {"command": "ls", "args": ["\0"]},
        {"command": "ls", "env": {"A": "b"}},
        {"command": "ls", "env": [{"name": "", "value": "b"}]},
        {"command": "ls", "env": [{"name": "A=", "value": "b"}]},
        {"command": "ls", "env": [{"name": "A"}]},
    ],
)
def test_what_is_no_command_is_refused_at_once(params: dict[str, Any]) -> None:
    assert "no command" in refusal(talk(), CREATE, **params)


def test_commands_are_counted_whatever_comes_of_them() -> None:
    conversation = talk()
    first = wants(conversation, 0, command="ls")
    tell(conversation, CREATE, first.request, NotServed(Fault.FAILED, "no"))
    refusal(conversation, CREATE, command="")
    assert wants(conversation, 1, command="ls").number == 3


@pytest.mark.parametrize("limit", [None, 0, 7, -3, True, "x", 1.5])
def test_what_it_wants_of_a_terminal(limit: Any) -> None:
    conversation = talk()
    made(conversation, outputByteLimit=limit)
    assert conversation.terminals == ("x-t1",)
    wishes = {"output": Wish.OUTPUT, "wait_for_exit": Wish.WAIT, "kill": Wish.KILL}
    expected = {7: 7, 0: 0, -3: 0}.get(limit) if type(limit) is int else None
    for number, (name, wish) in enumerate(wishes.items(), 5):
        sign = says(conversation, f"terminal/{name}", number, terminalId="x-t1")
        assert sign == TerminalAsked(str(number), "x-t1", wish, expected)


def test_the_answers_are_what_the_protocol_has() -> None:
    conversation = talk()
    made(conversation)
    requests = {}
    for number, name in enumerate(("output", "wait_for_exit", "kill", "release"), 5):
        sign = says(conversation, f"terminal/{name}", number, terminalId="x-t1")
        assert isinstance(sign, TerminalAsked)
        requests[name] = sign.request

    def told(name: str, answer: Served) -> dict[str, Any]:
        return tell(conversation, f"terminal/{name}", requests[name], answer)

    ended = {"exitCode": 0, "signal": None}
    text = TerminalText("a\n", truncated=True, exit=Exit(0))
    assert told("output", text) == {"output": "a\n", "truncated": True, "exitStatus": ended}
    assert told("wait_for_exit", TerminalEnded(Exit(signal=9))) == {
        "exitCode": None,
        "signal": "SIGKILL",
    }
    assert told("kill", TerminalDone()) == {}
    assert conversation.terminals == ("x-t1",)
    assert told("release", TerminalDone()) == {}
    assert conversation.terminals == ()
    assert (
        refusal(conversation, "terminal/output", terminalId="x-t1") == "There is no such terminal"
    )


def test_while_it_runs_there_is_no_status() -> None:
    conversation = talk()
    made(conversation)
    sign = says(conversation, "terminal/output", 5, terminalId="x-t1")
    assert isinstance(sign, TerminalAsked)
    text = TerminalText("", truncated=False, exit=None)
    told = tell(conversation, "terminal/output", sign.request, text)
    assert told == {"output": "", "truncated": False}


def test_another_ones_terminal_is_none_of_its() -> None:
    conversation = talk()
    made(conversation)
    for name in ("output", "wait_for_exit", "kill", "release"):
        assert "no such" in refusal(conversation, f"terminal/{name}", terminalId="other-t1")
        assert "no such" in refusal(conversation, f"terminal/{name}", terminalId=3)


@pytest.mark.parametrize(
    ("allowed", "wanted", "granted"),
    [
        ("make test", {"command": "make test"}, True),
        ("make test", {"command": "bash", "args": ["-lc", "make test"]}, True),
        ("make", {"command": "make"}, True),
        (["make", "test"], {"command": "make", "args": ["test"]}, True),
        ("make test", {"command": "make", "args": ["test"]}, False),
        ("make test", {"command": "make test; rm x"}, False),
        ("make test", {"command": "python", "args": ["-c", "make test"]}, False),
        ("make test", {"command": "make test", "env": [{"name": "A", "value": "b"}]}, False),
        (None, {"command": "make test"}, False),
    ],
)
def test_what_it_had_leave_for_it_has_leave_to_have_run_once(
    allowed: Any, wanted: dict[str, Any], granted: bool
) -> None:
    conversation = talk()
    (asked,) = ask(conversation, 4, kind="execute", rawInput={"command": allowed})
    assert isinstance(asked, s.Permission)
    send(conversation, conversation.answer(asked.request, "allow"))
    assert wants(conversation, 5, **wanted).granted is granted
    assert wants(conversation, 6, **wanted).granted is False


@pytest.mark.parametrize("how", ["denied", "over", "next turn"])
def test_leave_is_for_its_own_call(how: str) -> None:
    conversation = talk()
    (asked,) = ask(conversation, 4, kind="execute", rawInput={"command": "make test"})
    assert isinstance(asked, s.Permission)
    said = "deny" if how == "denied" else "allow"
    send(conversation, conversation.answer(asked.request, said))
    if how == "over":
        update(conversation, "tool_call_update", toolCallId="t", status="completed")
    elif how == "next turn":
        hear(conversation, id=3, result={"stopReason": "end_turn"})
    assert wants(conversation, 5, command="make test").granted is False


def test_a_call_that_shows_a_terminal_says_what_that_printed() -> None:
    conversation = talk()
    first, second = (command_id(session_id(ulid(0, bytes(10)), 1), number) for number in (1, 2))
    made(conversation, first)
    sign = says(conversation, "terminal/output", 5, terminalId=first)
    assert isinstance(sign, TerminalAsked)
    tell(conversation, "terminal/output", sign.request, TerminalText("hi", False, Exit(0)))
    # One of which nothing was told, or where only what the agent says is read, is named; and what
    # Codex's adapter shows is none of ours.
    shows = [{"type": "terminal", "terminalId": name} for name in (first, second, "call_0001")]
    update(conversation, "tool_call", toolCallId="t", kind="execute", content=shows)
    *_, ended = update(conversation, "tool_call_update", toolCallId="t", status="completed")
    assert ended == s.ToolEnded("t", True, f"hi\n[terminal {second}]")


def test_when_its_turn_is_cancelled_what_it_wants_run_is_not() -> None:
    conversation = talk()
    made(conversation)
    wants(conversation, 5, command="ls")
    cancel, refused = map(json.loads, (conversation.interrupt() or b"").splitlines())
    assert cancel["method"] == "session/cancel"
    assert refused["id"] == 5
    conversation.sent(json.dumps(cancel).encode())
    assert "cancelled" in refusal(conversation, CREATE, command="ls")
    # How the one that runs ended it may hear.
    assert isinstance(
        says(conversation, "terminal/wait_for_exit", 6, terminalId="x-t1"), TerminalAsked
    )


def test_a_turn_that_ends_wants_nothing_run_and_what_runs_goes_on() -> None:
    conversation = talk()
    made(conversation)
    asked = wants(conversation, 5, command="ls")
    waits = says(conversation, "terminal/wait_for_exit", 6, terminalId="x-t1")
    assert isinstance(waits, TerminalAsked)
    hear(conversation, id=3, result={"stopReason": "end_turn"})
    assert conversation.served(asked.request, TerminalMade("x-t2")) is None
    assert conversation.served(waits.request, TerminalEnded(Exit(0))) is not None
    assert conversation.terminals == ("x-t1",)


def test_a_daemon_that_takes_it_up_knows_what_runs_and_what_is_waited_for() -> None:
    first = talk()
    dialogue = Dialogue(talk(), Redaction(()))
    made(first)
    lines = [
        {"id": 0, "method": CREATE, "params": {"sessionId": "a-1", "command": "ls"}},
        {"id": 5, "method": "terminal/wait_for_exit", "params": {"terminalId": "x-t1"}},
        {"id": 6, "method": "terminal/output", "params": {"terminalId": "x-t1"}},
        {"id": 7, "method": CREATE, "params": {"sessionId": "a-1", "command": "make test"}},
    ]
    dialogue.typed(talk().begin())

    def printed(*messages: dict[str, Any]) -> None:
        for message in messages:
            list(dialogue.heard(json.dumps(message).encode() + b"\n"))

    printed(lines[0])
    dialogue.typed(b'{"jsonrpc":"2.0","id":0,"result":{"terminalId":"x-t1"}}\n')
    printed(*lines[1:])
    dialogue.typed(b'{"jsonrpc":"2.0","id":6,"result":{"output":"","truncated":false}}\n')
    assert dialogue.terminals == ("x-t1",)
    assert list(dialogue.looks) == ["5"]
    assert list(dialogue.wants) == list(dialogue.open) == ["7"]


# Small, as the drawing of each example is nearly all that the test takes.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=4,
)
NAMES = st.sampled_from(["command", "args", "env", "cwd", "outputByteLimit", "terminalId", "x"])


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(REPLIES)), st.dictionaries(NAMES, JSON, max_size=4)),
        max_size=8,
    )
)
def test_whatever_it_asks_is_answered_or_can_be(asked: list[tuple[str, dict[str, Any]]]) -> None:
    conversation = talk()
    for number, (method, params) in enumerate(asked, 10):
        sign = says(conversation, method, number, **params)
        if isinstance(sign, s.Reply):
            assert json.loads(sign.data)["id"] == number
            continue
        assert isinstance(sign, CommandAsked | TerminalAsked)
        answer = TerminalMade("x") if isinstance(sign, CommandAsked) else TerminalDone()
        assert conversation.served(sign.request, answer) is not None
        if isinstance(sign, CommandAsked):
            # It can be judged, shown and stored.
            json.dumps([sign.permission.title, sign.permission.argv]).encode()


def test_a_signal_that_has_no_name_is_told_by_its_number() -> None:
    """Of those that the system leaves to programs."""
    conversation = talk()
    made(conversation)
    sign = says(conversation, "terminal/wait_for_exit", 5, terminalId="x-t1")
    assert isinstance(sign, TerminalAsked)
    told = tell(
        conversation, "terminal/wait_for_exit", sign.request, TerminalEnded(Exit(signal=40))
    )
    assert told == {"exitCode": None, "signal": "SIG40"}
