"""What a program shows that prints line by line: prompts, what it asks, and what stays of both."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.model.activity import Doing
from inspan.providers.screenrules import rulebook
from inspan.terminal.playback import Playback
from inspan.terminal.replay import Replay
from inspan.terminal.screen import backend
from tests.fakes.recordings import Step, record

pytestmark = pytest.mark.requirement("B4")

SPINS = "⠋⠙⠹⠸⠼⠴⠦⠧"
START = "Welcome to the agent.\r\nType /help for commands, /exit to quit.\r\n\r\n"
CALL = "Tool: run_shell\r\n  rm -rf build\r\n"
COLOUR = "Which colour shall it have?"

ASKS = {
    "letters in brackets and one's own words": CALL + "Approve [y], deny [n], or say why not: ",
    "a key or another": CALL + "Press ENTER to approve or Ctrl+C to abort...",
    "a list that is moved in": "\x1b[?25l? Run? (Use arrow keys)\r\n » Yes\r\n   No\r\n   Always",
    "numbers in a line": CALL + "1=yes 2=no 3=always: ",
    "a sign below what is asked": f"🙋 {COLOUR}\r\n↳ ",
    "an arrow below what is asked": f"Clarification needed: {COLOUR}\r\n→ ",
    "a bar at the left": f"┃ {COLOUR}\r\n┃ Your reply: ",
    "letters, in Chinese": CALL + "是否允许执行？ (y/n): ",
    "letters of another language": CALL + "Ausführen? [j/n]: ",
    "how to answer in brackets": f"🤔 {COLOUR}\r\n(type your answer and press Enter) ",
}
#: A prompt that has a name and a colon too looks so.
NAMED = {
    "another name": f"The assistant is asking: {COLOUR}\r\nHuman: ",
    "a field by its name": f"Input required: {COLOUR}\r\nInput: ",
}
PROMPTS = ["> ", "❯ ", "You: ", "agent> "]


def spins(since: float, until: float) -> Iterator[Step]:
    for step in range(int((until - since) * 10)):
        yield since + step / 10, f"\x1b[?25l\r\x1b[2K{SPINS[step % 8]} Thinking...".encode()
    yield until, b"\r\x1b[2K\x1b[?25h"


def typed(at: float, words: str) -> Iterator[Step]:
    yield at, (words.encode(),)
    yield at + 0.05, words.encode()
    yield at + 0.4, (b"\r",)
    yield at + 0.45, b"\r\n"


def begun(prompt: str) -> list[Step]:
    """A prompt that was answered, and another one, with a spinner until 12 s."""
    return [
        (1.0, (90, 28)),
        (1.2, (START + prompt).encode()),
        *typed(3.0, "hello there you"),
        (5.0, f"Hello. I am here.\r\n\r\n{prompt}".encode()),
        *typed(8.0, "make the release"),
        *spins(8.6, 12.0),
    ]


def at(folder: Path, steps: list[Step], *moments: float) -> list[Doing]:
    told = list(
        Replay(Playback(record(folder, steps)), [rulebook("generic")], backend()).activities()
    )
    return [[each for each in told if each.since < moment][-1].doing for moment in moments]


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("asked", ASKS.values(), ids=ASKS)
def test_what_is_asked_below_what_was_printed_waits(
    tmp_path: Path, asked: str, prompt: str
) -> None:
    steps: list[Step] = [*begun(prompt), (12.2, asked.encode()), (20.0, b"\x1b[m")]
    assert at(tmp_path, steps, 11.5, 15.0) == [Doing.WORKING, Doing.WAITING]


@pytest.mark.parametrize("prompt", ["> ", "❯ ", "agent> "])
@pytest.mark.parametrize("asked", NAMED.values(), ids=NAMED)
def test_what_is_asked_at_another_name_waits(tmp_path: Path, asked: str, prompt: str) -> None:
    steps: list[Step] = [*begun(prompt), (12.2, asked.encode()), (20.0, b"\x1b[m")]
    assert at(tmp_path, steps, 11.5, 15.0) == [Doing.WORKING, Doing.WAITING]


@pytest.mark.parametrize("prompt", [*PROMPTS, "» ", "What would you like to do? "])
def test_a_word_of_work_that_stays_above_a_prompt_is_none(tmp_path: Path, prompt: str) -> None:
    steps: list[Step] = [
        (1.0, (90, 28)),
        (1.2, (START + prompt).encode()),
        *typed(3.0, "hello there you"),
        (3.6, b"Thinking...\r\n"),
        (7.0, f"Hello. I am here.\r\n\r\n{prompt}".encode()),
        (14.0, b"\x1b[m"),
    ]
    assert at(tmp_path, steps, 6.5, 12.0) == [Doing.WORKING, Doing.IDLE]


def test_a_question_is_asked_above_a_spinner_that_goes_on(tmp_path: Path) -> None:
    steps: list[Step] = begun("❯ ")[:-1]
    for step in range(40):
        drawn = f"\x1b[?25l\r\x1b[2K{SPINS[step % 8]} Running ask_user"
        above = f"\r\x1b[2K{COLOUR} Red or Green\r\nYour answer:\r\n" if not step else ""
        steps.append((12.2 + step / 10, f"{above}{drawn}".encode()))
    assert at(tmp_path, steps, 11.5, 15.0) == [Doing.WORKING, Doing.WAITING]


@pytest.mark.parametrize(
    "asked", ["Apply it? (Y)es/(N)o [Yes]: ", "It requires approval.\r\nRun? y/n: "]
)
def test_what_was_answered_is_asked_no_more_while_work_goes_on(tmp_path: Path, asked: str) -> None:
    steps: list[Step] = [*begun("> "), (12.2, asked.encode()), (15.0, (b"y\r",)), (15.1, b"y\r\n")]
    steps += spins(15.2, 19.0)
    assert at(tmp_path, steps, 14.5, 18.0) == [Doing.WAITING, Doing.WORKING]
