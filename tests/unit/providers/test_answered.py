"""What stays on the screen after it was answered, and what came before a prompt was sent."""

from pathlib import Path

import pytest

from inspan.model.activity import Doing
from inspan.providers.screenrules import rulebook
from inspan.terminal.playback import Playback
from inspan.terminal.replay import Replay
from inspan.terminal.screen import backend
from tests.fakes.recordings import Step, record

pytestmark = pytest.mark.requirement("B4")

BOX = "\r\n\r\n╭────────────────────╮\r\n│ ❯                  │\r\n╰────────────────────╯"
PROMPT = f"\x1b[2J\x1b[H{{said}}{BOX}\x1b[A\x1b[5G\x1b[?25h"
SENT: list[Step] = [(6.0, (b"make the release",)), (6.5, (b"\r",))]
ASKS = "\x1b[2J\x1b[H❯ make the release\r\n\r\nRun it: sleep 9?\r\n\r\ny accept  ·  n reject"
SPINS = "⠋⠙⠹⠸⠼⠴⠦⠧"


def last(folder: Path, *steps: Step, until: float = 25.0) -> Doing:
    """What it does at last, before nothing more comes."""
    every = [(1.0, (60, 16)), *steps, (until, b"\x1b[m")]
    replay = Replay(Playback(record(folder, every)), [rulebook("generic")], backend())
    told = [each for each in replay.activities() if each.since < until - 0.3]
    return told[-1].doing


def spun(first: float, until: float, every: float = 0.25, text: str = "running") -> list[Step]:
    """A spinner below what asked."""
    count = int((until - first) / every)
    return [
        (first + n * every, f"\x1b[8;1H{SPINS[n % 8]} {text}\x1b[?25l".encode())
        for n in range(count)
    ]


def begun(said: str = "welcome") -> list[Step]:
    return [(2.0, PROMPT.format(said=said).encode()), *SENT]


def test_buttons_that_stay_ask_no_more_once_they_were_answered(tmp_path: Path) -> None:
    asked = [*begun(), (7.0, ASKS.encode())]
    assert last(tmp_path / "asks", *asked) is Doing.WAITING
    done: list[Step] = [(12.0, (b"y",)), (12.2, b"\x1b[6;1HAccepted")]
    assert last(tmp_path / "works", *asked, *done, *spun(13, 25)) is Doing.WORKING


def test_keys_that_move_about_answer_nothing(tmp_path: Path) -> None:
    moved: list[Step] = [(12.0, (b"\x1b[B",)), (12.2, b"\x1b[6;1HIt takes a while.")]
    assert last(tmp_path, *begun(), (7.0, ASKS.encode()), *moved) is Doing.WAITING


def test_a_spinner_that_turns_slowly_works_as_long_as_it_stands_so(tmp_path: Path) -> None:
    clears: Step = (7.0, b"\x1b[2J\x1b[H\xe2\x9d\xaf make the release")
    steps = [*begun(), clears, *spun(8, 24.5, every=2.2)]
    assert last(tmp_path / "turns", *steps) is Doing.WORKING
    gone = (24.0, b"\x1b[8;1H\x1b[2KIt is done.")
    assert last(tmp_path / "gone", *steps, gone, until=29.0) is not Doing.WORKING


@pytest.mark.parametrize("typed", [True, False])
def test_who_says_how_to_stop_before_anybody_typed_does_not_work(
    tmp_path: Path, typed: bool
) -> None:
    says = "welcome\r\n\r\nctrl+o expands · ctrl+c interrupts · ctrl+d quits"
    steps: list[Step] = [(2.0, PROMPT.format(said=says).encode())]
    if typed:
        answer = f"{says}\r\n\r\n❯ make the release\r\n\r\nIt is made."
        steps += [*SENT, (8.0, PROMPT.format(said=answer).encode())]
    assert last(tmp_path, *steps) is Doing.IDLE


def test_what_a_spinner_s_row_was_broken_into_asks_nothing(tmp_path: Path) -> None:
    clears: Step = (7.0, b"\x1b[2J\x1b[H\xe2\x9d\xaf make the release")
    box = "\x1b[8;1H╭{0}╮\r\n│ {1} bash for n in 1 2 3; do … {2}s › Proceed with the number │\r\n"
    box += "│ of it? [y/N]{3}│\r\n╰{0}╯\x1b[?25l"
    drawn: list[Step] = [
        (8 + n / 5, box.format("─" * 58, SPINS[n % 8], n // 5, " " * 45).encode())
        for n in range(60)
    ]
    assert last(tmp_path, *begun(), clears, *drawn, until=20.0) is Doing.WORKING
