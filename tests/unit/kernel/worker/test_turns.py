"""A session has no asyncio until something may need it, or nothing comes for a moment."""

from __future__ import annotations

import contextvars
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from inspan.kernel.worker.boot import BOOT
from inspan.kernel.worker.ear import Ear
from inspan.kernel.worker.turns import Turns, is_light
from tests.real.kernel import Worker, wait_until

KERNEL = Path(sys.modules[Turns.__module__].__file__ or "").parents[1]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker.start(tmp_path) as worker:
        yield worker


@pytest.fixture
def turns() -> Iterator[Turns]:
    with Ear() as ear:
        turns = Turns(ear)
        yield turns
        os.close(turns._heard)
        os.close(turns._bell)


@pytest.mark.parametrize("code", ["1 + 1", "x = [n for n in range(3)]\nprint(x)", "while 1: pass"])
def test_code_that_gets_at_no_module_is_light(code: str) -> None:
    assert is_light(code)


@pytest.mark.parametrize(
    "code",
    [
        *("import asyncio", "await x", "async def f(): ...", "exec('x')", "eval('x')"),
        *("print.__self__", "globals()", "compile('', '', 'exec')", "host.ask_now('time')"),
        *("\uff45val('x')", "x = 1" + "\n" * 1000),
    ],
)
def test_other_code_is_not(code: str) -> None:
    assert not is_light(code)


def test_what_is_due_is_called_in_its_order_and_context(turns: Turns) -> None:
    seen: list[str] = []
    word = contextvars.ContextVar("word", default="none")
    context = contextvars.Context()
    context.run(word.set, "given")
    turns.soon(lambda: seen.append(word.get()), context=context)
    turns.soon_threadsafe(lambda: seen.append(word.get()))
    turns.soon(turns.stop)
    turns.run()
    assert seen == ["given", "none"]
    assert turns.loop is None


def test_what_fails_takes_nothing_else_with_it(turns: Turns) -> None:
    seen: list[int] = []
    turns.soon(lambda: 1 / 0)
    turns.soon(seen.append, 1)
    turns.soon(turns.stop)
    with pytest.raises(ZeroDivisionError):
        turns.run()
    turns.run()
    assert seen == [1]


def test_more_than_the_bell_holds_is_called_all_the_same(turns: Turns) -> None:
    seen: list[int] = []
    for number in range(100_000):
        turns.soon(seen.append, number)
    turns.soon(turns.stop)
    turns.run()
    assert len(seen) == 100_000


@pytest.mark.skipif("COVERAGE_RUN" in os.environ, reason="coverage imports it in every process")
def test_a_session_is_ready_without_asyncio() -> None:
    begins = BOOT.replace("main(sys.argv[1:])", "print('asyncio' in sys.modules)")
    assert begins != BOOT
    done = subprocess.run(
        [sys.executable, "-P", "-c", begins, str(KERNEL)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "False\n"


def test_light_code_and_other_code_share_their_names(worker: Worker) -> None:
    assert worker.run("x = 20\nprint(x)\nx + 22").result.value == 42
    assert worker.run("1 / 0").error.name == "ZeroDivisionError"
    assert worker.run("1 +").error.name == "SyntaxError"
    assert worker.run("import asyncio\nawait asyncio.sleep(0, x)").result.value == 20
    current = "asyncio.get_running_loop() is asyncio.get_event_loop()"
    assert worker.run(current).result.value is True


def test_light_code_is_interrupted(worker: Worker) -> None:
    cell = worker.begin("while True: pass")
    assert worker.interrupt(cell).error.name == "KeyboardInterrupt"
    assert worker.run("1 + 1").result.value == 2


def test_cells_come_in_their_order_also_where_one_needs_the_loop(worker: Worker) -> None:
    codes = ["seen = [1]", "import time; seen.append(2)", "seen.append(3)", "seen"]
    cells = [worker.execute(code) for code in codes]
    assert worker.finish(cells[-1]).result.repr == "[1, 2, 3]"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc shows what a process has open")
def test_a_loop_comes_when_nothing_else_does(worker: Worker) -> None:
    def sockets() -> int:
        found = 0
        for file in Path(f"/proc/{worker.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # it was open for a moment
                found += file.readlink().name.startswith("socket:")
        return found

    # The door and the host's; a loop has a pair of its own.
    wait_until(lambda: sockets() == 4, "it has a loop")
    assert worker.run("import asyncio; await asyncio.sleep(0, 3)").result.value == 3


def test_asyncio_is_pythons_own_whatever_lies_in_the_working_directory(tmp_path: Path) -> None:
    here = tmp_path / "session"
    here.mkdir(mode=0o700)
    (here / "asyncio.py").write_text("raise SystemExit(3)")
    (here / "mine.py").write_text("x = 5")
    with Worker.start(tmp_path) as worker:
        assert worker.run("1 + 1").result.value == 2
        assert worker.run("import mine, sys; (mine.x, sys.path[0])").result.repr == "(5, '')"
        assert worker.run("import asyncio; await asyncio.sleep(0, 3)").result.value == 3
