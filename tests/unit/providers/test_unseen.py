"""What a program may show that nobody has looked at: ways to ask, beside a spinner and at rest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.model.activity import Doing
from inspan.providers.screenrules import rulebook
from inspan.terminal.playback import Playback
from inspan.terminal.replay import Replay
from inspan.terminal.sanitize import columns
from inspan.terminal.screen import backend
from tests.fakes.recordings import Step, record

pytestmark = pytest.mark.requirement("B4")

COLUMNS, ROWS = 76, 24
LINE = "─" * (COLUMNS - 4)
FOOT = "  a-model · main"
SPINS = "⠋⠙⠹⠸⠼⠴⠦⠧"
SAID = ["> make the release", "", "I shall do so. ✅", ""]

ASKS = {
    "an arrow before one of some words": ["Allow this command?", "", "→ Yes", "  Always", "  No"],
    "letters that begin words": ["Run rm -rf build?", "[Y]es / [N]o / [A]lways"],
    "words in brackets": ["Tool: shell", "  rm -rf build", "Approve? (yes/no/always):"],
    "letters without brackets": ["Allow write_file? y/n/a"],
    "letters in brackets": ["Overwrite total.py? [y/N]"],
    "keys behind words": ["Allow this?   Yes (y)   No (n)   Always (a)"],
    "a key that is to be pressed": ["Run rm -rf build", "Press y to run, n to cancel"],
    "buttons of which one is marked": ["rm -rf build", "", "  ▸ Approve ◂    Reject    Edit"],
    "buttons with pictures": ["🔧 Run rm -rf build?", "✅ Approve   ❌ Reject"],
    "a change above it": ["-    return 1", "+    return 2", "", "Apply this?", "❯ Yes", "  No"],
    "the time that is left": ["Run it?", "[y] Yes   [n] No", "Denied in {left}s"],
    "a list of whatever words": ["Which colour shall it have?", "❯ Red", "  Green", "  Blue"],
    "what is ticked": ["It wants to write total.py", "● Allow once", "○ Allow always", "○ Deny"],
}


def drawn(rows: list[str]) -> bytes:
    shown = "\r\n".join(f"{row[: COLUMNS - 1]}\x1b[K" for row in rows)
    return f"\x1b[?25l\x1b[H{shown}\x1b[J".encode()


def boxed(rows: list[str], line: str = LINE) -> list[str]:
    inside = (f"│ {row}{' ' * (len(line) - 1 - columns(row))}│" for row in rows)
    return [f"╭{line}╮", *inside, f"╰{line}╯"]


def face(said: list[str], low: list[str]) -> list[str]:
    return [*said, *[""] * (ROWS - len(said) - len(low)), *low]


def field(typed: str = "") -> list[str]:
    return [*boxed([f"> {typed}"]), FOOT]


def over(rows: list[str], asked: list[str]) -> list[str]:
    """A dialog in the middle, over what is there."""
    rows = [f"{row:<{COLUMNS - 1}}" for row in rows]
    for at, row in enumerate(boxed(["", *asked, ""], "─" * 48), start=6):
        rows[at] = rows[at][:12] + row + rows[at][12 + len(row) :]
    return rows


def asking(place: str, spinner: str, asked: list[str]) -> list[str]:
    work = [*SAID, spinner]
    match place:
        case "above what moves":
            return face([*SAID, *asked, "", spinner], field())
        case "in a box above what moves":
            return face([*SAID, *boxed(asked), spinner], field())
        case "below what moves":
            return face([*work, "", *asked], field())
        case "where one types":
            return face(work, [*asked, FOOT])
        case _:
            return over(face(work, field()), asked)


PLACES = (
    "above what moves",
    "in a box above what moves",
    "below what moves",
    "where one types",
    "over all else",
)


def session(place: str, asked: list[str], *, moves: bool) -> Iterator[Step]:
    """A prompt, work with a spinner, and from 9 s on a question beside it, or without."""
    yield 1.0, (COLUMNS, ROWS)
    yield 1.2, b"\x1b[?1049h" + drawn(face(["welcome"], field()))
    yield 4.0, (b"make the release",)
    yield 4.1, drawn(face(["welcome"], field("make the release")))
    yield 4.5, (b"\r",)
    for step in range(48):
        at = 4.75 + step / 4
        spinner = f"{SPINS[step % 8]} Working… {int(at - 4.5)}s"
        if at < 9:
            yield at, drawn(face([*SAID, spinner], field()))
            continue
        shown = [row.replace("{left}", str(int(40 - at))) for row in asked]
        yield at, drawn(asking(place, spinner if moves else "", shown))
        if not moves:
            return


def at(folder: Path, steps: list[Step], *moments: float) -> list[Doing]:
    told = list(
        Replay(Playback(record(folder, steps)), [rulebook("generic")], backend()).activities()
    )
    return [[each for each in told if each.since < moment][-1].doing for moment in moments]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("asked", ASKS.values(), ids=ASKS)
def test_what_asks_beside_a_spinner_waits(tmp_path: Path, place: str, asked: list[str]) -> None:
    steps = list(session(place, asked, moves=True))
    assert at(tmp_path, steps, 8.9, 14.0) == [Doing.WORKING, Doing.WAITING]


@pytest.mark.parametrize("place", ["below what moves", "where one types", "over all else"])
@pytest.mark.parametrize("asked", ASKS.values(), ids=ASKS)
def test_what_asks_with_nothing_that_moves_waits(
    tmp_path: Path, place: str, asked: list[str]
) -> None:
    steps: list[Step] = [*session(place, asked, moves=False), (18.0, b"\x1b[m")]
    assert at(tmp_path, steps, 14.0) == [Doing.WAITING]


TELLS = {
    "what is to be done": ["Tasks", "☑ read a.py", "☐ write b.py", "☐ run the tests"],
    "steps of a plan": ["The plan is this:", "1. Read the code", "2. Mend it", "3. Run the tests"],
    "a change": ["Changes", "-    if ok: continue", "+    if not ok: skip", " "],
    "what a command asked": ["Proceed with 1? [y/N]", "Proceed with 2? [y/N]", "It is removed."],
    "a dialog that is quoted": [
        "Run it?",
        "> 1. Yes",
        "  2. No",
        "That is what it prints, and it stops.",
    ],
}


@pytest.mark.parametrize("place", ["above what moves", "below what moves"])
@pytest.mark.parametrize("told", TELLS.values(), ids=TELLS)
def test_what_asks_nothing_beside_a_spinner_is_work(
    tmp_path: Path, place: str, told: list[str]
) -> None:
    steps = list(session(place, told, moves=True))
    assert at(tmp_path, steps, 10.5, 14.0) == [Doing.WORKING, Doing.WORKING]


def test_a_line_of_status_that_says_that_it_works_needs_no_motion(tmp_path: Path) -> None:
    def status(word: str, typed: str = "Message") -> bytes:
        return drawn(face(["> welcome"], [f"  {word} · a-model", f"  {LINE}", f"  {typed}"]))

    steps: list[Step] = [
        (1.0, (COLUMNS, ROWS)),
        (1.2, b"\x1b[?1049h" + status("ready")),
        (4.0, (b"make the release",)),
        (4.1, status("ready", "make the release")),
        (4.5, (b"\r",)),
        (4.6, status("running · turn 1")),
        (12.0, status("done · turn 1")),
        (18.0, b"\x1b[m"),
    ]
    assert at(tmp_path, steps, 11.0) == [Doing.WORKING]


def test_a_list_in_what_was_said_is_none_of_a_dialog(tmp_path: Path) -> None:
    talk = ["Do you want to go on? (y/n)", "> 1. Yes", "  2. No, and say why", "", "That is what"]
    talk += [f"line {at} of the script prints, and nobody types anything there" for at in range(9)]

    def shown(said: list[str], typed: str) -> bytes:
        return drawn(["a-model", LINE, *said, *[""] * (18 - len(said)), LINE, f"  {typed}"])

    steps: list[Step] = [
        (1.0, (COLUMNS, ROWS)),
        (1.2, b"\x1b[?1049h" + shown([], "Message")),
        (4.0, (b"make the release",)),
        (4.1, shown([], "make the release")),
        (4.5, (b"\r",)),
        (5.0, shown(talk, "Message")),
        (14.0, b"\x1b[m"),
    ]
    assert at(tmp_path, steps, 12.0) == [Doing.IDLE]


def titled(word: str) -> bytes:
    return f"\x1b]2;{word}\x07".encode()


def turning(until: float) -> Iterator[Step]:
    """A prompt and work, of which only the title's spinner tells: it turns until then."""
    yield 1.0, (COLUMNS, ROWS)
    yield 1.2, b"\x1b[?1049h" + titled("agent") + drawn(face(["welcome"], field()))
    yield 4.0, (b"make the release",)
    yield 4.1, drawn(face(["welcome"], field("make the release")))
    yield 4.5, (b"\r",)
    yield 4.6, drawn(face(SAID[:1], field()))
    for step in range(int((until - 5.0) * 5)):
        yield 5.0 + step / 5, titled(f"{SPINS[step % 8]} make the release - agent")


