from pathlib import Path

import pytest

from inspan.errors import SessionNotFound
from inspan.model.activity import Activity, Doing, Source
from inspan.model.hook import Hook
from inspan.model.task import Exit, Needs
from inspan.terminal import announce
from inspan.terminal.playback import Playback
from inspan.terminal.replay import Replay
from inspan.terminal.rulefile import parse
from inspan.terminal.screen import backends
from tests.fakes.recordings import Step, record

pytestmark = [pytest.mark.requirement("B4"), pytest.mark.requirement("B6")]

BOOK = parse(
    r"""
    agent = "x"
    [[rule]]
    id = "spins"
    kind = "working"
    priority = 2
    region = "osc_title"
    all = ['^\* ']
    holds = 5
    [[rule]]
    id = "asks"
    kind = "waiting"
    priority = 1
    region = "cursor_line"
    all = ['\? $']
    asks = { kind = "question" }
    [[rule]]
    id = "rests"
    kind = "idle"
    region = "cursor_line"
    all = ['> $']
    """,
    "x.toml",
)


def played(folder: Path, *steps: Step) -> list[Activity]:
    """What both emulators come to, which is the same."""
    playback = Playback(record(folder, [(100.0, (40, 10)), *steps]))
    found = [list(Replay(playback, [BOOK], item).activities()) for item in backends()]
    assert all(item == found[0] for item in found)
    return found[0]


def times(activities: list[Activity]) -> list[tuple[float, Doing]]:
    return [(round(item.since - 100, 3), item.doing) for item in activities]


def test_a_session_from_its_recording(tmp_path: Path) -> None:
    told = played(
        tmp_path / "r",
        (101.0, b"> "),
        (101.9, (b"do it\r",)),
        (102.0, b"\x1b]0;* busy\x07"),
        (103.0, b"\r\nwriting\r\n"),
        (104.0, b"\x1b]0;x\x07Go on? "),
        (105.9, (b"y\r",)),
        (106.0, b"\r\n\x1b]0;* busy\x07"),
        (107.0, b"\x1b]0;x\x07> "),
        (110.0, Exit(0)),
    )
    assert times(told) == [
        (0.016, Doing.UNKNOWN),
        (1.016, Doing.IDLE),
        (2.016, Doing.WORKING),
        (4.016, Doing.WAITING),
        (6.016, Doing.WORKING),
        (7.016, Doing.IDLE),
    ]
    waiting = told[3]
    assert (waiting.rule, waiting.needs) == ("x/asks", Needs("question", "?"))
    assert [item.source for item in told[1:4]] == [Source.SCREEN, Source.TITLE, Source.SCREEN]


def test_a_spinner_that_stands_tells_nothing(tmp_path: Path) -> None:
    told = played(tmp_path / "r", (101.0, b"\x1b]0;* busy\x07"), (109.0, b"text"))
    assert times(told) == [(0.016, Doing.UNKNOWN), (1.016, Doing.WORKING), (6.0, Doing.UNKNOWN)]


def test_what_a_program_announces_is_stronger(tmp_path: Path) -> None:
    asks = announce.Waiting("permission", "May it?", ("yes", "no"))
    told = played(
        tmp_path / "r",
        (101.0, b"\x1b]0;* busy\x07"),
        (102.0, announce.encode(asks)),
        (103.0, b"\x1b]0;* busy\x07"),
        (104.0, (b"y",)),
        (105.0, (b"es\r",)),
        (106.0, announce.encode(asks)),
        (107.0, announce.encode(announce.Working())),
        (107.0, Exit(0)),
    )
    assert times(told)[2:] == [
        (2.0, Doing.WAITING),
        (5.0, Doing.WORKING),
        (6.0, Doing.WAITING),
        (7.0, Doing.WORKING),
    ]
    assert told[2].source is Source.PROTOCOL
    assert told[2].needs == Needs("permission", "May it?", ("yes", "no"))


def ran(hook: Hook) -> bytes:
    return f"\x1b]{hook}\x1b\\".encode()


def test_what_a_hook_says_is_believed_before_what_is_shown(tmp_path: Path) -> None:
    told = played(
        tmp_path / "r",
        (101.0, b"> "),
        (102.0, ran(Hook("UserPromptSubmit", Doing.WORKING))),
        (103.0, b"\r\nGo on? "),
        (104.0, ran(Hook("PostToolUse", Doing.WORKING))),
        (104.5, ran(Hook("Notification", Doing.WAITING))),
        (106.0, b"\x1b]0;* busy\x07"),
        (107.0, Exit(0)),
    )
    assert [(round(item.since - 100), item.doing, item.source) for item in told[1:]] == [
        (1, Doing.IDLE, Source.SCREEN),
        (2, Doing.WORKING, Source.HOOK),
        (3, Doing.WAITING, Source.SCREEN),
        (6, Doing.WORKING, Source.TITLE),
    ]


def test_the_end_of_a_turn_counts_until_the_next_can_have_begun(tmp_path: Path) -> None:
    told = played(
        tmp_path / "r",
        (101.0, b"\x1b]0;* busy\x07"),
        (102.0, ran(Hook("Stop", Doing.IDLE))),
        (103.0, b"\x1b]0;* busy\x07"),
        (109.0, b"\x1b]0;* busy\x07"),
        (113.0, Exit(0)),
    )
    assert [(round(item.since - 100), item.doing, item.source) for item in told[1:]] == [
        (1, Doing.WORKING, Source.TITLE),
        (2, Doing.IDLE, Source.HOOK),
        (12, Doing.WORKING, Source.TITLE),
    ]


def test_what_is_typed_overtakes_what_a_hook_said(tmp_path: Path) -> None:
    told = played(
        tmp_path / "r",
        (101.0, b"> "),
        (102.0, ran(Hook("PreToolUse", Doing.WORKING))),
        (103.0, (b"\x1b",)),
        (103.1, b"\r\nstopped\r\n> "),
        (105.0, Exit(0)),
    )
    assert [(round(item.since - 100), item.doing, item.source) for item in told[1:]] == [
        (1, Doing.IDLE, Source.SCREEN),
        (2, Doing.WORKING, Source.HOOK),
        (3, Doing.IDLE, Source.SCREEN),
    ]


def test_what_flaps_is_held_and_said(tmp_path: Path) -> None:
    shown = (b"\x1b]0;* busy\x07", b"\x1b]0;x\x07\r> ")
    told = played(tmp_path / "r", *((101.0 + at, shown[at % 2]) for at in range(10)))
    assert [item.flapping for item in told] == sorted(item.flapping for item in told)
    assert len(told) < 8
    assert (told[-1].doing, told[-1].flapping) == (Doing.IDLE, True), "it stayed, and is believed"


def test_a_size_that_changes_and_output_that_was_freed(tmp_path: Path) -> None:
    folder = record(
        tmp_path / "r", [(1.0, (40, 10)), (2.0, b"x" * 30), (3.0, (10, 5)), (4.0, b"\r\n> ")]
    )
    replay = Replay(Playback(folder), [BOOK], backends()[0])
    assert [item.doing for item in replay.activities()] == [Doing.UNKNOWN, Doing.IDLE]
    assert replay.look.screen.rows()[-1].startswith(">")


def test_there_is_no_such_recording(tmp_path: Path) -> None:
    replay = Replay(Playback(tmp_path / "none"), [BOOK], backends()[0])
    with pytest.raises(SessionNotFound):
        list(replay.activities())
