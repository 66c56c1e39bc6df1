"""An interrupt ends its own cell, whatever that does, and nothing else."""

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inspan.kernel.protocol import Error, Result
from tests.real.kernel import Cell, Worker, ended, wait_until

PREPARE = """
import asyncio, contextvars, os, re, subprocess, threading, time
async def slices():
    while True:
        time.sleep(0.01)
        await asyncio.sleep(0)
async def forever():
    await asyncio.Event().wait()
"""


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with Worker.start(tmp_path_factory.mktemp("worker")) as worker:
        worker.run(PREPARE)
        yield worker


def under_way(worker: Worker, held: str, first: str = "", **fields: Any) -> Cell:
    """A cell that has said so, past the worker's own code, and is held now."""
    written = worker.folder / "out.raw"
    before = written.stat().st_size
    cell = worker.begin(f"{first}os.write(1, b'go')\n{held}", **fields)
    wait_until(lambda: written.stat().st_size >= before + 2, "the cell is under way")
    return cell


#: What was measured of other kernels, and what else can hold a cell.
HELD = {
    "a busy loop": "while True: pass",
    "a sleep": "time.sleep(60)",
    "an await": "await asyncio.sleep(60)",
    "a gather of coroutines": "await asyncio.gather(*(asyncio.sleep(60) for _ in range(3)))",
    "a thread awaited": "await asyncio.to_thread(threading.Event().wait, 2)",
    "three tasks in slices": "await asyncio.gather(slices(), slices(), slices())",
    "a task that blocks": "await asyncio.create_task(asyncio.to_thread(time.sleep, 1))",
    "a busy task": "async def f():\n    while True: pass\nawait asyncio.create_task(f())",
    "a subprocess": "subprocess.run(['sleep', '60'])",
    "os.system": "os.system('sleep 60')",
    "os.system in a loop": "for _ in range(100): os.system('sleep 60')",
    "a lock": "a = threading.Lock(); a.acquire(); a.acquire()",
    "a join": (
        "t = threading.Thread(target=time.sleep, args=(2,), daemon=True)\nt.start()\nt.join()"
    ),
    "an except Exception": "while True:\n    try: time.sleep(60)\n    except Exception: pass",
    "a regular expression": "re.match(r'(a+)+$', 'a' * 40 + 'b')",
    "a big power": "9 ** 99_999_999",
    "a print loop": "while True: print('x' * 100)",
    "a loop of displays": "while True: display(1)",
    "a repr": "class R:\n    def __repr__(self):\n        while True: pass\nR()",
    "a message": "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
    "an empty context": "contextvars.Context().run(lambda: time.sleep(60))",
    "a loop of its own": "asyncio.run(asyncio.sleep(60))",
    "a busy loop of its own": "async def f():\n    while True: pass\nasyncio.run(f())",
    "an input": "input('never answered')",
    "a generator": "list(x for x in iter(int, 1))",
    "an import of a module": "exec('while True: pass')",
    "a callback": "asyncio.get_running_loop().call_soon(time.sleep, 60)\nawait forever()",
    "a swallowed cancellation": (
        "for _ in range(3):\n    try: await asyncio.sleep(60)\n"
        "    except asyncio.CancelledError: pass"
    ),
    "a shield": "await asyncio.shield(asyncio.sleep(60))",
    "a task group": (
        "async with asyncio.TaskGroup() as g:\n    for _ in range(3): g.create_task(forever())"
    ),
}


@pytest.mark.requirement("D9")
@pytest.mark.parametrize("held", HELD)
def test_what_holds_a_cell_is_interrupted(worker: Worker, held: str) -> None:
    worker.run("before = 'kept'")
    cell = under_way(worker, HELD[held])
    error = worker.interrupt(cell).error
    assert error.interrupted
    assert worker.run("before").result.value == "kept"
    assert worker.run("await asyncio.sleep(0, 3)").result.value == 3


@pytest.mark.parametrize("held", ["while True: pass", "while True: time.sleep(0.01)"])
def test_a_cell_in_a_thread_is_interrupted(worker: Worker, held: str) -> None:
    cell = under_way(worker, held, threaded=True)
    assert worker.interrupt(cell).error.name == "KeyboardInterrupt"
    assert worker.run("threading.Event().wait(0.01)", threaded=True).result.value is False


