"""What moves at rest too, and what asks while something moves beside it."""

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

LINE = "─" * 56
FIELD = [f"╭{LINE}╮", f"│{' ' * 56}│", f"╰{LINE}╯"]
SPINS = "⠋⠙⠹⠸⠼⠴⠦⠧"


def drawn(rows: list[str]) -> bytes:
    return ("\x1b[?25l\x1b[H" + "\r\n".join(f"{row}\x1b[K" for row in rows) + "\x1b[J").encode()


def face(said: list[str], status: str, keys: str = "^t mode  ^p palette") -> bytes:
    """An application over the whole screen: a line of status above the field, and keys below."""
    return drawn([*said, *[""] * (15 - len(said)), status, *FIELD, keys])


def session(clock: str, *, asks: list[str], keys: str) -> Iterator[Step]:
    """A prompt, work with a spinner and a clock, and then a question beside both, from 12 s on."""
    yield 1.0, (60, 20)
    yield 1.2, b"\x1b[?1049h" + face(["welcome"], clock.format(0))
    for second in range(2, 7):
        yield float(second), face(["welcome"], clock.format(second))
    yield 6.2, (b"make the release",)
    field = face(["welcome"], clock.format(6)).replace(
        (" " * 56).encode(), b"make the release" + b" " * 40
    )
    yield 6.25, field
    yield 6.6, (b"\r",)
    for step in range(4 * 13):
        at = 7.0 + step / 4
        rows = ["> make the release", f"{SPINS[step % 8]} working · {int(at - 6.6)}s"]
        asked = at >= 12
        yield (
            at,
            face(
                [*rows, "", *(asks if asked else [])],
                clock.format(int(at)),
                *([keys] if asked else []),
            ),
        )


def last(folder: Path, steps: list[Step], until: float) -> Doing:
    """What it does just before ``until``."""
    told = Replay(Playback(record(folder, steps)), [rulebook("generic")], backend()).activities()
    return [each for each in told if each.since < until][-1].doing


CLOCKS = ["a model · session {}s", "⏱ {}s · a model", "a model │ 0:{:02}"]
BOX = f"╭{LINE}╮", f"╰{LINE}╯"
APPROVES = [BOX[0], f"│{'  Approve write_file?':<56}│", f"│{'  settings.ini':<56}│", BOX[1]]
CHOOSES = [
    BOX[0],
    *(
        f"│{text:<56}│"
        for text in ("  Which colour?", "  Red", "  Green", "  or type your own answer…")
    ),
    BOX[1],
]


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize(
    ("asks", "keys"),
    [(APPROVES, "a Approve  d Deny  ^t mode  ^p palette"), (CHOOSES, "esc Cancel  ^p palette")],
)
def test_a_question_beside_a_spinner_and_a_clock_waits(
    tmp_path: Path, clock: str, asks: list[str], keys: str
) -> None:
    steps = list(session(clock, asks=asks, keys=keys))
    assert last(tmp_path, steps, 11.5) is Doing.WORKING
    assert last(tmp_path, steps, 19.0) is Doing.WAITING


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_clock_alone_is_no_work(tmp_path: Path, clock: str) -> None:
    steps = list(session(clock, asks=[], keys=""))
    done: list[Step] = [
        (20.0 + at, face(["> make the release", "", "It is made."], clock.format(20 + at)))
        for at in range(8)
    ]
    assert last(tmp_path, [*steps, *done], 27.5) is Doing.IDLE


def test_the_same_question_asked_again_is_not_the_one_that_was_answered(tmp_path: Path) -> None:
    steps = list(session(CLOCKS[0], asks=APPROVES, keys="a Approve  d Deny  ^t mode"))
    other = [row.replace("settings.ini", "notes/two.md") for row in APPROVES]
    again: list[Step] = [(20.0, (b"a",))]
    for step in range(20):
        rows = ["> make the release", f"{SPINS[step % 8]} working · {14 + step // 4}s", ""]
        face_of = face(
            [*rows, *other], f"a model · session {20 + step // 4}s", "a Approve  d Deny  ^t mode"
        )
        again.append((20.1 + step / 4, face_of))
    assert last(tmp_path, [*steps, *again], 25.0) is Doing.WAITING


def split(said: list[str], panel: list[str]) -> bytes:
    """The talk at the left, and a panel beside it from the top to the bottom, if there is one."""
    half = 28 if panel else 58
    edge = "─" * (half - 2)
    field = [f"╭{edge}╮", f"│{' Message':<{half - 2}}│", f"╰{edge}╯"]
    talk = [*said, *[""] * (16 - len(said)), *field]
    if not panel:
        return drawn([*talk, " ~/work"])
    shown = [*panel[:-1], *[""] * (len(talk) - len(panel)), panel[-1]]
    rows = [f"{row:<29}│ {other}" for row, other in zip(talk, shown, strict=True)]
    return drawn([*rows, " ~/work"])


PANELS = {
    "buttons": ["", "Action: shell", "  rm -rf build", "  ✓ Apply    ✕ Reject"],
    "a list": ["Shall this command be run?", "❯ 1. Yes", "  2. No", ""],
    "keys": ["", "Run it?", "[y] allow  [n] deny"],
}
TELLS = {
    "what is to be done": ["Tasks", "☑ read a.py", "☐ run the tests"],
    "changes": ["Changes", "- if ok: continue", "+ if not ok: skip"],
    "keys": ["Keys", "ctrl+c stop", "tab complete", "esc close"],
}


@pytest.mark.parametrize(
    ("panel", "doing"),
    [
        *((each, Doing.WAITING) for each in PANELS.values()),
        *((each, Doing.WORKING) for each in TELLS.values()),
    ],
    ids=[*(f"asks by {name}" for name in PANELS), *(f"tells {name}" for name in TELLS)],
)
def test_what_a_panel_asks_is_not_of_what_moves_beside_it(
    tmp_path: Path, panel: list[str], doing: Doing
) -> None:
    typed = split([], []).replace(b"Message" + b" " * 9, b"make the release")
    steps: list[Step] = [
        (1.0, (60, 20)),
        (1.2, b"\x1b[?1049h" + split([], [])),
        (4.0, (b"make the release",)),
        (4.1, typed),
        (4.5, (b"\r",)),
    ]
    for step in range(40):
        at = 5.0 + step / 4
        said = [f"line {row} of the build" for row in range(max(0, step - 12), step)]
        rows = ["> make the release", *said, f"{SPINS[step % 8]} shell {step // 4}s"]
        steps.append((at, split(rows, panel if at >= 9 else [])))
    assert last(tmp_path, steps, 8.9) is Doing.WORKING
    assert last(tmp_path, steps, 14.0) is doing
