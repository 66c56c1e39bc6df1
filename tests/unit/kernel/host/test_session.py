"""The host with real workers under a real keeper."""

import asyncio
import itertools
import os
import signal
import sys
from pathlib import Path

import pytest

from inspan.errors import (
    AlreadyRecorded,
    BadInput,
    CheckpointFailed,
    InputFull,
    SessionDied,
    SessionEnded,
    SessionNotFound,
    WorkerNotReady,
)
from inspan.keeper.client import KeeperClient
from inspan.kernel import protocol as p
from inspan.kernel.host.cell import Cell, Output
from inspan.kernel.host.opened import opened
from inspan.kernel.host.pool import Pool
from inspan.kernel.host.session import CELLS_MOST, KernelSession
from inspan.model.session import CodeState
from tests.unit.keeper.desk import Keeper, descriptors, running, wait_for
from tests.unit.kernel.host.desk import PATIENCE, dead, items, order, session, value

pytestmark = pytest.mark.anyio


async def text(cell: Cell, stream: str = "stdout") -> str:
    """All that it wrote."""
    pieces = [
        item.data async for item in cell if isinstance(item, Output) and item.stream == stream
    ]
    return b"".join(pieces).decode()


async def test_cells_share_their_names_and_run_in_order(client: KeeperClient, home: Path) -> None:
    async with session(client, home) as one:
        cells = [await one.execute(code) for code in ("a = 20", "a += 1", "a * 2")]
        ends = [await cell.outcome() for cell in cells]
        assert [end.value for end in ends if isinstance(end, p.Result)] == [None, None, 42]
        assert [cell.number for cell in cells] == [1, 2, 3]
        pid = await value(one, "import os; os.getpid()")
        assert one.state == "ready"
    assert one.state == "terminated"
    assert not running(int(str(pid)))


async def test_an_error_is_told_with_its_lines(client: KeeperClient, home: Path) -> None:
    async with session(client, home) as one:
        end = await (await one.execute("x = 1\nx / 0")).outcome()
        assert isinstance(end, p.Error)
        assert end.name == "ZeroDivisionError"
        assert "x / 0" in "".join(end.traceback)


@pytest.mark.requirement("D2", "D9")
async def test_all_kinds_of_output_come_before_the_end(client: KeeperClient, home: Path) -> None:
    code = """
        import os, subprocess, sys
        print("python"); print("error", file=sys.stderr)
        os.write(1, b"descriptor\\n"); subprocess.run(["echo", "process"])
    """
    async with session(client, home) as one:
        got = await items(await one.execute("\n".join(map(str.strip, code.splitlines()))))
        assert isinstance(got[0], p.Started)
        assert isinstance(got[-1], p.Result)
        output = [item for item in got if isinstance(item, Output)]
        stdout = b"".join(item.data for item in output if item.stream == "stdout")
        assert sorted(stdout.split()) == [b"descriptor", b"process", b"python"]
        assert b"".join(item.data for item in output if item.stream == "stderr") == b"error\n"


@pytest.mark.requirement("D9")
async def test_twenty_megabytes_in_one_print_come_whole(client: KeeperClient, home: Path) -> None:
    async with session(client, home) as one:
        assert len(await text(await one.execute("print('x' * (20 << 20))"))) == (20 << 20) + 1
        code = "import os; [os.write(1, b'y' * (1 << 20)) for _ in range(20)]"
        assert len(await text(await one.execute(code))) == 20 << 20


