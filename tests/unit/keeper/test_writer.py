"""The recording as it is written: its cap, its labels, and disks that refuse."""

import contextlib
import resource
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspan.keeper import linux
from inspan.keeper import writer as writers
from inspan.keeper.recording import INDEX, INPUT, RAW, unpack
from inspan.keeper.writer import CAP_LEAST, Writer

pytestmark = pytest.mark.requirement("B6")

SIZE = (80, 24)


def writer(folder: Path, *, cap: int = 1 << 20, typed: bool = False) -> Writer:
    return Writer(str(folder), cap=cap, size=SIZE, typed=typed)


def gaps(folder: Path) -> list[tuple[int, int]]:
    """What is marked as gone, start and length, with neighbours joined."""
    found: list[tuple[int, int]] = []
    for one in unpack((folder / INDEX).read_bytes()):
        if one.kind == "m":
            start, length = one.offset, one.a << 32 | one.b
            if found and sum(found[-1]) == start:
                start, length = found[-1][0], found.pop()[1] + length
            found.append((start, length))
    return found


@contextlib.contextmanager
def file_size_limit(most: int) -> Iterator[None]:
    """Writes beyond fail with a real error of the kernel."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_bytes_and_their_labels(tmp_path: Path) -> None:
    one = writer(tmp_path / "s")
    one.output(b"out", "o")
    one.output(b"error", "e")
    one.output(b"out again", "o")
    one.resized(100, 30)
    one.close(3, 0)
    assert (tmp_path / "s" / RAW).read_bytes() == b"outerrorout again"
    records = unpack((tmp_path / "s" / INDEX).read_bytes())
    assert [(r.kind, r.offset, r.a, r.b) for r in records] == [
        ("r", 0, 80, 24),
        ("o", 0, 0, 0),
        ("e", 3, 0, 0),
        ("o", 8, 0, 0),
        ("r", 17, 100, 30),
        ("x", 17, 3, 0),
    ]


def test_the_newest_bytes_are_given_while_there_is_nothing_else_to_tell(tmp_path: Path) -> None:
    one = writer(tmp_path / "s")
    one.output(b"out", "o")
    # Who is at 0 is to be told the size of the terminal first.
    assert one.newest(0, 100) == ("", b"")
    assert one.newest(1, 2) == ("o", b"ut")
    assert one.newest(1, 1) == one.newest(3, 100) == one.newest(4, 100) == ("", b"")
    one.output(b"error", "e")
    assert one.newest(3, 100) == ("e", b"error")
    assert one.newest(2, 100) == ("", b"")
    one.resized(100, 30)
    one.output(b"more", "e")
    assert one.newest(8, 100) == ("", b"")
    assert one.newest(9, 100) == ("e", b"ore")
    one.close(0, 0)
    assert one.newest(9, 100) == ("", b"")


def test_the_newest_bytes_are_not_given_across_a_loss(tmp_path: Path) -> None:
    one = writer(tmp_path / "s")
    one.output(b"kept", "o")
    with file_size_limit(4):
        one.output(b"lost", "o")
    assert one.newest(4, 100) == one.newest(2, 100) == ("", b"")
    one.close(0, 0)


def test_folder_and_files_are_private(tmp_path: Path) -> None:
    writer(tmp_path / "s").close(0, 0)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "s").iterdir()}
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o700
    assert modes == {0o600}


def test_a_recording_is_not_written_over(tmp_path: Path) -> None:
    one = writer(tmp_path / "s")
    one.output(b"kept", "o")
    one.close(0, 0)
    with pytest.raises(FileExistsError):
        writer(tmp_path / "s")
    assert (tmp_path / "s" / RAW).read_bytes() == b"kept"


def test_an_abandoned_recording_leaves_nothing(tmp_path: Path) -> None:
    writer(tmp_path / "s").abandon()
    assert list((tmp_path / "s").iterdir()) == []
    writer(tmp_path / "s").close(0, 0)


def test_input_is_kept_only_where_asked_and_bounded(tmp_path: Path) -> None:
    quiet = writer(tmp_path / "quiet")
    quiet.typed(b"secret")
    quiet.close(0, 0)
    assert not (tmp_path / "quiet" / INPUT).exists()
    one = writer(tmp_path / "s", cap=CAP_LEAST, typed=True)
    one.typed(b"yes\n")
    one.typed(bytes(CAP_LEAST))
    one.close(0, 0)
    assert (tmp_path / "s" / INPUT).read_bytes() == b"yes\n"
    records = unpack((tmp_path / "s" / INDEX).read_bytes())
    assert [(r.kind, r.a) for r in records] == [("r", 80), ("i", 4), ("x", 0)]


def test_a_stamp_follows_its_bytes_and_a_label_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "_STAMPS", ((1 << 20, 0.0),))  # every output is stamped
    one = writer(tmp_path / "s")

    def told() -> list[tuple[str, int]]:
        return [(r.kind, r.offset) for r in unpack((tmp_path / "s" / INDEX).read_bytes())]

    assert not one.output(b"a", "o")
    assert told() == [("r", 0), ("o", 0)]
    assert one.output(b"b", "o")
    assert told() == [("r", 0), ("o", 0)]
    assert (tmp_path / "s" / RAW).read_bytes() == b"ab"
    one.stamp()
    assert told() == [("r", 0), ("o", 0), ("o", 1)]
    assert one.output(b"c", "o")
    assert not one.output(b"d", "e"), "with the stamp before it"
    assert told() == [("r", 0), ("o", 0), ("o", 1), ("o", 2), ("e", 3)]
    one.output(b"f", "e")
    one.close(0, 0)
    assert told()[-2:] == [("e", 4), ("x", 5)]
    one.stamp()  # nothing is left to be told
    assert len(told()) == 7


def test_stamps_are_coalesced(tmp_path: Path) -> None:
    one = writer(tmp_path / "s")
    for _ in range(2000):
        one.output(b"x", "o")
    one.close(0, 0)
    assert len(unpack((tmp_path / "s" / INDEX).read_bytes())) < 500


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 40_000), min_size=1, max_size=40))
def test_head_and_newest_tail_survive_the_cap(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("cap") / "s"
    one = writer(folder, cap=CAP_LEAST)
    whole = bytearray()
    for number, size in enumerate(sizes):
        part = bytes([number % 255 + 1]) * size
        whole += part
        one.output(part, "o")
    one.close(0, 0)
    raw = (folder / RAW).read_bytes()
    marked = gaps(folder)
    assert len(raw) == len(whole) == one.size
    assert sum(length for _, length in marked) == one.cut
    assert one.size - one.cut <= CAP_LEAST
    if len(whole) <= CAP_LEAST:
        assert not marked
    for start, length in marked:
        assert start >= CAP_LEAST // 4
        assert start + length <= len(whole) - CAP_LEAST // 2
        whole[start : start + length] = bytes(length)
    assert raw == whole


def test_freed_bytes_take_no_room_and_reads_step_over_them(tmp_path: Path) -> None:
    one = writer(tmp_path / "s", cap=CAP_LEAST)
    for _ in range(64):
        one.output(b"x" * (64 << 10), "o")
    assert (tmp_path / "s" / RAW).stat().st_blocks * 512 <= CAP_LEAST + (16 << 10)
    start, stop = CAP_LEAST // 4, CAP_LEAST // 4 + one.cut
    assert one.read(start - 10, 1000) == (start - 10, b"x" * 10)
    assert one.read(start + 5, 10) == (stop, b"x" * 10)
    assert one.read(one.size + 5, 10) == (one.size, b"")
    one.close(0, 0)


def test_a_file_system_without_holes_keeps_the_head_and_counts_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linux, "_LIBC", None)  # as on a system without the call
    one = writer(tmp_path / "s", cap=CAP_LEAST)
    for _ in range(64):
        one.output(b"x" * 4096, "o")
    one.close(0, 0)
    kept = CAP_LEAST + 4096
    assert (one.size, one.cut) == (64 * 4096, 64 * 4096 - kept)
    assert gaps(tmp_path / "s") == [(kept, one.cut)]
    assert one.read(0, 1 << 20)[1] == b"x" * kept


def test_a_disk_that_refuses_costs_only_the_bytes_of_that_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspan.keeper.writer._RETRY", 0.0)
    one = writer(tmp_path / "s")
    with file_size_limit(10_000):
        one.output(b"a" * 9_000, "o")
        one.output(b"b" * 9_000, "o")
        one.output(b"c" * 9_000, "o")
    one.output(b"d" * 9_000, "o")
    one.close(0, 0)
    assert (one.size, one.cut) == (36_000, 17_000)
    assert gaps(tmp_path / "s") == [(10_000, 17_000)]
    raw = (tmp_path / "s" / RAW).read_bytes()
    assert raw == b"a" * 9_000 + b"b" * 1_000 + bytes(17_000) + b"d" * 9_000
    assert one.read(9_999, 10) == (9_999, b"b")
    assert one.read(10_000, 3) == (27_000, b"ddd")


def test_an_index_that_cannot_be_written_is_written_later_and_stays_whole(tmp_path: Path) -> None:
    one = writer(tmp_path / "s")
    with file_size_limit(40):
        one.output(b"a" * 30, "o")
        one.resized(90, 30)
        one.output(b"b", "o")
    one.output(b"c", "o")
    one.close(0, 9)
    records = unpack((tmp_path / "s" / INDEX).read_bytes())
    # A machine that stands still between two bytes has the second one stamped as well.
    alike = [next(run) for _, run in groupby(records, key=lambda record: record.kind)]
    assert [(r.kind, r.offset) for r in alike] == [
        ("r", 0),
        ("o", 0),
        ("r", 30),
        ("o", 30),
        ("x", 32),
    ]


def test_a_disk_that_never_recovers_still_ends_in_order(tmp_path: Path) -> None:
    one = writer(tmp_path / "s")
    with file_size_limit(100):
        for _ in range(3000):
            one.output(b"x" * 1000, "o")
    one.close(1, 0)
    assert one.size == 3_000_000
    assert one.cut == 2_999_900
    assert (tmp_path / "s" / RAW).stat().st_size == one.size
    assert sum(length for _, length in gaps(tmp_path / "s")) == one.cut


def test_an_end_that_finds_no_room_is_told_once_there_is_some(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    one = Writer(str(folder), cap=CAP_LEAST, size=None, typed=False)
    with file_size_limit(0):
        one.output(b"x" * 5000, "o")
        one.close(7, 0)
        assert not one.settle()
        # Nothing is there that could be taken for output.
        assert [(folder / name).stat().st_size for name in (RAW, INDEX)] == [0, 0]
    assert one.settle()
    assert one.settle()
    assert gaps(folder) == [(0, 5000)]
    last = unpack((folder / INDEX).read_bytes())[-1]
    assert (last.kind, last.offset, last.a) == ("x", 5000, 7)
    assert (folder / RAW).stat().st_size == 5000


def test_a_disk_that_is_full_at_the_start_is_told(tmp_path: Path) -> None:
    with file_size_limit(0), pytest.raises(OSError):
        writer(tmp_path / "s")
    assert list((tmp_path / "s").iterdir()) == []


def test_the_cap_counts_what_the_disk_refused_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspan.keeper.writer._RETRY", 0.0)
    one = writer(tmp_path / "s", cap=CAP_LEAST)
    with file_size_limit(20_000):
        one.output(b"a" * 40_000, "o")
    for _ in range(200):
        one.output(b"b" * 1000, "o")
    one.close(0, 0)
    lost = set[int]()
    for start, length in gaps(tmp_path / "s"):
        lost.update(range(start, start + length))
    assert len(lost) == one.cut
    raw = (tmp_path / "s" / RAW).read_bytes()
    assert {number for number, byte in enumerate(raw) if byte == 0} == lost
    assert one.size - one.cut <= CAP_LEAST
