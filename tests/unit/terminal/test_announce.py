import subprocess
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspan.errors import BadInput
from inspan.terminal.announce import KINDS, MOST, Announcement, Listener, Waiting, Working, encode

readable = st.text(
    st.characters(min_codepoint=0x21, exclude_categories=("C", "Z", "M")), min_size=1, max_size=40
)
announcements = st.one_of(
    st.just(Working()),
    st.builds(
        Waiting,
        st.sampled_from(KINDS),
        readable,
        st.lists(readable, max_size=5).map(tuple),
    ),
)


def hear(*pieces: bytes) -> tuple[Announcement, ...]:
    listener = Listener()
    return tuple(item for piece in pieces for item in listener.feed(piece))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.binary(max_size=8), announcements), max_size=4),
    st.lists(st.integers(0, 400), max_size=6),
)
def test_what_is_announced_is_heard_however_it_comes(
    parts: list[tuple[bytes, Announcement]], cuts: list[int]
) -> None:
    data = b"".join(noise + encode(announcement) for noise, announcement in parts)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]
    assert hear(*pieces) == tuple(announcement for _, announcement in parts)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                b"\x1b]7770;",
                b"waiting;",
                b"question;",
                b"q",
                b"working",
                b";",
                b"\x1b",
                b"\\",
                b"\x07",
                b"\n",
                b"%4",
                b"x" * 5000,
                b"%1b",
            ]
        )
    )
)
def test_noise_is_heard_alike_in_one_piece_and_byte_by_byte(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    listener = Listener()
    heard: list[Announcement] = []
    for piece in pieces:
        heard.extend(listener.feed(piece))
        assert len(listener._held) <= MOST
    assert tuple(heard) == hear(data)


@pytest.mark.parametrize(
    "noise",
    [
        b"\x1b]7770;waiting;question;cut\nshort\x07",
        b"\x1b]7770;waiting;wish;for what?\x07",
        b"\x1b]7770;waiting;question;\x07",
        b"\x1b]7770;waiting\x07",
        b"\x1b]7771;working\x07",
        b"\x1b]7770;working;now\x07",
        b"\x1b]7770;waiting;question;" + b"x" * 5000 + b"\x07",
        b"\x1b]7770;working\x18",
    ],
)
def test_what_is_of_another_grammar_is_passed_over(noise: bytes) -> None:
    assert hear(noise, encode(Working())) == (Working(),)


def test_what_is_heard_is_safe_to_show() -> None:
    raw = b"\x1b]7770;waiting;permission;%1B]52%3Bc%3Bx%07Run%0Als?;%E2%80%AEyes%3B;%00\x1b\\"
    assert hear(raw) == (Waiting("permission", "Run\nls?", ("yes;",)),)


def test_a_shell_script_says_it_with_one_line() -> None:
    script = r"printf '\033]7770;waiting;question;%s;%s;%s\033\\' 'Go on?' yes no"
    out = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=True).stdout
    assert hear(out) == (Waiting("question", "Go on?", ("yes", "no")),)


@pytest.mark.parametrize(
    "announcement",
    [
        Waiting("wish", "what?"),
        Waiting("question", "x" * MOST),
        Waiting("question", "which?", ("a",) * 21),
    ],
)
def test_what_could_not_be_heard_is_not_encoded(announcement: Announcement) -> None:
    with pytest.raises(BadInput):
        encode(announcement)
