from math import inf
from pathlib import Path

import pytest

from inspan.errors import SessionNotFound
from inspan.keeper.recording import INDEX, RAW, Record
from inspan.model.activity import Doing, Reading, Source
from inspan.model.task import TerminalSpec
from inspan.providers.screenrules import rulebooks
from inspan.providers.screens import Screens
from inspan.providers.seeing import _BACK, Eyes
from inspan.terminal.screen import backend
from tests.fakes.clock import FakeClock
from tests.fakes.recordings import Step, record

pytestmark = [pytest.mark.requirement("B4"), pytest.mark.anyio]


def eyes(folder: Path, *, whole: bool = True) -> Eyes:
    return Eyes(folder, rulebooks("any"), backend(), cols=80, rows=24, whole=whole)


async def settled(seeing: Eyes, size: int, now: float) -> Reading:
    """What is read once nothing is due any more."""
    await seeing.see(size, now)
    while seeing.due < inf:
        now = max(now, seeing.due)
        seeing.look(now)
    assert seeing.reading is not None
    return seeing.reading


async def test_it_follows_a_recording_that_grows(tmp_path: Path) -> None:
    steps: list[Step] = [(1.0, (40, 5)), (2.0, b"some output\r\n")]
    folder = record(tmp_path / "r", steps)
    seeing = eyes(folder)
    assert seeing.reading is None
    assert (await settled(seeing, 13, 2.0)).doing is Doing.WORKING  # it prints line by line
    with (folder / RAW).open("ab") as raw, (folder / INDEX).open("ab") as index:
        raw.write(b"Go on? [y/N] ")
        index.write(Record(3.0, 13, "o").pack())
    asks = await settled(seeing, 26, 3.0)
    assert (asks.doing, asks.at) == (Doing.WAITING, 3.0)
    assert asks.needs is not None
    assert asks.needs.question == "Go on? [y/N]"
    await seeing.see(26, 4.0)
    assert seeing.due == inf, "nothing is new"
    await seeing.see(99, 4.0)
    assert seeing.due == inf, "what is not there is not waited for"
    seeing.close()


async def test_one_that_was_adopted_is_drawn_from_near_its_end(tmp_path: Path) -> None:
    flood = b"line\r\n" * (_BACK // 4)
    steps: list[Step] = [(1.0, (40, 5)), (2.0, flood), (3.0, (20, 3)), (4.0, b"\r\n$ ")]
    folder = record(tmp_path / "r", steps)
    size = len(flood) + 4
    for whole in (True, False):
        seeing = eyes(folder, whole=whole)
        assert (await settled(seeing, size, 9.0)).doing is Doing.IDLE
        assert len(seeing._look.screen.rows()) == 3
        seeing.close()


async def test_what_was_freed_is_passed_over(tmp_path: Path) -> None:
    folder = record(tmp_path / "r", [(1.0, (40, 5)), (2.0, b"a" * 100 + b"\r\n$ ")])
    with (folder / INDEX).open("ab") as index:
        index.write(Record(3.0, 10, "m", 0, 80).pack())
    assert (await settled(eyes(folder), 104, 9.0)).doing is Doing.IDLE


async def test_there_is_no_such_recording(tmp_path: Path) -> None:
    with pytest.raises(SessionNotFound):
        await eyes(tmp_path / "none").see(10, 1.0)


async def test_what_is_typed_is_echoed_and_no_work(tmp_path: Path) -> None:
    said = []
    for types in (True, False):
        folder = record(tmp_path / str(types), [(1.0, (40, 5)), (2.0, b"text")])
        seeing, size = eyes(folder), 4
        await seeing.see(size, 2.0)
        for step in range(8):
            at = 3.0 + step * 0.4
            if types:
                seeing.typed(at)
            with (folder / RAW).open("ab") as raw, (folder / INDEX).open("ab") as index:
                raw.write(b"%d" % step)
                index.write(Record(at, size, "o").pack())
            size += 1
            await seeing.see(size, at + 0.1)
            seeing.look(at + 0.2)
        assert seeing.reading is not None
        said.append(seeing.reading.doing)
        seeing.close()
    assert said == [Doing.UNKNOWN, Doing.WORKING]


@pytest.mark.parametrize("pty", [True, False])
async def test_of_a_recording_that_is_gone_nothing_is_known(tmp_path: Path, pty: bool) -> None:
    clock = FakeClock()
    nobody = (1 << 22) + 1
    found = await Screens(clock).glance(tmp_path / "gone", TerminalSpec(pty=pty), nobody)
    assert (found.doing, found.source, found.since) == (
        Doing.UNKNOWN,
        Source.SILENCE,
        clock.now(),
    )
    assert found.evidence == "no rule fits what it shows"
    assert not (tmp_path / "gone").exists()
