"""Cells in a real worker: what they give, keep, and survive."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.kernel.protocol import Broken, ExecutionMode, Started
from tests.real.kernel import GoneError, Worker, ended, wait_until


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with Worker.start(tmp_path_factory.mktemp("worker")) as worker:
        yield worker


@pytest.mark.requirement("D1", "D5")
def test_the_namespace_is_kept_from_cell_to_cell(worker: Worker) -> None:
    worker.run("kept = 20")
    assert worker.run("kept += 1\nkept * 2").result.value == 42


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("1 + 1", 2),
        ("'text'", "text"),
        ("None", None),
        ("True", True),
        ("1.5", 1.5),
        ("x = 1", None),
        ("", None),
        ("# nothing", None),
        ("def f():\n    return 3\nf()", 3),
        ("import asyncio\nawait asyncio.sleep(0, 7)", 7),
        ("x = await asyncio.sleep(0, 8)\nx + 1", 9),
        ("[await asyncio.sleep(0, i) for i in range(3)][2]", 2),
        ("async def g():\n    yield 4\n[x async for x in g()][0]", 4),
        ("async for x in g():\n    last = x\nlast + 1", 5),
        ("async with asyncio.timeout(5):\n    z = 6\nz", 6),
        ("if True:\n    w = await asyncio.sleep(0, 11)\nw", 11),
        ("(lambda: 12)()", 12),
        ("class C:\n    n = 13\nC.n", 13),
    ],
)
@pytest.mark.requirement("D3")
def test_a_cell_gives_the_value_of_its_last_expression(
    worker: Worker, code: str, value: object
) -> None:
    worker.run("import asyncio\nasync def g():\n    yield 4")
    result = worker.run(code).result
    assert result.value == value
    assert type(result.value) is type(value)


@pytest.mark.parametrize(
    ("code", "mode"),
    [
        ("1 + 1", ExecutionMode.SIMPLE_SYNC),
        ("import time\ntime.sleep(0)", ExecutionMode.BLOCKING_SYNC),
        ("async def h(): pass", ExecutionMode.ASYNC_DEF),
        ("import asyncio\nawait asyncio.sleep(0)", ExecutionMode.TOP_LEVEL_AWAIT),
        ("1 +", ExecutionMode.UNKNOWN),
    ],
)
@pytest.mark.requirement("D4")
def test_started_tells_the_mode(worker: Worker, code: str, mode: ExecutionMode) -> None:
    assert worker.run(code).started.mode is mode


def test_values_that_are_no_scalars_are_told_by_repr_alone(worker: Worker) -> None:
    for code, told in (("[1, 2]", "[1, 2]"), ("1 << 80", str(1 << 80)), ("float('nan')", "nan")):
        result = worker.run(code).result
        assert (result.value, result.repr) == (None, told)


def test_half_a_surrogate_pair_breaks_no_message(worker: Worker) -> None:
    assert worker.run(r"'\ud800'").result.value == r"\ud800"
    assert worker.run(r"raise ValueError('\ud800')").error.message == r"\ud800"


@pytest.mark.requirement("D2")
def test_output_comes_before_the_result(worker: Worker) -> None:
    cell = worker.run(
        "import sys, os\nprint('out'); print('err', file=sys.stderr)\nos.system('echo c')"
    )
    assert (cell.stdout, cell.stderr, cell.fd_stdout) == ("out\n", "err\n", "c\n")
    assert ended(cell)


def test_a_syntax_error_shows_where(worker: Worker) -> None:
    error = worker.run("a = 1\nb = (2 +").error
    assert error.name == "SyntaxError"
    assert any(line.strip().startswith("^") for line in error.traceback)


def test_what_cannot_be_compiled_is_an_error_and_no_more(worker: Worker) -> None:
    for code in (
        "a\0b",
        "(" * 5000,
        "-" * 200_000 + "1",
        "9" * 5000,
        "x = '" + "\\ud800" + "'\n\udc80",
    ):
        assert worker.run(code).end.execution_id
    assert worker.run("1").result.value == 1


def test_an_error_has_the_lines_of_its_cell(worker: Worker) -> None:
    worker.run("def fails():\n    return 1 / 0")
    error = worker.run("fails()").error
    assert (error.name, error.message) == ("ZeroDivisionError", "division by zero")
    assert "    return 1 / 0" in error.traceback
    assert not any("execute.py" in line for line in error.traceback)


def test_an_exception_group_is_an_error(worker: Worker) -> None:
    error = worker.run("raise ExceptionGroup('two', [ValueError(1), KeyError(2)])").error
    assert error.name == "ExceptionGroup"
    assert any("KeyError: 2" in line for line in error.traceback)


@pytest.mark.parametrize(("code", "exit_code"), [("exit(3)", 3), ("import sys; sys.exit()", 0)])
def test_exit_ends_the_cell_and_not_the_session(worker: Worker, code: str, exit_code: int) -> None:
    assert worker.run(code).error.name == "SystemExit"
    assert worker.run("_exit_code").result.value == exit_code


def test_what_cannot_be_said_of_an_end_is_an_error_and_no_more(worker: Worker) -> None:
    error = worker.run("raise SystemExit(10 ** 5000)").error
    assert error.name == "ValueError"
    assert error.message.startswith("what the cell ended with cannot be sent: Exceeds the limit")
    assert worker.run("6 * 7").result.value == 42


def test_an_awaiting_cell_may_exit_too(worker: Worker) -> None:
    code = "import asyncio, sys\nawait asyncio.sleep(0)\nsys.exit(4)"
    assert worker.run(code).error.name == "SystemExit"
    code = "async def leave():\n    raise SystemExit(5)\nawait asyncio.gather(leave())"
    assert worker.run(code).error.name in {"SystemExit", "CancelledError"}
    assert worker.run("1").result.value == 1


@pytest.mark.parametrize(
    "code",
    [
        "asyncio.get_running_loop().stop()",
        "asyncio.get_running_loop().stop()\nawait asyncio.sleep(0.01)",
        "for t in asyncio.all_tasks(): t.cancel()",
        "for t in asyncio.all_tasks(): t.cancel()\nawait asyncio.sleep(1)",
        "loop = asyncio.new_event_loop(); asyncio.set_event_loop(loop); loop.close()",
        "asyncio.set_event_loop(None)",
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)",
        "import sys; sys.modules.pop('__main__')",
        "import builtins; saved = builtins.print; del builtins.print; builtins.print = saved",
        "globals().clear()",
        "import gc; gc.collect()",
        "def deep(): return deep()\ndeep()",
        "async def exits(): exit()\nt = asyncio.create_task(exits())\nawait asyncio.sleep(0)",
    ],
)
def test_the_session_survives(worker: Worker, code: str) -> None:
    worker.run("import asyncio")
    assert worker.run(code).end
    assert worker.run("import asyncio\nawait asyncio.sleep(0, 2)").result.value == 2
    assert worker.run("1 + 1").result.value == 2


def test_scripts_that_run_a_loop_of_their_own_can(worker: Worker) -> None:
    main = "import asyncio\nasync def main():\n    await asyncio.sleep(0)\n    return 5\n"
    assert worker.run(main + "asyncio.run(main())").result.value == 5
    old = "loop = asyncio.get_event_loop()\nv = loop.run_until_complete(main())\nloop.close()\nv"
    assert worker.run(old).result.value == 5
    assert worker.run("await main()").result.value == 5


@pytest.mark.requirement("D1")
def test_a_task_of_one_cell_goes_on_in_the_next(worker: Worker) -> None:
    worker.run(
        "import asyncio\nticks = []\nasync def tick():\n    while True:\n"
        "        ticks.append(1)\n        await asyncio.sleep(0)"
    )
    worker.run("ticking = asyncio.create_task(tick())")
    before = worker.run("len(ticks)").result.value
    assert isinstance(before, int)
    after = worker.run("for _ in range(5): await asyncio.sleep(0)\nlen(ticks)").result.value
    assert isinstance(after, int)
    assert after >= before + 5
    worker.run("ticking.cancel()")


def test_what_a_task_of_an_older_cell_prints_is_that_cells(worker: Worker) -> None:
    worker.run(
        "import asyncio\ngo = asyncio.Event()\nasync def late():\n    await go.wait()\n"
        "    print('late')"
    )
    older = worker.run("t = asyncio.create_task(late())")
    newer = worker.execute("go.set()\nawait t\nprint('new')")
    worker.read(older, lambda cell: "late" in cell.stdout)
    worker.finish(newer)
    assert newer.stdout == "new\n"


def test_a_context_variable_is_kept_by_sync_and_awaiting_cells(worker: Worker) -> None:
    worker.run("import asyncio, contextvars, threading\nvar = contextvars.ContextVar('var')")
    worker.run("var.set(1)")
    assert worker.run("var.get()").result.value == 1
    worker.run("await asyncio.sleep(0)\nvar.set(2)")
    assert worker.run("var.get()").result.value == 2
    worker.run("var.set(3)", threaded=True)
    assert worker.run("await asyncio.sleep(0)\nvar.get()").result.value == 3


def test_a_cell_runs_in_a_thread_on_request(worker: Worker) -> None:
    code = "import threading\nthreading.current_thread() is threading.main_thread()"
    assert worker.run(code, threaded=True).result.value is False
    assert worker.run(code).result.value is True


@pytest.mark.requirement("D3")
def test_a_blocking_cell_leaves_the_session_s_tasks_running(worker: Worker) -> None:
    worker.run(
        "import asyncio, time\nbeats = 0\nasync def beat():\n    global beats\n"
        "    while True:\n        beats += 1\n        await asyncio.sleep(0.001)"
    )
    worker.run("beating = asyncio.create_task(beat())")
    grown = worker.run("was = beats\ntime.sleep(0.2)\nbeats - was").result.value
    assert isinstance(grown, int)
    assert grown > 1
    worker.run("beating.cancel()")


def test_from_future_ends_with_its_cell(worker: Worker) -> None:
    code = "from __future__ import annotations\ndef f(a: unknown): pass\nf.__annotations__['a']"
    assert worker.run(code).result.value == "unknown"
    assert worker.run("def f(a: unknown): pass\nf.__annotations__").error.name == "NameError"


def test_main_is_the_session_s_own_module(worker: Worker) -> None:
    worker.run("import pickle\nclass Here: pass\ndef there(x): return x + 1")
    assert worker.run("__name__").result.value == "__main__"
    assert worker.run("pickle.loads(pickle.dumps(there)) is there").result.value is True
    assert worker.run("type(pickle.loads(pickle.dumps(Here()))) is Here").result.value is True


def test_a_pool_of_forks_calls_what_a_cell_defined(worker: Worker) -> None:
    code = (
        "import multiprocessing, warnings\nwarnings.simplefilter('ignore')\n"
        "def twice(x): return 2 * x\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    got = pool.map(twice, [1, 2])\ngot[1]"
    )
    assert worker.run(code).result.value == 4


@pytest.mark.parametrize(
    "code",
    [
        "pid = os.fork()\nif not pid: print('child')",
        "pid = os.fork()\nif not pid: raise ValueError('child')",
        "pid = os.fork()\nif not pid: import sys; sys.exit(3)",
        "await asyncio.sleep(0)\npid = os.fork()\nif not pid: await asyncio.sleep(0)",
    ],
)
def test_a_forked_child_that_leaves_the_cell_is_silent(worker: Worker, code: str) -> None:
    worker.run("import os, asyncio, warnings; warnings.simplefilter('ignore')")
    assert worker.run(code).result.repr is None
    status = worker.run("os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])").result.value
    assert status == (1 if "ValueError" in code else 3 if "sys.exit" in code else 0)
    assert worker.run("1 + 1").result.value == 2


def test_breakpoint_says_why_it_cannot(worker: Worker) -> None:
    assert "terminal" in worker.run("breakpoint()").error.message


@pytest.mark.requirement("D5")
def test_the_history_is_that_of_a_repl(worker: Worker) -> None:
    worker.run("'first'")
    second = worker.run("'second'").result.count
    code = "(_, __, _i, In[-2], Out[len(In) - 2], _oh is Out, _ih is In)"
    assert worker.run(code).result.repr == repr(
        ("second", "first", "'second'", "'second'", "second", True, True)
    )
    assert worker.run("len(In) - 1").result.value == second + 2


@pytest.mark.requirement("D5")
def test_code_that_assigns_to_the_history_breaks_nothing(worker: Worker) -> None:
    worker.run("'kept'")
    number = worker.run("len(In) - 2").result.value
    worker.run("_ = 'mine'; In.clear(); In = Out = None; _oh = 3; del _ih")
    assert worker.run(f"Out[{number}]").result.value == "kept"
    assert worker.run(f"In[{number}]").result.value == "'kept'"
    worker.run("Out[1] = 'false'; Out.clear()")
    assert worker.run("7").result.value == 7
    assert worker.run("_").result.value == 7


def test_results_that_cannot_be_compared_are_as_they_were(worker: Worker) -> None:
    number = worker.run("'kept'").result.count
    worker.run("class Odd:\n    def __eq__(self, other): raise ValueError\n    __hash__ = None")
    worker.run(f"Out[{number}] = Odd()")
    assert worker.run(f"Out[{number}]").result.value == "kept"


def test_the_last_error_is_at_hand(worker: Worker) -> None:
    worker.run("1 / 0")
    assert worker.run("(type(_exception).__name__, _exit_code)").result.repr == (
        "('ZeroDivisionError', 1)"
    )
    assert worker.run("(_exception, _exit_code)").result.repr == "(None, 0)"


def test_a_silent_cell_leaves_no_trace(worker: Worker) -> None:
    count = worker.run("'loud'").result.count
    silent = worker.run("quiet = 1\n'silent'", silent=True).result
    assert (silent.count, silent.repr, silent.value) == (count, None, None)
    after = worker.run("(_, quiet)").result
    assert (after.count, after.repr) == (count + 1, "('loud', 1)")


def test_a_cell_that_is_not_kept_has_a_value_and_no_trace(worker: Worker) -> None:
    count = worker.run("'kept'").result.count
    loose = worker.run("3 * 7", store=False).result
    assert (loose.count, loose.value, loose.repr) == (count, 21, "21")
    assert worker.run("1 / 0", store=False).error.name == "ZeroDivisionError"
    assert worker.run("(_, _exit_code)").result.repr == "('kept', 0)"


def test_cells_run_in_their_order_and_once(worker: Worker) -> None:
    worker.run("order = []")
    cells = [worker.execute(f"order.append({n})") for n in range(5)]
    again = worker.execute("order.append('twice')", execution_id=cells[2].execution_id)
    for cell in cells:
        worker.finish(cell)
    assert again.execution_id == cells[2].execution_id
    assert worker.run("order").result.repr == "[0, 1, 2, 3, 4]"


def test_a_cell_that_waits_is_cancelled_at_once_and_never_runs(worker: Worker) -> None:
    worker.run("import asyncio\nran = False")
    running = worker.begin("await asyncio.sleep(60)")
    waiting = worker.execute("ran = True")
    worker.host.send({"type": "cancel", "execution_id": waiting.execution_id})
    assert worker.finish(waiting).error.interrupted
    worker.host.send({"type": "cancel", "execution_id": running.execution_id})
    error = worker.finish(running).error
    assert (error.name, error.interrupted) == ("CancelledError", True)
    assert worker.run("ran").result.value is False


def test_numbers_count_the_cells(worker: Worker) -> None:
    first = worker.run("1").started.number
    assert worker.run("2").started.number == first + 1


def test_a_thread_of_a_cell_may_ask_for_another_loop(worker: Worker) -> None:
    code = "import asyncio\nasync def f(): return 3\nasyncio.run(f())"
    assert worker.run(code, threaded=True).result.value == 3


def test_it_starts_where_it_was_put_and_without_the_token(worker: Worker) -> None:
    assert worker.run("import os; os.environ.get('INSPAN_KERNEL_TOKEN')").result.repr is None
    assert worker.run("import sys; sys.argv").result.repr == "['']"
    assert worker.run("'pydantic' in sys.modules or 'inspan' in sys.modules").result.value is False


def test_shutdown_runs_what_was_registered_at_exit(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        worker.run(
            "import atexit, threading, time\n"
            "atexit.register(lambda: open('left', 'w').close())\n"
            "threading.Thread(target=time.sleep, args=(60,)).start()"
        )
        worker.host.send({"type": "shutdown"})
        assert worker.process.wait(20) == 0
        assert (worker.folder / "left").exists()


def test_a_worker_that_dies_closes_the_wire(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        worker.begin("import os; os._exit(7)")
        assert worker.process.wait(20) == 7


def test_a_grandchild_does_not_hold_the_wire_open(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        worker.run(
            "import os, time, warnings; warnings.simplefilter('ignore')\n"
            "pid = os.fork()\nif not pid: time.sleep(60)"
        )
        worker.begin("os._exit(7)")
        worker.process.wait(20)
        with pytest.raises(GoneError):
            worker.host.wait(Broken)


def test_descriptor_zero_reads_nothing(worker: Worker) -> None:
    assert worker.run("import os; len(os.read(0, 10))").result.value == 0


def test_a_cell_that_waits_in_a_queue_of_many_is_started_in_turn(worker: Worker) -> None:
    cells = [worker.execute(str(n)) for n in range(50)]
    assert [worker.finish(cell).result.value for cell in cells] == [*range(50)]
    assert isinstance(cells[0].messages[0], Started)


def test_files_of_the_session_are_its_owner_s_alone(worker: Worker) -> None:
    wait_until(lambda: worker.socket.exists(), "the socket")
    assert worker.socket.stat().st_mode & 0o777 == 0o600
    assert (worker.folder / "interrupt").stat().st_mode & 0o777 == 0o600
    assert worker.folder.stat().st_uid == os.getuid()


def test_a_cell_that_comes_again_is_looked_at_anew_where_its_names_changed(worker: Worker) -> None:
    code = "nap(0)"
    worker.run("def nap(n): return n")
    assert worker.run(code).started.mode is ExecutionMode.SIMPLE_SYNC
    assert worker.run(code).result.value == 0
    worker.run("from time import sleep as nap")
    assert worker.run(code).started.mode is ExecutionMode.BLOCKING_SYNC
    assert worker.run(code, mode="simple_sync").started.mode is ExecutionMode.SIMPLE_SYNC
    assert worker.run(code).started.mode is ExecutionMode.BLOCKING_SYNC


def test_a_cell_that_comes_again_tells_its_lines_however_late(worker: Worker) -> None:
    code = "nothing = 0\n1 / nothing"
    first = worker.run(code).error.traceback
    for number in range(250):
        worker.run(f"{number} + 0")
        if number % 100 == 0:
            assert worker.run(code).error.traceback == first
    again = worker.run(code).error.traceback
    assert [line.strip() for line in again if "nothing" in line] == ["1 / nothing"]
