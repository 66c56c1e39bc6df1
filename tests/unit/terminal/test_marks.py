import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.terminal.marks import MOST, Bar, Marks, Progress

pytestmark = pytest.mark.requirement("B4")


def fed(*pieces: bytes) -> tuple[Marks, bytes]:
    marks = Marks()
    return marks, b"".join(marks.feed(piece) for piece in pieces)


def test_titles() -> None:
    marks, drawn = fed(b"\x1b]0;one\x07a\x1b]1;icon\x07", b"\x1b]2;\xe2\x9c\xb3 two;three\x1b\\b")
    assert (marks.title, marks.told, drawn) == ("✳ two;three", 2, b"ab\x1b\\"[:2])
    marks.feed(b"\x1b]2;\xe2\x9c\xb3 two;three\x07")
    assert marks.told == 3, "said again is said"
    marks.feed(b"\x1b]0;\x07")
    assert (marks.title, marks.told) == ("", 4)


def test_a_title_is_safe_to_show() -> None:
    marks, _ = fed(b"\x1b]0;a\xe2\x80\xaeb\x01\xff" + b"c" * 1000 + b"\x07")
    assert marks.title.startswith("ab\ufffdccc")
    assert len(marks.title) == 200


def test_a_string_that_is_cut_or_too_long_says_nothing() -> None:
    for data in (
        b"\x1b]0;never\x18",
        b"\x1b]0;never\x1b[m",
        b"\x1b]0;" + b"x" * MOST + b"\x07",
        b"\x1bP\x1b]0;" + b"\x18" + b"0;never\x07",
        b"\x1b_0;never\x07\x1b\\",
        b"\x1b]9;4;7;1\x07\x1b]9;hello\x07\x1b]99;4;1\x07",
    ):
        marks, _ = fed(data)
        assert (marks.title, marks.told, marks.progress) == ("", 0, Bar())
    marks, _ = fed(b"\x1b]0;never\x1b]0;then\x07")
    assert marks.title == "then"


def test_progress() -> None:
    marks, drawn = fed(b"\x1b]9;4;1;40\x07")
    assert (marks.progress, str(marks.progress)) == (Bar(Progress.VALUE, 40), "value 40")
    assert drawn == b""
    marks.feed(b"\x1b]9;4;3;\x1b\\")
    assert str(marks.progress) == "busy 0"
    marks.feed(b"\x1b]9;4;2;900\x1b\\")
    assert str(marks.progress) == "error 100"
    marks.feed(b"\x1b]9;4;0\x07")
    assert str(marks.progress) == ""


def test_a_bell_is_not_the_end_of_a_title() -> None:
    marks, drawn = fed(b"\x07a\x1b]0;t\x07\x1bPx\x07y\x1b\\b\x1b[3\x07m")
    assert (marks.bells, drawn.replace(b"\x1b\\", b"")) == (2, b"ab\x1b[3m")


def test_the_cursor_is_shown_or_hidden() -> None:
    marks = Marks()
    for data, hidden in (
        (b"a\x1b[?25lb", True),
        (b"c\x1b[?25l\x1b[?25hd", False),
        (b"\x1b[?12;25l", True),
        (b"\x1b[?25", True),
        (b"h", False),
        (b"\x1b[?2", False),
        (b"5l", True),
        (b"\x1b[?250h\x1b[25h", True),
    ):
        marks.feed(data)
        assert marks.hidden is hidden, data


def test_frames() -> None:
    marks, drawn = fed(b"\x1b[?2026h", b"half")
    assert (marks.synchronised, marks.frames) == (True, 1)
    assert drawn == b"\x1b[?2026hhalf"
    marks.feed(b"\x1b[?25;2026l\x1b[2026h\x1b[?20260h\x1b[?2026$p")
    assert (marks.synchronised, marks.frames) == (False, 1)
    marks.feed(b"\x1b[?2026h\x1b[?2026l\x1b[?2026h")
    assert (marks.synchronised, marks.frames) == (True, 3)


def test_images_and_clipboards_do_not_reach_the_emulator() -> None:
    _, drawn = fed(
        b"a\x1b_Gf=100;iVBORw0\x1b\\b\x1b]52;c;c2VjcmV0\x07c\x1bPq#0\x1b\\d\x1b]8;;u\x1b\\e"
    )
    assert drawn.replace(b"\x1b\\", b"") == b"abcde"


PIECES = st.sampled_from(
    [
        *(
            b"\x1b",
            b"\x1b]0;",
            b"\x1b]9;4;1;5",
            b"\x07",
            b"\x1b\\",
            b"\x1bP",
            b"\x1b_",
            b"\x1b[?2026h",
        ),
        *(
            b"\x1b[?2026l",
            b"\x1b[",
            b"12;",
            b"m",
            b"text",
            b"\x18",
            b"\x1a",
            b"\xe4\xbd\xa0",
            b"\x00",
        ),
    ]
)


@given(st.lists(PIECES, max_size=30), st.integers(1, 9))
def test_bytes_may_be_cut_anywhere(pieces: list[bytes], cut: int) -> None:
    data = b"".join(pieces)
    whole, drawn = fed(data)
    parts, redrawn = fed(*(data[at : at + cut] for at in range(0, len(data), cut)))
    for name in ("title", "told", "progress", "bells", "synchronised", "frames"):
        assert getattr(whole, name) == getattr(parts, name)
    assert drawn == redrawn


@given(st.lists(PIECES, max_size=30))
def test_it_holds_little(pieces: list[bytes]) -> None:
    marks = Marks()
    for piece in pieces:
        marks.feed(piece * 2000)
    assert len(marks._string) <= MOST + 1
    assert len(marks._parameters) <= 64
    assert not marks._drawn
