"""What the general rules say of programs that print line by line; the cases are in `plaindrawings`.

The half that no rule was written with is held to less: how much less is what a new program may do.
"""

from collections.abc import Iterable
from itertools import pairwise
from math import inf
from pathlib import Path

import pytest

from inspan.model.activity import Activity, Doing
from inspan.providers.screenrules import rulebook
from inspan.terminal.playback import Playback
from inspan.terminal.replay import Replay
from inspan.terminal.screen import backend
from tests.fakes import movingdrawings
from tests.fakes.plaindrawings import LOOKED_AT, Case, cases
from tests.fakes.recordings import Step, record

pytestmark = pytest.mark.requirement("B4")


def looked_at(folder: Path, case: Case) -> list[Doing]:
    """What is said at each moment at which it is looked at."""
    steps, last = case.recorded()
    replay = Replay(Playback(record(folder, steps)), [rulebook("generic")], backend())
    told = [(replay.now, activity.doing) for activity in replay.activities()]
    replay.look.close()
    spans = list(pairwise([*told, (inf, Doing.UNKNOWN)]))
    moments = [last + after for after in LOOKED_AT]
    at_each = ((said for (at, said), (until, _) in spans if at <= each < until) for each in moments)
    return [next(said, Doing.UNKNOWN) for said in at_each]


def measured(folder: Path, chosen: Iterable[Case]) -> tuple[float, float, float, float]:
    """Answered, right where answered, rest claimed wrongly and waiting missed, as shares."""
    found = [
        (case.doing, said)
        for at, case in enumerate(chosen)
        for said in looked_at(folder / str(at), case)
    ]
    answered = [pair for pair in found if pair[1] is not Doing.UNKNOWN]
    busy = [said for known, said in found if known is not Doing.IDLE]
    waiting = [said for known, said in found if known is Doing.WAITING]
    return (
        len(answered) / len(found),
        sum(known is said for known, said in answered) / len(answered),
        sum(said is Doing.IDLE for said in busy) / len(busy),
        sum(said is not Doing.WAITING for said in waiting) / len(waiting),
    )


def test_what_the_rules_were_written_with_is_read(tmp_path: Path) -> None:
    answered, right, idle, missed = measured(tmp_path, (each for each in cases() if each.mended))
    assert answered > 0.94
    assert right > 0.98
    assert idle < 0.02
    assert missed < 0.04


def test_the_other_half_is_read_less_well(tmp_path: Path) -> None:
    answered, right, idle, missed = measured(
        tmp_path, (each for each in cases() if not each.mended)
    )
    assert answered > 0.93
    assert right > 0.92
    assert idle < 0.07
    assert missed < 0.12


@pytest.mark.parametrize("mended", [True, False])
def test_what_moves_while_it_says_much_is_read(tmp_path: Path, mended: bool) -> None:
    chosen = (each for each in movingdrawings.cases() if each.mended is mended)
    answered, right, idle, missed = measured(tmp_path, chosen)
    assert answered > 0.9
    # Lines of a command that ask for leave one after the other are taken for questions.
    assert right > 0.84
    assert idle == missed == 0.0


def said(folder: Path, *steps: Step) -> list[Activity]:
    """All that is said of a small terminal, up to its last moment."""
    playback = Playback(record(folder, [(1.0, (60, 10)), *steps]))
    return list(Replay(playback, [rulebook("generic")], backend()).activities())


def test_a_list_that_came_line_by_line_is_no_dialog_at_once(tmp_path: Path) -> None:
    rows = [
        (2.0, b"The script prints:\r\n"),
        (3.0, b"  > 1. Yes\r\n"),
        (4.0, b"    2. No\r\n"),
    ]
    slowly = said(tmp_path / "s", *rows, (7.0, b"and then it "), (7.5, b"hangs."))
    assert Doing.WAITING not in [each.doing for each in slowly]
    for_long = said(tmp_path / "l", *rows, (12.0, b"\x1b[m"))
    assert for_long[-1].doing is Doing.WAITING
    at_once = said(tmp_path / "o", (2.0, b"".join(what for _, what in rows)), (5.0, b"\x1b[m"))
    assert next(each.since for each in at_once if each.doing is Doing.WAITING) < 3.0


def test_what_covers_the_middle_of_a_box_asks_though_all_else_moves(tmp_path: Path) -> None:
    line = "─" * 12
    rows = (
        "{sign} words that are behind it",
        f"╭{line}                              {line}╮",
        "│ more        Allow?  yes  no  always         │",
        f"╰{line}                              {line}╯",
        "{sign} 12s",
    )
    steps: list[Step] = []
    for number in range(40):
        shown = "\r\n".join(rows).replace("{sign}", "⠋⠙⠹⠸"[number % 4])
        steps.append((2.0 + number / 5, f"\x1b[?25l\x1b[H{shown}".encode()))
    assert said(tmp_path / "r", *steps)[-1].doing is Doing.WAITING


def test_a_prompt_that_came_last_is_rest_though_what_came_before_it_moved(tmp_path: Path) -> None:
    steps: list[Step] = [(2.0 + n / 2, f"line {n}\r\n".encode()) for n in range(9)]
    told = said(tmp_path / "r", *steps, (6.3, b"\r\n> "), (9.0, b"\x1b[m"))
    assert told[-1].doing is Doing.IDLE
    assert told[-1].since < 7.5


def test_what_a_spinner_says_holds_back_no_motion_for_long(tmp_path: Path) -> None:
    frames = [
        (2.0 + n / 10, f"\r\x1b[2K{'/-|'[n % 3]} Approval required by job {n}".encode())
        for n in range(60)
    ]
    told = said(tmp_path / "r", (1.5, b"\x1b[?25l"), *frames)
    assert [each.doing for each in told if 4.0 < each.since < 8.0] == []
    assert next(each for each in reversed(told) if each.since < 4.0).doing is Doing.WORKING


@pytest.mark.parametrize(
    ("words", "doing"),
    [
        ("⠋ Waiting for response from the API server... 0:00:01", Doing.WORKING),
        ("⠋ Awaiting reply from m", Doing.WORKING),
        ("⠋ Waiting for your reply", Doing.WAITING),
        ("⠋ Waiting for approval", Doing.WAITING),
        ("⠋ Waiting for response from the user", Doing.WAITING),
    ],
)
def test_who_is_waited_for_tells_whether_it_asks(tmp_path: Path, words: str, doing: Doing) -> None:
    told = said(tmp_path / "r", (2.0, f"\x1b[?25l{words}".encode()), (8.0, b"\x1b[m"))
    assert told[-1].doing is doing


def test_a_list_above_a_prompt_with_a_name_was_quoted(tmp_path: Path) -> None:
    quoted = "It prints:\n > 1. Yes\n   2. No\nand hangs.\n" + "─" * 60 + "\nmodel # "
    told = said(tmp_path / "r", (2.0, quoted.replace("\n", "\r\n").encode()), (9.0, b"\x1b[m"))
    assert told[-1].doing is Doing.IDLE
    assert Doing.WAITING not in [each.doing for each in told]


@pytest.mark.parametrize("cursor", ["", "\x1b[?25l"])
def test_lines_and_then_silence_are_work(tmp_path: Path, cursor: str) -> None:
    text = f"{cursor}> do it\r\n\r\nRunning the tests\r\n"
    assert said(tmp_path / "r", (2.0, text.encode()), (9.0, b""))[-1].doing is Doing.WORKING
