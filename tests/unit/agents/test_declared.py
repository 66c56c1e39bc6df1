"""An agent of which only its declaration is known."""

from __future__ import annotations

import pytest

from inspan.agents.declaration import Declaration
from inspan.agents.declared import Declared
from inspan.agents.dialect import Fed, HasScreenRules, TellsVersion, Turn
from inspan.agents.signs import Said
from inspan.errors import BadInput
from inspan.model.agent import Ending, Mode
from inspan.model.task import Exit

pytestmark = pytest.mark.requirement("A2", "C5")


def declared(*argv: str, mode: Mode = Mode.STREAM) -> Declared:
    return Declared(Declaration(name="mine", argv=argv, mode=mode, version=("mine", "-V")))


def turn(prompt: str, mode: Mode = Mode.STREAM, *more: str) -> Turn:
    return Turn(prompt=prompt, mode=mode, arguments=more)


@pytest.mark.parametrize(
    ("argv", "more", "line"),
    [
        (("mine",), ("-x",), ("mine", "-x")),
        (("mine", "{prompt}"), ("-x",), ("mine", "do it", "-x")),
        (("mine", "--ask={prompt}"), ("-x",), ("mine", "--ask=do it", "-x")),
        (("mine", "--", "{prompt}"), ("-x",), ("mine", "-x", "--", "do it")),
        (("mine", "{prompt}", "-q"), (), ("mine", "do it", "-q")),
    ],
)
def test_its_command_line_has_the_prompt_in_its_place(
    argv: tuple[str, ...], more: tuple[str, ...], line: tuple[str, ...]
) -> None:
    assert declared(*argv).argv(turn("do it", Mode.STREAM, *more)) == line


@pytest.mark.parametrize("prompt", ["-rf", "a\0b", "x" * (1 << 20), "\n{prompt}\n", "ü\r\n", ""])
def test_by_standard_input_any_prompt_arrives_as_it_is(prompt: str) -> None:
    mine = declared("mine")
    mine.check(turn(prompt))
    talk = mine.talk(turn(prompt))
    assert talk.begin() == prompt.encode()
    assert isinstance(talk, Fed)
    assert talk.fed
    assert mine.argv(turn(prompt)) == ("mine",)


@pytest.mark.parametrize(
    ("argv", "prompt", "why"),
    [
        (("mine", "{prompt}"), "-rf", "for a flag"),
        (("mine", "{prompt}"), "a\0b", "NUL"),
        (("mine", "{prompt}"), "x" * (128 << 10), "131071 bytes at most"),
        (("mine", "--ask={prompt}"), "x" * ((128 << 10) - 6), "131065 bytes at most"),
        (("mine",), "\udcff", "characters"),
    ],
)
def test_what_would_not_arrive_is_refused(argv: tuple[str, ...], prompt: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        declared(*argv).check(turn(prompt))


@pytest.mark.parametrize("argv", [("mine", "--", "{prompt}"), ("mine", "--ask={prompt}")])
def test_where_it_can_be_no_flag_a_prompt_may_begin_like_one(argv: tuple[str, ...]) -> None:
    declared(*argv).check(turn("-rf"))


def test_the_longest_argument_is_let_through() -> None:
    declared("mine", "{prompt}").check(turn("x" * ((128 << 10) - 1)))


def test_on_a_terminal_a_prompt_needs_a_place() -> None:
    plain = declared("mine", mode=Mode.PTY)
    plain.check(turn("", Mode.PTY))
    with pytest.raises(BadInput, match="no place"):
        plain.check(turn("do it", Mode.PTY))
    placed = declared("mine", "{prompt}", mode=Mode.PTY)
    assert placed.argv(turn("", Mode.PTY)) == ("mine",)


@pytest.mark.parametrize(
    ("lines", "how", "stopped", "ending"),
    [
        ((b"done",), Exit(code=0), False, Ending.DONE),
        ((b"", b" "), Exit(code=0), False, Ending.EMPTY),
        ((b"oh no",), Exit(code=3), False, Ending.FAILED),
        ((b"oh no",), Exit(signal=9), False, Ending.KILLED),
        ((b"oh no",), Exit(signal=11), False, Ending.FAILED),
        ((b"done",), Exit(code=0), True, Ending.STOPPED),
    ],
)
def test_of_plain_text_its_exit_tells_how_it_ended(
    lines: tuple[bytes, ...], how: Exit, stopped: bool, ending: Ending
) -> None:
    talk = declared("mine").talk(turn("do it"))
    said = [sign for line in lines for sign in talk.heard(line)]
    told = "".join(sign.text for sign in said if isinstance(sign, Said))
    assert told == b"\n".join(lines).decode()
    ended = talk.outcome(how, stopped=stopped, complaint="it broke")
    assert ended.ending is ending
    assert (ending is not Ending.FAILED) or "it broke" in ended.message


def test_it_tells_what_was_declared_of_it() -> None:
    mine = declared("mine")
    assert isinstance(mine, TellsVersion)
    assert mine.ask_version() == ("mine", "-V")
    assert isinstance(mine, HasScreenRules)
    assert mine.screen_rules is None