@pytest.mark.requirement("D9")
async def test_a_line_is_asked_for_and_answered(client: KeeperClient, home: Path) -> None:
    async with session(client, home) as one:
        cell = await one.execute("input('name? ')")
        async for item in cell:
            if isinstance(item, p.Input):
                assert item.prompt == "name? "
                one.answer(item.request, "Ada")
            if isinstance(item, p.Result):
                assert item.value == "Ada"


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(60)",
        "import asyncio; await asyncio.sleep(60)",
        "import os; os.system('sleep 60')",
        "import subprocess; subprocess.run(['sleep', '60'])",
    ],
    ids=["busy", "sleep", "await", "system", "subprocess"],
)
@pytest.mark.requirement("D5", "D9")
async def test_an_interrupt_ends_the_cell_and_the_names_stay(
    client: KeeperClient, home: Path, code: str
) -> None:
    async with session(client, home) as one:
        await value(one, "kept = 3")
        cell = await one.execute(code)
        await anext(aiter(cell))
        steps = await one.interrupt()
        assert "kill" not in [step.rung for step in steps]
        end = await cell.outcome()
        assert isinstance(end, p.Error)
        assert end.interrupted
        assert await value(one, "kept") == 3


@pytest.mark.requirement("D9")
async def test_code_that_nothing_ends_is_killed_at_the_deadline(
    client: KeeperClient, home: Path
) -> None:
    code = """
import itertools, os
while True:
    try:
        os.write(1, b".")
        sum(itertools.repeat(0))
    except BaseException: ...
"""
    async with session(client, home) as one:
        cell = await one.execute(code)
        reader = aiter(cell)
        while not isinstance(await anext(reader), Output):
            pass
        async with asyncio.timeout(30):
            steps = await one.interrupt(deadline=0.5)
        assert [step.rung.value for step in steps] == ["signal", "group", "kill", "ended"]
        with pytest.raises(SessionDied, match="SIGKILL") as caught:
            await cell.outcome()
        assert caught.value.hint == SessionDied.default_hint


async def test_a_running_cell_outlives_its_host_and_is_taken_up_again(
    keeper: Keeper, home: Path
) -> None:
    code = "import os\nos.write(1, b'early')\nline = input()\nos.write(1, b'late')\nprint(line)"
    async with asyncio.timeout(PATIENCE):
        async with await keeper.client() as client, asyncio.TaskGroup() as group:
            one = await KernelSession.open(group, client, order(home, "one"))
            cell = await one.execute(code, execution_id="long")
            got = aiter(cell)
            while not isinstance(item := await anext(got), p.Input):
                pass
            request = item.request
            await one.abandon()
        async with await keeper.client() as client, asyncio.TaskGroup() as group:
            two = await KernelSession.reattach(group, client, one.folder)
            assert two.state is CodeState.BUSY
            again = await anext(two.adopted())
            assert again.execution_id == "long"
            two.answer(request, "hello")
            assert await text(again) == "latehello\n"
            assert isinstance(await again.outcome(), p.Result)
            assert await value(two, "line") == "hello"
            await two.close()


async def test_a_session_that_is_left_as_soon_as_it_is_ready_is_let_go_and_runs_on(
    client: KeeperClient, home: Path
) -> None:
    async with asyncio.timeout(PATIENCE):
        async with asyncio.TaskGroup() as group:
            one = await KernelSession.open(group, client, order(home, "one"))
            await one.abandon()
        assert one.state is CodeState.TERMINATED
        assert isinstance(one.reason, SessionEnded)
        async with asyncio.TaskGroup() as group:
            two = await KernelSession.reattach(group, client, one.folder)
            assert two.pid == one.pid
            assert await value(two, "1 + 1") == 2
            await two.close()


async def test_a_later_host_can_interrupt_the_cell_that_it_found(
    keeper: Keeper, home: Path
) -> None:
    async with asyncio.timeout(PATIENCE), await keeper.client() as client:
        async with asyncio.TaskGroup() as group:
            one = await KernelSession.open(group, client, order(home, "one"))
            await anext(aiter(await one.execute("while True: pass")))
            await one.abandon()
        async with asyncio.TaskGroup() as group:
            two = await KernelSession.reattach(group, client, one.folder)
            again = await anext(two.adopted())
            await two.interrupt(again.execution_id)
            end = await again.outcome()
            assert isinstance(end, p.Error)
            await two.close()