def test_a_thread_that_waits_in_c_is_given_up(worker: Worker) -> None:
    worker.run("old = asyncio.create_task(forever()); seen = []")
    held = "try: time.sleep(3)\nfinally: seen.append(1)\nseen.append(2)"
    error = worker.interrupt(under_way(worker, held)).error
    assert (error.name, error.interrupted) == ("KeyboardInterrupt", True)
    assert worker.run("(old.done(), seen)").result.repr == "(False, [])"
    worker.run("while not seen: await asyncio.sleep(0.01)")
    assert worker.run("old.cancel(); seen").result.repr == "[1]"


def test_no_task_of_an_interrupted_cell_runs_on(worker: Worker) -> None:
    for _ in range(20):
        worker.interrupt(worker.begin("await asyncio.gather(slices(), slices(), slices())"))
        left = "[t for t in asyncio.all_tasks() if 'slices' in repr(t)]"
        assert worker.run(f"await asyncio.sleep(0)\nlen({left})").result.value == 0


def test_code_that_swallows_everything_is_told_as_interrupted_at_its_end(worker: Worker) -> None:
    code = (
        "end = time.monotonic() + 0.5\nwhile time.monotonic() < end:\n"
        "    try: time.sleep(0.1)\n    except BaseException: pass"
    )
    cell = under_way(worker, code)
    assert worker.interrupt(cell).error.interrupted


def test_the_handler_is_ours_again_in_each_cell(worker: Worker) -> None:
    worker.run("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)")
    worker.run("asyncio.get_running_loop().add_signal_handler(signal.SIGINT, int)")
    cell = worker.begin("time.sleep(60)")
    assert worker.interrupt(cell).error.name == "KeyboardInterrupt"


def test_a_signal_for_no_cell_hits_none(worker: Worker) -> None:
    done = worker.run("1").started.number
    for number in (done, 0, done + 1000):
        worker.name(number)
        os.kill(worker.process.pid, signal.SIGINT)
        cell = worker.begin("time.sleep(0.02)\n7")
        os.kill(worker.process.pid, signal.SIGINT)
        assert worker.finish(cell).result.value == 7


def test_tasks_of_older_cells_live_through_an_interrupt(worker: Worker) -> None:
    worker.run("old = asyncio.create_task(slices()); other = asyncio.create_task(forever())")
    for held in (
        "await forever()",
        "while True: pass",
        "await asyncio.gather(slices(), forever())",
    ):
        assert worker.interrupt(worker.begin(held)).error.interrupted
    assert worker.run("(old.done(), other.done())").result.repr == "(False, False)"
    worker.run("old.cancel(); other.cancel()")


def test_what_a_cell_left_running_ends_with_its_interrupt(worker: Worker) -> None:
    cell = under_way(worker, "await forever()", "left = asyncio.create_task(forever())\n")
    worker.interrupt(cell)
    assert worker.run("await asyncio.sleep(0)\nleft.cancelled()").result.value is True


def test_a_handler_may_clean_up(worker: Worker) -> None:
    for held in ("await forever()", "time.sleep(60)"):
        cell = under_way(worker, f"    {held}\nfinally: print('cleaned')", "try:\n    ")
        assert "cleaned" in worker.interrupt(cell).stdout


@pytest.mark.requirement("D9")
@pytest.mark.parametrize(
    "code",
    ["time.sleep(0.001)", "await asyncio.sleep(0.001)", "print(end='x')", "time.sleep(0.001)#t"],
)
def test_interrupts_raced_against_the_end_of_a_cell(tmp_path: Path, code: str) -> None:
    dice = random.Random(1)
    innocent = 0
    with Worker.start(tmp_path) as worker:
        worker.run("import asyncio, time")
        for _ in range(250):
            cell = worker.execute(code, threaded=code.endswith("#t"))
            after = worker.execute("after = 1\n2")
            worker.read(cell, lambda cell: bool(cell.messages))
            for _ in range(dice.randrange(30)):
                os.getppid()
            if not ended(cell):
                worker.name(cell.started.number)
                for _ in range(dice.randrange(1, 4)):
                    os.kill(worker.process.pid, signal.SIGINT)
            worker.finish(cell)
            worker.finish(after)
            assert isinstance(cell.end, Result | Error)
            innocent += not isinstance(after.end, Result)
    assert innocent == 0
