"""What is Codex's own, read from transcripts of the real program."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inspan.agents import signs as s
from inspan.agents.codex import Codex, CodexTalk
from inspan.agents.codex_words import aim
from inspan.agents.dialect import Turn
from inspan.agents.signs import Sign
from inspan.model.agent import Ending, Mode
from inspan.model.task import Exit
from tests.real.goldens import golden

pytestmark = pytest.mark.requirement("C5")


def talk(*, resume: str | None = None) -> CodexTalk:
    return CodexTalk(Turn(prompt="do it", mode=Mode.STREAM, resume=resume, cwd="/w"))


def hears(conversation: CodexTalk, **told: Any) -> list[Sign]:
    return list(conversation.heard(json.dumps(told).encode()))


def until(conversation: CodexTalk, scenario: str, kind: type[Sign]) -> Any:
    """Play ``scenario`` up to the first sign of that kind."""
    for way, line in golden("codex", "app-server", scenario).turns():
        if way == "in":
            conversation.sent(line)
            continue
        for sign in conversation.heard(line):
            if isinstance(sign, kind):
                return sign
    raise AssertionError(kind)


def due(signs: list[Sign]) -> list[dict[str, Any]]:
    lines = b"".join(sign.data for sign in signs if isinstance(sign, s.Reply)).splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("resume", [None, "t-1"])
def test_it_is_greeted_given_a_thread_and_only_then_asked(resume: str | None) -> None:
    conversation = talk(resume=resume)
    greeting = conversation.begin()
    assert json.loads(greeting)["method"] == "initialize"
    conversation.sent(greeting.rstrip())
    told = due(hears(conversation, id=1, result={"userAgent": "x/1.2.3 (here)"}))
    assert [line["method"] for line in told] == [
        "initialized",
        "thread/resume" if resume else "thread/start",
    ]
    assert told[1]["params"].get("threadId") == resume
    assert told[1]["params"]["cwd"] == "/w"
    for line in told:
        conversation.sent(json.dumps(line).encode())
    assert conversation.ask("too early") is None
    assert conversation.interrupt() is None
    (prompt,) = due(hears(conversation, id=2, result={"thread": {"id": "t-1"}}))
    assert prompt["method"] == "turn/start"
    assert prompt["params"]["input"] == [{"type": "text", "text": "do it"}]
    assert prompt["params"]["threadId"] == "t-1"


def test_it_tells_its_model_and_its_version() -> None:
    began = until(talk(), "answer", s.Began)
    assert (began.session.model, began.session.version) == ("scripted", "0.169.0")


def test_its_own_retries_are_told_and_are_why_it_ends_without_a_word() -> None:
    conversation = talk()
    waits = until(conversation, "rate_limited", s.BacksOff)
    assert "429" in waits.why
    assert waits.ending is Ending.QUOTA
    ended = conversation.outcome(Exit(signal=9), stopped=False, complaint="")
    assert ended.ending is Ending.QUOTA


def test_a_permission_states_the_command_as_it_is_run() -> None:
    conversation = talk()
    asked = until(conversation, "permission_allow", s.Permission)
    assert asked.name == "command"
    assert asked.line == "/bin/bash -lc 'touch permitted.txt'"
    assert asked.title == f"{asked.line} (May it leave the sandbox?)"
    allowed = conversation.answer(asked.request, "allow")
    assert json.loads(allowed or b"") == {"id": 0, "result": {"decision": "accept"}}
    denied = conversation.answer(asked.request, "deny")
    assert json.loads(denied or b"") == {"id": 0, "result": {"decision": "decline"}}
    conversation.sent((denied or b"").rstrip())
    assert conversation.answer(asked.request, "allow") is None


def test_words_for_an_answer_deny_and_are_told_to_it() -> None:
    conversation = talk()
    asked = until(conversation, "permission_allow", s.Permission)
    lines = [
        json.loads(line)
        for line in (conversation.answer(asked.request, "not so") or b"").splitlines()
    ]
    assert lines[0]["result"] == {"decision": "decline"}
    assert lines[1]["method"] == "turn/steer"
    assert lines[1]["params"]["input"] == [{"type": "text", "text": "not so"}]


def test_a_change_of_files_is_asked_for_by_its_files() -> None:
    conversation = talk()
    until(conversation, "permission_allow", s.Began)
    moved = {"path": "b", "kind": {"type": "update", "move_path": "c"}, "diff": ""}
    changes = [{"path": "a", "kind": {"type": "add"}, "diff": ""}, moved]
    item = {"type": "fileChange", "id": "i-1", "changes": changes}
    (began,) = hears(conversation, method="item/started", params={"item": item})
    assert began == s.ToolBegan("i-1", "change", "a, b, c")
    asks = "item/fileChange/requestApproval"
    (asked,) = hears(conversation, id=7, method=asks, params={"itemId": "i-1"})
    assert asked == s.Permission("7", "change", "a, b, c", paths=("a", "b", "c"))
    root = {"itemId": "i-1", "grantRoot": "/"}
    (wider,) = hears(conversation, id=8, method=asks, params=root)
    assert wider == s.Permission("8", "change", "a, b, c, all below /")


def test_further_permissions_are_granted_as_asked_or_not_at_all() -> None:
    conversation = talk()
    wanted = {"network": {"enabled": True}}
    asks = "item/permissions/requestApproval"
    hears(conversation, id=1, method=asks, params={"permissions": wanted})
    allowed, denied = (conversation.answer("1", word) or b"" for word in ("allow", "deny"))
    assert json.loads(allowed)["result"] == {"permissions": wanted}
    assert json.loads(denied)["result"] == {"permissions": {}}


def test_a_yes_or_no_of_a_server_of_tools_is_passed_on() -> None:
    conversation = talk()
    form = {"mode": "form", "message": "May I?", "serverName": "files", "requestedSchema": {}}
    asks = "mcpServer/elicitation/request"
    assert hears(conversation, id=1, method=asks, params=form) == [
        s.Permission("1", "files", "May I?")
    ]
    allowed, denied = (conversation.answer("1", word) or b"" for word in ("allow", "deny"))
    assert json.loads(allowed)["result"]["action"] == "accept"
    assert json.loads(denied)["result"]["action"] == "decline"


def test_what_nobody_can_answer_is_refused_so_that_it_goes_on() -> None:
    (refused,) = due(hears(talk(), id=5, method="item/tool/call", params={}))
    assert (refused["id"], refused["error"]["code"]) == (5, -32601)


def test_what_it_no_longer_asks_is_withdrawn() -> None:
    conversation = talk()
    asked = until(conversation, "permission_allow", s.Permission)
    resolved = {"method": "serverRequest/resolved", "params": {"requestId": 0}}
    assert hears(conversation, **resolved) == [s.Withdrawn(asked.request)]
    assert hears(conversation, **resolved) == []
    assert conversation.answer(asked.request, "allow") is None


def test_one_more_prompt_goes_into_the_turn_that_goes_on() -> None:
    conversation = talk()
    until(conversation, "answer", s.Said)
    steered = json.loads(conversation.ask("and then?") or b"")
    assert steered["method"] == "turn/steer"
    conversation.sent(json.dumps(steered).encode())
    turn = {"id": steered["params"]["expectedTurnId"], "status": "completed"}
    hears(conversation, method="turn/completed", params={"turn": turn})
    assert not conversation.over  # it has not said that it read it
    error = {"code": -32600, "message": "no active turn to steer"}
    (again,) = due(hears(conversation, id=steered["id"], error=error))
    assert again["method"] == "turn/start"
    assert again["params"]["input"] == steered["params"]["input"]
    conversation.sent(json.dumps(again).encode())
    assert not conversation.over


def test_an_interrupt_names_its_turn() -> None:
    conversation = talk()
    until(conversation, "hang", s.Began)
    told = json.loads(conversation.interrupt() or b"")
    assert told["method"] == "turn/interrupt"
    assert all(told["params"].values())


def test_threads_of_its_helpers_end_nothing_of_ours() -> None:
    conversation = talk()
    until(conversation, "answer", s.Began)
    turn = {"id": "t-9", "status": "completed"}
    assert (
        hears(conversation, method="turn/completed", params={"threadId": "x", "turn": turn}) == []
    )
    assert not conversation.over


def test_a_turn_without_anything_in_it_is_no_success() -> None:
    conversation = talk()
    until(conversation, "hang", s.Began)
    turn = {"id": "t", "status": "completed"}
    hears(conversation, method="turn/completed", params={"turn": turn})
    assert conversation.outcome(Exit(code=0), stopped=False, complaint="").ending is Ending.EMPTY


@pytest.mark.parametrize(
    ("info", "ending"),
    [
        ("usageLimitExceeded", Ending.QUOTA),
        ("serverOverloaded", Ending.OVERLOADED),
        ("unauthorized", Ending.LOGIN),
        ("cyberPolicy", Ending.REFUSED),
        ("contextWindowExceeded", Ending.FAILED),
        ("a kind of tomorrow", Ending.FAILED),
        ({"responseTooManyFailedAttempts": {"httpStatusCode": 429}}, Ending.QUOTA),
        ({"httpConnectionFailed": {"httpStatusCode": None}}, Ending.OVERLOADED),
    ],
)
def test_its_errors_by_their_kind(info: Any, ending: Ending) -> None:
    conversation = talk()
    error = {"message": "it failed", "codexErrorInfo": info}
    turn = {"id": "t", "status": "failed", "error": error}
    (ended,) = hears(conversation, method="turn/completed", params={"turn": turn})
    assert isinstance(ended, s.TurnEnded)
    assert ended.outcome.ending is ending


def test_a_usage_limit_says_when_it_is_lifted() -> None:
    conversation = talk()
    full = {"usedPercent": 100, "resetsAt": 1_700_003_600}
    limits = {"primary": {"usedPercent": 20, "resetsAt": 1_800_000_000}, "secondary": full}
    hears(conversation, method="account/rateLimits/updated", params={"rateLimits": limits})
    error = {"message": "no more", "codexErrorInfo": "usageLimitExceeded"}
    turn = {"id": "t", "status": "failed", "error": error}
    (ended,) = hears(conversation, method="turn/completed", params={"turn": turn})
    assert isinstance(ended, s.TurnEnded)
    assert (ended.outcome.ending, ended.outcome.retry_at) == (Ending.QUOTA, 1_700_003_600)


def test_its_terminal_leaves_no_daemon_behind() -> None:
    argv = Codex().argv(Turn(prompt="x", mode=Mode.PTY, resume="t-1", arguments=("--search",)))
    assert argv == (
        *("codex", "resume", "t-1", "-c", "features.daemon_auto_start=false"),
        *("--search", "--", "x"),
    )


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("/bin/bash -lc 'make test'", "make test"),
        ("make test", "make test"),
        ("/bin/bash -lc 'make test", "/bin/bash -lc 'make test"),
    ],
)
def test_a_command_is_told_by_its_line_also_where_no_shell_would_take_it(
    command: str, told: str
) -> None:
    assert aim({"type": "commandExecution", "command": command}) == told