async def test_what_is_not_there_cannot_be_taken_up(client: KeeperClient, home: Path) -> None:
    async with asyncio.TaskGroup() as group:
        with pytest.raises(SessionNotFound):
            await KernelSession.reattach(group, client, home)
    async with session(client, home) as one:
        pass
    async with asyncio.TaskGroup() as group:
        with pytest.raises(SessionNotFound):
            await KernelSession.reattach(group, client, one.folder)
    async with asyncio.TaskGroup() as group:
        two = await KernelSession.open(group, client, order(home, "two"))
        await two.abandon()
    os.kill(two.pid, signal.SIGKILL)
    await dead(client, "two")
    async with asyncio.TaskGroup() as group:
        with pytest.raises(SessionNotFound, match="has ended"):
            await KernelSession.reattach(group, client, two.folder)


async def test_a_session_whose_folder_lost_a_file_is_told_and_its_worker_runs_on(
    client: KeeperClient, home: Path
) -> None:
    async with asyncio.TaskGroup() as group:
        one = await KernelSession.open(group, client, order(home, "one"))
        await one.abandon()
    (one.folder / "err.raw").rename(one.folder / "elsewhere")
    async with asyncio.TaskGroup() as group:
        with pytest.raises(WorkerNotReady, match=r"err\.raw"):
            await KernelSession.reattach(group, client, one.folder)
    (one.folder / "elsewhere").rename(one.folder / "err.raw")
    async with asyncio.TaskGroup() as group:
        two = await KernelSession.reattach(group, client, one.folder)
        assert await value(two, "1 + 1") == 2
        await two.close()


async def test_a_checkpoint_that_cannot_be_written_is_told_and_the_session_goes_on(
    client: KeeperClient, home: Path
) -> None:
    key = os.urandom(32).hex()
    async with session(client, home) as one:
        await value(one, "kept = 42")
        (one.checkpoints / "point").mkdir(parents=True)
        with pytest.raises(CheckpointFailed, match="was not made"):
            await one.checkpoint("point", key)
        assert await value(one, "kept") == 42
        (one.checkpoints / "point").rmdir()
        assert "kept" in (await one.checkpoint("point", key)).saved


async def test_a_session_is_opened_once_and_its_requests_are_checked(
    client: KeeperClient, home: Path
) -> None:
    async with session(client, home) as one:
        async with asyncio.TaskGroup() as group:
            with pytest.raises(AlreadyRecorded):
                await KernelSession.open(group, client, order(home, "one"))
        cell = await one.execute("input()", execution_id="x")
        with pytest.raises(BadInput, match="already"):
            await one.execute("1", execution_id="x")
        with pytest.raises(BadInput, match="execution_id"):
            await one.execute("1", execution_id="")
        with pytest.raises(BadInput, match="MiB"):
            await one.execute("#" * (9 << 20))
        with pytest.raises(BadInput, match="no text"):
            await one.execute("'\ud83d'")
        for _ in range(CELLS_MOST - 1):
            await one.execute("1")
        with pytest.raises(InputFull):
            await one.execute("1")
        await one.interrupt()
        await cell.outcome()
    with pytest.raises(SessionEnded):
        await one.execute("1")
    assert isinstance(one.reason, SessionEnded)


async def test_names_are_completed_and_described(client: KeeperClient, home: Path) -> None:
    async with session(client, home) as one:
        await value(one, "albatross = 5")
        done = await one.complete("alba", 4)
        assert done.matches == ("albatross",)
        described = await one.inspect("albatross", 3)
        assert "int" in "".join(described.data.values())


@pytest.mark.requirement("D10")
async def test_a_checkpoint_is_made_and_restored_in_another_session(
    client: KeeperClient, home: Path
) -> None:
    key = os.urandom(32).hex()
    async with session(client, home) as one, session(client, home, "two") as two:
        await value(one, "kept = [1, 2]")
        made = await one.checkpoint("point", key)
        assert "kept" in made.saved
        two.checkpoints.mkdir()
        (two.checkpoints / "point").write_bytes((one.checkpoints / "point").read_bytes())
        assert "kept" in (await two.restore("point", key)).restored
        assert await value(two, "sum(kept)") == 3
        with pytest.raises(CheckpointFailed):
            await two.restore("point", os.urandom(32).hex())


