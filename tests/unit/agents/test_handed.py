"""How far a prompt has got, as each agent's own lines tell it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from inspan.agents.aider import Aider
from inspan.agents.claude import Claude
from inspan.agents.codex import Codex
from inspan.agents.dialect import Dialect, Talk, Turn
from inspan.agents.gemini import Gemini
from inspan.agents.handed import Handed
from inspan.agents.opencode import OpenCode
from inspan.agents.pi import Pi
from inspan.agents.signs import Reply, TurnEnded
from inspan.agents.vibe import Vibe
from inspan.model.agent import Mode
from inspan.model.receipt import Arrival, Stage
from tests.real.goldens import golden

pytestmark = pytest.mark.requirement("C4")

TURN = {mode: Turn(prompt="do it", mode=mode) for mode in Mode}
#: Those that take a second prompt only when the turn has ended.
WAITING = [
    (Claude(), Mode.STREAM, "stdio"),
    (Gemini(), Mode.ACP, "acp"),
    (OpenCode(), Mode.ACP, "acp"),
    (Vibe(), Mode.ACP, "acp"),
]


def stage(talk: Talk, key: str = "k") -> Arrival:
    return talk.handed.arrivals[key]


def hear(talk: Talk, line: bytes) -> Iterator[bytes]:
    """What it has to be told after that."""
    return (sign.data for sign in list(talk.heard(line)) if isinstance(sign, Reply))


def given(talk: Talk, told: bytes | None) -> None:
    assert told
    for line in told.splitlines():
        talk.sent(line)


@pytest.mark.parametrize(("dialect", "mode", "folder"), WAITING)
def test_it_waits_for_the_turn_is_written_and_then_has_a_turn(
    dialect: Dialect, mode: Mode, folder: str
) -> None:
    talk = dialect.talk(TURN[mode])
    turns, ended = list(golden(dialect.name, folder, "two_turns").turns()), False
    while not ended:
        way, line = turns.pop(0)
        if way == "in":
            talk.sent(line)
            continue
        if _busy(turns) and not talk.handed.arrivals:
            given(talk, talk.ask("and then?", "k"))
            assert stage(talk).stage is Stage.QUEUED
        signs = list(talk.heard(line))
        ended = any(isinstance(sign, TurnEnded) for sign in signs)
    assert not talk.over
    (due,) = [sign.data for sign in signs if isinstance(sign, Reply)]
    assert b"and then?" in due
    assert stage(talk).stage is Stage.QUEUED
    given(talk, due)
    assert stage(talk) == Arrival(Stage.WRITTEN)
    for way, line in turns:
        if way == "out":
            list(talk.heard(line))
    assert stage(talk) == Arrival(Stage.STARTED)
    assert talk.over


def _busy(turns: list[tuple[str, bytes]]) -> bool:
    """True where the first prompt was sent, so that the second comes next of what is sent."""
    sent = [line for way, line in turns if way == "in"]
    return len(sent) == 1


@pytest.mark.parametrize(("dialect", "mode", "folder"), WAITING)
def test_who_reads_the_recording_again_knows_that_it_waits(
    dialect: Dialect, mode: Mode, folder: str
) -> None:
    first, again = dialect.talk(TURN[mode]), dialect.talk(TURN[mode])
    held = first.ask("and then?", "k")
    given(again, held)
    assert again.handed.next == ("k", "and then?")
    assert stage(again).stage is Stage.QUEUED
    assert folder


def test_claude_drops_what_waits_where_its_turn_is_interrupted() -> None:
    talk = Claude().talk(TURN[Mode.STREAM])
    given(talk, talk.begin())
    given(talk, talk.ask("and then?", "k"))
    given(talk, talk.interrupt())
    assert stage(talk) == Arrival(Stage.QUEUED, lost=True, why="its turn was interrupted")


def test_a_prompt_that_the_protocol_refuses_is_lost() -> None:
    talk = Gemini().talk(TURN[Mode.ACP])
    for way, line in golden("gemini", "acp", "answer").turns():
        if way == "in":
            talk.sent(line)
            continue
        if b'"stopReason"' in line:
            given(talk, talk.ask("and then?", "k"))
        for due in hear(talk, line):
            if b"and then?" in due:
                given(talk, due)
    error = {"code": 500, "message": "no"}
    list(talk.heard(json.dumps({"jsonrpc": "2.0", "id": 4, "error": error}).encode()))
    assert (stage(talk).stage, stage(talk).lost) == (Stage.WRITTEN, True)


# ── into the turn that goes on ────────────────────────────────────────────────


def codex_at_work() -> Talk:
    """Codex in its first turn."""
    talk = Codex().talk(TURN[Mode.STREAM])
    for way, line in golden("codex", "app-server", "two_turns").turns():
        if way == "in":
            talk.sent(line)
        else:
            list(talk.heard(line))
            if b'"turn/started"' in line:
                break
    return talk


def _steered(talk: Talk) -> dict[str, Any]:
    told = talk.ask("and then?", "a:b")
    given(talk, told)
    request: dict[str, Any] = json.loads(told or b"")
    assert request["method"] == "turn/steer"
    assert stage(talk, "a:b") == Arrival(Stage.WRITTEN)
    return request


def test_codex_has_it_when_it_says_that_the_turn_took_it() -> None:
    talk = codex_at_work()
    request = _steered(talk)
    list(talk.heard(json.dumps({"id": request["id"], "result": {}}).encode()))
    assert stage(talk, "a:b") == Arrival(Stage.STARTED)


def test_codex_has_it_in_a_turn_of_its_own_where_the_other_had_ended() -> None:
    talk = codex_at_work()
    request = _steered(talk)
    error = {"message": "no active turn to steer"}
    (due,) = hear(talk, json.dumps({"id": request["id"], "error": error}).encode())
    given(talk, due)
    assert stage(talk, "a:b") == Arrival(Stage.WRITTEN)
    params = {"threadId": json.loads(due)["params"]["threadId"], "turn": {"id": "t-2"}}
    list(talk.heard(json.dumps({"method": "turn/started", "params": params}).encode()))
    assert stage(talk, "a:b") == Arrival(Stage.STARTED)


def test_pi_has_it_when_its_model_is_told() -> None:
    talk = Pi().talk(TURN[Mode.STREAM])
    given(talk, talk.begin())
    for line in golden("pi", "rpc", "two_turns").lines("stdout"):
        if b'"assistant"' in line and not talk.handed.arrivals:
            told = talk.ask("and then?", "k")
            given(talk, told)
            assert stage(talk) == Arrival(Stage.WRITTEN)
        if b'"message_end"' in line and b"what came after" in line:
            assert stage(talk) == Arrival(Stage.WRITTEN)
        list(talk.heard(line))
    assert stage(talk) == Arrival(Stage.STARTED)


def test_pi_may_refuse_it() -> None:
    talk = Pi().talk(TURN[Mode.STREAM])
    given(talk, talk.begin())
    list(talk.heard(b'{"type":"agent_start"}'))
    told = talk.ask("and then?", "k")
    given(talk, told)
    answer = {"id": json.loads(told or b"")["id"], "type": "response", "command": "prompt"}
    list(talk.heard(json.dumps({**answer, "success": False, "error": "no"}).encode()))
    assert stage(talk) == Arrival(Stage.WRITTEN, lost=True, why="no")


@pytest.mark.parametrize(
    "talk", [Aider().talk(TURN[Mode.STREAM]), Gemini().talk(TURN[Mode.STREAM])]
)
def test_one_that_takes_one_prompt_takes_no_more(talk: Talk) -> None:
    assert talk.ask("and then?", "k") is None
    assert not talk.handed.arrivals


# ── the order of them ─────────────────────────────────────────────────────────


def test_they_go_in_the_order_in_which_they_came() -> None:
    handed = Handed()
    handed.hold("a", "one")
    handed.hold("", "two")
    handed.hold("c", "three")
    order = []
    while handed.next is not None:
        order.append(handed.next)
        handed.write_next()
        handed.start()
    assert order == [("a", "one"), ("", "two"), ("c", "three")]
    assert {key: arrival.stage for key, arrival in handed.arrivals.items()} == {
        "a": Stage.STARTED,
        "c": Stage.STARTED,
    }


def test_what_a_turn_has_cannot_be_lost() -> None:
    handed = Handed()
    handed.write("a")
    handed.start("a")
    handed.lose("a", "no")
    handed.lose("unknown", "no")
    assert handed.arrivals == {"a": Arrival(Stage.STARTED)}
