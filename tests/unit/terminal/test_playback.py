import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspan.errors import BadInput, SessionNotFound
from inspan.keeper.recording import INDEX, INPUT, RAW, Record
from inspan.model.session import Chunk, Ended, Gap, Output, Resized
from inspan.model.task import Exit
from inspan.terminal.playback import Moment, Playback, Typed

pytestmark = pytest.mark.requirement("B6")


def write(folder: Path, raw: bytes, records: Iterable[Record], typed: bytes = b"") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / RAW).write_bytes(raw)
    (folder / INDEX).write_bytes(b"".join(record.pack() for record in records))
    if typed:
        (folder / INPUT).write_bytes(typed)
    return folder


def whole(playback: Playback, limit: int) -> list[Chunk]:
    """Every chunk, read ``limit`` bytes at a time as a client would."""
    offset = 0
    chunks: list[Chunk] = []
    for _ in range(10_000):
        got = playback.read(offset, limit)
        chunks.extend(got)
        if not got or isinstance(got[-1], Ended):
            return chunks
        for chunk in got:
            if isinstance(chunk, Output):
                offset = chunk.offset + len(chunk.data)
            elif isinstance(chunk, Gap):
                offset = chunk.end
    raise AssertionError("the end never came")


def test_a_terminal_session_is_read_by_offset(tmp_path: Path) -> None:
    records = [
        Record(1.0, 0, "r", 80, 24),
        Record(1.1, 0, "o"),
        Record(1.5, 5, "r", 100, 30),
        Record(1.6, 5, "o"),
        Record(2.0, 11, "x", 3, 0),
    ]
    playback = Playback(write(tmp_path / "s", b"hello world", records))
    assert playback.read(0, 100) == (
        Resized(0, 80, 24),
        Output(0, b"hello"),
        Resized(5, 100, 30),
        Output(5, b" world"),
        Ended(11, Exit(code=3)),
    )
    assert playback.read(0, 5) == (Resized(0, 80, 24), Output(0, b"hello"))
    assert playback.read(5, 3) == (Resized(5, 100, 30), Output(5, b" wo"))
    assert playback.read(8, 3) == (Output(8, b"rld"), Ended(11, Exit(code=3)))
    assert playback.read(99, 3) == (Ended(11, Exit(code=3)),)
    assert (playback.size, playback.ended, playback.exit) == (11, True, Exit(code=3))
    assert playback.began == 1.0
    assert playback.size_at(4) == Resized(0, 80, 24)
    assert playback.size_at(5) == Resized(5, 100, 30)


def test_pipes_keep_their_streams_apart(tmp_path: Path) -> None:
    records = [Record(1, 0, "o"), Record(2, 3, "e"), Record(3, 6, "e"), Record(4, 9, "o")]
    playback = Playback(write(tmp_path / "s", b"outerrERRout", records))
    assert playback.read(0, 100) == (
        Output(0, b"out"),
        Output(3, b"errERR", "err"),
        Output(9, b"out"),
    )
    assert playback.read(4, 100)[0] == Output(4, b"rrERR", "err")
    assert playback.size_at(3) is None


def test_a_freed_middle_is_a_gap(tmp_path: Path) -> None:
    records = [Record(1, 0, "o"), Record(2, 4, "m", 0, 3), Record(3, 7, "m", 0, 1)]
    records += [Record(4, 10, "x", 0, 9)]
    playback = Playback(write(tmp_path / "s", b"head\0\0\0\0ta", records))
    assert playback.read(0, 100) == (Output(0, b"head"),)
    assert playback.read(4, 1) == (Gap(4, 8),)
    assert playback.read(6, 1) == (Gap(6, 8),)
    assert playback.read(8, 100) == (Output(8, b"ta"), Ended(10, Exit(signal=9)))


