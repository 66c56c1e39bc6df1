"""What Claude Code said in each scenario, read from transcripts of the real program."""

from __future__ import annotations

import json

import pytest

from inspan.agents import signs as s
from inspan.agents.claude import Claude
from inspan.agents.dialect import Talk, Turn
from inspan.agents.signs import Sign
from inspan.model.agent import Ending, Mode, Outcome
from inspan.model.task import Exit
from tests.real.goldens import golden

pytestmark = pytest.mark.requirement("C5")


def talk(*, resume: str | None = None) -> Talk:
    return Claude().talk(Turn(prompt="do it", mode=Mode.STREAM, resume=resume))


def told(scenario: str) -> tuple[list[Sign], Outcome]:
    recorded = golden("claude", "stdio", scenario)
    return recorded.told(talk(resume=recorded.resumed))


def test_an_answer_is_said_and_counted() -> None:
    signs, _ = told("answer")
    said = [sign.text for sign in signs if isinstance(sign, s.Said)]
    assert said == ["The answer is forty-two, and it took a moment to find."]
    early, counted = [sign.usage for sign in signs if isinstance(sign, s.Counted)]
    assert (early.read, early.cost) == (120, None)
    assert (counted.read, counted.turns) == (120, 1)
    assert counted.written > 0
    assert counted.cost is not None


def test_its_own_retries_are_told() -> None:
    signs, _ = told("rate_limited_then_ok")
    waits = [sign for sign in signs if isinstance(sign, s.BacksOff)]
    assert waits
    assert all(sign.seconds > 0 and sign.why for sign in waits)
    assert {sign.ending for sign in waits} == {Ending.QUOTA}


def test_a_permission_is_asked_for_and_allowed_with_what_it_asked() -> None:
    conversation = talk()
    asked = None
    for way, line in golden("claude", "stdio", "permission_allow").turns():
        if way == "out":
            for sign in conversation.heard(line):
                asked = sign if isinstance(sign, s.Permission) else asked
        if asked is not None:
            break
    assert asked is not None
    assert (asked.name, asked.title) == ("Bash", "touch permitted.txt")
    allowed = json.loads(conversation.answer(asked.request, "allow") or b"")
    assert allowed["response"]["response"] == {
        "behavior": "allow",
        "updatedInput": {"command": "touch permitted.txt"},
    }
    denied = conversation.answer(asked.request, "not that one") or b""
    told = json.loads(denied)["response"]["response"]
    assert told == {"behavior": "deny", "message": "not that one"}
    conversation.sent(denied.rstrip())
    assert conversation.answer(asked.request, "allow") is None


def test_a_request_that_is_withdrawn_is_open_no_more() -> None:
    conversation = talk()
    request = {"subtype": "can_use_tool", "tool_name": "Bash", "input": {}}
    line = json.dumps({"type": "control_request", "request_id": "r-1", "request": request})
    list(conversation.heard(line.encode()))
    cancel = json.dumps({"type": "control_cancel_request", "request_id": "r-1"})
    assert list(conversation.heard(cancel.encode())) == [s.Withdrawn("r-1")]
    assert list(conversation.heard(cancel.encode())) == []
    assert conversation.answer("r-1", "allow") is None


def test_a_session_that_it_does_not_know_is_forgotten() -> None:
    conversation = talk(resume="a-1")
    conversation.sent(conversation.begin().rstrip())
    result = {"type": "result", "subtype": "error_during_execution", "is_error": True}
    list(conversation.heard(json.dumps({**result, "num_turns": 0}).encode()))
    assert conversation.outcome(Exit(code=1), stopped=False, complaint="").ending is (
        Ending.FORGOTTEN
    )


def test_a_turn_without_anything_in_it_is_no_success() -> None:
    conversation = talk()
    conversation.sent(conversation.begin().rstrip())
    result = {"type": "result", "subtype": "success", "is_error": False, "stop_reason": "end_turn"}
    list(conversation.heard(json.dumps(result).encode()))
    assert conversation.over
    assert conversation.outcome(Exit(code=0), stopped=False, complaint="").ending is Ending.EMPTY


@pytest.mark.parametrize(
    "prompt", ["-p --help", "line\nline", "\u0000 and \ud800", "ü" * 1_000_000], ids=str.__len__
)
def test_a_prompt_arrives_as_it_is(prompt: str) -> None:
    turn = Turn(prompt=prompt, mode=Mode.STREAM, resume="a-1", arguments=("--model", "m"))
    sent = Claude().talk(turn).begin()
    assert sent.count(b"\n") == 1
    assert json.loads(sent)["message"]["content"][0]["text"] == prompt
    argv = Claude().argv(turn)
    assert prompt not in argv
    assert argv[-4:] == ("--resume", "a-1", "--model", "m")


def test_a_usage_limit_says_when_it_is_lifted() -> None:
    rejected = {"status": "rejected", "resetsAt": 1_700_003_600, "rateLimitType": "five_hour"}
    limited = talk()
    limited.sent(limited.begin())
    lines = golden("claude", "stdio", "quota").lines("stdout")
    for line in lines[:-1]:
        list(limited.heard(line))
    for info in (rejected, {"status": "allowed", "resetsAt": 5}):
        event = {"type": "rate_limit_event", "rate_limit_info": info}
        assert not list(limited.heard(json.dumps(event).encode()))
    list(limited.heard(lines[-1]))
    outcome = limited.outcome(Exit(1), stopped=False, complaint="")
    assert (outcome.ending, outcome.retry_at) == (Ending.QUOTA, 1_700_003_600)


def test_tokens_are_told_with_each_message_and_no_message_counts_twice() -> None:
    signs, _ = told("write_file")
    used = [sign.usage for sign in signs if isinstance(sign, s.Counted)]
    assert [usage.read for usage in used] == [120, 240, 240]
    assert [usage.turns for usage in used] == [1, 2, 2]
    assert used[-1].written > used[1].written
    again = talk()
    lines = golden("claude", "stdio", "write_file").lines("stdout")
    message = next(line for line in lines if b'"type":"assistant"' in line)
    counted = [sign for line in (message, message) for sign in again.heard(line)]
    assert len([sign for sign in counted if isinstance(sign, s.Counted)]) == 1


def test_turns_of_one_process_are_added_up_and_its_cost_is_that_of_all() -> None:
    signs, _ = told("two_turns")
    used = [sign.usage for sign in signs if isinstance(sign, s.Counted)][-1]
    assert (used.read, used.turns, used.cost) == (240, 2, 0.0029)


def test_it_keeps_to_a_budget_in_money_itself() -> None:
    turn = Turn(prompt="do it", mode=Mode.STREAM, cost_most=1.5)
    argv = Claude().argv(turn)
    assert argv[argv.index("--max-budget-usd") + 1] == "1.5000"
    spent = Claude().talk(turn)
    spent.sent(spent.begin())
    result = {"type": "result", "subtype": "error_max_budget_usd", "is_error": True}
    list(spent.heard(json.dumps({**result, "num_turns": 3, "total_cost_usd": 1.6}).encode()))
    assert spent.outcome(Exit(1), stopped=False, complaint="").ending is Ending.BUDGET
