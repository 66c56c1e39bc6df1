"""Forms and lists on a whole screen, what asks by name, and prompts of many kinds, drawn by hand.

They are as libraries draw them (Ink, Textual, prompt_toolkit, Rich, ratatui, bubbletea with huh and
gum, inquirer, clack, questionary, blessed) and as programs print them that read a line. A form that
is taken for rest is a question that nobody answers; so rest is said where something is seen in
which one types, and nothing beside it asks or works.
"""

from pathlib import Path

import pytest

from inspan.model.activity import Activity, Doing
from inspan.providers.screenrules import rulebook
from inspan.terminal.playback import Playback
from inspan.terminal.replay import Replay
from inspan.terminal.sanitize import columns
from inspan.terminal.screen import backend
from tests.fakes.recordings import Step, record

pytestmark = pytest.mark.requirement("B4")

WIDE = 60
LINE = "─" * WIDE


def box(*rows: str, title: str = "") -> str:
    """Rows in a box, with a title in its upper line."""
    top = f"─ {title} {'─' * (WIDE - columns(title) - 3)}" if title else LINE
    inside = (f"│ {row}{' ' * (WIDE - 2 - columns(row.replace('▮', '')))} │" for row in rows)
    return "\n".join((f"╭{top}╮", *inside, f"╰{LINE}╯"))


def drawn(text: str, full: bool = False) -> bytes:
    """The cursor is at the ▮; it is hidden where there is none, and stands at the ▯ or below."""
    hidden = "▮" not in text
    rows = text.replace("▯", "▮").split("\n")
    at = next((number for number, row in enumerate(rows) if "▮" in row), len(rows))
    column = columns(rows[at].partition("▮")[0]) if at < len(rows) else 0
    before = ("\x1b[?1049h" if full else "") + ("\x1b[?25l" if hidden else "")
    shown = "\r\n".join([*rows, ""]).replace("▮", "")
    return f"{before}\x1b[2J\x1b[H{shown}\x1b[{at + 1};{column + 1}H".encode()


def said(folder: Path, text: str, *, full: bool = False) -> list[Activity]:
    """All that was said of a screen that stands."""
    steps: list[Step] = [(1.0, (100, 30)), (2.0, drawn(text, full)), (9.0, b"\x1b[m")]
    playback = Playback(record(folder, steps))
    return list(Replay(playback, [rulebook("generic")], backend()).activities())


EDITOR = f"{LINE}\n▮\n{LINE}\n~/x (main)\n12% model"
FORMS = (
    "  Questions     │  [Colour] (1/1)\n                │\n  ▶  Colour     │  ? Which colour?\n"
    "                │\n                │   ❯ ( ) Red\n                │       Red it is.\n"
    "                │     ( ) Green\n                │\n                │\n"
    "                │  Space Select │ Ctrl+S Submit │ ? Help",
    " Which?\n\n   ▸ ○ All at once\n     ○ One by one\n\n ↑↓ move  space pick  enter next",
    " Which of these?\n\n   [x] one\n > [ ] two\n\n  space: toggle  enter: done",
    "┃ Which colour?\n┃ > Red\n┃   Green\n\n↑ up • ↓ down • / filter • enter submit",
    "┃ Are you sure?\n┃\n┃     Yes     No\n\n←/→ toggle • enter submit • y Yes • n No",
    "┃ Toppings\n┃ > • Lettuce\n┃   ✓ Tomatoes\n\nx toggle • ↑ up • ↓ down • enter confirm",
    "┃ What's your name?\n┃ > ▮\n\nenter submit",
    f"Agent asks\n{LINE}\n>> Red\n   Green\n{LINE}\nq: quit  Enter: select",
    f" What shall it be called?\n\n{box('▮')}\n\n  Enter submit  Esc skip",
    " Pick a model\n\n  ▐●▌ small\n  ▐ ▌ middle\n\n ⏎ Select  ^q Quit",
    " Which database?\n\n    PostgreSQL\n    SQLite\n\n enter Select  esc Dismiss  ^p palette",
    " Name  ▊▔▔▔▔▔▔▔▔▎\n Kind  (•) bool  ( ) int\n\n     [ Submit ]   [ Cancel ]",
    " Review the plan\n\n 1. Read it\n 2. Test it\n\n Ctrl+A Approve   Ctrl+R Reject   Ctrl+E Edit",
    " Question 1 of 3\n\n What is the port?\n\n > ▮\n\n tab next · shift+tab back · enter submit",
    f"{LINE}\n Tool approval: write a.py\n\n   y  approve\n   n  decline\n{LINE}",
    box("What shall it be called?", "", "> ▮", "", "Enter to submit · Esc to skip"),
    "Which colour?\n  ⦿ Red\n  ○ Green\n  ○ Blue\n\n  [enter] choose",
    "Select session to resume\n\n❯ fix the build\n  add tests\n\n↑↓ navigate  enter open  esc new",
    "Set up your model\n\n  Name   ▮\n  Key\n\n  tab next field · enter save · esc cancel",
    "Trust this directory?\n/home/me/x\n\n  Yes, trust it   No, exit",
)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_a_form_asks(tmp_path: Path, form: str, full: bool) -> None:
    told = said(tmp_path / "r", form, full=full)
    assert told[-1].doing is Doing.WAITING
    assert Doing.IDLE not in [each.doing for each in told]


