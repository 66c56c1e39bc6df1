"""What serves a named session dies: its worker, the daemon, the keeper. What is told, and left."""

from __future__ import annotations

import string
import time
from collections.abc import Iterator
from itertools import count
from typing import Final

import pytest

from inspan.engine.code.place import RESTORE
from inspan.errors import SessionEnded
from inspan.kernel.worker.boot import CHECKPOINTS
from inspan.model.code import CellBegan, CellState, CodeLimits, RunEnded
from inspan.model.session import CodeState
from tests.real.daemon import Daemon, alive, until
from tests.real.named import NO_LIMITS, Named, keeper_of, kill

pytestmark = [pytest.mark.timeout(180), pytest.mark.requirement("D1", "D9", "D10")]

_NAMES: Final = count(1)
SMALL: Final = CodeLimits(memory=256 << 20)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon() as running:
        yield running


def saved(daemon: Daemon, limits: CodeLimits = NO_LIMITS) -> Named:
    """A session with a name in a checkpoint."""
    session = Named(daemon, f"s{next(_NAMES)}", limits=limits)
    session.run("x = 20")
    with daemon.control() as control:
        control.code.checkpoint(session.id)
    session.run("x = 0")
    return session


def has_its_names_back(session: Named) -> None:
    """Restored, in another process, which runs cells."""
    assert session.restore().names == ("x",)
    assert session.value("x + 1") == 21
    now = session.now()
    assert (now.state, now.run, now.reason) == (CodeState.READY, 2, None)


# ── the worker ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "limits", "told", "how"),
    [
        ("import ctypes; ctypes.string_at(0)", NO_LIMITS, "session-died", "SIGSEGV"),
        ("import os; os._exit(7)", NO_LIMITS, "session-died", "status 7"),
        ("import os; os.kill(os.getpid(), 9)", NO_LIMITS, "session-died", "SIGKILL"),
        # Calls through C, on a stack that ends before Python's own limit does.
        (
            "import ctypes, threading\nf = ctypes.CFUNCTYPE(None)(lambda: f())\n"
            "threading.stack_size(64 << 10)\nt = threading.Thread(target=f)\nt.start(); t.join()",
            NO_LIMITS,
            "session-died",
            "SIGSEGV",
        ),
        # Together they have too much, and none of them alone.
        (
            "import os, time\nfor _ in range(5):\n    if not os.fork():\n"
            "        kept = bytearray(os.urandom(1 << 20)) * 60\n        time.sleep(300)\n"
            "time.sleep(300)",
            SMALL,
            "limit-reached",
            "memory",
        ),
    ],
    ids=["segfault", "exit", "kill", "recursion", "memory"],
)
def test_a_worker_that_dies_is_told_with_how_and_its_session_is_restored(
    daemon: Daemon, code: str, limits: CodeLimits, told: str, how: str
) -> None:
    session = saved(daemon, limits)
    cell = session.execute(code)
    began = time.monotonic()
    assert session.end(cell).state is CellState.LOST
    print(f"{how}: told after {time.monotonic() - began:.2f} s")
    over = session.over()
    assert over.reason.code == told
    assert how in over.reason.message
    assert over.reason.hint.endswith(RESTORE)
    assert ("memory runs out" in over.reason.hint) == (how == "SIGKILL")
    assert session.now().reason == over.reason
    with pytest.raises(SessionEnded, match=how):
        session.execute("1")
    has_its_names_back(session)


@pytest.mark.parametrize(
    ("code", "error"),
    [("def f(): return f()\nf()", "RecursionError"), ("kept = bytes(1 << 30)", "MemoryError")],
    ids=["recursion", "memory"],
)
def test_what_python_can_tell_ends_the_cell_alone(daemon: Daemon, code: str, error: str) -> None:
    session = saved(daemon, SMALL)
    end = session.run(code)
    assert end.state is CellState.FAILED
    assert end.error is not None
    assert end.error.name == error
    assert session.value("x + 1") == 1
    assert session.now().run == 1


# ── the daemon ────────────────────────────────────────────────────────────────

#: Prints by itself, by its descriptor, and by a child, at its own pace; each in letters of its own.
SLOW: Final = """
import os, subprocess, time
for n in range(150):
    print(f"{n}.", end="", flush=True)
    time.sleep(0.02)
os.write(1, b"".join(b"%c%c%c" % (97 + n % 26, 97 + n % 25, 97 + n % 23) for n in range(200_000)))
child = 'for c in A B C D E F G H; do for d in K L M N O P; do printf $c$d; sleep 0.02; done; done'
subprocess.run(child, shell=True)
total = n + 1
total
"""
WHOLE: Final = (
    "".join(f"{n}." for n in range(150)),
    "".join(f"{97 + n % 26:c}{97 + n % 25:c}{97 + n % 23:c}" for n in range(200_000)),
    "".join(a + b for a in "ABCDEFGH" for b in "KLMNOP"),
)