def test_a_gap_of_more_than_four_gigabytes(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", b"ab", [Record(1, 0, "o"), Record(2, 2, "m", 1, 7)])
    size = 2 + (1 << 32) + 7 + 3
    os.truncate(folder / RAW, size)
    playback = Playback(folder)
    assert playback.read(2, 1) == (Gap(2, size - 3),)
    assert playback.read(size - 3, 9) == (Output(size - 3, b"\0\0\0"),)


def test_what_comes_later_is_seen_by_the_same_playback(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", b"one", [Record(1, 0, "o")])
    playback = Playback(folder)
    assert playback.read(0, 10) == (Output(0, b"one"),)
    assert playback.read(3, 10) == ()
    with (folder / RAW).open("ab") as raw, (folder / INDEX).open("ab") as index:
        raw.write(b"two")
        index.write(Record(2, 6, "x", 0, 0).pack())
    assert playback.read(3, 10) == (Output(3, b"two"), Ended(6, Exit(code=0)))


def test_a_torn_record_waits_until_it_is_whole(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", b"text", [Record(1, 0, "o")])
    last = Record(2, 4, "x", 1, 0).pack()
    with (folder / INDEX).open("ab") as index:
        index.write(last[:11])
    playback = Playback(folder)
    assert playback.read(0, 10) == (Output(0, b"text"),)
    assert playback.exit is None
    with (folder / INDEX).open("ab") as index:
        index.write(last[11:])
    assert playback.ended
    assert playback.exit == Exit(code=1)


def test_the_index_may_lag_behind(tmp_path: Path) -> None:
    playback = Playback(write(tmp_path / "s", b"not yet indexed", []))
    assert playback.read(0, 100) == (Output(0, b"not yet indexed"),)


def test_the_timeline_has_everything_in_the_order_of_time(tmp_path: Path) -> None:
    records = [
        Record(1.0, 0, "r", 80, 24),
        Record(1.1, 0, "o"),
        Record(1.2, 3, "i", 2, 0),
        Record(1.3, 3, "r", 90, 20),
        Record(1.4, 5, "o"),
        Record(1.5, 8, "x", 0, 0),
    ]
    playback = Playback(write(tmp_path / "s", b"abcdefgh", records, typed=b"hi"))
    assert list(playback.timeline()) == [
        Moment(1.0, Resized(0, 80, 24)),
        Moment(1.1, Output(0, b"abc")),
        Moment(1.2, Typed(b"hi")),
        Moment(1.3, Resized(3, 90, 20)),
        Moment(1.3, Output(3, b"de")),
        Moment(1.4, Output(5, b"fgh")),
        Moment(1.5, Ended(8, Exit(code=0))),
    ]


def test_the_timeline_tells_gaps_and_missing_input(tmp_path: Path) -> None:
    records = [Record(1, 0, "o"), Record(2, 2, "i", 5, 0), Record(3, 1, "m", 0, 2)]
    playback = Playback(write(tmp_path / "s", b"a\0\0b", records))
    assert [moment.what for moment in playback.timeline()] == [
        Output(0, b"a"),
        Gap(1, 2),
        Typed(b""),
        Gap(2, 3),
        Output(3, b"b"),
    ]


def test_what_is_not_a_recording_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(SessionNotFound):
        Playback(tmp_path / "none").read(0, 1)
    folder = write(tmp_path / "s", b"x", [])
    (folder / INDEX).unlink()
    with pytest.raises(SessionNotFound):
        Playback(folder).read(0, 1)


@pytest.mark.parametrize("plant", ["folder", "file"])
def test_a_link_is_not_followed(tmp_path: Path, plant: str) -> None:
    real = write(tmp_path / "real", b"secret", [])
    planted = tmp_path / "planted"
    if plant == "folder":
        planted.symlink_to(real)
    else:
        write(planted, b"", [])
        (planted / RAW).unlink()
        (planted / RAW).symlink_to(real / RAW)
    with pytest.raises(SessionNotFound):
        Playback(planted).read(0, 10)


@pytest.mark.parametrize(("offset", "limit"), [(-1, 1), (0, 0)])
def test_a_senseless_range_is_refused(tmp_path: Path, offset: int, limit: int) -> None:
    with pytest.raises(BadInput):
        Playback(write(tmp_path / "s", b"", [])).read(offset, limit)


def test_nothing_stays_open(tmp_path: Path) -> None:
    playback = Playback(write(tmp_path / "s", b"x" * 10, [Record(1, 0, "o")]))
    before = len(list(Path("/dev/fd").iterdir()))
    playback.read(0, 10)
    list(playback.timeline())
    assert len(list(Path("/dev/fd").iterdir())) == before


pieces = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("oe"), st.binary(min_size=1, max_size=9)),
        st.tuples(st.just("r"), st.just(b"")),
    ),
    max_size=20,
)


@settings(max_examples=150, deadline=None)
@given(pieces, st.integers(1, 12), st.integers(0, 60), st.integers(0, 30))
def test_any_reading_gives_every_byte_once(
    tmp_path_factory: pytest.TempPathFactory,
    parts: list[tuple[str, bytes]],
    limit: int,
    gap_at: int,
    gap_size: int,
) -> None:
    raw, records, sizes = b"", [], []
    expected: list[str | None] = []
    for number, (kind, data) in enumerate(parts):
        records.append(Record(number, len(raw), kind, number, number))
        if kind == "r":
            sizes.append(Resized(len(raw), number, number))
        raw += data
        expected.extend({"o": "out", "e": "err"}[kind] for _ in data)
    if gap_size:
        records.append(Record(99, gap_at, "m", 0, gap_size))
    # What a gap beyond the file says is lost was lost when the machine went down.
    size = max(len(raw), gap_at + gap_size if gap_size else 0)
    records.append(Record(100, size, "x", 0, 0))
    expected += [None] * (size - len(raw))
    expected[gap_at : gap_at + gap_size] = [None] * gap_size
    playback = Playback(write(tmp_path_factory.mktemp("any") / "s", raw, records))
    chunks = whole(playback, limit)
    got: list[str | None] = []
    for chunk in chunks:
        if isinstance(chunk, Output):
            assert chunk.offset == len(got)
            assert chunk.data == raw[chunk.offset : chunk.offset + len(chunk.data)]
            got.extend(chunk.stream for _ in chunk.data)
        elif isinstance(chunk, Gap):
            assert chunk.start == len(got)
            got.extend(None for _ in range(chunk.start, chunk.end))
    assert got == expected
    inside = [item for item in sizes if not gap_at < item.offset < gap_at + gap_size]
    assert [item for item in chunks if isinstance(item, Resized) and item in inside] == inside
    assert chunks[-1] == Ended(size, Exit(code=0))


def test_a_long_run_of_one_stream_is_one_entry(tmp_path: Path) -> None:
    records = [Record(1, at, "o") for at in range(30_000)]
    playback = Playback(write(tmp_path / "s", b"y" * 30_000, records))
    assert playback.read(0, 30_000) == (Output(0, b"y" * 30_000),)
    assert len(playback._switches) == 1
