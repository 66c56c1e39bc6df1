"""What is learnt from the prompts that were sent: how a program looks where one types at rest."""

import pytest

from inspan.terminal.usual import Usual, hashed
from inspan.terminal.view import View

pytestmark = pytest.mark.requirement("B4")

AT = (2, 2)
KEYS = "esc cancel · 12 tokens"


def screen(line: str = "", above: str = "answer", keys: str = KEYS) -> tuple[str, ...]:
    return (above, "─" * 12, f"» {line}".rstrip(), "─" * 12, keys)


def sent(usual: Usual, line: str = "do the thing", *, rests: bool = True) -> Usual:
    usual.typed(line.encode(), screen(), AT, hidden=False, rests=rests)
    usual.typed(b"\r", screen(line), (2 + len(line), 2), hidden=False, rests=rests)
    return usual


def stands(usual: Usual, rows: tuple[str, ...], cursor: tuple[int, int] = AT) -> bool:
    return any(each.again(rows, cursor, hidden=False) is not None for each in usual.every)


def test_it_stands_again_whatever_was_said_and_counted_since() -> None:
    usual = sent(Usual())
    assert stands(usual, screen(above="more", keys="esc cancel · 99 tokens"))


@pytest.mark.parametrize(
    ("rows", "cursor"),
    [
        (screen("Allow it?"), (11, 2)),
        (("Allow it?", "", "  Yes", "", KEYS), AT),
        (screen(keys="y allow · n deny"), AT),
    ],
)
def test_it_stands_otherwise(rows: tuple[str, ...], cursor: tuple[int, int]) -> None:
    assert not stands(sent(Usual()), rows, cursor)


def test_a_cursor_that_is_hidden_leaves_the_row_by_what_is_in_it() -> None:
    usual = Usual()
    usual.typed(b"do the thing", screen("Ask me"), (0, 4), hidden=True, rests=True)
    usual.typed(b"\r", screen("do the thing"), (0, 4), hidden=True, rests=True)
    (found,) = usual.every
    assert found.again(screen("Ask me", above="new"), (0, 4), hidden=True) == 2
    assert found.again(screen("Allow it?"), (0, 4), hidden=True) is None


def test_what_stands_beside_always_is_known_by_its_words() -> None:
    (found,) = sent(Usual()).every
    assert found.has("esc cancel · 3 tokens")
    assert not found.has("esc to interrupt")
    assert not found.has("")


def test_an_answer_and_a_key_are_no_prompt() -> None:
    for line in ("y", "yes", "sk-1234"):
        assert sent(Usual(), line).every == ()
    usual = Usual()
    usual.typed(b"do the\x03", screen(), AT, hidden=False, rests=True)
    usual.typed(b"\r", screen(), AT, hidden=False, rests=True)
    assert usual.every == ()


def test_only_the_first_is_taken_where_it_seems_to_ask() -> None:
    first = sent(Usual(), rests=False)
    assert len(first.every) == 1
    before = first.every
    first.typed(b"of the red ones", screen(keys="enter submit"), AT, hidden=False, rests=False)
    first.typed(b"\r", screen("of the red ones"), AT, hidden=False, rests=False)
    assert first.every == before


def test_what_was_pasted_is_a_prompt_too() -> None:
    assert sent(Usual(), "\x1b[200~do the thing\x1b[201~").every != ()


def test_a_view_without_any_prompt_stands_neither_so_nor_otherwise() -> None:
    view = View(rows=screen(), cursor=AT)
    assert not view.always(KEYS)
    assert View(rows=screen(), cursor=AT, usual=sent(Usual()).every).always(KEYS)


WIDE = "^d Quit  ^c Copy / Interrupt  ^p Permission mode  ^l Clear"


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        ("^d Quit  ^c Copy / Interrupt  ^p Permis", True),
        ("^d Quit  ^c Copy / Interrupt  ^p Permission mode  esc stop", False),
        ("^d Quit  ^c Stop", False),
    ],
)
def test_a_row_that_is_cut_off_is_the_same_and_one_that_says_more_is_not(
    row: str, kept: bool
) -> None:
    usual = Usual()
    usual.typed(b"do the thing", screen(keys=WIDE), AT, hidden=False, rests=True)
    typed = screen("do the thing", keys=WIDE)
    usual.typed(b"\r", typed, (14, 2), hidden=False, rests=True)
    assert any(each.has(row) for each in usual.every) is kept


def test_a_line_of_status_is_known_by_most_of_its_parts() -> None:
    usual = Usual()
    keys = "idle · full access · a-model"
    usual.typed(b"do the thing", screen(keys=keys), AT, hidden=False, rests=True)
    usual.typed(b"\r", screen("do the thing", keys=keys), (14, 2), hidden=False, rests=True)
    assert any(each.status("cancelled · full access · a-model") for each in usual.every)
    assert not any(each.status("allow · deny · a-model") for each in usual.every)


def test_of_a_prompt_its_words_are_known_as_hashes_and_of_a_command_none() -> None:
    assert sent(Usual()).words == hashed("do the thing")
    assert sent(Usual(), "/do the thing").words == frozenset()
