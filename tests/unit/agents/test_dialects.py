"""What holds for every agent: each dialect is held against all transcripts of its real program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inspan.agents import signs as s
from inspan.agents.dialect import Dialect, Talk, Turn
from inspan.agents.registry import DIALECTS, find
from inspan.model.agent import Ending, Mode, Outcome
from inspan.model.task import Exit
from tests.real.goldens import Golden, golden, scenarios
from tests.unit.agents.expected import SPOKEN, begins, ending

pytestmark = pytest.mark.requirement("C5")

SPEAKING = [name for name in sorted(DIALECTS) if name in SPOKEN]
CASES = [(name, scenario) for name in SPEAKING for scenario in scenarios(name, SPOKEN[name])]
CLOSING = (b"agent_end", b"turn/completed", b'"type":"result"', b"stopReason")
every_agent = pytest.mark.parametrize("name", SPEAKING)


def dialect(name: str) -> Dialect:
    found = find(name)
    assert found is not None
    return found


def talk(name: str, *, resume: str | None = None) -> Talk:
    mode = dialect(name).modes[0]
    return dialect(name).talk(Turn(prompt="do it", mode=mode, resume=resume))


def played(name: str, scenario: str) -> tuple[Golden, list[s.Sign], Outcome]:
    one = golden(name, SPOKEN[name], scenario)
    signs, outcome = one.told(talk(name, resume=one.resumed), stopped=bool(one.meta["we_sent"]))
    return one, signs, outcome


@every_agent
def test_it_is_known_by_its_name(name: str) -> None:
    one = dialect(name)
    assert one.name == name
    assert one.program in one.argv(Turn(prompt="x", mode=one.modes[0]))[0]
    assert name in one.install or one.program in one.install
    assert not set(one.settings) & set(one.secrets)


@pytest.mark.parametrize(("name", "scenario"), CASES)
def test_every_scenario_ends_as_it_did(name: str, scenario: str) -> None:
    _, signs, outcome = played(name, scenario)
    assert outcome.ending is ending(name, scenario), outcome
    assert outcome.ok or outcome.message
    assert (outcome.ending is Ending.LOGIN) == bool(outcome.hint)
    ended = [sign.outcome for sign in signs if isinstance(sign, s.TurnEnded)]
    assert ended[-1:] == [outcome] if outcome.ok else ended[-1:] in ([], [outcome])


@pytest.mark.parametrize(("name", "scenario"), CASES)
def test_it_began_a_session_of_its_own(name: str, scenario: str) -> None:
    one, signs, _ = played(name, scenario)
    began = {sign.session for sign in signs if isinstance(sign, s.Began)}
    if begins(name, scenario):
        assert {session.id for session in began} == {one.meta["session"]}
        assert {session.mode for session in began} == {dialect(name).modes[0]}


@pytest.mark.parametrize(("name", "scenario"), CASES)
def test_nothing_is_over_before_its_last_line_of_input(name: str, scenario: str) -> None:
    """What closes its input too early would cost a prompt, or its session."""
    conversation = talk(name)
    turns = list(golden(name, SPOKEN[name], scenario).turns())
    last = max(number for number, (way, _) in enumerate(turns) if way == "in")
    for number, (way, line) in enumerate(turns):
        if way == "in":
            conversation.sent(line)
        else:
            list(conversation.heard(line))
        if b'"prompt"' in line or b"turn/start" in line:
            assert number == last or not conversation.over


@every_agent
def test_what_it_answers_is_said_and_counted(name: str) -> None:
    _, signs, _ = played(name, "answer")
    said = [sign for sign in signs if isinstance(sign, s.Said)]
    assert not said[0].more
    assert (
        "".join(sign.text for sign in said)
        == "The answer is forty-two, and it took a moment to find."
    )
    used = [sign.usage for sign in signs if isinstance(sign, s.Counted)][-1]
    assert (used.read, used.turns) == (120, 1)
    assert used.written > 0


@every_agent
def test_a_resumed_session_counts_only_what_this_process_used(name: str) -> None:
    _, signs, _ = played(name, "first_turn_resumed")
    used = [sign.usage for sign in signs if isinstance(sign, s.Counted)][-1]
    assert used.read == 120


@every_agent
def test_tools_are_named_with_what_they_are_used_for(name: str) -> None:
    _, signs, _ = played(name, "write_file")
    began = [sign for sign in signs if isinstance(sign, s.ToolBegan)]
    ended = [sign for sign in signs if isinstance(sign, s.ToolEnded)]
    assert len(began) == 1
    assert began[0].name
    assert "answer.txt" in began[0].title
    assert [(sign.id, sign.ok) for sign in ended] == [(began[0].id, True)]


@every_agent
@pytest.mark.parametrize("stopped", [True, False])
@pytest.mark.parametrize("status", [0, 1])
def test_going_without_its_closing_word_is_never_success(
    name: str, stopped: bool, status: int
) -> None:
    lines = list(golden(name, SPOKEN[name], "answer").turns())
    conversation = talk(name)
    for way, line in lines:
        if any(word in line for word in CLOSING):
            break
        if way == "in":
            conversation.sent(line)
        else:
            list(conversation.heard(line))
    assert not conversation.over
    ended = conversation.outcome(Exit(code=status), stopped=stopped, complaint="it broke")
    assert ended.ending is (Ending.STOPPED if stopped else Ending.FAILED)
    assert stopped or "it broke" in ended.message


@every_agent
def test_what_it_complains_of_tells_of_a_login(name: str) -> None:
    complaint = "Error: not logged in"
    ended = talk(name).outcome(Exit(code=1), stopped=False, complaint=complaint)
    assert ended.ending is Ending.LOGIN
    assert ended.hint


@every_agent
@pytest.mark.parametrize("line", [b"", b"[]", b"null", b"{}", b"noise", b'{"type":1}', b"\xff{"])
def test_what_is_no_line_of_its_language_does_no_harm(name: str, line: bytes) -> None:
    conversation = talk(name)
    conversation.sent(line)
    assert list(conversation.heard(line)) == []
    assert not conversation.over


def spoiled(told: dict[str, Any], depth: int = 3) -> Iterator[dict[str, Any]]:
    """``told`` with each part of it, and of its parts, replaced by something else."""
    for name, part in told.items():
        others: tuple[Any, ...] = (None, 1, "x", [], {})
        for other in others:
            yield {**told, name: other}
        if isinstance(part, dict) and depth > 1:
            yield from ({**told, name: inner} for inner in spoiled(part, depth - 1))


@every_agent
@pytest.mark.parametrize("scenario", ["permission_allow", "unauthorized", "write_file"])
def test_an_agent_may_change_its_lines_with_any_release(name: str, scenario: str) -> None:
    conversation = talk(name)
    for way, line in golden(name, SPOKEN[name], scenario).turns():
        if way == "in":
            conversation.sent(line)
            continue
        told = json.loads(line)
        for one in (told, *spoiled(told)):
            list(conversation.heard(json.dumps(one).encode()))
    conversation.outcome(Exit(code=0), stopped=False, complaint="")


@every_agent
@pytest.mark.parametrize(
    "prompt", ["-p --help", "line\nline", "\u0000 and \ud800", "@file", "ü" * 100_000], ids=len
)
def test_a_prompt_is_no_part_of_its_command_line(name: str, prompt: str) -> None:
    one = dialect(name)
    turn = Turn(prompt=prompt, mode=one.modes[0], resume="a-1", arguments=("--model", "m"))
    one.check(turn)
    assert prompt not in one.argv(turn)
    assert one.argv(turn)[-2:] == ("--model", "m")
    asked = one.talk(turn).begin()
    assert asked.endswith(b"\n")
    assert all(isinstance(json.loads(line), dict) for line in asked.splitlines())


@every_agent
def test_on_a_terminal_the_prompt_is_an_argument_that_cannot_be_a_flag(name: str) -> None:
    one = dialect(name)
    assert Mode.PTY in one.modes
    argv = one.argv(Turn(prompt="--version", mode=Mode.PTY, resume="a-1"))
    assert argv[0] == one.program
    assert "a-1" in argv
    if "--version" in argv:
        assert argv[argv.index("--version") - 1] == "--"
    assert any("--version" in word for word in argv)
    assert "" not in one.argv(Turn(prompt="", mode=Mode.PTY))


def test_the_page_on_agents_has_a_row_for_each_as_it_is() -> None:
    page = (Path(__file__).parents[3] / "docs" / "agents.md").read_text(encoding="utf-8")
    table = page.partition("## What each can do\n")[2].partition("\n## ")[0]
    rows = {
        cells[1].strip(): cells for line in table.splitlines() if (cells := line.split("|"))[1:]
    }
    for name in DIALECTS:
        one = dialect(name)
        modes = ", ".join(mode.value for mode in one.modes)
        assert name in rows, f"docs/agents.md has no row for {name}"
        assert [cell.strip() for cell in rows[name][2:4]] == [f"`{one.install}`", modes]
