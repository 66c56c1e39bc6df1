"""What a cell writes comes in the order in which it wrote it, by Python or by descriptor."""

import asyncio
from pathlib import Path

import pytest

from inspan.keeper.client import KeeperClient
from inspan.kernel.host.cell import Cell, Output
from inspan.kernel.host.session import KernelSession
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
