"""Dialogs, forms, work and rest that no recorded agent has, drawn by hand as libraries draw them.

A question that is taken for rest is one that nobody answers: where a person would see something
asked, no rule may say idle.
"""

from pathlib import Path

import pytest

from inspan.model.activity import Activity, Doing
from inspan.providers.screenrules import rulebook
from inspan.terminal.playback import Playback
from inspan.terminal.replay import Replay
from inspan.terminal.screen import backend
from tests.fakes.recordings import Step, record

pytestmark = pytest.mark.requirement("B4")

TEXTUAL = "\x1b[?1049h\x1b[?25l"
HIDDEN = "\x1b[?25l"
BORDER = "─" * 40
#: A prompt that says what it is for, and one with the cursor in it.
SAYS = (f"╭{BORDER}╮", f"│ {'Type your message':38} │", f"╰{BORDER}╯")
EMPTY = (f"╭{BORDER}╮", f"│ {'>':38} │", f"╰{BORDER}╯")


def shown(folder: Path, before: str, *rows: str) -> list[Activity]:
    """All that was said of a screen that stands; the cursor is in the last row with a prompt."""
    at = max((at for at, row in enumerate(rows, 1) if row.startswith("│ > ")), default=len(rows))
    return printed(folder, f"{before}\x1b[2J\x1b[H" + "\r\n".join(rows) + f"\x1b[{at};5H")


def printed(folder: Path, text: str) -> list[Activity]:
    """All that was said of what was printed at once, and nothing after it."""
    steps: list[Step] = [(1.0, (80, 24)), (2.0, text.encode()), (9.0, b"\x1b[m")]
    playback = Playback(record(folder, steps))
    return list(Replay(playback, [rulebook("generic")], backend()).activities())


ABOVE = {
    "words, of which one is marked": ("Confirm 1 action(s)?", "", "> Yes", "  No", "  Always"),
    "two words": ("Run this command?", "", "  ❯ Yes", "    No"),
    "numbers": ("Edit a.py?", "", "❯ 1. Yes", "  2. Yes, always", "  3. No"),
    "whatever words": ("Which colour?", "", "  ● Red", "  ○ Green", "  ○ Blue"),
    "words without a question": ("Permission: bash", "→ Allow once", "  Allow always", "  Reject"),
    "a title that asks": (
        f"╭ Which colour? {'─' * 20}╮",
        "│ ❯ Red                             │",
        "│   Green                           │",
        f"╰{'─' * 35}╯",
    ),
    "words of which one is coloured": ("Do you want to run it?", "  Yes", "  Always", "  No"),
    "numbers of which one is coloured": ("Run touch a?", "1. Yes", "2. No"),
    "buttons": ("touch a", "  Approve    Always    Reject"),
    "buttons in brackets": ("Run touch a?", "  [ Allow ]  [ Deny ]"),
    "letters": ("Run touch a?", "  y allow · n deny · a always"),
    "keys": ("Allow touch a?", "  [y] Yes  [n] No  [a] Always"),
    "(y/n)": ("Allow touch a? (y/n)",),
}


@pytest.mark.parametrize("prompt", [SAYS, EMPTY])
@pytest.mark.parametrize("name", ABOVE)
def test_what_is_asked_just_above_a_prompt(
    tmp_path: Path, name: str, prompt: tuple[str, ...]
) -> None:
    before = HIDDEN if prompt is SAYS else ""
    said = shown(tmp_path / "r", before, "said", "", *ABOVE[name], "", *prompt, " ~/work")
    assert said[-1].doing is Doing.WAITING
    assert Doing.IDLE not in [each.doing for each in said]


def test_what_is_asked_above_a_prompt_is_read(tmp_path: Path) -> None:
    needs = shown(tmp_path / "r", HIDDEN, *ABOVE["whatever words"], "", *SAYS)[-1].needs
    assert needs is not None
    assert (needs.question, needs.options) == ("Which colour?", ("Red", "Green", "Blue"))


