"""What is Pi's own, read from transcripts of the real program, and from its manual for the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inspan.agents import signs as s
from inspan.agents.dialect import Turn
from inspan.agents.pi import Pi, PiTalk
from inspan.agents.signs import Sign
from inspan.errors import BadInput
from inspan.model.agent import Ending, Mode
from inspan.model.task import Exit
from tests.real.goldens import golden

pytestmark = pytest.mark.requirement("C5")


def talk(*, resume: str | None = None) -> PiTalk:
    return Pi().talk(Turn(prompt="do it", mode=Mode.STREAM, resume=resume))


def begun() -> PiTalk:
    conversation = talk()
    for line in conversation.begin().splitlines():
        conversation.sent(line)
    hears(conversation, type="response", command="prompt", success=True)
    hears(conversation, type="agent_start")
    return conversation


def hears(conversation: PiTalk, **told: Any) -> list[Sign]:
    return list(conversation.heard(json.dumps(told).encode()))


def ends(conversation: PiTalk, reason: str, error: str = "") -> list[Sign]:
    message = {"role": "assistant", "stopReason": reason, "errorMessage": error, "content": []}
    return hears(conversation, type="agent_end", messages=[message])


def settles(conversation: PiTalk) -> list[Sign]:
    return hears(conversation, type="response", command="get_session_stats", success=True)


def test_it_is_asked_who_it_is_and_prompted_at_once() -> None:
    who, prompt = (json.loads(line) for line in talk().begin().splitlines())
    assert who["type"] == "get_state"
    assert (prompt["type"], prompt["message"]) == ("prompt", "do it")


def test_its_end_is_its_end_once_it_has_nothing_to_add() -> None:
    """It announces a retry after the end of a turn, so that the end alone tells nothing."""
    conversation = begun()
    (question,) = ends(conversation, "error", "500 busy")
    assert isinstance(question, s.Reply)
    assert json.loads(question.data)["type"] == "get_session_stats"
    (waits,) = hears(conversation, type="auto_retry_start", delayMs=2000, errorMessage="500 busy")
    assert waits == s.BacksOff(2.0, "500 busy")
    assert settles(conversation) == []
    hears(conversation, type="agent_start")
    hears(conversation, type="auto_retry_end", success=True)
    hears(conversation, type="message_end", message={"role": "assistant", "content": [{}]})
    ends(conversation, "stop")
    (ended,) = settles(conversation)
    assert ended == s.TurnEnded(conversation.outcome(Exit(code=0), stopped=False, complaint=""))
    assert conversation.over
    assert settles(conversation) == []


def test_it_is_not_over_while_it_sums_up_a_conversation_that_grew_too_long() -> None:
    conversation = begun()
    ends(conversation, "error", "the prompt is too long")
    hears(conversation, type="compaction_start", reason="overflow")
    assert settles(conversation) == []
    hears(conversation, type="compaction_end", willRetry=True)
    assert settles(conversation) == []
    hears(conversation, type="agent_start")
    ends(conversation, "stop")
    assert isinstance(settles(conversation)[0], s.TurnEnded)


def test_a_prompt_that_it_has_not_taken_keeps_it_open() -> None:
    conversation = begun()
    ends(conversation, "stop")
    more = conversation.ask("and then?") or b""
    assert json.loads(more)["streamingBehavior"] == "steer"
    conversation.sent(more.rstrip())
    assert settles(conversation) == []
    assert not conversation.over


def test_no_prompt_is_handed_in_where_it_would_be_lost() -> None:
    conversation = talk()
    for line in conversation.begin().splitlines():
        conversation.sent(line)
    assert conversation.ask("too early") is None
    hears(conversation, type="response", command="prompt", success=True)
    assert conversation.ask("still too early") is None
    hears(conversation, type="agent_start")
    assert conversation.ask("in time") is not None
    ends(conversation, "error", "500 busy")
    assert conversation.ask("in time") is not None
    hears(conversation, type="auto_retry_start", delayMs=1, errorMessage="500 busy")
    assert conversation.ask("while it waits") is None


def test_a_prompt_that_it_does_not_take_ends_it() -> None:
    conversation = talk()
    for line in conversation.begin().splitlines():
        conversation.sent(line)
    why = "No API key found for anthropic."
    (ended,) = hears(conversation, type="response", command="prompt", success=False, error=why)
    assert isinstance(ended, s.TurnEnded)
    assert ended.outcome.ending is Ending.LOGIN
    assert conversation.over


@pytest.mark.parametrize(
    ("reason", "error", "ending"),
    [
        ("stop", "", Ending.EMPTY),
        ("aborted", "", Ending.STOPPED),
        ("length", "", Ending.CUT),
        ("error", "401 no", Ending.LOGIN),
        ("error", "402 pay", Ending.QUOTA),
        ("error", "529 busy", Ending.OVERLOADED),
        ("error", "terminated", Ending.CUT),
        ("error", "No API key for provider: x", Ending.LOGIN),
        ("error", "", Ending.FAILED),
        ("a reason of tomorrow", "", Ending.FAILED),
    ],
)
def test_how_its_last_message_stopped(reason: str, error: str, ending: Ending) -> None:
    conversation = begun()
    ends(conversation, reason, error)
    settles(conversation)
    ended = conversation.outcome(Exit(code=0), stopped=False, complaint="")
    assert ended.ending is ending
    assert ended.message


def test_what_it_costs_is_the_sum_of_its_messages() -> None:
    signs, _ = golden("pi", "rpc", "write_file").told(talk())
    used = [sign.usage for sign in signs if isinstance(sign, s.Counted)]
    assert [usage.turns for usage in used] == [1, 2]
    assert used[-1].cost == pytest.approx(0.00174)


def test_its_extensions_ask_for_a_yes_a_choice_or_words() -> None:
    conversation = begun()
    asks = {"type": "extension_ui_request", "title": "Allow it?"}
    assert hears(conversation, **asks, id="c", method="confirm", message="rm x") == [
        s.Permission("c", "Allow it?", "rm x")
    ]
    assert hears(conversation, **asks, id="s", method="select", options=["Yes", "No"]) == [
        s.Permission("s", "Allow it?", "", ("Yes", "No"))
    ]
    assert hears(conversation, **asks, id="i", method="input") == [
        s.Permission("i", "Allow it?", "", ())
    ]

    def told(request: str, text: str) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(conversation.answer(request, text) or b"")
        assert (line.pop("type"), line.pop("id")) == ("extension_ui_response", request)
        return line

    assert told("c", "allow") == {"confirmed": True}
    assert told("c", "deny") == {"confirmed": False}
    assert told("s", "Yes") == {"value": "Yes"}
    assert told("s", "deny") == {"cancelled": True}
    with pytest.raises(BadInput, match="Yes, No"):
        conversation.answer("s", "perhaps")
    assert told("i", "any words") == {"value": "any words"}
    conversation.sent((conversation.answer("c", "allow") or b"").rstrip())
    assert conversation.answer("c", "allow") is None


def test_what_an_extension_only_tells_is_no_question() -> None:
    tells = {"type": "extension_ui_request", "id": "n", "method": "notify", "message": "blocked"}
    assert hears(begun(), **tells, notifyType="warning") == [s.Warned("blocked")]
    assert hears(begun(), **tells, notifyType="info") == []
    assert hears(begun(), type="extension_error", error="broken") == [s.Warned("broken")]


def test_a_session_that_it_does_not_know_is_forgotten() -> None:
    complaint = "No session found matching 'a-1'"
    ended = talk(resume="a-1").outcome(Exit(code=1), stopped=False, complaint=complaint)
    assert ended.ending is Ending.FORGOTTEN


@pytest.mark.parametrize("prompt", ["--version", "@secrets", "list", "install x", "plain words"])
def test_on_a_terminal_the_prompt_is_neither_a_flag_nor_a_file_nor_a_command(prompt: str) -> None:
    own = ("--flag-of-an-extension",)
    argv = Pi().argv(Turn(prompt=prompt, mode=Mode.PTY, arguments=own))
    assert argv == ("pi", f" {prompt}", *own)
