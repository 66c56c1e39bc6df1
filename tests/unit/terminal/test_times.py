from pathlib import Path

import pytest

from inspan.errors import BadInput
from inspan.model.session import Mark
from inspan.model.task import Exit
from inspan.terminal.playback import Playback
from inspan.terminal.times import times
from tests.fakes.recordings import record

pytestmark = pytest.mark.requirement("C6", "B6")


def ticks(folder: Path, count: int) -> Playback:
    """Ten bytes each second from 100 on; the terminal grows half way, and it ends."""
    steps = [(100.0 + n, b"123456789\n") for n in range(count)]
    half = count // 2
    return Playback(
        record(
            folder,
            [
                (100.0, (80, 24)),
                *steps[:half],
                (100.0 + half, (100, 30)),
                *steps[half:],
                (100.0 + count, Exit(0)),
            ],
        )
    )


def test_every_moment_is_told_where_there_are_few(tmp_path: Path) -> None:
    told = times(ticks(tmp_path, 4), 0, None, 100)
    assert (told.began, told.until, told.size, told.ended) == (100.0, 104.0, 40, True)
    assert (told.cols, told.rows) == (80, 24)
    assert told.marks == (
        *(Mark(100.0, 0), Mark(100.0, 0), Mark(101.0, 10), Mark(102.0, 20)),
        *(Mark(102.0, 20), Mark(103.0, 30), Mark(104.0, 40)),
    )


def test_a_stretch_begins_with_what_is_in_force_there_and_ends_behind_it(tmp_path: Path) -> None:
    told = times(ticks(tmp_path, 10), 75, 84, 100)
    assert [mark.offset for mark in told.marks] == [70, 80, 90]
    assert (told.cols, told.rows) == (100, 30)
    assert times(ticks(tmp_path, 10), 5000, None, 100).marks == (Mark(110.0, 100),)


def test_too_many_are_thinned_evenly_in_time(tmp_path: Path) -> None:
    """Also over more than a block of the index, which is passed over where it lies before."""
    playback = ticks(tmp_path, 20_000)
    told = times(playback, 0, None, 50)
    assert len(told.marks) <= 50
    assert told.marks[0] == Mark(100.0, 0)
    assert told.marks[-1] == Mark(20_100.0, 200_000)
    steps = [later.at - mark.at for mark, later in zip(told.marks, told.marks[1:], strict=False)]
    assert max(steps) < 2 * 20_000 / 49
    late = times(playback, 199_985, None, 50)
    assert [mark.offset for mark in late.marks] == [199_980, 199_990, 200_000]


def test_time_never_goes_back_in_it(tmp_path: Path) -> None:
    playback = Playback(record(tmp_path, [(100.0, b"a"), (50.0, b"b"), (101.0, b"c")]))
    assert [mark.at for mark in times(playback, 0, None, 10).marks] == [100.0, 100.0, 101.0]


def test_what_runs_has_no_end_yet(tmp_path: Path) -> None:
    told = times(Playback(record(tmp_path, [(7.0, b"abc")])), 0, None, 10)
    assert (told.ended, told.size, told.until, told.cols) == (False, 3, 7.0, 0)


@pytest.mark.parametrize(("offset", "until", "most"), [(-1, None, 10), (5, 4, 10), (0, None, 1)])
def test_nonsense_is_refused(tmp_path: Path, offset: int, until: int | None, most: int) -> None:
    with pytest.raises(BadInput):
        times(ticks(tmp_path, 2), offset, until, most)
