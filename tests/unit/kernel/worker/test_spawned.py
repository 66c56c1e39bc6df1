"""Processes that multiprocessing spawns for a cell have what the cells have defined."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.kernel import Worker

pytestmark = pytest.mark.requirement("D3", "D5")

PREPARE = """
import concurrent.futures as cf, enum, functools, math as m, multiprocessing as mp, os, threading
base = 40
class Point:
    def __init__(self, x): self.x = x
    @property
    def far(self): return m.sqrt(self.x * self.x) + base
class Colour(enum.Enum):
    RED = 1
def far(point): return point.far
def add(point): return Point(point.x + base)
@functools.cache
def cached(n): return n + base
def outer(n):
    def inner(): return add(Point(n)).x
    return inner()
def name(_): return __name__, __import__('sys').modules['__main__'].__name__
def locks(_): return lock.locked()
lock = threading.Lock(); lock.acquire()
def pooled(how, *jobs):
    with mp.get_context(how).Pool(1) as pool: return [pool.apply(f, x) for f, *x in jobs]
"""
HOW = ("spawn", "forkserver")


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with Worker.start(tmp_path_factory.mktemp("worker")) as worker:
        worker.run(PREPARE)
        yield worker


@pytest.mark.parametrize("how", HOW)
def test_a_pool_calls_what_cells_defined(worker: Worker, how: str) -> None:
    jobs = "(add, Point(1)), (outer, 2), (cached, 3), (far, Point(4)), (Colour, 1), (name, 0)"
    worker.run(f"got = pooled({how!r}, {jobs})")
    assert worker.run("type(got[0]) is Point, got[0].x, got[1:4]").result.repr == (
        "(True, 41, [42, 43, 44.0])"
    )
    assert worker.run("got[4] is Colour.RED, got[5]").result.repr == (
        "(True, ('__mp_main__', '__mp_main__'))"
    )


def test_what_is_defined_anew_is_called_anew(worker: Worker) -> None:
    worker.run("def twice(n): return 2 * n")
    assert worker.run("pooled('spawn', (twice, 2))").result.repr == "[4]"
    worker.run("def twice(n): return n + n + base")
    assert worker.run("pooled('spawn', (twice, 2))").result.repr == "[44]"


def test_an_executor_and_a_process_do_so_too(worker: Worker) -> None:
    code = (
        "with cf.ProcessPoolExecutor(1, mp.get_context('spawn')) as e:\n"
        "    got = e.submit(outer, 3).result()\ngot"
    )
    assert worker.run(code).result.value == 43
    code = (
        "def leaves(code): os._exit(code + base)\n"
        "p = mp.get_context('spawn').Process(target=leaves, args=(2,)); p.start(); p.join()\n"
        "p.exitcode"
    )
    assert worker.run(code).result.value == 42


def test_what_cannot_be_kept_is_not_there(worker: Worker) -> None:
    error = worker.run("pooled('spawn', (locks, 0))").error
    assert (error.name, "lock" in error.message) == ("NameError", True)


def test_a_process_is_started_also_where_nothing_could_be_saved(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        worker.run("import multiprocessing as mp, os\ndef f(x): return x")
        (worker.folder / "work").write_text("in the way")
        code = "with mp.get_context('spawn').Pool(1) as p: got = p.apply(abs, (-3,))\ngot"
        assert worker.run(code).result.value == 3


def test_a_session_is_as_it_was(worker: Worker) -> None:
    assert worker.run("'__file__' in globals(), __name__").result.repr == "(False, '__main__')"
    files = [path for path in worker.folder.rglob("*") if "spawned" in path.parts]
    assert {path.name for path in files if path.is_file()} <= {"main.py", "spawned"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)


@pytest.mark.skipif("COVERAGE_RUN" in os.environ, reason="coverage imports it in every process")
def test_nothing_is_imported_before_it_is_wanted(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        code = "import sys; [n for n in sys.modules if n.startswith('multiprocessing')]"
        assert worker.run(code).result.repr == "[]"
        assert "spawned" not in {path.name for path in worker.folder.rglob("*")}
