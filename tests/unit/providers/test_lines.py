"""What is asked in a line of words and answered at a prompt, as no recorded agent does but one.

It is drawn by hand, as programs print it and as the libraries for prompts draw it. What asks for
leave in such a line must be called no rest, and an answer that quotes such words asks nothing.
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

BORDER = "─" * 40
BOX = f"╭{BORDER}╮\n│ > ▮{' ' * 37}│\n╰{BORDER}╯\n  model"
SAID = "I shall do that.\n\n  touch a\n\n"


def shown(folder: Path, text: str, cols: int = 80) -> list[Activity]:
    """All that is said of a screen that stands: the cursor is at the ▮, or hidden where none is."""
    before, cursor, after = text.partition("▮")
    row = before.count("\n") + 1
    column = len(before.rpartition("\n")[2]) + 1
    drawn = f"\x1b[2J\x1b[H{before}{after}".replace("\n", "\r\n")
    at = f"\x1b[{row};{column}H" if cursor else "\r\n\x1b[?25l"
    steps: list[Step] = [(1.0, (cols, 24)), (2.0, f"{drawn}{at}".encode()), (9.0, b"\x1b[m")]
    return list(
        Replay(Playback(record(folder, steps)), [rulebook("generic")], backend()).activities()
    )


ASKED = (
    "Execute 2 action(s)? Enter to confirm, type comment to reject, or /h to show\ncommands",
    "Press Enter to run the command, or type what to do instead",
    "Hit Enter to execute, Ctrl+C to cancel",
    "Type 'yes' to run this command, anything else to cancel",
    "Respond with y, n, or a comment",
    "Allow this tool call? y/n/a/?",
    "Run it? [Y]es, [N]o, [A]lways, [E]dit",
    "[E]xecute, [D]escribe, [A]bort",
    "(r)un (e)dit (c)ancel",
    "Execute? yes [y], no [n], always [a]",
    "y: allow, n: deny, a: always allow",
    "1 = yes, 2 = no, 3 = always",
    "Select [1-3]",
    "Enter a number to choose",
    "Run `touch a`?",
    "Proceed?",
    "Do you want to run this command?",
    "The agent wants to run: touch a\nApprove or reject?",
    "Run this? Allow once / Allow always / Reject",
    "Run touch a?\n1) Yes\n2) No",
    "  y - yes\n  n - no\n  a - always",
    "May I run this command?",
    "What should I do? [run/edit/skip]",
    "Choose: run, edit or skip",
    'Reply "approve" to go on or "reject" to stop',
    "Pending: touch a\nA)llow  D)eny  E)dit",
    "Do you approve? Type your answer and press enter",
    "Select an option:\n  1: Red\n  2: Green\n  3: Blue",
)


@pytest.mark.parametrize("prompt", ["> ▮", ">>> ▮", "❯ ▮", "  ▮", "[you] > ▮", "Your answer: ▮"])
@pytest.mark.parametrize("asked", ASKED)
def test_it_is_answered_at_a_prompt_below(tmp_path: Path, asked: str, prompt: str) -> None:
    said = shown(tmp_path / "r", f"{SAID}{asked}\n{prompt}")
    assert said[-1].doing is Doing.WAITING
    assert Doing.IDLE not in [each.doing for each in said]


@pytest.mark.parametrize("asked", ASKED)
def test_it_is_answered_in_a_box_below_in_place_or_by_a_key(tmp_path: Path, asked: str) -> None:
    for name, text in enumerate((f"{asked}\n{BOX}", f"{asked} ▮", f"{asked}: ▮", asked)):
        said = shown(tmp_path / str(name), SAID + text)
        assert said[-1].doing is Doing.WAITING
        assert Doing.IDLE not in [each.doing for each in said]


def test_it_is_read_also_where_its_line_is_broken(tmp_path: Path) -> None:
    asked = "Execute 2 action(s)? Enter to\nconfirm, type comment to\nreject\n> ▮"
    needs = shown(tmp_path / "r", asked, cols=32)[-1].needs
    assert needs is not None
    assert needs.question == "Execute 2 action(s)?"


def test_it_counts_once_its_lines_have_stood(tmp_path: Path) -> None:
    steps: list[Step] = [(1.0, (80, 24))]
    steps += [(2.0 + n / 2, f"Run step {n}?\r\n".encode()) for n in range(20)]
    playback = Playback(record(tmp_path / "r", steps))
    said = Replay(playback, [rulebook("generic")], backend()).activities()
    assert Doing.WAITING not in [each.doing for each in said if each.since < 11.0]


def test_a_prompt_that_was_answered_asks_no_more(tmp_path: Path) -> None:
    text = f"{SAID}Execute 1 action(s)? Enter to confirm, type comment to reject\n>\n▮"
    said = shown(tmp_path / "r", text)
    assert {each.doing for each in said} == {Doing.UNKNOWN, Doing.WORKING}
    assert said[-1].doing is Doing.WORKING


@pytest.mark.parametrize(
    "text",
    [
        "? Run touch a? › - Use arrow-keys. Return to submit.\n❯   Yes\n    No",
        "? Pick one ›\n❯ One\n  Two\n  Three",
        "? Toggle it? › no / yes",
        "Run touch a?\n( ) No\n(x) Yes\n( ) Always",
        "Run touch a?  ● Yes  ○ No",
        "Pick some:\n❯ ☐ One\n  ☑ Two\n  ☐ Three",
        "Select a theme\n  > Dark\n    Light\n    Auto",
        f"╭{BORDER}╮\n│ {'y yes   n no   esc cancel':38} │\n╰{BORDER}╯",
        f"╭{BORDER}╮\n│ {'Tool: bash':38} │\n╰{BORDER}╯\nApprove? ▮",
        f"╭{BORDER}╮\n│ {'❯ Allow once':38} │\n│ {'  Deny':38} │\n╰{BORDER}╯\n\n 57s\n❯ ▮",
        "Provider: ▮",
        "Enter your model (e.g., one/of-them): ▮",
        "What is your API key?\n> ▮",
        "1) Red\n2) Green\n#? ▮",
        "Action (run, skip): ▮",
        "Confirm (yes): ▮",
        "Sure? ▮",
        "Run touch a?\n  ► Yes\n    No",
        "Run touch a?\n=> Yes\n   No",
        f"╭─ Approve? {'─' * 30}╮\n│ {'touch a':40}│\n╰─ y yes · n no {'─' * 26}╯\n> ▮",
        "? Pick one\n❯ ▮  2/2\n❯ Red\n  Green",
        f"     ┌{'─' * 30}┐\n     │ Read this{' ' * 20}│\n"
        f"     │          <    Ok    >        │\n     └{'─' * 30}┘",
    ],
)
def test_what_libraries_draw_and_values_that_are_asked_for(tmp_path: Path, text: str) -> None:
    said = shown(tmp_path / "r", text)
    assert said[-1].doing is Doing.WAITING
    assert Doing.IDLE not in [each.doing for each in said]


@pytest.mark.parametrize(
    "rows",
    [
        "Approve the following command?\n\n  touch a",
        f"Allow this command?\n╭{BORDER}╮\n│ {'touch a':38} │\n╰{BORDER}╯",
    ],
)
def test_what_is_shown_below_a_question_may_be_what_it_is_about(tmp_path: Path, rows: str) -> None:
    assert {each.doing for each in shown(tmp_path / "r", f"{rows}\n\n> ▮")} == {Doing.UNKNOWN}


def test_a_list_in_a_box_without_a_question_is_not_called_rest(tmp_path: Path) -> None:
    rows = ("Which colour it should be", "❯ Red", "  Green")
    box = "\n".join((f"╭{BORDER}╮", *(f"│ {row:38} │" for row in rows), f"╰{BORDER}╯"))
    assert {each.doing for each in shown(tmp_path / "r", box)} == {Doing.UNKNOWN}


ANSWERS = (
    "Which of the two would you like me to take?",
    "Do you want me to proceed with that?",
    "I can do:\n  1. the first\n  2. the second\n\nWhich one do you prefer?",
    "Agent wants to finish. Type new task or Enter to quit (/h for commands)",
    "Interrupted. Type a comment/command (/h for available commands)",
    "Use /exit to quit. Enter sends, Alt+Enter makes a new line.",
    "The answer is yes.\nYes",
    "Use it like so:\n  y - yes\n  n - no\nThat is all.",
    "- one\n- two",
    "? Run touch a? Yes\n\nIt is marked.",
    "Run touch a? (y/n) y\nran\n\nIt is marked.",
    "Approval mode: ask before running. Use /approve to change it.",
    "You approved the command, or typed yes.",
)


@pytest.mark.parametrize(
    "prompt",
    ["> ▮", ">>> ▮", "❯ ▮", "You: ▮", "agent (m) > ▮", "What would you like to do? ▮", BOX],
)
@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_above_a_prompt_asks_for_nothing(
    tmp_path: Path, answer: str, prompt: str
) -> None:
    said = shown(tmp_path / "r", f"> do it\n\n{answer}\n\n{prompt}")
    assert said[-1].doing is Doing.IDLE
    assert Doing.WAITING not in [each.doing for each in said]
