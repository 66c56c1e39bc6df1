"""What Gemini CLI said in its stream of events; over the protocol it is in ``test_acp``."""

from __future__ import annotations

import pytest

from inspan.agents import signs as s
from inspan.agents.dialect import Talk, Turn
from inspan.agents.gemini import Gemini
from inspan.errors import BadInput
from inspan.model.agent import Ending, Mode
from inspan.model.task import Exit
from tests.real.goldens import golden, scenarios

pytestmark = pytest.mark.requirement("C5")

ENDINGS = {
    "cut": Ending.CUT,
    "no_key": Ending.LOGIN,
    "quota": Ending.QUOTA,
    "rate_limited": Ending.QUOTA,
    "unauthorized": Ending.LOGIN,
    "unfinished": Ending.CUT,
    "unknown_session": Ending.FORGOTTEN,
}


def talk(*, resume: str | None = None) -> Talk:
    return Gemini().talk(Turn(prompt="do it", mode=Mode.STREAM, resume=resume))


@pytest.mark.parametrize("scenario", scenarios("gemini", "stream"))
def test_every_scenario_ends_as_it_did(scenario: str) -> None:
    one = golden("gemini", "stream", scenario)
    stopped = bool(one.meta["we_sent"])
    signs, outcome = one.told(talk(resume=one.resumed), stopped=stopped)
    expected = Ending.STOPPED if stopped else ENDINGS.get(scenario, Ending.DONE)
    assert outcome.ending is expected, outcome
    assert outcome.ok or outcome.message
    assert (outcome.ending is Ending.LOGIN) == bool(outcome.hint)
    began = [sign.session for sign in signs if isinstance(sign, s.Began)]
    assert [session.id for session in began] == ([one.meta["session"]] if signs else [])


def test_what_it_answers_is_said_and_counted() -> None:
    signs, _ = golden("gemini", "stream", "answer").told(talk())
    said = [sign for sign in signs if isinstance(sign, s.Said)]
    text = "".join(sign.text for sign in said)
    assert text == "The answer is forty-two, and it took a moment to find."
    assert [sign.more for sign in said] == [False, *[True] * (len(said) - 1)]
    (used,) = [sign.usage for sign in signs if isinstance(sign, s.Counted)]
    assert (used.read, used.written, used.turns) == (120, 34, 1)


def test_tools_are_named_with_what_they_are_used_for() -> None:
    signs, _ = golden("gemini", "stream", "write_file").told(talk())
    (began,) = [sign for sign in signs if isinstance(sign, s.ToolBegan)]
    (ended,) = [sign for sign in signs if isinstance(sign, s.ToolEnded)]
    assert (began.name, began.title) == ("write_file", "answer.txt")
    assert (ended.id, ended.ok) == (began.id, True)


@pytest.mark.parametrize(
    ("how", "complaint", "ending"),
    [
        (Exit(code=0), "", Ending.FAILED),
        (Exit(code=145), "", Ending.LOGIN),
        (Exit(code=173), "", Ending.QUOTA),
        (Exit(code=41), "no key", Ending.LOGIN),
        (Exit(code=0), "… {\n  status: 503\n}", Ending.OVERLOADED),
    ],
)
def test_going_without_a_result_is_never_success(how: Exit, complaint: str, ending: Ending) -> None:
    ended = talk().outcome(how, stopped=False, complaint=complaint)
    assert ended.ending is ending
    assert ended.message
    assert talk().outcome(how, stopped=True, complaint=complaint).ending is Ending.STOPPED


def test_a_turn_without_anything_in_it_is_no_success() -> None:
    conversation = talk()
    list(conversation.heard(b'{"type":"result","status":"success"}'))
    assert conversation.over
    assert conversation.outcome(Exit(code=0), stopped=False, complaint="").ending is Ending.EMPTY


def test_in_its_stream_the_prompt_is_an_argument_of_a_bounded_size() -> None:
    gemini = Gemini()
    argv = gemini.argv(Turn(prompt="--version", mode=Mode.STREAM, resume="a-1", arguments=("-d",)))
    assert argv[-4:] == ("--prompt=--version", "--resume", "a-1", "-d")
    gemini.check(Turn(prompt="x" * 100_000, mode=Mode.STREAM))
    with pytest.raises(BadInput) as refused:
        gemini.check(Turn(prompt="ü" * 100_000, mode=Mode.STREAM))
    assert "acp" in (refused.value.hint or "")
    assert talk().begin() == b""
    assert talk().ask("more") is None
    assert talk().interrupt() is None