def test_a_spinner_in_the_title_that_stopped_is_no_work(tmp_path: Path) -> None:
    steps = [*turning(12.0), (12.1, drawn(face([*SAID[:1], "It was stopped."], field())))]
    steps.append((30.0, b"\x1b[m"))
    assert at(tmp_path, steps, 11.0, 16.0) == [Doing.WORKING, Doing.IDLE]


def test_a_spinner_in_the_title_that_never_turns_is_work(tmp_path: Path) -> None:
    steps = [*turning(5.0), (5.0, titled("✦ make the release - agent")), (30.0, b"\x1b[m")]
    assert at(tmp_path, steps, 12.0) == [Doing.WORKING]


def test_a_sign_of_the_name_in_the_first_title_is_no_work(tmp_path: Path) -> None:
    steps: list[Step] = [
        (1.0, (COLUMNS, ROWS)),
        (1.2, b"\x1b[?1049h" + titled("✻ agent") + drawn(face(["welcome"], field()))),
        (12.0, b"\x1b[m"),
    ]
    assert at(tmp_path, steps, 8.0) == [Doing.IDLE]


QUOTED = [
    "Do you want to go on? (y/n)",
    "> 1. Yes",
    "  2. No, and say why",
    "  Press enter to confirm or esc to cancel",
    "",
    "That is line 41 of the script, and nobody types anything there.",
    "It hangs until somebody does.",
]


