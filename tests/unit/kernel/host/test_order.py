"""What a cell writes comes in the order in which it wrote it, by Python or by descriptor."""

import asyncio
from pathlib import Path

import pytest

from inspan.keeper.client import KeeperClient
from inspan.kernel.host.cell import Cell, Output
from inspan.kernel.host.inflow import HELD
from inspan.kernel.host.session import KernelSession
from inspan.kernel.protocol import Display, Started
from tests.fakes.kernel import ScriptedWorker
from tests.unit.keeper.desk import Keeper, wait_for
from tests.unit.kernel.host.desk import PATIENCE, joined, order, session, value

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D9")]

PREPARE = """
import asyncio, ctypes, os, subprocess, sys, time
libc = ctypes.CDLL(None)
def run(*what): subprocess.run(what, check=True)
"""
#: What a cell writes, and all of it as it comes on stdout.
CELLS = {
    "print, then a descriptor, then print": (
        "print('a'); os.write(1, b'b'); print('c')",
        "a\nbc\n",
    ),
    "a descriptor first": ("os.write(1, b'a'); print('b'); os.write(1, b'c')", "ab\nc"),
    "print, then a program": (
        "print('a'); run('echo', 'b'); print('c'); run('echo', 'd')",
        "a\nb\nc\nd\n",
    ),
    "a program, then an unfinished line": ("run('echo', 'a'); print('b', end='')", "a\nb"),
    "an unfinished line, then a program": (
        "print('a', end=''); run('echo', 'b'); print('c', end=''); run('echo', 'd')",
        "ab\ncd\n",
    ),
    "bytes": (
        "sys.stdout.buffer.write(b'a\\n'); os.write(1, b'b'); sys.stdout.write('c')",
        "a\nbc",
    ),
    "C": ("print('a'); libc.puts(b'b'); print('c')", "a\nb\nc\n"),
    "os.system": ("print('a'); os.system('echo b'); print('c')", "a\nb\nc\n"),
    "a loop": (
        "for n in range(100): print('p', n); os.write(1, b'w')",
        "".join(f"p {n}\nw" for n in range(100)),
    ),
    "more than a piece": (
        "print('a'); os.write(1, b'b' * 600_000); print('c' * 600_000); os.write(1, b'd')",
        "a\n" + "b" * 600_000 + "c" * 600_000 + "\nd",
    ),
    "an awaiting cell": (
        "print('a'); await asyncio.sleep(0); os.write(1, b'b'); await asyncio.sleep(0); print('c')",
        "a\nbc\n",
    ),
    "a cell that takes its time": (
        "print('a'); time.sleep(.03); os.write(1, b'b'); time.sleep(.03)\n"
        "print('c'); time.sleep(.03)",
        "a\nbc\n",
    ),
    "rich values in between": (
        "os.write(1, b'a'); display(1); print('b')\n"
        "os.write(1, b'c'); display(2); os.write(1, b'd')",
        "ab\ncd",
    ),
    "an error": ("print('a'); os.write(1, b'b'); print('c'); 1 / 0", "a\nbc\n"),
}


async def written(session: KernelSession, code: str) -> str:
    """Everything that a cell brings on stdout."""
    return await read(await session.execute(code))


async def read(cell: Cell, stream: str = "stdout") -> str:
    data = [item.data async for item in cell if isinstance(item, Output) and item.stream == stream]
    return b"".join(data).decode()


async def test_output_of_either_kind_comes_in_order(client: KeeperClient, home: Path) -> None:
    async with session(client, home) as one:
        await value(one, PREPARE)
        for turn in range(10):
            for name, (code, wanted) in CELLS.items():
                assert await written(one, code) == wanted, (name, turn)