def test_a_cell_runs_on_while_daemons_die_and_its_output_is_whole() -> None:
    with Daemon() as daemon:
        session = Named(daemon, "on")
        pid = session.pid()
        cell = session.execute(SLOW)
        behind = session.execute("total + 1")
        for most in (0, 200, 300):
            session.printed(cell, most=most)
            daemon.kill()
            daemon.start()
        text = session.printed(cell)
        # Which of them came first is known of what was printed while a daemon looked.
        parts = (".0123456789", string.ascii_lowercase, string.ascii_uppercase)
        found = ["".join(letter for letter in text if letter in part) for part in parts]
        assert [len(part) for part in found] == [len(part) for part in WHOLE]
        assert tuple(found) == WHOLE
        end = session.end(cell)
        assert (end.state, end.value) == (CellState.DONE, 150)
        assert session.end(behind).value == 151
        assert session.pid() == pid
        ends = [event.fact for event in session.events()]
        assert sum(isinstance(fact, CellBegan) for fact in ends) == 2


AT_GATE: Final = """
import os, time
while not os.path.exists("{0}"): time.sleep(0.01)
print("a" * 100_000)
os.write(1, b"b" * 100_000)
open("{0}.done", "w").close()
"end"
"""


def test_what_a_cell_did_while_there_was_no_daemon_is_there_afterwards() -> None:
    with Daemon() as daemon:
        session = Named(daemon, "alone")
        gate = session.folder / "1" / CHECKPOINTS / "gate"
        cell = session.execute(AT_GATE.format(str(gate)))
        until(lambda: session.now().state is CodeState.BUSY, "it to begin")
        daemon.kill()
        gate.touch()
        until(gate.with_suffix(".done").exists, "the cell to end without a daemon")
        daemon.start()
        assert session.end(cell).value == "end"
        text = session.printed(cell)
        assert (text.count("a"), text.count("b"), len(text)) == (100_000, 100_000, 200_001)


# ── the keeper ────────────────────────────────────────────────────────────────

#: A child, one in a session of its own, and a fork that holds its interpreter's lock in C.
CHILDREN: Final = """
import itertools, os, subprocess
pids = [os.getpid(), subprocess.Popen(["sleep", "300"]).pid]
pids.append(subprocess.Popen(["sleep", "300"], start_new_session=True).pid)
pids.append(os.fork())
if not pids[-1]:
    sum(itertools.repeat(0))
" ".join(map(str, pids))
"""


@pytest.mark.requirement("B5")
def test_a_keeper_that_is_killed_takes_all_along_and_every_session_is_restored() -> None:
    with Daemon() as daemon:
        sessions = [saved(daemon) for _ in STATES]
        pids = [int(pid) for session in sessions for pid in str(session.value(CHILDREN)).split()]
        cells = [
            session.execute(code) if code else None
            for session, code in zip(sessions, STATES, strict=True)
        ]
        for session, cell in zip(sessions, cells, strict=True):
            if cell is not None:
                began(session)
        assert len(pids) == 4 * len(STATES)
        assert all(map(alive, pids))
        struck = time.monotonic()
        kill(keeper_of(daemon))
        until(lambda: not any(map(alive, pids)), "workers and their children to be gone")
        print(f"{len(pids)} processes were gone after {time.monotonic() - struck:.2f} s")
        for session, cell in zip(sessions, cells, strict=True):
            assert cell is None or session.end(cell).state is CellState.LOST
            assert session.over().reason.code == "session-died"
            has_its_names_back(session)


@pytest.mark.requirement("B5")
def test_daemon_and_keeper_killed_together_lose_processes_and_no_session() -> None:
    with Daemon() as daemon:
        session = saved(daemon)
        pids = [int(pid) for pid in str(session.value(CHILDREN)).split()]
        cell = session.execute("import time; time.sleep(300)")
        began(session)
        keeper = keeper_of(daemon)
        daemon.kill()
        kill(keeper)
        until(lambda: not any(map(alive, pids)), "the worker and its children to be gone")
        daemon.start()
        assert session.over().reason.code == "session-died"
        assert session.end(cell).state is CellState.LOST
        told = [event.fact for event in session.events()]
        assert sum(isinstance(fact, RunEnded) for fact in told) == 1
        has_its_names_back(session)


#: What its main thread does.
STATES: Final = (
    "",
    "import time; time.sleep(300)",
    "while True: pass",
    "import itertools; sum(itertools.repeat(0))",
)


def began(session: Named) -> None:
    """The last cell runs."""
    until(lambda: isinstance(session.events()[-1].fact, CellBegan), "the cell to begin")