@pytest.mark.parametrize("sign", ["~", "::", "¶", "∴"])
def test_a_prompt_of_whatever_sign_is_known_at_the_start_and_below_what_was_said(
    tmp_path: Path, sign: str
) -> None:
    said = "\r\n".join(QUOTED)
    steps: list[Step] = [
        (1.0, (COLUMNS, ROWS)),
        (1.2, f"I am an agent.\r\n\r\n{sign}  ".encode()),
        (7.0, (b"why does it hang?",)),
        (7.1, b"why does it hang?"),
        (7.5, (b"\r",)),
        (7.6, b"\r\n"),
        (9.0, f"{said}\r\n\r\n{sign}  ".encode()),
        (18.0, b"\x1b[m"),
    ]
    assert at(tmp_path, steps, 6.0, 15.0) == [Doing.IDLE, Doing.IDLE]


def test_a_list_that_is_the_last_above_a_prompt_of_whatever_sign_asks(tmp_path: Path) -> None:
    steps: list[Step] = [
        (1.0, (COLUMNS, ROWS)),
        (1.2, b"I am an agent.\r\n\r\n~  "),
        (7.0, (b"why does it hang?",)),
        (7.1, b"why does it hang?"),
        (7.5, (b"\r",)),
        (7.6, b"\r\n"),
        (9.0, "\r\n".join([*QUOTED[:3], "", "~  "]).encode()),
        (18.0, b"\x1b[m"),
    ]
    assert at(tmp_path, steps, 15.0) == [Doing.WAITING]


