"""What asks by several signs together, and what has only one."""

from __future__ import annotations

import pytest

from inspan.terminal.asking import NEEDED, asking, needed
from inspan.terminal.panes import column

ASKS = {
    "buttons and their keys above a line for a reason": (
        "  Approve    Refuse     Enter runs it · Tab to move · Esc refuses",
        "  reason › |",
        "[wait 1]  main  0%",
    ),
    "a numbered list beside what turns": (
        " Allow the agent to run this command?",
        " 1. Allow once",
        " 2. Deny",
        " ⠙ Waiting for permission… · 9s · Esc to interrupt",
    ),
    "a mark and words": (
        "Do you want to go on?",
        " > Red",
        "   Green",
        "   Blue",
        "↑↓ move · ⏎ select",
    ),
    "letters that are keys, and one word that turns another round": (
        " Trust it?",
        " [t] Trust   [d] Don't trust",
    ),
    "keys of an answer beside those of a place to type": (
        " Approve write_file?",
        " a Approve  d Deny  ^t Cycle mode  ^p palette",
    ),
    "a line for one's own answer, and nothing that is marked": (
        "╭────────────────────────────╮",
        "│ Which colour shall it be?  │",
        "│  Red                       │",
        "│  Green                     │",
        "│  or type your own answer…  │",
        "╰────────────────────────────╯",
        " ask · a model · 12 tokens",
    ),
    "letters in brackets": ("Run it? [Y]es  [N]o", "waiting for your answer"),
}
SAYS = {
    "a question of an answer": ("All is done.", "Shall I go on with b.py?"),
    "a list of an answer": ("I can do:", "  1. the first", "  2. the second"),
    "a dialog that is quoted in a text": (
        "  1. Yes",
        "  2. No",
        "  Press enter to confirm or esc to cancel",
        "That is line 41 of a script, and it hangs since nobody types anything there.",
    ),
    "what a command prints again and again": ("Run it 1? [y/N]", "Run it 2? [y/N]"),
    "commands beside keys, one of which stops the work": (
        " ^t Cycle mode  ^p Plan  esc Cancel turn  ^r Run queued   ▏shift+^p palette",
    ),
    "a box that begins with a question": (
        "╭─────────╮",
        "│ Why so? │",
        "│ Say it. │",
        "╰─────────╯",
    ),
    "the keys of a place to type": ("Enter send · Shift+Enter newline · Esc cancel",),
}


def signs(rows: tuple[str, ...]) -> int:
    return asking(rows, None, lambda _: False, rests=False).signs


@pytest.mark.parametrize("name", ASKS)
def test_several_signs_ask(name: str) -> None:
    assert signs(ASKS[name]) >= NEEDED


@pytest.mark.parametrize("name", SAYS)
def test_one_sign_does_not(name: str) -> None:
    assert signs(SAYS[name]) < needed(rests=False, other=True)


def test_what_is_said_between_a_dialog_and_a_prompt_ends_it() -> None:
    rows = ("Run it?", "> 1. Yes", "  2. No", "It ran.", ">")
    assert not asking(rows, range(4, 5), lambda _: False, rests=True).signs
    assert asking((*rows[:3], ">"), range(3, 4), lambda _: False, rests=False).signs >= NEEDED


def test_a_tool_that_asks_and_turns_waits_for_a_person() -> None:
    line = "─" * 12
    box = (f"╭{line}╮", "│ Which?     │", "│ Red        │", "│ Green      │", f"╰{line}╯")
    rows = ("⠋ Ask User · Which colour?", *box, ">")
    turned = asking(rows, range(6, 7), lambda _: False, frozenset({0}), rests=False)
    assert turned.signs >= needed(rests=False, other=True)
    assert asking(rows, range(6, 7), lambda _: False, rests=False).signs < turned.signs


def test_a_panel_at_the_right_is_left_out() -> None:
    rows = tuple(f"{text:<40} │ status {at}      │" for at, text in enumerate(("a", "b", "", "c")))
    assert column(rows) == ["a", "b", "", "c"]
    assert column(("no panel", "here")) == ("no panel", "here")
