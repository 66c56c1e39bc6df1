"""The board, between the host's side and the worker's."""

import asyncio
from pathlib import Path

import pytest

from inspan.errors import SessionDied
from inspan.kernel import protocol as p
from inspan.kernel.host import board
from inspan.kernel.host.cell import Entry, Output
from inspan.kernel.host.session import Watching
from inspan.kernel.worker.board import Board as WorkersBoard
from tests.fakes.kernel import ScriptedWorker
from tests.unit.kernel.host.desk import PATIENCE, items, joined


def test_each_side_reads_what_the_other_wrote(tmp_path: Path) -> None:
    board.prepare(tmp_path)
    ours = board.Board(tmp_path)
    assert ours.begun() is None
    theirs = WorkersBoard(str(tmp_path))
    assert theirs.wanted == 0
    for number, mode in enumerate(p.ExecutionMode, 2**40):
        theirs.begin(number, mode.value)
        ours.want(number)
        assert ours.begun() == (number, mode)
        assert theirs.wanted == number
        theirs.printed(number + 3)
        theirs.sent(number + 2)
        theirs.said(number + 1)
        assert ours.stand() == (number, number + 3, number + 2, number + 1)


def test_a_board_that_is_gone_or_cut_says_nothing(tmp_path: Path) -> None:
    ours = board.Board(tmp_path)
    assert ours.begun() is None
    assert ours.stand() is None
    (tmp_path / board.FILE).write_bytes(bytes(12))
    assert ours.begun() is None
    assert ours.stand() is None


@pytest.mark.anyio
async def test_a_cell_that_says_nothing_has_begun_once_the_board_says_so(
    worker: ScriptedWorker,
) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x", execution_id="x")
        reader = aiter(cell)
        worker.begin_silently(1, "blocking_sync")
        started = await anext(reader)
        assert isinstance(started, p.Started)
        assert (started.number, started.mode) == (1, p.ExecutionMode.BLOCKING_SYNC)
        worker.write("out.raw", b"meanwhile")
        assert await anext(reader) == Output("stdout", b"meanwhile")
        worker.begin("x", 1)
        worker.result("x")
        assert [type(item) async for item in reader] == [p.Result]


@pytest.mark.anyio
async def test_a_cell_that_waits_has_not_begun_whatever_the_board_says_of_others(
    worker: ScriptedWorker,
) -> None:
    async with joined(worker) as session:
        first, second = await session.execute("a"), await session.execute("b")
        worker.begin_silently(2)
        assert [step.rung for step in await session.interrupt(deadline=0.05)] == ["cancel", "waits"]
        assert not first.begun
        assert not second.begun


@pytest.mark.anyio
async def test_an_interrupt_reaches_a_cell_of_which_only_the_board_knows(
    worker: ScriptedWorker,
) -> None:
    worker.process.on_signal = lambda _: worker.result("x")
    async with joined(worker) as session:
        await session.execute("x", execution_id="x")
        worker.begin_silently(1)
        assert [step.rung for step in await session.interrupt()] == ["signal", "ended"]


@pytest.mark.anyio
async def test_what_a_cell_wrote_that_died_before_it_said_anything_is_its(
    worker: ScriptedWorker,
) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.begin_silently(1)
        worker.write("out.raw", b"last words")
        worker.process.end(signal=11)
        worker.links[-1].abort()
        reader = aiter(cell)
        assert isinstance(await anext(reader), p.Started)
        assert await anext(reader) == Output("stdout", b"last words")
        with pytest.raises(SessionDied, match="SIGSEGV"):
            await anext(reader)
        assert cell.begun


@pytest.mark.anyio
async def test_who_takes_a_session_up_is_told_of_each_cell_at_once(worker: ScriptedWorker) -> None:
    async with joined(worker, adopts=True) as session:
        cell = await session.execute("x", execution_id="x")
        worker.begin_silently(1)
        worker.begin("x", 5)
        worker.result("x")
        assert len(await items(cell)) == 2
        assert cell.number == 5
        assert worker.hellos[0]["board"] is False


@pytest.mark.anyio
async def test_that_a_cell_has_begun_is_told_once_whatever_says_so_first(
    worker: ScriptedWorker,
) -> None:
    told: list[Entry] = []
    come = asyncio.Event()

    def tell(_: str | None, entry: Entry) -> None:
        told.append(entry)
        come.set()

    async with joined(worker, watching=Watching(tell=tell)) as session:
        cell = await session.execute("x", execution_id="x")
        worker.begin_silently(1)
        async with asyncio.timeout(PATIENCE):
            await come.wait()
        worker.begin("x", 1)
        worker.result("x")
        await cell.outcome()
        for name, mode in (("y", "simple_sync"), ("z", "top_level_await")):
            cell = await session.execute("x", execution_id=name)
            worker.result(name, began={"number": 2, "mode": mode})
            await cell.outcome()
    assert [type(entry.item) for entry in told] == [p.Started, p.Result] * 3
    # What is told without a frame of its own does not count as one.
    assert [entry.seq for entry in told] == [0, 2, 0, 3, 0, 4]
    assert isinstance(last := told[4].item, p.Started)
    assert last.mode is p.ExecutionMode.TOP_LEVEL_AWAIT


@pytest.mark.anyio
async def test_an_end_that_says_that_its_cell_began_comes_behind_what_that_wrote(
    worker: ScriptedWorker,
) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x", execution_id="x")
        worker.write("out.raw", b"fast")
        fd = {"out": 4, "err": 0}
        worker.result("x", fd=fd, began={"number": 1, "mode": "simple_sync"})
        told = await items(cell)
        assert [type(item) for item in told] == [p.Started, Output, p.Result]
        assert cell.number == 1
