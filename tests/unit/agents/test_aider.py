"""What Aider printed in each scenario, read from transcripts of the real program."""

from __future__ import annotations

import pytest

from inspan.agents import signs as s
from inspan.agents.aider import Aider
from inspan.agents.dialect import Turn
from inspan.agents.signs import Sign
from inspan.errors import BadInput
from inspan.model.agent import Ending, Mode, Outcome
from inspan.model.task import Exit
from tests.real.goldens import golden, scenarios

pytestmark = pytest.mark.requirement("C5")

ENDINGS = {
    "answer": Ending.DONE,
    "cut": Ending.OVERLOADED,
    "hang_term": Ending.KILLED,
    "no_key": Ending.LOGIN,
    "overloaded": Ending.OVERLOADED,
    "quota": Ending.QUOTA,
    "rate_limited": Ending.QUOTA,
    "rate_limited_then_ok": Ending.DONE,
    "slow": Ending.DONE,
    "unauthorized": Ending.LOGIN,
    "unfinished": Ending.DONE,  # it takes the answer for whole
    "write_file": Ending.DONE,
}


def told(scenario: str, *, stopped: bool = False) -> tuple[list[Sign], Outcome]:
    talk = Aider().talk(Turn(prompt="do it", mode=Mode.STREAM))
    return golden("aider", "text", scenario).told(talk, stopped=stopped)


@pytest.mark.parametrize("scenario", scenarios("aider", "text"))
def test_every_scenario_ends_as_it_did(scenario: str) -> None:
    """Those that end only when they are told to end are judged without that too."""
    _, outcome = told(scenario)
    assert outcome.ending is ENDINGS.get(scenario, Ending.FAILED), outcome
    assert outcome.ok or outcome.message
    assert (outcome.ending is Ending.LOGIN) == bool(outcome.hint)
    assert told(scenario, stopped=True)[1].ending is Ending.STOPPED


def test_an_answer_is_said_and_counted() -> None:
    signs, _ = told("answer")
    said = "".join(sign.text for sign in signs if isinstance(sign, s.Said))
    assert said == "The answer is forty-two, and it took a moment to find.\n"
    (used,) = [sign.usage for sign in signs if isinstance(sign, s.Counted)]
    assert (used.read, used.written, used.turns, used.cost) == (595, 14, 1, 0.002)


def test_an_error_is_told_whole_though_it_is_broken_into_lines() -> None:
    _, outcome = told("unauthorized")
    assert outcome.message.endswith("Incorrect API key provided.")
    _, outcome = told("quota")
    assert outcome.message.endswith("please check your plan and billing details.")


def test_large_counts_are_written_short() -> None:
    talk = Aider().talk(Turn(prompt="x", mode=Mode.STREAM))
    line = b"Tokens: 12k sent, 3.4k cache hit, 1.5k received. Cost: $0.02 message, $1.25 session."
    (counted,) = talk.heard(line)
    assert isinstance(counted, s.Counted)
    assert (counted.usage.read, counted.usage.written) == (12_000, 1_500)
    assert counted.usage.cost == 1.25


def test_what_it_did_and_how_long_it_waits_is_told() -> None:
    signs, _ = told("write_file")
    assert [(sign.name, sign.title) for sign in signs if isinstance(sign, s.ToolBegan)] == [
        ("edit", "answer.txt"),
        ("commit", "0000001 I wrote the file."),
    ]
    waits = [sign for sign in told("quota")[0] if isinstance(sign, s.BacksOff)]
    assert [sign.seconds for sign in waits][:3] == [0.2, 0.5, 1.0]
    assert {sign.ending for sign in waits} == {Ending.QUOTA}
    assert "quota" in waits[0].why or "exceeded" in waits[0].why


def test_going_without_its_line_of_tokens_is_never_success() -> None:
    talk = Aider().talk(Turn(prompt="x", mode=Mode.STREAM))
    list(talk.heard(b"The answer is"))
    assert talk.outcome(Exit(code=0), stopped=False, complaint="").ending is Ending.FAILED


def test_its_prompt_is_the_value_of_a_flag() -> None:
    for mode in Aider().modes:
        turn = Turn(prompt="--version\nx", mode=mode, arguments=("--model", "m"))
        assert Aider().argv(turn)[-3:] == ("--model", "m", "--message=--version\nx")


@pytest.mark.parametrize("prompt", ["/run rm x", "!rm x", " !rm x"])
def test_a_prompt_that_it_would_run_is_refused(prompt: str) -> None:
    with pytest.raises(BadInput, match="run"):
        Aider().check(Turn(prompt=prompt, mode=Mode.STREAM))


def test_it_is_asked_one_thing() -> None:
    talk = Aider().talk(Turn(prompt="x", mode=Mode.STREAM))
    assert (talk.begin(), talk.over) == (b"", False)


def test_a_count_that_is_none_counts_nothing() -> None:
    talk = Aider().talk(Turn(prompt="x", mode=Mode.STREAM))
    (counted,) = talk.heard(b"Tokens: 1.2.3k sent, 7 received. Cost: $0.02 message.")
    assert isinstance(counted, s.Counted)
    assert (counted.usage.read, counted.usage.written, counted.usage.turns) == (0, 7, 1)
