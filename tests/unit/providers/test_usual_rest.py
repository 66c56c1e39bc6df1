"""Programs of no kind that a rule names, to which a prompt was sent: what they do after that."""

from pathlib import Path

import pytest

from inspan.model.activity import Doing
from inspan.providers.screenrules import rulebook
from inspan.terminal.playback import Playback
from inspan.terminal.replay import Replay
from inspan.terminal.screen import backend
from tests.fakes.recordings import Step, record

pytestmark = pytest.mark.requirement("B4")

#: A place to type that no rule knows, with a row of keys that might be a dialog's.
REST = "\x1b[2J\x1b[H{said}\r\n\r\n  ~ what next ~\r\n\r\n  [esc] cancel  [enter] select\x1b[?25l"
TYPED = "\x1b[3;1H\x1b[K  ~ {line} ~"
LINE = "find the slow part"


def said(folder: Path, *after: bytes) -> tuple[Doing, str]:
    """Last of all, where a prompt was sent and then this came, each a quarter of a second later."""
    steps: list[Step] = [
        (1.0, (60, 16)),
        (2.0, REST.format(said="welcome").encode()),
        (6.0, (LINE.encode(),)),
        (6.1, TYPED.format(line=LINE).encode()),
        (6.5, (b"\r",)),
        *((7.2 + 0.25 * number, each) for number, each in enumerate(after)),
        (20.0, b"\x1b[m"),
    ]
    replay = Replay(Playback(record(folder, steps)), [rulebook("generic")], backend())
    last = list(replay.activities())[-1]
    return last.doing, last.rule


WORK = [f"\x1b[2J\x1b[Hpart {number} of it\r\nline".encode() for number in range(12)]


def test_it_rests_where_it_looks_as_when_the_prompt_was_sent(tmp_path: Path) -> None:
    back = REST.format(said="It is the second one.").encode()
    assert said(tmp_path, *WORK, back) == (Doing.IDLE, "generic/as-before")


def test_what_takes_its_place_and_stands_still_asks(tmp_path: Path) -> None:
    asks = b"\x1b[2J\x1b[HShall the blue one go?\r\n\r\n  \xe2\x96\xb8 keep\r\n    drop"
    doing, rule = said(tmp_path, *WORK, asks + b"\x1b[?25l\x1b[8;1H")
    assert doing is Doing.WAITING
    assert rule


def test_what_takes_its_place_and_asks_nothing_is_unknown(tmp_path: Path) -> None:
    other = b"\x1b[2J\x1b[HA page of text.\r\n\r\n  With some words.\x1b[?25l\x1b[9;4H"
    assert said(tmp_path, *WORK, other)[0] is not Doing.WAITING


HINTS = "Ctrl+J newline · Ctrl+V paste · ESC cancel"
BOXED = f"┌──────| {HINTS} |──────┐\r\n│{' ' * 58}│\r\n└{'─' * 58}┘\r\n"


@pytest.mark.parametrize(
    "below",
    [
        " /help",
        "  send q to exit | press enter to send",
        "  use enter to send, shift+enter newline",
    ],
)
def test_the_keys_of_a_place_to_type_ask_nothing(tmp_path: Path, below: str) -> None:
    drawn = f"\x1b[2J\x1b[Hhello\r\n\r\n{BOXED}{below}\x1b[4;2H"
    steps: list[Step] = [(1.0, (60, 16)), (2.0, drawn.encode()), (9.0, b"\x1b[m")]
    replay = Replay(Playback(record(tmp_path, steps)), [rulebook("generic")], backend())
    assert list(replay.activities())[-1].doing is Doing.IDLE


def test_a_line_that_waits_for_a_person_may_have_dots_that_move(tmp_path: Path) -> None:
    steps: list[Step] = [(1.0, (60, 16)), (2.0, f"\x1b[2J\x1b[Hhello\r\n\r\n{BOXED}".encode())]
    for number in range(40):
        dots = "." * (number % 4)
        line = f"\x1b[7;1H\x1b[K It is waiting for confirmation{dots}\x1b[4;2H"
        steps.append((3.0 + number / 5, line.encode()))
    replay = Replay(Playback(record(tmp_path, steps)), [rulebook("generic")], backend())
    every = [each for each in replay.activities() if each.since < 10.9]
    assert every[-1].doing is Doing.WAITING
