import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspan.model.task import Exit
from inspan.terminal.playback import Playback
from inspan.terminal.search import LINE_MOST, PART, Found, Needle, find
from tests.fakes.recordings import Step, record

pytestmark = pytest.mark.requirement("C6", "B6")


def all_of(playback: Playback, needle: Needle, most: int = 1000) -> list[Found]:
    """Every page of it."""
    found: list[Found] = []
    offset: int | None = 0
    while offset is not None:
        page, on = find(playback, needle, offset, most)
        assert on is None or on > offset
        found, offset = [*found, *page], on
    return found


def test_colours_are_no_part_of_what_is_found(tmp_path: Path) -> None:
    steps: list[Step] = [
        (1.0, b"first\r\n"),
        (2.0, b"\x1b[31mHel\x1b[1mlo\x1b[0m world\r\n"),
        (3.0, b"\r\n"),
        (4.0, b"last"),
    ]
    (hit,) = all_of(Playback(record(tmp_path, steps)), Needle("hello WORLD"))
    assert (hit.line, hit.before, hit.after, hit.at) == ("Hello world", "first", "last", 2.0)
    assert hit.end == len(steps[0][1]) + len(steps[1][1])  # type: ignore[arg-type]
    assert not all_of(Playback(tmp_path), Needle("hello world", case=True))
    assert all_of(Playback(tmp_path), Needle("Hello world", case=True)) == [hit]


def test_a_line_ends_where_the_cursor_goes_elsewhere(tmp_path: Path) -> None:
    drawn = b"\x1b[2J\x1b[1;1Hname: x\x1b[2;1Hstate: busy\x1b[3CHigh\r10 %\r20 %\x1b]0;title\x07"
    playback = Playback(record(tmp_path, [(1.0, drawn)]))
    assert [hit.line for hit in all_of(playback, Needle("state"))] == ["state: busy High"]
    assert [hit.line for hit in all_of(playback, Needle("%"))] == ["10 %", "20 %"]
    assert not all_of(playback, Needle("title"))
    assert not all_of(playback, Needle("xstate"))


def test_the_same_line_drawn_again_and_again_is_one_hit(tmp_path: Path) -> None:
    playback = Playback(record(tmp_path, [(1.0, b"\rworking" * 50 + b"\rother\rworking")]))
    assert len(all_of(playback, Needle("working"))) == 1
    assert [hit.line for hit in all_of(playback, Needle("o"))] == ["working", "other", "working"]


def test_a_long_line_is_told_around_what_was_found(tmp_path: Path) -> None:
    line = b"a" * 1000 + b"needle" + b"b" * 1000
    (hit,) = all_of(Playback(record(tmp_path, [(1.0, line)])), Needle("needle"))
    assert "needle" in hit.line
    assert len(hit.line) <= LINE_MOST + 2


def test_pages_go_on_where_the_last_ended(tmp_path: Path) -> None:
    text = b"".join(b"line %d\n" % n for n in range(500))
    playback = Playback(record(tmp_path, [(1.0, text), (2.0, Exit(0))]))
    assert [hit.line for hit in all_of(playback, Needle("line"), 7)] == [
        f"line {n}" for n in range(500)
    ]


def test_a_call_reads_a_bounded_part(tmp_path: Path) -> None:
    text = b"0123456789abcde\n" * (PART // 4) + b"needle\n"
    playback = Playback(record(tmp_path, [(1.0, text)]))
    found, on = find(playback, Needle("needle"), 0, 10)
    assert not found
    assert on is not None
    assert PART // 2 <= on <= PART * 2
    assert [hit.end for hit in all_of(playback, Needle("needle"))] == [len(text)]


@settings(max_examples=15, deadline=None)
@given(where=st.integers(1, 1_300_000))
def test_it_is_found_wherever_it_lies(tmp_path_factory: pytest.TempPathFactory, where: int) -> None:
    """Also where a part or a piece of one ends."""
    filler = b"lorem ipsum dolor sit amet\n" * 50_000
    start = filler.rfind(b"\n", 0, where) + 1
    text = filler[:start] + b"the n\x1b[1meedle\n" + filler[start:]
    playback = Playback(record(tmp_path_factory.mktemp("r"), [(1.0, text)]))
    assert [hit.line for hit in all_of(playback, Needle("needle"))] == ["the needle"]


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=400))
def test_no_bytes_break_it(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    playback = Playback(record(tmp_path_factory.mktemp("r"), [(1.0, data)]))
    began = time.thread_time()
    for hit in all_of(playback, Needle("a")):
        assert 0 < hit.end <= len(data)
        assert not any(ord(char) < 32 and char != "\t" for char in hit.line)
    assert time.thread_time() - began < 5


@pytest.mark.parametrize("between", ["\v", "\f", "\x85", "\u2028", "\u2029"])
def test_whatever_breaks_a_line_ends_what_is_found(tmp_path: Path, between: str) -> None:
    playback = Playback(record(tmp_path, [(1.0, f"one{between}a word{between}two".encode())]))
    assert [hit.line for hit in all_of(playback, Needle("word"))] == ["a word"]


def test_what_is_gone_is_passed_over(tmp_path: Path) -> None:
    assert not all_of(Playback(record(tmp_path, [(1.0, b"")])), Needle("a"))
