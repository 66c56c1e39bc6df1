"""How a worker ends, by itself, from outside, or with its keeper, and what is told of it."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.errors import SessionDied, SessionNotFound
from inspan.keeper.client import KeeperClient
from inspan.kernel.host.process import Death, WorkerProcess
from inspan.kernel.host.session import KernelSession
from tests.unit.keeper.desk import Keeper, running, wait_for
from tests.unit.kernel.host.desk import dead, order, session, value

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("import os; os._exit(7)", "ended with status 7"),
        ("import os; os.kill(os.getpid(), 11)", "killed by SIGSEGV"),
        ("import ctypes; ctypes.string_at(0)", "killed by SIGSEGV"),
        # Calls through C, on a stack that ends before Python's own limit does.
        (
            "import ctypes, threading\nf = ctypes.CFUNCTYPE(None)(lambda: f())\n"
            "threading.stack_size(64 << 10)\nt = threading.Thread(target=f)\nt.start(); t.join()",
            "killed by SIGSEGV",
        ),
        ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("import os; os.abort()", "killed by SIGABRT"),
        (
            "import resource, time; used = int(time.process_time())\n"
            "resource.setrlimit(resource.RLIMIT_CPU, (used + 1, used + 9))\nwhile True: pass",
            "killed by SIGXCPU",
        ),
        (
            "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
            "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
            "open('big', 'wb').write(bytes(2000))",
            "killed by SIGXFSZ",
        ),
        # One of those for which Python has no name.
        ("import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 1)", "killed by signal [3-6]"),
    ],
    ids=[
        *("exit", "signal", "segfault", "recursion", "kill", "abort", "cpu limit", "file limit"),
        "nameless",
    ],
)
async def test_a_death_is_told_in_two_seconds_and_the_host_lives(
    client: KeeperClient, home: Path, code: str, how: str
) -> None:
    async with session(client, home) as one:
        await value(one, "1")
        cell = await one.execute(code)
        async with asyncio.timeout(30):
            with pytest.raises(SessionDied, match=how):
                await cell.outcome()
            assert isinstance(await one.over(), SessionDied)
        with pytest.raises(SessionDied):
            await one.execute("1")
    async with session(client, home, "two") as two:
        assert await value(two, "1 + 1") == 2


@pytest.fixture
def small() -> Iterator[Path]:
    """A control group with 64 MB of memory."""
    group = Path("/sys/fs/cgroup/memory") / f"inspan-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text("64M")
    except OSError:
        pytest.skip("no group with a limit on memory can be made")
    yield group
    group.rmdir()


async def test_who_runs_out_of_memory_is_told_what_it_may_have_been(
    client: KeeperClient, home: Path, small: Path
) -> None:
    async with session(client, home) as one:
        pid = str(await value(one, "import os; os.getpid()"))
        (small / "cgroup.procs").write_text(pid)
        cell = await one.execute("text = 'x' * (1 << 28)")
        with pytest.raises(SessionDied, match="killed by SIGKILL") as caught:
            await cell.outcome()
        assert "memory runs out" in caught.value.hint
        await one.over()


async def test_a_death_from_outside_is_no_death_of_ours(client: KeeperClient, home: Path) -> None:
    async with session(client, home) as one:
        pid = int(str(await value(one, "import os; os.getpid()")))
        os.kill(pid, signal.SIGKILL)
        error = await one.over()
        assert isinstance(error, SessionDied)
        assert error.hint.startswith("Nothing of inspan's killed it")


async def test_a_keeper_that_is_killed_takes_its_sessions_along(
    keeper: Keeper, client: KeeperClient, home: Path
) -> None:
    async with session(client, home) as one:
        pid = int(str(await value(one, "import os; os.getpid()")))
        cell = await one.execute("import itertools; sum(itertools.repeat(0))")
        keeper.process.kill()
        with pytest.raises(SessionDied, match="is lost"):
            await cell.outcome()
        await one.over()
    await wait_for(lambda: not running(pid))


#: A child, one in a session of its own, one that left its parent and its environment, and a fork
#: that holds its interpreter's lock in C.
CHILDREN = """
import itertools, os, subprocess
pids = [os.getpid(), subprocess.Popen(["sleep", "300"]).pid]
pids.append(subprocess.Popen(["sleep", "300"], start_new_session=True).pid)
loose = "env -i setsid sleep 300 >/dev/null 2>&1 </dev/null & echo $!"
pids.append(int(subprocess.run(["sh", "-c", f"({loose})"], capture_output=True).stdout))
pids.append(os.fork())
if not pids[-1]:
    sum(itertools.repeat(0))
" ".join(map(str, pids))
"""


@pytest.mark.requirement("B5")
@pytest.mark.parametrize(
    "code",
    [
        "",
        "import time; time.sleep(300)",
        "while True: pass",
        "import itertools; sum(itertools.repeat(0))",
    ],
    ids=["idle", "sleep", "busy", "C loop"],
)
async def test_a_keeper_that_is_killed_takes_along_what_no_host_watches(
    keeper: Keeper, client: KeeperClient, home: Path, code: str
) -> None:
    async with asyncio.TaskGroup() as group:
        one = await KernelSession.open(group, client, order(home, "alone"))
        pids = [int(pid) for pid in str(await value(one, CHILDREN)).split()]
        if code:
            await anext(aiter(await one.execute(code)))
        await one.abandon()
    assert len(pids) == 5
    assert all(map(running, pids))
    keeper.process.kill()
    await wait_for(lambda: not any(map(running, pids)))


def pidfds() -> int:
    """How many of this process's descriptors stand for a process."""
    places = (os.path.realpath(one) for one in Path("/proc/self/fd").iterdir())
    return sum("pidfd" in place for place in places)


async def test_a_process_that_the_keeper_does_not_know_is_none_of_ours(
    client: KeeperClient,
) -> None:
    before = pidfds()
    with pytest.raises(SessionNotFound):
        await WorkerProcess.of(client, "nobody", os.getpid())
    assert pidfds() == before


async def test_a_process_can_be_killed_when_the_keeper_cannot_be_reached(
    keeper: Keeper, home: Path
) -> None:
    async with await keeper.client() as client, asyncio.TaskGroup() as group:
        one = await KernelSession.open(group, client, order(home, "one"))
        child = "import subprocess; subprocess.Popen(['sleep', '300']).pid"
        pid, started = one.pid, int(str(await value(one, child)))
        process = await WorkerProcess.of(client, "one", pid)
        await one.abandon()
    assert running(pid)
    await process.kill()
    await wait_for(lambda: not running(pid) and not running(started))
    process.close()


async def test_a_process_that_the_keeper_has_forgotten_ended_nobody_knows_how(
    client: KeeperClient, home: Path
) -> None:
    async with asyncio.TaskGroup() as group:
        one = await KernelSession.open(group, client, order(home, "one"))
        await one.abandon()
    process = await WorkerProcess.of(client, "one", one.pid)
    await client.kill("one")
    await client.collect("one")
    death = await process.ended()
    assert death == Death()
    assert "is lost" in death.error().message
    process.close()


async def test_the_number_of_a_process_that_has_ended_is_sent_nothing_when_the_keeper_goes(
    keeper: Keeper, client: KeeperClient, home: Path
) -> None:
    async with asyncio.TaskGroup() as group:
        one = await KernelSession.open(group, client, order(home, "one"))
        await one.abandon()
    os.kill(one.pid, signal.SIGKILL)
    await dead(client, "one")
    process = await WorkerProcess.of(client, "one", one.pid)
    keeper.process.kill()
    await client.close()
    assert await process.ended() == Death()