def test_what_an_answer_puts_in_brackets_is_no_work(tmp_path: Path) -> None:
    quoted = "(⠋ Working… 12s · esc to interrupt) is drawn by the wrapper, and says nothing."
    steps: list[Step] = [
        (1.0, (COLUMNS, ROWS)),
        (1.2, b"\x1b[?1049h" + drawn(face(["welcome"], field()))),
        (4.0, (b"make the release",)),
        (4.1, drawn(face(["welcome"], field("make the release")))),
        (4.5, (b"\r",)),
        (5.0, drawn(face([], [*SAID[:1], "The spinner that you saw", quoted, "", *field()]))),
        (14.0, b"\x1b[m"),
    ]
    assert at(tmp_path, steps, 12.0) == [Doing.IDLE]


def started(said: list[str], low: list[str], *, screen: bytes = b"\x1b[?1049h") -> list[Step]:
    """A program that has drawn its screen, and stands still."""
    return [
        (1.0, (COLUMNS, ROWS)),
        (1.2, screen + drawn(face(said, low))),
        (14.0, b"\x1b[m"),
    ]


HINTS = {
    "how to stop what it will do": ["enter sends", "ctrl+c interrupts · ctrl+d quits"],
    "what its start did": ["📸 Taking a snapshot...", "✅ Taken"],
}


@pytest.mark.parametrize("hints", HINTS.values(), ids=HINTS)
def test_what_nobody_has_typed_to_is_at_rest_whatever_its_hints_say(
    tmp_path: Path, hints: list[str]
) -> None:
    assert at(tmp_path, started(["welcome", "", *hints], field()), 9.0) == [Doing.IDLE]


def test_a_dialog_of_the_start_and_what_still_starts_are_no_rest(tmp_path: Path) -> None:
    asks = ["Do you trust this folder?", "❯ 1. Yes", "  2. No"]
    (tmp_path / "asks").mkdir()
    assert at(tmp_path / "asks", started(["welcome"], [*asks, FOOT]), 9.0) == [Doing.WAITING]
    loads = started(["  threads"], ["Loading the model…", *field()])
    assert at(tmp_path, loads, 9.0) != [Doing.IDLE]


def stopped(last: list[str], *, moves: bool = False) -> Iterator[Step]:
    """A prompt, work, a key that stops it at 9 s, and what is shown from then on."""
    yield from (step for step in session("", [], moves=True) if step[0] < 9)
    yield 9.0, (b"\x1b",)
    for step in range(40):
        blink = f"{'◉○'[step % 2]} a-model" if moves else FOOT
        shown = drawn(face([*SAID, *last], [*boxed(["> "]), blink]))
        yield 9.2 + step / 4, shown
        if not moves:
            break
    yield 20.0, b"\x1b[m"


@pytest.mark.parametrize("moves", [False, True], ids=["and stands still", "and something moves"])
def test_who_says_that_it_was_stopped_rests_whatever_stands_there_of_its_work(
    tmp_path: Path, moves: bool
) -> None:
    last = ["⠹ Working… 12s (esc to interrupt)", "", "⚡ Interrupted by user"]
    assert at(tmp_path, list(stopped(last, moves=moves)), 15.0) == [Doing.IDLE]


def test_who_was_stopped_and_says_nothing_of_it_works_while_it_moves(tmp_path: Path) -> None:
    steps = [step for step in session("", [], moves=True) if step[0] < 9]
    spins = [
        (9.2 + n / 4, drawn(face([*SAID, f"{SPINS[n % 8]} Working… {n}s"], field())))
        for n in range(24)
    ]
    assert at(tmp_path, [*steps, (9.0, (b"\x1b",)), *spins], 14.0) == [Doing.WORKING]


def test_a_question_that_was_answered_is_none_where_a_spinner_turns_below_it(
    tmp_path: Path,
) -> None:
    asked = ["It wants to run make", "⏳ Waiting for your approval"]
    steps: list[Step] = [
        *(step for step in session("", [], moves=False) if step[0] < 9),
        (9.2, drawn(face([*SAID, *asked], field()))),
        (12.0, (b"y",)),
    ]
    steps += [
        (12.2 + n / 4, drawn(face([*SAID, *asked, f"{SPINS[n % 8]} Thinking"], field())))
        for n in range(24)
    ]
    assert at(tmp_path, steps, 11.9, 16.0) == [Doing.WAITING, Doing.WORKING]
