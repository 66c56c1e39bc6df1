"""Keys, pastes and the mouse as bytes."""

from __future__ import annotations

import pytest

from inspan.tui.keys import encoded, moused, pasted

pytestmark = pytest.mark.requirement("B4")


@pytest.mark.parametrize(
    ("key", "character", "sent"),
    [
        ("a", "a", b"a"),
        ("A", "A", b"A"),
        ("slash", "/", b"/"),
        ("plus", "+", b"+"),
        ("é", "é", "é".encode()),
        ("enter", "\r", b"\r"),
        ("escape", "\x1b", b"\x1b"),
        ("backspace", "\x7f", b"\x7f"),
        ("shift+tab", None, b"\x1b[Z"),
        ("ctrl+a", "\x01", b"\x01"),
        ("ctrl+@", "\x00", b"\x00"),
        ("ctrl+right_square_bracket", "\x1d", b"\x1d"),
        ("alt+b", None, b"\x1bb"),
        ("up", None, b"\x1b[A"),
        ("ctrl+right", None, b"\x1b[1;5C"),
        ("shift+end", None, b"\x1b[1;2F"),
        ("delete", None, b"\x1b[3~"),
        ("f1", None, b"\x1bOP"),
        ("f5", None, b"\x1b[15~"),
        ("f12", None, b"\x1b[24~"),
    ],
)
def test_keys_as_xterm_sends_them(key: str, character: str | None, sent: bytes) -> None:
    assert encoded(key, character, application=False) == sent


def test_cursor_keys_as_the_program_set_them() -> None:
    assert encoded("up", None, application=True) == b"\x1bOA"
    assert encoded("ctrl+up", None, application=True) == b"\x1b[1;5A"


@pytest.mark.parametrize(
    ("key", "character", "sent"),
    [
        ("a", "a", b"a"),
        ("escape", "\x1b", b"\x1b[27u"),
        ("enter", "\r", b"\r"),
        ("shift+enter", None, b"\x1b[13;2u"),
        ("ctrl+a", "\x01", b"\x1b[97;5u"),
        ("alt+A", None, b"\x1b[97;4u"),
    ],
)
def test_keys_of_kittys_protocol(key: str, character: str | None, sent: bytes) -> None:
    assert encoded(key, character, application=False, kitty=1) == sent


def test_a_paste_cannot_end_its_own_bracket() -> None:
    assert pasted("one\ntwo", bracketed=False) == b"one\rtwo"
    hostile = pasted("a\x1b[201~b\r\n", bracketed=True)
    assert hostile == b"\x1b[200~a[201~b\r\x1b[201~"


def test_reports_of_the_mouse() -> None:
    assert moused(0, 4, 2, 0, released=False, moved=False, sgr=True) == b"\x1b[<0;5;3M"
    assert moused(0, 4, 2, 0, released=True, moved=False, sgr=True) == b"\x1b[<0;5;3m"
    assert moused(65, 0, 0, 4, released=False, moved=False, sgr=True) == b"\x1b[<81;1;1M"
    assert moused(0, 4, 2, 0, released=True, moved=False, sgr=False) == b"\x1b[M#%#"
    assert moused(0, 300, 2, 0, released=False, moved=False, sgr=False) == b""
