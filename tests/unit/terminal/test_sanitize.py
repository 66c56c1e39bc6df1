import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspan.terminal.sanitize import Cleaner, clean, columns, one_line

FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
    "\u2028\u2029\ud800-\udfff\U000e0001]"
)
SGR = re.compile("\x1b\\[[0-9;:]*m")

hostile = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *(
                    "\x1b",
                    "[",
                    "]",
                    "P",
                    "X",
                    "^",
                    "_",
                    "\\",
                    "\x07",
                    "\x9b",
                    "\x9c",
                    "\x9d",
                    "\x90",
                ),
                *("\x1b[31m", "\x1b[0m", "\x1b[1;2H", "\x1b]0;t", "\x1b]8;;u\x07", "\x18", "\x1a"),
                *("\r", "\n", "\r\n", "\t", "m", "3", ";", " ", "C", "\u202e", "\u200b", "\ud89b"),
                *(
                    "é",
                    "漢",
                    "👩‍🚀",
                    "e\u0301\u0301\u0301\u0301\u0301\u0301",
                    "\x0c",
                    "\x85",
                    "\u2028",
                ),
            ]
        ),
        st.text(max_size=3),
        st.characters(max_codepoint=0xA0),
    ),
    max_size=30,
).map("".join)
streams = st.one_of(hostile.map(lambda text: text.encode(errors="replace")), st.binary(max_size=60))


@settings(max_examples=400, deadline=None)
@given(hostile)
def test_nothing_that_a_terminal_obeys_survives(text: str) -> None:
    cleaned = clean(text)
    assert not FORBIDDEN.search(cleaned)
    assert clean(cleaned) == cleaned


@settings(max_examples=400, deadline=None)
@given(hostile, st.integers(0, 20))
def test_a_field_is_one_line_of_its_width(text: str, width: int) -> None:
    line = one_line(text, width)
    assert not FORBIDDEN.search(line)
    assert len(line.splitlines()) <= 1
    assert "\t" not in line
    assert columns(line) <= width
    assert one_line(line, width) == line
    assert one_line(one_line(text)) == one_line(text)


@settings(max_examples=400, deadline=None)
@given(streams, st.booleans(), st.lists(st.integers(0, 60), max_size=5))
def test_a_stream_is_cleaned_alike_however_it_comes(
    data: bytes, colours: bool, cuts: list[int]
) -> None:
    at_once = Cleaner(colours=colours)
    whole = at_once.feed(data) + at_once.close()
    in_parts = Cleaner(colours=colours)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parts = [in_parts.feed(data[a:b]) for a, b in pairwise(edges)]
    assert "".join(parts) + in_parts.close() == whole
    assert not FORBIDDEN.search(SGR.sub("", whole) if colours else whole)
    again = Cleaner(colours=colours)
    assert again.feed(whole.encode()) + again.close() == whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b]52;c;cm0gLXJm\x07done", "done"),
        ("\x1b]0;a title\x1b\\done", "done"),
        ("\x9d0;a title\x9cdone", "done"),
        ("\x1bPq#0;2\x1b\\done", "done"),
        ("\x1b_apc\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\done", "done"),
        ("\x1b]8;;http://evil.example\x07click\x1b]8;;\x07", "click"),
        ("\x1b[2J\x1b[H\x1b[6n\x9b31mred\x1b[?1049h", "red"),
        ("run ls \x1b]0; rm -rf /", "run ls 0; rm -rf /"),
        ("run ls \x9d0; rm -rf /", "run ls 0; rm -rf /"),
        ("\x1b[31", "31"),
        ("a\x7fb\bc\x00d", "abcd"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\r\nb\rc\x0bd\u2028e", "a\nb\nc\nd\ne"),
        ("\udc9bx", "\ufffdx"),
        ("\x1b(0lqk\x1b(B", "lqk"),
        ("é漢👍", "é漢👍"),
    ],
)
def test_whole_texts(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("two\nlines\u2029and \t tabs ", None, "two lines and tabs"),
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("漢字漢字", 8, "漢字漢字"),
        ("漢字漢字", 7, "漢字漢…"),
        ("漢字漢字", 6, "漢字…"),
        ("word another", 6, "word…"),
        ("anything", 0, ""),
        ("ad\u200bm\u2060in\u200d", None, "admin"),
        ("e" + "\u0301" * 50, None, "e" + "\u0301" * 4),
    ],
)
def test_fields(text: str, width: int | None, expected: str) -> None:
    assert one_line(text, width) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"10%\r50%\r100%\r\ndone\r\r\n", "10%\n50%\n100%\ndone\n"),
        (b"\r\rstart", "start"),
        (b"a\x1b[2Kb\x1b[1Gc\x1b[5Cd", "ab\nc d"),
        (b"\x1b]0;never ended\nnext line", "\nnext line"),
        (b"caf\xc3\xa9 \x9b31m \xff", "café \ufffd31m \ufffd"),
        (b"\xc2\x9b31mred", "red"),
        (b"\x1b[31mred\x1b[0m", "red"),
    ],
)
def test_streams(data: bytes, expected: str) -> None:
    cleaner = Cleaner()
    assert cleaner.feed(data) + cleaner.close() == expected


def test_colours_are_kept_where_asked_for_and_switched_off() -> None:
    cleaner = Cleaner(colours=True)
    assert cleaner.feed(b"\x1b[1;31mred\x1b[2J\x1b[>4;2m") == "\x1b[1;31mred"
    assert cleaner.close() == "\x1b[0m"


def test_what_is_held_is_bounded() -> None:
    cleaner = Cleaner()
    cleaner.feed(b"\x1b[")
    for _ in range(2000):
        cleaner.feed(b"1" * 50)
        assert len(cleaner._held) < 300
    cleaner.feed(b"\x1b]52;c;")
    for _ in range(100):
        assert cleaner.feed(b"A" * 10_000) == ""
        assert cleaner._held == ""
    assert cleaner.feed(b"\x07shown") == "shown"


def test_a_long_hostile_text_is_cleaned_in_linear_time() -> None:
    assert clean("\x9d" * 200_000) == ""
    assert clean("\x1b]" * 200_000) == ""
    assert one_line("\x1b[" + "1" * 500_000, 10) == "111111111…"
    assert one_line("seen" + "\u200b" * 500_000 + "hidden", 10) == "seen…"