#: Two buttons, and one.
BUTTONS = (" ▔▔▔▔▔▔▔▔▔▔▔▔ ▔▔▔▔▔▔▔▔▔▔▔▔", "     Save        Cancel", " ▁▁▁▁▁▁▁▁▁▁▁▁ ▁▁▁▁▁▁▁▁▁▁▁▁")
FIELD = ("  ▊▔▔▔▔▔▔▔▔▔▔▔▔▎", "  ▊  Basic  ▼  ▎", "  ▊▁▁▁▁▁▁▁▁▁▁▁▁▎")
OVER = "           │"
FORMS = {
    "a form on all of the screen": ("  Provider:", *FIELD, *BUTTONS),
    "buttons with other words": (
        "  Colour:",
        *FIELD,
        BUTTONS[0],
        "     Red        Blue",
        BUTTONS[2],
    ),
    "one button": ("  Key", *FIELD, " ▔▔▔▔▔▔▔▔▔▔▔▔", "    Submit", " ▁▁▁▁▁▁▁▁▁▁▁▁"),
    "a form over a prompt": (
        " some words",
        f"           ╭{'─' * 30}╮",
        f"{OVER}  Settings Mode:              │",
        f"{OVER}  Basic                     ▼ │",
        f"{OVER}      Save        Cancel      │",
        f"           ╰{'─' * 30}╯",
        "│ Type your message",
    ),
    "one button over a prompt": (
        f"           ╭{'─' * 30}╮",
        f"{OVER}  An error came               │",
        f"{OVER}            [ OK ]            │",
        f"           ╰{'─' * 30}╯",
        " > Type your message",
    ),
    "an empty field with its keys": (
        "┃ What is your name?",
        "┃ > ",
        "",
        "enter next • shift+tab back",
    ),
    "a list with its keys": (
        "  Pick a model",
        "│ One",
        "  Two",
        "",
        "↑/k up • ↓/j down • / filter",
    ),
    "a welcome": ("  Welcome", "", "   [ Sign in ]    [ Quit ]"),
    "a code for a browser": (
        "  Open https://example.com/device",
        "  and enter the code: ABCD-1234",
    ),
    "steps": ("◇  first", "│", "◆  What is your name?", "│  John", "└"),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form(tmp_path: Path, name: str) -> None:
    said = shown(tmp_path / "r", TEXTUAL, *FORMS[name])
    assert said[-1].doing is Doing.WAITING
    assert Doing.IDLE not in [each.doing for each in said]


def test_a_key_that_is_to_be_pasted(tmp_path: Path) -> None:
    rows = ("  Paste your token below", "", *EMPTY)
    assert shown(tmp_path / "r", "", *rows)[-1].doing is Doing.WAITING
    line = ("Open this link to sign in:", "https://example.com/x", "Paste the code here: \x1b[?25h")
    said = printed(tmp_path / "l", "\r\n".join(line))
    assert said[-1].doing is Doing.WAITING


def test_a_prompt_below_which_it_says_that_it_waits(tmp_path: Path) -> None:
    said = shown(tmp_path / "r", "", "touch a", *EMPTY, " Waiting for approval · y/n")
    assert said[-1].doing is Doing.WAITING


@pytest.mark.parametrize(
    "rows",
    [
        ("  Thinking...", "", *EMPTY, " model"),
        ("✻ Thinking… (esc to interrupt)", "", *EMPTY),
        ("• Generating response", "", *SAYS),
        ("  Running command: make test…", "", *SAYS),
        (*EMPTY, " esc to interrupt"),
        (*SAYS, " esc interrupt   model"),
        (*SAYS, " Ctrl+C to stop"),
        ("Press ESC to cancel", "", *SAYS),
        # What asks, but is no list, and may be an answer.
        ("Approve this? Type yes or no", *EMPTY),
        ("1) Red", "2) Green", "Enter a number:", *EMPTY),
    ],
)
def test_a_prompt_beside_what_says_work_or_asks_is_not_called_rest(
    tmp_path: Path, rows: tuple[str, ...]
) -> None:
    said = shown(tmp_path / "r", "" if EMPTY[1] in rows else HIDDEN, "> do it", "", *rows)
    assert Doing.IDLE not in [each.doing for each in said]


@pytest.mark.parametrize(
    "rows",
    [
        ("Shall I go on with b.py?",),
        ("I can do:", "  1. the first", "  2. the second", "Which one?"),
        ("Which one do you want?", "  - the first", "  - the second"),
        ("It prints:", "  Press enter to confirm or esc to cancel", "That", "is line 41."),
        ("The line (⠋ Working… 12s · esc to interrupt) is drawn by a wrapper.",),
        ("12s · esc to interrupt) is drawn by the wrapper, and says nothing.",),
        ("Interrupted by user - Press enter to continue",),
    ],
)
def test_an_answer_above_a_prompt_is_no_dialog_and_no_work(
    tmp_path: Path, rows: tuple[str, ...]
) -> None:
    assert shown(tmp_path / "r", "", "● do it", "", *rows, *EMPTY)[-1].doing is Doing.IDLE
    assert shown(tmp_path / "h", HIDDEN, "● do it", "", *rows, *SAYS)[-1].doing is Doing.IDLE


def test_an_answer_that_halts_within_a_sentence_has_quoted_its_list(tmp_path: Path) -> None:
    text = "It prints this:\r\n  > 1. Yes\r\n    2. No\r\n\r\nThat is a line of the script"
    said = printed(tmp_path / "r", text)
    assert Doing.WAITING not in [each.doing for each in said]


def test_a_hidden_cursor_may_stand_anywhere_above_a_box(tmp_path: Path) -> None:
    rows = ("> said before", "", *ABOVE["two words"], "", *SAYS)
    said = printed(tmp_path / "r", f"{HIDDEN}\x1b[2J\x1b[H" + "\r\n".join(rows) + "\x1b[1;3H")
    assert said[-1].doing is Doing.WAITING
