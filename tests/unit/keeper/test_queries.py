"""Terminal queries and the cursor, on bytes alone; the real path is in ``test_terminal``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.keeper.cursor import Cursor
from inspan.keeper.queries import Answerer

EXPECTED = {
    b"\x1b[5n": b"\x1b[0n",
    b"\x1b[c": b"\x1b[?62;22c",
    b"\x1b[0c": b"\x1b[?62;22c",
    b"\x1b[>c": b"\x1b[>1;10;0c",
    b"\x1b[=c": b"\x1bP!|00000000\x1b\\",
    b"\x1b[>q": b"\x1bP>|inspan\x1b\\",
    b"\x1b[>0q": b"\x1bP>|inspan\x1b\\",
    b"\x1b]10;?\x07": b"\x1b]10;rgb:d0d0/d0d0/d0d0\x07",
    b"\x1b]11;?\x1b\\": b"\x1b]11;rgb:0000/0000/0000\x1b\\",
    b"\x1b]12;?\x07": b"\x1b]12;rgb:d0d0/d0d0/d0d0\x07",
    b"\x1b]4;1;?\x07": b"\x1b]4;1;rgb:cdcd/0000/0000\x07",
    b"\x1b]4;21;?\x07": b"\x1b]4;21;rgb:0000/0000/ffff\x07",
    b"\x1b]4;255;?\x07": b"\x1b]4;255;rgb:eeee/eeee/eeee\x07",
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",
    b"\x1b[?25$p": b"\x1b[?25;1$y",
    b"\x1b[?31337$p": b"\x1b[?31337;0$y",
    b"\x1b[4$p": b"\x1b[4;0$y",
    b"\x1b[?u": b"\x1b[?0u",
    b"\x1bP+q544e\x1b\\": b"\x1bP0+r\x1b\\",
    b"\x1bP$qm\x1b\\": b"\x1bP0$r\x1b\\",
    b"\x1b[14t": b"\x1b[4;384;640t",
    b"\x1b[16t": b"\x1b[6;16;8t",
    b"\x1b[18t": b"\x1b[8;24;80t",
}
SILENT = [
    b"\x1b[0m",
    b"\x1b[?25l",
    b"\x1b[22;2t",
    b"\x1b[8n",
    b"\x1b]0;title\x07",
    b"\x1b]4;999;?\x07",
    b"\x1b]11;#fff\x07",
    b"\x1b[1c",
    b"\x1b[u",
    b"\x1b[?1u",
    b"\x1b[>1q",
]


class Terminal:
    """Holds all its output, and what was answered."""

    cols = 80
    rows = 24

    def __init__(self) -> None:
        self.output = b""
        self.replies: list[bytes] = []
        self.ends: list[int] = []
        self._answerer = Answerer(self)

    @property
    def size(self) -> int:
        return len(self.output)

    def before(self, offset: int, most: int) -> bytes:
        return self.output[max(0, offset - most) : offset]

    def asked(self, offset: int, answer: bytes) -> None:
        self.replies.append(answer)
        self.ends.append(offset)

    def print(self, data: bytes) -> None:
        self.output += data
        self._answerer.feed(data)


@pytest.mark.parametrize("query", EXPECTED)
def test_each_query_has_its_answer(query: bytes) -> None:
    terminal = Terminal()
    terminal.print(b"text " + query + b" text")
    assert terminal.replies == [EXPECTED[query]]


@pytest.mark.parametrize("sequence", SILENT)
def test_what_asks_nothing_gets_no_answer(sequence: bytes) -> None:
    terminal = Terminal()
    terminal.print(sequence)
    assert terminal.replies == []


@given(
    parts=st.lists(
        st.sampled_from([*EXPECTED, *SILENT, b"\x1b", b"plain", b"\xc3\xa9"]), max_size=12
    ),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=20),
)
def test_answers_do_not_depend_on_how_the_output_is_cut(
    parts: list[bytes], sizes: list[int]
) -> None:
    whole, cut = Terminal(), Terminal()
    output = b"".join(parts)
    whole.print(output)
    start = turn = 0
    while start < len(output):
        size = sizes[turn % len(sizes)]
        cut.print(output[start : start + size])
        start, turn = start + size, turn + 1
    assert cut.replies == whole.replies
    assert cut.ends == whole.ends


def test_an_unended_sequence_is_not_held_for_ever() -> None:
    terminal = Terminal()
    terminal.print(b"\x1bP+q" + b"41" * 1000)
    assert len(terminal._answerer._held) == 0
    terminal.print(b"\x1b[5n")
    assert terminal.replies == [b"\x1b[0n"]


def test_a_mode_that_was_set_is_told() -> None:
    terminal = Terminal()
    terminal.print(b"\x1b[?25;2004h\x1b[?2004$p\x1b[?2004l\x1b[?2004$p")
    assert terminal.replies == [b"\x1b[?2004;1$y", b"\x1b[?2004;2$y"]


def test_the_cursor_is_followed_from_one_question_to_the_next() -> None:
    terminal = Terminal()
    terminal.print(b"abc\x1b[6n")
    terminal.print(b"\r\ndef\x1b[?6n")
    assert terminal.replies == [b"\x1b[1;4R", b"\x1b[?2;4R"]


def test_the_cursor_is_found_far_into_the_output() -> None:
    terminal = Terminal()
    terminal.print(b"x\r\n" * 100_000 + b"ab\x1b[6n")
    assert terminal.replies == [b"\x1b[24;3R"]


@pytest.mark.parametrize(
    ("output", "row", "col"),
    [
        (b"", 1, 1),
        (b"a\tb", 1, 10),
        (b"a" * 80, 1, 80),
        (b"a" * 81, 2, 2),
        (b"a" * 80 + b"\r\n", 2, 1),
        ("日本".encode(), 1, 5),
        ("e\u0301".encode(), 1, 2),
        (b"\n" * 50, 24, 1),
        (b"ab\x08\x08\x08", 1, 1),
        (b"\x1b[5;7H", 5, 7),
        (b"\x1b[;7f", 1, 7),
        (b"\x1b[99;999H", 24, 80),
        (b"\x1b[5;7H\x1b[A\x1b[2D", 4, 5),
        (b"\x1b[5;7H\x1b[3B\x1b[3C", 8, 10),
        (b"\x1b[5;7H\x1b[E", 6, 1),
        (b"\x1b[5;7H\x1b[2F", 3, 1),
        (b"\x1b[5;7H\x1b[3G\x1b[9d", 9, 3),
        (b"\x1b[5;7H\x1b7\x1b[H\x1b8", 5, 7),
        (b"\x1b[5;7H\x1b[s\x1b[H\x1b[u", 5, 7),
        (b"\x1b[5;7H\x1b[?1049h\x1b[H\x1b[?1049l", 5, 7),
        (b"\x1b[2;4r\x1b[4;1H\n\n", 4, 1),
        (b"\x1b[H\x1bM", 1, 1),
        (b"\x1b[3H\x1bM", 2, 1),
        (b"\x1b[5;7H\x1bc", 1, 1),
        (b"ab\x1bEc", 2, 2),
        (b"ab\x1bD", 2, 3),
        (b"\x1b]0;a title\x07x", 1, 2),
        (b"\x1b[2J\x1b[31mred\x1b[0m", 1, 4),
        (b"\x1b[>1u\x1b[=3;1u", 1, 1),
    ],
)
def test_the_cursor_follows(output: bytes, row: int, col: int) -> None:
    cursor = Cursor(80, 24, 1)
    cursor.feed(output)
    assert (cursor.row, cursor.col) == (row, col)


@given(st.binary(max_size=400))
def test_the_cursor_stays_on_the_screen_whatever_is_printed(output: bytes) -> None:
    cursor = Cursor(20, 5, 1)
    cursor.feed(output)
    assert 1 <= cursor.row <= 5
    assert 1 <= cursor.col <= 20
