import asyncio

import pytest

from inspan.errors import KernelProtocol, SessionDied, SessionEnded, WorkerNotReady
from inspan.kernel import protocol as p
from inspan.kernel.frames import encode
from inspan.kernel.host.cell import Output
from inspan.kernel.host.session import KernelSession, Watching
from inspan.model.session import CodeState
from tests.fakes.kernel import ScriptedWorker
from tests.unit.kernel.host.desk import items, joined

pytestmark = pytest.mark.anyio


async def test_a_link_that_breaks_is_made_again_and_goes_on_where_it_was(
    worker: ScriptedWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspan.kernel.host.guard._TAKEN", 0.0)
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.begin(cell.execution_id, 1)
        reader = aiter(cell)
        await anext(reader)
        seen = worker.seq
        worker.first = worker.frame(
            "result", execution_id=cell.execution_id, count=1, repr="2", execution_time=0.0
        )
        worker.links[-1].abort()
        end = await anext(reader)
        assert isinstance(end, p.Result)
        assert [hello["last_seq"] for hello in worker.hellos] == [0, seen]
        assert session.state is CodeState.READY


async def test_a_host_that_is_replaced_at_once_gives_way(worker: ScriptedWorker) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.links[-1].abort()
        with pytest.raises(SessionEnded, match="Another host"):
            await cell.outcome()
        assert isinstance(await session.over(), SessionEnded)
        assert worker.process.signals == []


async def test_a_process_that_dies_ends_its_cells_with_how_and_its_last_words(
    worker: ScriptedWorker,
) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")
        waiting = await session.execute("y")
        worker.begin(cell.execution_id, 1)
        worker.say("output", b"unread", execution_id=cell.execution_id, stream="stdout")
        worker.write("err.raw", b"Fatal Python error: Segmentation fault")
        worker.process.end(signal=11)
        worker.links[-1].close()
        with pytest.raises(SessionDied, match="killed by SIGSEGV; its last words: Fatal Python"):
            await waiting.outcome()
        reader = aiter(cell)
        got = [type(await anext(reader)) for _ in range(3)]
        assert got == [p.Started, Output, Output]
        with pytest.raises(SessionDied):
            await anext(reader)
        assert session.state is CodeState.TERMINATED


async def test_a_worker_that_hangs_up_and_listens_no_more_is_killed(
    worker: ScriptedWorker,
) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker._server.close()
        worker.links[-1].abort()
        with pytest.raises(KernelProtocol, match="hung up"):
            await cell.outcome()
        await session.over()
        assert worker.process.signals == ["kill"]


async def test_a_worker_that_is_another_when_it_is_met_again_is_killed(
    worker: ScriptedWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspan.kernel.host.guard._TAKEN", 0.0)
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.ready = {"version": 99}
        worker.links[-1].abort()
        with pytest.raises(KernelProtocol, match="version 99"):
            await cell.outcome()
        await session.over()
        assert worker.process.signals == ["kill"]


async def test_a_worker_of_another_version_is_no_worker(worker: ScriptedWorker) -> None:
    worker.ready = {"version": 99}
    with pytest.raises(ExceptionGroup) as caught:
        async with joined(worker):
            pass
    assert caught.group_contains(KernelProtocol, match="version 99")
    assert worker.process.signals == ["kill"]


async def test_a_worker_that_ends_before_it_is_ready_is_told_with_its_words(
    worker: ScriptedWorker,
) -> None:
    worker._server.close()
    worker.write("err.raw", b"ModuleNotFoundError")
    worker.process.end(code=3)
    with pytest.raises(ExceptionGroup) as caught:
        async with joined(worker):
            pass
    wanted = "ended with status 3; its last words: ModuleNotFoundError"
    assert caught.group_contains(WorkerNotReady, match=wanted)


async def test_the_last_words_of_a_worker_that_cannot_go_on_are_told(
    worker: ScriptedWorker,
) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.links[-1].write(encode({"type": "broken", "reason": "no more descriptors"}))
        worker.process.end(code=70)
        with pytest.raises(SessionDied, match="status 70; its last words: no more descriptors"):
            await items(cell)


async def test_closing_says_so_and_kills_who_does_not_listen(worker: ScriptedWorker) -> None:
    session = KernelSession("s", worker.folder, Watching(), cap=1)
    async with asyncio.TaskGroup() as group:
        await session.join(group, worker.process, worker.card)
        cell = await session.execute("x")
        await session.close()
        with pytest.raises(SessionEnded):
            await cell.outcome()
    assert worker.messages[-1] == {"type": "shutdown"}
    assert worker.process.signals == []