ASKED = (
    "Approve this change? [a]pply [r]eject [e]dit ▮",
    "  tool: bash\n  args: touch a\nType approve, reject or edit: ▮",
    f"{box('Which database?', title='Question')}\n\n> ▮",
    f"{box('Which database?', title='💬 Human Input Needed')}\n> ▮",
    f"{box('The name, please.', title='Input required')}\n\n> ▮",
    f"── Question {'─' * 40}\nWhich colour do you want?\n{LINE}\n> ▮",
    "❓ Which database should I use?\n> ▮",
    "[?] Which port?\n> ▮",
    "Agent asks: which colour should it have?\n❯ ▮",
    "Input needed: which branch should I push to?\n> ▮",
    "Please answer the following question:\n\nWhich branch?\n\n❯ ▮",
    "Waiting for your reply…\n\n> ▮",
    "Enter your answer (or press enter to skip):\n> ▮",
    f"? Which colour should it have? (type below)\n{EDITOR}",
    f" Which database?\n\n → PostgreSQL\n   SQLite\n\n ↑↓ to move, enter to pick\n{EDITOR}",
    "Approve it?\n\n  1. Approve\n  2. Reject\n  3. Edit\n\n> ▮",
    "  a) Red\n  b) Green\nEnter letter: ▮",
    "Which colour?\n  1 Red\n  2 Green\nPick [1-2, or type]: ▮",
    "Apply these changes to a.py? [y]: ▮",
    "No key found.\nEnter OPENAI_API_KEY: ▮",
    "How would you like to sign in?\n\n  1. With a browser\n  2. With a key\n\n> ▮",
    "Authentication required\n\n→ Login with One\n  Login with Two",
    "? What do you want? (Use arrow keys)\n » Order\n   Ask\n   Other",
)


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_said_to_be_a_question_asks(tmp_path: Path, asked: str) -> None:
    told = said(tmp_path / "r", f"> do it\n\nI shall do that now.\n\n{asked}")
    assert told[-1].doing is Doing.WAITING
    assert Doing.IDLE not in [each.doing for each in told]


@pytest.mark.parametrize(
    "rows",
    [
        ("Run touch a?", "", " Okay   Cancel "),
        ("Pick one", "", "> Red", "  Green"),
        ("What is it called?", "", "", "Enter: ok   Esc: cancel"),
        ("Run touch a?", "", "[y] Allow   [n] Deny"),
    ],
)
@pytest.mark.parametrize("below", ["", f"\n\n{box('>')}\n model"])
def test_a_dialog_over_all_else_asks(tmp_path: Path, rows: tuple[str, ...], below: str) -> None:
    over = "\n".join(f"            {row}" for row in box(*rows).split("\n"))
    told = said(tmp_path / "r", "words\n" * 6 + over + below, full=True)
    assert told[-1].doing is Doing.WAITING
    assert Doing.IDLE not in [each.doing for each in told]


@pytest.mark.parametrize(
    "text",
    [
        "⚕ ❯ ▮msg=interrupt · /queue · Ctrl+C cancel",
        box("▮Enter to queue a message, esc to stop"),
        "❯ ▮type to queue · esc to interrupt",
        "▯\n>>>\nname [m]\n154/128k | Working",
        "> ▮\n ● busy  m  12%",
        "⏳ Waiting for the model\n\n> ▮",
        "  Loading model...\n> ▮",
        f"Thinking...\n\n{box('> ▮')}",
        f"{box('> ▮')}\n thinking… · 12% · m",
        "> do it\n▮",
        "> do it\n\nI shall\n▮",
        "Assistant > ▮",
        "some words\n\nand a line of status",
    ],
)
@pytest.mark.parametrize("full", [False, True])
def test_what_says_that_it_works_or_has_no_place_to_type_is_no_rest(
    tmp_path: Path, text: str, full: bool
) -> None:
    told = {each.doing for each in said(tmp_path / "r", f"> say it\n\n{text}", full=full)}
    assert told <= {Doing.UNKNOWN, Doing.WORKING}


@pytest.mark.parametrize(
    "text",
    ["⚕ ❯ ▮msg=interrupt · /queue · Ctrl+C cancel", "❯ ▮esc to interrupt", "> do it\n▮"],
)
def test_a_line_that_was_sent_or_says_how_to_stop_it_is_work(tmp_path: Path, text: str) -> None:
    assert said(tmp_path / "r", text)[-1].doing is Doing.WORKING


ANSWERS = (
    "It is done.",
    "Which of the two would you like me to take?",
    "1. first\n2. second",
    "Error: 401 Unauthorized: invalid api key",
    "> ✓ Approve\n  ✗ Reject\n\n↑/↓ move · enter select · esc cancel\n\nApproved!\n\n"
    + "One more line of what was said.\n" * 9,
    "? Which colour? Red\n\nRed it is.",
    box("touch a", title="asks-80x24/a.py"),
)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize(
    "prompt",
    [
        "> ▮",
        "name [m] (~/x) >>> ▮",
        "╭─ me in x\n╰─❯ ▮",
        "┌─[main]\n└─▶ ▮",
        "💬 ▮\n\n F1: restart  F12: do  | Model: m | /help",
        "❯ ▮Ask me anything…",
        "▯\n\n>>>\nname [m] (~/x)\n154/128k tokens | Idle",
        EDITOR,
        f"{LINE}\n> ▯\n{LINE}\n build · model · 12%",
        f"{box('▮Send a message...')}\nenter send • ctrl+c quit • ? help",
        f"{box('Ask anything', title='m')}\n tab mode · ctrl+p commands",
    ],
)
def test_an_empty_place_to_type_is_rest(tmp_path: Path, answer: str, prompt: str) -> None:
    told = said(tmp_path / "r", f"> say it\n\n{answer}\n\n{prompt}")
    assert told[-1].doing is Doing.IDLE
    assert Doing.WAITING not in [each.doing for each in told]
