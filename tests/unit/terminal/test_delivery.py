"""A prompt typed into a terminal arrives to the character, or is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.errors import BadInput
from inspan.terminal.delivery import answered, check, is_empty, keys, shows
from inspan.terminal.marks import Marks

pytestmark = pytest.mark.requirement("C4", "C9")

BEGIN, END = b"\x1b[200~", b"\x1b[201~"
ANY = st.text(max_size=200)


def allowed(text: str, *, pastes: bool) -> bool:
    try:
        check(text, pastes=pastes)
    except BadInput:
        return False
    return True


@given(ANY, st.booleans())
def test_what_is_typed_is_the_text_and_no_key(text: str, pastes: bool) -> None:
    if not allowed(text, pastes=pastes):
        return
    typed = keys(text, pastes=pastes)
    if pastes:
        assert typed.startswith(BEGIN)
        assert typed.endswith(END)
        typed = typed.removeprefix(BEGIN).removesuffix(END).replace(b"\r", b"\n")
    assert typed.decode() == text
    assert not any(byte < 0x20 and byte not in b"\n\t" for byte in typed)
    assert b"\x1b" not in typed


@given(ANY, st.sampled_from(["\x1b[201~", "\x03", "\x7f", "\x9b", "\r", "\x00", "\ud800"]), ANY)
def test_a_key_in_the_middle_is_refused(head: str, key: str, tail: str) -> None:
    with pytest.raises(BadInput):
        check(f"a{head}{key}{tail}", pastes=True)


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=200))
def test_plain_words_are_never_refused_where_they_begin_with_one(text: str) -> None:
    check(f"a {text}", pastes=True)
    check(f"a {text}", pastes=False)


@pytest.mark.parametrize("text", ["/help", "!rm -rf .", "  /exit", "\n!ls"])
def test_a_command_of_the_agent_is_no_prompt(text: str) -> None:
    with pytest.raises(BadInput, match="for a command"):
        check(text, pastes=True)


@pytest.mark.parametrize("text", ["one\ntwo", "one\ttwo"])
def test_without_pastes_a_line_would_be_a_prompt(text: str) -> None:
    check(text, pastes=True)
    with pytest.raises(BadInput, match="takes no pastes"):
        check(text, pastes=False)


# ── what a screen shows of it ─────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("row", "text", "shown"),
    [
        ("❯ please say hello", "please say hello", True),
        ("❯ ", "please say hello", False),
        ("❯ please say hell", "please say hello", False),
        ("› [Pasted Content 10006 chars]", "a\nb", True),
        (" * [Pasted Text: 4 lines]", "a\nb", True),
        ("❯ [Pasted text #2 +3 lines]", "a\nb", True),
        ("│ > 日本語を話す", "日本語を話す", True),
        ("> [paste #1 +123 lines]", "a\nb", True),
        (" [paste #2 10006 chars]", "a\nb", True),
        ("> [Paste #1, 12 lines]", "a\nb", True),
        ("│ > [Pasted ~3 lines]", "a\nb", True),
        ("a [Pasted text #2] and", "x", False),
        ("❯ [paste it here]", "x", False),
    ],
)
def test_it_stands_before_the_cursor(row: str, text: str, shown: bool) -> None:
    wide = sum(2 if "぀" <= character <= "鿿" else 1 for character in row)
    assert shows(["above", row + " │"], (wide, 1), text) is shown


def test_a_long_line_is_wrapped_and_only_its_end_counts() -> None:
    rows = ["│ > one two three four │", "│   five six           │"]
    assert shows(rows, (12, 1), "one two three four five six")
    assert not shows(rows, (12, 1), "one two three four five seven")
    assert not shows(rows, (4, 1), "one two three four five six")


def test_a_mark_before_each_line_is_none_of_it() -> None:
    rows = ["> one line", "> > quoted", "> and more"]
    assert shows(rows, (10, 2), "one line\n> quoted\nand more")
    assert not shows(rows, (10, 2), "one line\n> quoted\nno more")


WELCOME = ("Welcome to the agent", "model: small", "", "❯ ", "? for help")


@pytest.mark.parametrize(
    ("rows", "has_turn"),
    [
        (["❯ say hello", "", "● Hello!", "", "❯ ", "? for help"], True),
        (["Welcome to the agent", "│ > say hello │", "● Hello!", "╭────╮", "│ > │"], True),
        (["❯ [Pasted text #1 +3 lines]", "● Hello!", "❯ "], True),
        (["❯ say", "  hello", "● Hello!", "❯ "], True),
        (["● Hello!", "❯ say hello", "", "❯ ", "Press up to edit"], False),  # it waits for a turn
        (["❯ say hello", "model: small", "❯ "], False),  # that was there before
        (["❯ say hello", "● Hello!", "❯ say hello"], False),  # it still stands in the box
        (["● Something else", "❯ "], False),
    ],
)
def test_something_new_below_it_is_a_turn(rows: list[str], has_turn: bool) -> None:
    number = max(n for n, row in enumerate(rows) if row.startswith(("❯", "│ >")))
    cursor = (len(rows[number].rstrip(" │")), number)
    assert answered(rows, cursor, "say hello", WELCOME) is has_turn


def test_the_same_answer_again_is_a_turn() -> None:
    before = ["❯ say hello", "● Hello!", "❯ "]
    after = [*before[:2], "❯ say hello", "● Hello!", "❯ "]
    assert answered(after, (2, 4), "say hello", before)
    assert not answered([*after[:3], "❯ "], (2, 3), "say hello", before)


@pytest.mark.parametrize(
    ("after", "has_turn"),
    [
        (["line 7", "line 8", "line 9", "❯ "], True),
        (["Tip: write a", "good prompt", "line 9", "❯ "], False),
        (["Welcome", "Tip: write a", "good prompt", "❯ "], False),
        (["Welcome", "Tip: write a", "Thinking", "❯ "], False),
        (["the first line", "of what was", "asked for her", "❯ "], False),
        (["line 7", "line 8", "line 9", "❯ asked for here or hers"], False),
    ],
)
def test_a_long_answer_that_pushes_it_off_the_screen_is_a_turn(
    after: list[str], has_turn: bool
) -> None:
    before = ["Welcome", "Tip: write a", "good prompt", "❯ "]
    text = "the first line\nof what was\nasked for here\nor hers"
    assert answered(after, (len(after[-1]), 3), text, before) is has_turn


@given(
    st.lists(st.text(st.characters(exclude_categories=["C"]), max_size=40), max_size=6),
    st.integers(0, 50),
    st.integers(0, 10),
    ANY,
)
def test_any_screen_can_be_looked_at(rows: list[str], column: int, row: int, text: str) -> None:
    shows(rows, (column, row), text)
    is_empty(rows, (column, row))
    assert not answered(rows, (column, row), text, rows)


@pytest.mark.parametrize(
    ("row", "column", "empty"),
    [
        ("❯ ", 2, True),
        ("› Ask Codex to do anything", 2, True),
        (" *   Type your message or @path/to/file", 3, True),
        ("› /help me with this", 20, False),
        ("! ls", 4, False),
    ],
)
def test_what_stands_there_already_is_seen(row: str, column: int, empty: bool) -> None:
    assert is_empty([row], (column, 0)) is empty


def test_whether_it_takes_pastes_is_heard() -> None:
    marks = Marks()
    marks.feed(b"\x1b[?1004;2004h\x1b[?25l")
    assert marks.pastes
    marks.feed(b"\x1b[?2004")
    assert marks.pastes
    marks.feed(b"l")
    assert not marks.pastes
