"""What people expect of a Python that they type into, probed row by row on a real worker.

Each row is cells of one session, and the value of the last. What costs other kernels a cell, a
session or a result is here too: fork, signals, exit, a loop that is stopped or cancelled, output
that goes around Python's streams, and objects whose text is large.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.kernel.protocol import Input
from tests.real.kernel import GoneError, Worker, wait_until

pytestmark = pytest.mark.requirement("D3", "D5")

#: Cells that run one after the other, and the value that the last one has.
PROBES: dict[str, tuple[tuple[str, ...], object]] = {
    # Names.
    "a name is kept": (("a = 1", "a += 1", "a"), 2),
    "a name is deleted": (("a = 1", "del a", "'a' in globals()"), False),
    "a function sees what is defined later": (
        ("def f(): return late()", "def late(): return 3", "f()"),
        3,
    ),
    "global in a function": (("def f():\n    global g\n    g = 4\nf()", "g"), 4),
    "a failed cell keeps what it bound": (("b = 5; 1 / 0; b = 6", "b"), 5),
    "a builtin that was covered comes back": (
        ("len = 3", "del len", "len('ab')"),
        2,
    ),
    "the module is __main__": (("import __main__; c = 6", "__main__.c, __name__"), (6, "__main__")),
    "there is no __file__": (("'__file__' in globals()",), False),
    "what is guarded for scripts runs": (("if __name__ == '__main__': d = 7", "d"), 7),
    "the last value is _": (("6 * 7", "_ + 1"), 43),
    "exec and eval see the session": (("e = 1", "exec('e += 1')", "eval('e')"), 2),
    "comprehensions in a class": (
        ("class C:\n    n = 3\n    m = [i for i in range(n)]", "C.m[2]"),
        2,
    ),
    "a dataclass": (
        (
            "import dataclasses\n@dataclasses.dataclass\nclass D:\n    x: int = 3",
            "D().x, repr(D())",
        ),
        (3, "D(x=3)"),
    ),
    "hints of a cell's class": (
        ("import typing\nclass N:\n    x: 'int'", "typing.get_type_hints(N)['x'] is int"),
        True,
    ),
    "from __future__ ends with its cell": (
        (
            "from __future__ import annotations\ndef f(a: unknown): pass",
            "try:\n    def g(a: unknown): pass\nexcept NameError: h = f.__annotations__['a']\nh",
        ),
        "unknown",
    ),
    # Context, tasks, the loop.
    "a context variable set by a cell": (
        ("import contextvars; v = contextvars.ContextVar('v')", "t = v.set(1)", "v.get()"),
        1,
    ),
    "a context variable set by a cell that awaits": (
        (
            "import asyncio, contextvars; v = contextvars.ContextVar('v')",
            "await asyncio.sleep(0); t = v.set(2)",
            "v.get()",
            "await asyncio.sleep(0); v.get()",
        ),
        2,
    ),
    "a context variable is taken back in another cell": (
        (
            "import asyncio, contextvars; v = contextvars.ContextVar('v', default=0)",
            "t = v.set(2)",
            "await asyncio.sleep(0)\nv.reset(t)",
            "v.get()",
        ),
        0,
    ),
    "a task goes on": (
        (
            "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 8",
            "t = asyncio.create_task(f())",
            "await t",
        ),
        8,
    ),
    "the running loop is there for a cell that does not await": (
        ("import asyncio; l = asyncio.get_running_loop()", "l is asyncio.get_event_loop()"),
        True,
    ),
    "call_later outlives its cell": (
        (
            "import asyncio; e = asyncio.Event()",
            "h = asyncio.get_running_loop().call_later(0.01, e.set)",
            "await e.wait()",
        ),
        True,
    ),
    "the loop is stopped": (("import asyncio; asyncio.get_running_loop().stop()", "1"), 1),
    "the loop is closed": (
        ("import asyncio; asyncio.get_event_loop().close()", "await asyncio.sleep(0, 2)"),
        2,
    ),
    "all tasks are cancelled": (
        ("import asyncio\nfor t in asyncio.all_tasks(): t.cancel()", "await asyncio.sleep(0, 3)"),
        3,
    ),
    "all tasks are cancelled by a cell that awaits": (
        (
            "import asyncio\nfor t in asyncio.all_tasks(): t.cancel()\nawait asyncio.sleep(9)",
            "await asyncio.sleep(0, 4)",
        ),
        4,
    ),
    "asyncio.run": (
        (
            "import asyncio\nasync def f():\n    return await asyncio.sleep(0, 9)",
            "asyncio.run(f())",
        ),
        9,
    ),
    "asyncio.Runner": (
        ("import asyncio\nwith asyncio.Runner() as r: x = r.run(asyncio.sleep(0, 10))", "x"),
        10,
    ),
    "a task that exits": (
        (
            "import asyncio\nasync def f(): raise SystemExit(1)",
            "t = asyncio.create_task(f()); await asyncio.sleep(0)",
            "await asyncio.sleep(0, 5)",
        ),
        5,
    ),
    # Errors and endings.
    "sys.exit ends its cell": (("import sys; sys.exit(3)", "_exit_code"), 3),
    "the last error is at hand": (("1 / 0", "type(_exception).__name__"), "ZeroDivisionError"),
    "endless recursion": (("def f(): f()\nf()", "type(_exception).__name__"), "RecursionError"),
    "an error holds no locals of its cell": (
        (
            "import gc, weakref\nclass Big: pass\ndef f():\n    global r\n    big = Big()\n"
            "    r = weakref.ref(big)\n    raise ValueError\nf()",
            "0",
            "gc.collect()",
            "r() is None",
        ),
        True,
    ),
    "a thread's error ends no cell": (
        (
            "import threading; t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()",
            "not t.is_alive()",
        ),
        True,
    ),
    "os._exit of a child": (
        (
            "import os\npid = os.fork()\nif not pid: os._exit(5)",
            "os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])",
        ),
        5,
    ),
    "a forked child that leaves the cell": (
        (
            "import os\npid = os.fork()\nif not pid: 1 / 0",
            "os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])",
        ),
        1,
    ),
    # Pickle, processes, signals.
    "pickle of a cell's class": (
        (
            "import pickle\nclass P:\n    def __init__(s): s.x = 4",
            "pickle.loads(pickle.dumps(P())).x",
        ),
        4,
    ),
    "pickle of a cell's function": (
        ("import pickle\ndef q(): return 5", "pickle.loads(pickle.dumps(q)) is q"),
        True,
    ),
    "copy of a cell's object": (
        ("import copy\nclass K: n = [1]", "k = K(); k.n = [2]", "copy.deepcopy(k).n[0]"),
        2,
    ),
    "a pool of threads": (
        (
            "import concurrent.futures as cf\ndef w(x): return x * 2",
            "with cf.ThreadPoolExecutor() as p: y = sum(p.map(w, range(4)))\ny",
        ),
        12,
    ),
    "a pool of forks": (
        (
            "import multiprocessing as mp\nclass A:\n    def __init__(s, n): s.n = n\n"
            "def add(a): return A(a.n + 1)",
            "with mp.get_context('fork').Pool(2) as p: z = [a.n for a in p.map(add, [A(1), A(2)])]",
            "sum(z)",
        ),
        5,
    ),
    "an executor of forks": (
        (
            "import concurrent.futures as cf, multiprocessing as mp\ndef u(x): return x + 1",
            "with cf.ProcessPoolExecutor(1, mp.get_context('fork')) as p:\n"
            "    y = p.submit(u, 1).result()",
            "y",
        ),
        2,
    ),
    "a program that is run": (
        ("import subprocess", "subprocess.run(['echo', 'x'], capture_output=True).stdout[:1]"),
        b"x",
    ),
    "an alarm": (
        (
            "import signal, time\ndef rings(*_): raise TimeoutError\n"
            "_old = signal.signal(signal.SIGALRM, rings)",
            "signal.setitimer(signal.ITIMER_REAL, 0.01)\n"
            "try: time.sleep(30)\nexcept TimeoutError: rang = True",
            "rang",
        ),
        True,
    ),
    "a signal handler of the loop": (
        (
            "import asyncio, os, signal; e = asyncio.Event()",
            "asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, e.set)",
            "os.kill(os.getpid(), signal.SIGUSR1); await e.wait()",
        ),
        True,
    ),
    "the cell is on the main thread": (
        ("import threading; threading.current_thread() is threading.main_thread()",),
        True,
    ),
    "the worker's threads are not among those of the code": (
        ("import threading; len(threading.enumerate())",),
        1,
    ),
    "the folder and the environment are kept": (
        (
            "import os; os.chdir('/'); os.environ['PROBE'] = 'x'",
            "os.getcwd() + os.environ['PROBE']",
        ),
        "/x",
    ),
    # Source and introspection.
    "source of a function": (
        ("import inspect\ndef s():\n    return 1", "inspect.getsource(s)"),
        "def s():\n    return 1\n",
    ),
    "source of a class": (
        ("import inspect\nclass S:\n    x = 1", "inspect.getsource(S)"),
        "class S:\n    x = 1\n",
    ),
    "source of a lambda": (
        ("import inspect\nl = lambda: 2", "inspect.getsource(l)"),
        "l = lambda: 2\n",
    ),
    "doctests of the session": (
        (
            "import doctest\ndef t():\n    '''\n    >>> t()\n    5\n    '''\n    return 5",
            "doctest.testmod().attempted",
        ),
        1,
    ),
    "unittest of the session": (
        (
            "import io, unittest\nclass T(unittest.TestCase):\n    def test(s): s.assertTrue(1)",
            "s = unittest.defaultTestLoader.loadTestsFromTestCase(T)",
            "unittest.TextTestRunner(io.StringIO()).run(s).testsRun",
        ),
        1,
    ),
    "timeit": (("import timeit; timeit.timeit('1', number=1) >= 0",), True),
    "pdb says why it cannot": (("breakpoint()", "'terminal' in str(_exception)"), True),
}
#: What a cell writes, and what comes of it: stdout, stderr, and the same of the descriptors.
WRITTEN: dict[str, tuple[str, tuple[str, str, str, str]]] = {
    "print": ("print('a', 1)", ("a 1\n", "", "", "")),
    "an unfinished line": ("print('a', end='')", ("a", "", "", "")),
    "stderr": ("import sys; print('e', file=sys.stderr)", ("", "e\n", "", "")),
    "sys.stdout.write": ("import sys; n = sys.stdout.write('ä')", ("ä", "", "", "")),
    "sys.stdout.buffer": ("import sys; n = sys.stdout.buffer.write(b'raw')", ("raw", "", "", "")),
    "os.write": (
        "import os; n = os.write(1, b'one'); n = os.write(2, b'two')",
        ("", "", "one", "two"),
    ),
    "os.system": ("import os; s = os.system('echo x; echo y >&2')", ("", "", "x\n", "y\n")),
    "subprocess": ("import subprocess as s; r = s.run(['echo', 'p'])", ("", "", "p\n", "")),
    "C": (
        "import ctypes; n = ctypes.CDLL(None).printf(b'c %d', ctypes.c_int(5))",
        ("", "", "c 5", ""),
    ),
    "C that keeps the interpreter's lock": (
        "import ctypes; n = ctypes.PyDLL(None).printf(b'%s', b'x' * 100_000)",
        ("", "", "x" * 100_000, ""),
    ),
    "a thread": (
        "import threading; t = threading.Thread(target=print, args=('t',)); t.start(); t.join()",
        ("t\n", "", "", ""),
    ),
    "a forked child": (
        "import os\npid = os.fork()\nif not pid: print('f', flush=True); os._exit(0)\n"
        "s = os.waitpid(pid, 0)",
        ("", "", "f\n", ""),
    ),
    "a warning": (
        "import warnings; warnings.warn('w', stacklevel=1)",
        (
            "",
            ": UserWarning: w\n  import warnings; warnings.warn('w', stacklevel=1)\n",
            "",
            "",
        ),
    ),
    "a log": ("import logging; logging.warning('l')", ("", "WARNING:root:l\n", "", "")),
    "redirected": (
        "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()): print('lost')",
        ("", "", "", ""),
    ),
    "pprint": ("import pprint; pprint.pprint({'a': 1})", ("{'a': 1}\n", "", "", "")),
    "help": ("help(len)", ("Help on built-in function len", "", "", "")),
}


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with Worker.start(tmp_path_factory.mktemp("worker")) as worker:
        worker.run("import warnings; warnings.simplefilter('ignore', DeprecationWarning)")
        yield worker


@pytest.mark.parametrize("row", PROBES)
def test_a_session_does_what_python_does(worker: Worker, row: str) -> None:
    cells, expected = PROBES[row]
    *before, last = [worker.run(code) for code in cells]
    assert all(cell.end for cell in before)
    assert (last.result.value, last.result.repr) == (
        expected if isinstance(expected, str | int) else None,
        repr(expected),
    )


@pytest.mark.parametrize("row", WRITTEN)
def test_what_is_written_comes_however_it_is_written(worker: Worker, row: str) -> None:
    code, expected = WRITTEN[row]
    cell = worker.run(code)
    assert cell.result
    got = (cell.stdout, cell.stderr, cell.fd_stdout, cell.fd_stderr)
    if row == "help":
        assert got[0].startswith(expected[0])
    elif row == "a warning":
        assert got[1].endswith(expected[1])
    else:
        assert got == expected


def test_what_a_stream_of_the_user_s_own_holds_back_comes_with_its_cell(worker: Worker) -> None:
    worker.run("import io, sys; ours = sys.stdout, sys.stderr")
    wrap = "sys.{0} = io.TextIOWrapper(sys.{0}.buffer, write_through=False)"
    cell = worker.run(f"{wrap.format('stdout')}; {wrap.format('stderr')}\nprint('a')")
    assert cell.stdout == "a\n"
    cell = worker.run("print('b'); print('e', file=sys.stderr); 1 / 0")
    assert (cell.stdout, cell.stderr) == ("b\n", "e\n")
    cell = worker.run("import asyncio; print('c'); await asyncio.sleep(0)")
    assert cell.stdout == "c\n"
    assert worker.run("print('d'); 4", threaded=True).stdout == "d\n"
    worker.run("class Odd:\n    def flush(self): raise SystemExit\nsys.stdout = sys.stderr = Odd()")
    assert worker.run("5").result.value == 5
    worker.run("sys.stdout = sys.stderr = None")
    assert worker.run("6").result.value == 6
    worker.run("del sys.stdout; sys.stderr = ours[1]")
    assert worker.run("sys.stdout, sys.stderr = ours; print('f')").stdout == "f\n"


def test_a_flush_that_does_not_end_is_interrupted(worker: Worker) -> None:
    worker.run(
        "import os, sys; ours = sys.stdout\nclass Stuck:\n    def flush(self):\n"
        "        os.write(1, b'go')\n        while True: pass"
    )
    written = worker.folder / "out.raw"
    before = written.stat().st_size
    cell = worker.begin("sys.stdout = Stuck()")
    wait_until(lambda: written.stat().st_size >= before + 2, "it flushes")
    worker.interrupt(cell)
    before = written.stat().st_size
    cell = worker.begin("sys.stdout = ours")
    assert worker.finish(cell).result
    assert worker.run("print('g')").stdout == "g\n"


def test_input_is_asked_for_and_answered(worker: Worker) -> None:
    cell = worker.begin("name = input('Who? ')\nname * 2")
    worker.read(cell, lambda cell: isinstance(cell.messages[-1], Input))
    asked = cell.messages[-1]
    assert isinstance(asked, Input)
    worker.host.send({"type": "input_response", "request": asked.request, "value": "ab"})
    assert worker.finish(cell).result.value == "abab"


@pytest.mark.parametrize(
    "code",
    [
        "'x' * 50_000_000",
        "class Huge:\n    def __repr__(self): return 'x' * 50_000_000\nHuge()",
        "[Huge()] * 1000",
        "range(10**9)",
        "bytes(50_000_000)",
        "raise ValueError('x' * 50_000_000)",
    ],
)
def test_what_is_shown_of_a_large_object_is_capped(worker: Worker, code: str) -> None:
    worker.run("class Huge:\n    def __repr__(self): return 'x' * 50_000")
    end = worker.run(code).end
    assert len(end.model_dump_json()) < 2 << 20


@pytest.mark.parametrize("code", ["time.sleep(60)", "await asyncio.sleep(60)", "while True: pass"])
def test_a_cell_is_interrupted_where_an_earlier_one_ignores_signals(
    worker: Worker, code: str
) -> None:
    worker.run("import asyncio, signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN)")
    assert worker.interrupt(worker.begin(code)).error.interrupted


def test_modules_that_code_changes_do_not_end_the_session(worker: Worker) -> None:
    worker.run(
        "import json, time; saved = json.loads, json.dumps, time.time, time.sleep\n"
        "json.loads = json.dumps = time.time = time.sleep = None"
    )
    assert worker.run("print('still'); 7").result.value == 7
    worker.run("json.loads, json.dumps, time.time, time.sleep = saved")


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("import ctypes; ctypes.string_at(0)", -signal.SIGSEGV),
        ("import os; os.abort()", -signal.SIGABRT),
        ("import os; os._exit(7)", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
)
def test_a_death_closes_the_wire_at_once(tmp_path: Path, code: str, how: int) -> None:
    with Worker.start(tmp_path) as worker:
        cell = worker.begin(code)
        with pytest.raises(GoneError):
            worker.finish(cell)
        assert worker.process.wait(30) == how
