"""What a second terminal is shown of output that another one answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.terminal.history import Modes, Unasked

QUERIES = [
    b"\x1b[c",
    b"\x1b[0c",
    b"\x1b[>c",
    b"\x1b[=0c",
    b"\x1b[5n",
    b"\x1b[6n",
    b"\x1b[?6n",
    b"\x1b[?996n",
    b"\x1b[?u",
    b"\x1b[>q",
    b"\x1b[>0q",
    b"\x1b[?2026$p",
    b"\x1b[4$p",
    b"\x1b[18t",
    b"\x1b[14;2t",
    b"\x1b[21t",
    b"\x1b[?4m",
    b"\x1b[1x",
    b"\x1bZ",
    b"\x05",
    b"\x1b]11;?\x07",
    b"\x1b]11;?\x1b\\",
    b"\x1b]4;7;?\x07",
    b"\x1b]52;c;?\x07",
    b"\x1bP+q544e\x1b\\",
    b"\x1bP$qm\x1b\\",
]
#: Alike, but they set or draw something.
OTHERS = [
    b"\x1b[u",
    b"\x1b[s",
    b"\x1b[>1u",
    b"\x1b[=5;1u",
    b"\x1b[<u",
    b"\x1b[2 q",
    b"\x1b[!p",
    b"\x1b[22;0t",
    b"\x1b[8;24;80t",
    b"\x1b[>4n",
    b"\x1b[31m",
    b"\x1b[>4;2m",
    b"\x1b[?25h",
    b"\x1b]0;what?\x07",
    b"\x1b]2;a;b\x1b\\",
    b"\x1b]52;c;aGVsbG8=\x07",
    b"\x1b(0",
    b"\x1b7\x1b[r\x1b8",
]


def _shown(*pieces: bytes) -> bytes:
    unasked = Unasked()
    return b"".join(unasked.feed(piece) for piece in pieces) + unasked.rest()


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_is_taken_out_also_in_pieces(query: bytes) -> None:
    output = b"before" + query + b"after"
    assert _shown(output) == b"beforeafter"
    for cut in range(len(output)):
        assert _shown(output[:cut], output[cut:]) == b"beforeafter"


@pytest.mark.parametrize("other", OTHERS)
def test_what_asks_nothing_is_left(other: bytes) -> None:
    output = b"before" + other + b"after"
    for cut in range(len(output)):
        assert _shown(output[:cut], output[cut:]) == output


@given(
    st.lists(st.sampled_from([*QUERIES, *OTHERS, b"text\n", b"\xe2\x9c\x93", b"\x1b"])), st.data()
)
def test_however_it_comes_the_same_is_left(parts: list[bytes], data: st.DataObject) -> None:
    output = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(output)))))
    pieces = [output[a:b] for a, b in zip([0, *cuts], [*cuts, len(output)], strict=True)]
    assert _shown(*pieces) == _shown(output)


def test_a_sequence_without_an_end_is_not_held_for_ever() -> None:
    endless = b"\x1b]0;" + b"x" * 1000
    assert Unasked().feed(endless) == endless


def test_a_terminal_at_rest_needs_nothing() -> None:
    modes = Modes()
    modes.feed(b"text \x1b[31mred\x1b[0m \x1b[?25l\x1b[?25h\x1b[?1049h\x1b[?1049l\x1b=\x1b>")
    assert modes.begin() == b""
    assert modes.end() == b"\x1b[0m\x1b7\x1b[r\x1b8"


def test_what_is_on_is_switched_on_elsewhere_and_off_in_the_end() -> None:
    modes = Modes()
    for piece in (b"\x1b[?1049h\x1b[?1;20", b"04h\x1b[?25", b"l\x1b=vi"):
        modes.feed(piece)
    begin, end = modes.begin(), modes.end()
    assert begin.startswith(b"\x1b=\x1b[?1049h")
    assert sorted(begin.split(b"\x1b")[2:]) == [b"[?1049h", b"[?1h", b"[?2004h", b"[?25l"]
    assert end.endswith(b"\x1b[?1049l")
    assert {b"[?1l", b"[?2004l", b"[?25h", b">"} <= set(end.split(b"\x1b"))


def test_it_knows_which_screen_is_shown() -> None:
    modes = Modes()
    modes.feed(b"\x1b[?1049h")
    assert modes.alternate
    modes.feed(b"\x1b[?1049l")
    assert not modes.alternate