async def test_each_stream_has_an_order_of_its_own(client: KeeperClient, home: Path) -> None:
    async with session(client, home) as one:
        await value(one, PREPARE)
        code = (
            "for n in range(20):\n"
            "    print(n); print(n, file=sys.stderr); os.write(2, b'e'); os.write(1, b'o')"
        )
        for stream, letter in (("stdout", "o"), ("stderr", "e")):
            wanted = "".join(f"{n}\n{letter}" for n in range(20))
            assert await read(await one.execute(code), stream) == wanted


async def test_it_does_where_no_host_looked_meanwhile(keeper: Keeper, home: Path) -> None:
    code = (
        "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)\n"
        "for n in range(20): print(n); os.write(1, b'w')\nopen('done', 'w').close()"
    )
    async with asyncio.timeout(PATIENCE):
        async with await keeper.client() as client, asyncio.TaskGroup() as group:
            one = await KernelSession.open(group, client, order(home, "one"))
            await anext(aiter(await one.execute(code, execution_id="long")))
            await one.abandon()
        (home / "go").touch()
        await wait_for((home / "done").exists)
        async with await keeper.client() as client, asyncio.TaskGroup() as group:
            two = await KernelSession.reattach(group, client, one.folder)
            assert await read(await anext(two.adopted())) == "".join(f"{n}\nw" for n in range(20))
            await two.close()


async def test_what_a_frame_says_came_before_it_does(worker: ScriptedWorker) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.begin(cell.execution_id, 1)
        worker.write("out.raw", b"1234")
        worker.write("err.raw", b"56")
        for text, stream, after in (("a", "stdout", 0), ("b", "stdout", 3), ("c", "stderr", 1)):
            worker.say(
                "output", text.encode(), execution_id=cell.execution_id, stream=stream, after=after
            )
        # More than there is: what there is.
        worker.say("output", b"d", execution_id=cell.execution_id, stream="stdout", after=1 << 60)
        worker.result(cell.execution_id, fd={"out": 4, "err": 2})
        got = {"stdout": "", "stderr": ""}
        async for item in cell:
            if isinstance(item, Output):
                got[item.stream] += item.data.decode()
        assert got == {"stdout": "a123b4d", "stderr": "5c6"}


@pytest.mark.parametrize("stage", ["gathered", "on its way"])
async def test_a_descriptor_s_bytes_wait_for_what_was_printed_before_them(
    worker: ScriptedWorker, stage: str
) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.begin(cell.execution_id, 1)
        if stage == "gathered":
            worker.stand(printed=7, sent=6, said=1)
        else:
            worker.stand(printed=7, sent=7, said=2)
        worker.write("out.raw", b"second")
        reader = aiter(cell)
        assert isinstance(await anext(reader), Started)
        looked = asyncio.get_running_loop().time() + HELD / 10
        await wait_for(lambda: asyncio.get_running_loop().time() > looked)
        worker.stand(printed=8, sent=7, said=2)
        worker.say("output", b"first ", execution_id=cell.execution_id, stream="stdout")
        got = [await anext(reader), await anext(reader)]
        assert got == [Output("stdout", b"first "), Output("stdout", b"second")]


async def test_they_do_not_wait_for_ever(worker: ScriptedWorker) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.begin(cell.execution_id, 1)
        worker.stand(printed=1, sent=0, said=0)
        worker.write("err.raw", b"alone")
        reader = aiter(cell)
        assert isinstance(await anext(reader), Started)
        assert await anext(reader) == Output("stderr", b"alone")


async def test_a_message_that_is_no_text_says_what_comes_before_it(worker: ScriptedWorker) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.begin(cell.execution_id, 1)
        worker.stand(printed=1, sent=0, said=0)
        worker.write("out.raw", b"beforebehind")
        name = cell.execution_id
        worker.say("display", execution_id=name, data={}, fd={"out": 6, "err": 0})
        worker.result(name, fd={"out": 12, "err": 0})
        _, *got, _ = [item async for item in cell]
        assert [item.data for item in got if isinstance(item, Output | Display)] == [
            b"before",
            {},
            b"behind",
        ]