async def test_several_sessions_run_side_by_side(client: KeeperClient, home: Path) -> None:
    async with session(client, home) as one, session(client, home, "two") as two:
        waits = await one.execute("input()")
        assert await value(two, "6 * 7") == 42
        assert not waits.ended


async def test_a_pool_gives_real_workers(client: KeeperClient, home: Path) -> None:
    names = itertools.count()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        pool = Pool(2, lambda: KernelSession.open(group, client, order(home, f"warm{next(names)}")))
        pool.start(group)
        taken = [await pool.take() for _ in range(3)]
        assert [await value(one, "6 * 7") for one in taken] == [42] * 3
        await pool.close()
        for one in taken:
            await one.close()
    assert await client.list() == ()


HOST = """
import asyncio, sys
from pathlib import Path
from inspan.keeper.client import connect
from tests.unit.kernel.host.desk import order
from inspan.kernel.host.pool import Pool
from inspan.kernel.host.session import KernelSession

async def main(home):
    async with await connect(home / "run" / "k.sock") as client, asyncio.TaskGroup() as group:
        one = await KernelSession.open(group, client, order(home, "one"))
        await (await one.execute("a = 1", execution_id="before")).outcome()
        cell = await one.execute("print('x', flush=True); line = input(); 40 + 2",
                                 execution_id="long")
        async for item in cell:
            print(type(item).__name__, flush=True)

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_a_host_that_is_killed_leaves_a_cell_whose_result_the_next_one_gets(
    client: KeeperClient, home: Path
) -> None:
    root = Path(__file__).parents[4]
    host = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOST, str(home)),
        stdout=asyncio.subprocess.PIPE,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert host.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while await host.stdout.readline() != b"Input\n":
            pass
        host.kill()
        await host.wait()
        async with asyncio.TaskGroup() as group:
            two = await KernelSession.reattach(group, client, order(home, "one").folder)
            cells = {}
            async for cell in two.adopted():
                cells[cell.execution_id] = cell
                if cell.execution_id == "long":
                    break
            reader = aiter(cells["long"])
            # What the killed host had not acknowledged comes again.
            while not isinstance(item := await anext(reader), p.Input):
                pass
            two.answer(item.request, "")
            end = await cells["long"].outcome()
            assert isinstance(end, p.Result)
            assert end.value == 42
            await two.close()


@pytest.mark.soak
@pytest.mark.requirement("D9")
async def test_interrupts_at_the_end_of_cells_lose_no_reply_and_hit_no_neighbour(
    client: KeeperClient, home: Path
) -> None:
    async with asyncio.timeout(300), opened(client, order(home, "one")) as one:
        for number in range(1000):
            cell = await one.execute("import time; time.sleep(0.003)")
            neighbour = await one.execute("sum(range(2000))")
            await anext(aiter(cell))
            await asyncio.sleep(0.002 + number % 20 / 10_000)
            await one.interrupt(cell.execution_id)
            assert isinstance(await cell.outcome(), p.Result | p.Error)
            assert isinstance(await neighbour.outcome(), p.Result)


@pytest.mark.soak
@pytest.mark.requirement("C8", "D11")
async def test_a_hundred_sessions_leave_nothing(client: KeeperClient, home: Path) -> None:
    before = descriptors(os.getpid())
    pids = []
    async with asyncio.timeout(300):
        for number in range(100):
            async with opened(client, order(home, f"s{number}")) as one:
                pids.append(int(str(await value(one, "import os; os.getpid()"))))
    assert not any(map(running, pids))
    await wait_for(lambda: descriptors(os.getpid()) <= before)
    assert await client.list() == ()
    assert not list((home / "run").glob("py-*"))
