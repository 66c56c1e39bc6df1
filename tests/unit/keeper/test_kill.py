"""All processes of a session are ended, whatever they did to hide, and no process of another."""

import asyncio
import contextlib
import fcntl
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from inspan.errors import Conflict, KeeperLost
from inspan.keeper import marks, processes, tree
from inspan.keeper.cgroups import Cgroups
from inspan.keeper.marks import KEEPER_MARK, LIMIT, SESSION_MARK, Marks, tag, tag_of
from inspan.keeper.processes import Table
from tests.unit.keeper.desk import (
    PATIENCE,
    Desk,
    Keeper,
    children,
    guarded,
    python,
    running,
    wait_for,
)

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B5")]

#: Each line prints the id of what it started; all of them ignore what can be ignored.
STUBBORN = """
trap '' HUP INT TERM
sh -c 'echo $$; exec sleep 300' &
setsid sh -c 'echo $$; exec sleep 300' &
(setsid sh -c 'echo $$; exec sleep 300' &) &
nohup sh -c 'echo $$; exec sleep 300' &
env -i /usr/bin/setsid /bin/sh -c 'echo $$; exec /bin/sleep 300' &
(env -i /usr/bin/setsid /bin/sh -c '(/bin/sh -c "echo \\$\\$; exec /bin/sleep 300" &)' &) &
sleep 0.05
echo ready
wait; wait; sleep 300
"""


async def pids(desk: Desk, session: str, script: str = STUBBORN) -> list[int]:
    await desk.spawn(session, "bash", "-c", script, pty=False)
    raw = await desk.until(session, b"ready")
    await wait_for(lambda: len(desk.raw(session).split()) >= 7 or script != STUBBORN)
    raw = desk.raw(session)
    return [int(word) for word in raw.split() if word.isdigit()]


@pytest.mark.parametrize("cgroup", [True, False])
async def test_nothing_is_left(home: Path, *, cgroup: bool) -> None:
    keeper = Keeper(home, mount=None if cgroup else "/sys/fs/cgroup")
    try:
        async with await keeper.client() as client:
            await nothing_is_left(Desk(keeper, client), cgroup=cgroup)
    finally:
        keeper.stop()


async def nothing_is_left(desk: Desk, *, cgroup: bool) -> None:
    found = await pids(desk, "stubborn")
    bystander = (await desk.spawn("bystander", "sleep", "300")).pid
    assert len(found) == 6
    assert all(map(running, found))
    killed = await desk.client.kill("stubborn")
    assert killed.left == 0
    assert cgroup or "cgroup" not in killed.by
    assert not any(map(running, found))
    assert running(bystander)
    assert (await desk.ended("stubborn")).signal == signal.SIGKILL
    assert (await desk.client.kill("stubborn")).left == 0


async def test_what_was_killed_can_be_collected_at_once(desk: Desk) -> None:
    for number in range(20):
        await desk.spawn(f"brief{number}", "sleep", "300")
        await desk.client.kill(f"brief{number}")
        assert (await desk.client.collect(f"brief{number}")).signal == signal.SIGKILL


async def test_leftovers_are_counted_and_killed_at_collect(desk: Desk) -> None:
    script = (
        "trap '' HUP; for i in 1 2; do setsid sh -c 'echo $$; exec sleep 300' & done; echo ready"
    )
    found = await pids(desk, "left", script)
    await desk.spawn("bystander", "sleep", "300")
    status = await desk.ended("left")
    found = [int(word) for word in desk.raw("left").split() if word.isdigit()]
    assert (status.code, status.left) == (0, 2)
    assert all(map(running, found))
    assert (await desk.client.collect("left")).left == 2
    assert not any(map(running, found))


async def test_what_lives_is_not_collected(desk: Desk) -> None:
    await desk.spawn("alive", "sleep", "60")
    with pytest.raises(Conflict):
        await desk.client.collect("alive")


#: Chains of processes; each link lives 2 ms, shorter than it takes to read a process table. All of
#: them share a lock, which is free once the last of them has ended, and not a moment before. A link
#: waits where too many of the dead have not been collected: a machine may have few numbers (some
#: containers 5,000) and a first process that collects them by fits and starts.
STORM = """
import fcntl, os, sys, time
fcntl.flock(os.open({lock!r}, os.O_CREAT | os.O_RDONLY), fcntl.LOCK_SH)
load = os.open("/proc/loadavg", os.O_RDONLY)

for _ in range({chains}):
    if os.fork() == 0:
        os.setsid()
        end = time.monotonic() + 20
        while time.monotonic() < end:
            time.sleep(0.002)
            if int(os.pread(load, 99, 0).split()[3].partition(b"/")[2]) > {most}:
                continue
            if os.fork():
                os._exit(0)
            {each}
        os._exit(0)
print('ready', flush=True)
{last}
"""
CHAINS = 40
#: Processes and threads of the machine, told from before any storm.
MOST = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2]) + 1000


@pytest.mark.alone  # a storm takes the processors, and many of the numbers of processes
class TestStorm:
    @pytest.mark.parametrize("each", ["os.getpid()", "os.setsid()"])
    async def test_a_fork_storm_ends_without_a_cgroup(self, home: Path, each: str) -> None:
        async with no_cgroup(home) as desk:
            bystander = (await desk.spawn("bystander", "sleep", "300")).pid
            await storm(desk, each)
            assert (await desk.client.kill("storm")).left == 0
            # At once, not after a while: whatever lived would be the keeper's child, or below one.
            assert children(desk.keeper.process.pid) == [bystander]
            assert not rages(home)
            assert (await desk.ended("storm")).signal == signal.SIGKILL
            assert running(bystander)

    async def test_a_storm_whose_root_has_ended_is_not_forgotten_alive(self, home: Path) -> None:
        async with no_cgroup(home) as desk:
            bystander = (await desk.spawn("bystander", "sleep", "300")).pid
            await storm(desk, "os.setsid()", "sys.exit()")
            await desk.ended("storm")
            assert rages(home)
            await desk.client.collect("storm")
            assert children(desk.keeper.process.pid) == [bystander]
            assert not rages(home)

    async def test_sigterm_is_heard_in_a_storm(self, home: Path) -> None:
        async with no_cgroup(home) as desk:
            await storm(desk, "os.getpid()")
            keeper = desk.keeper.process
            keeper.terminate()
            assert await asyncio.to_thread(keeper.wait, PATIENCE) == 0
            assert not rages(home)
            assert desk.index("storm")[-1].b == signal.SIGKILL

    async def test_a_fork_storm_ends(self, desk: Desk) -> None:
        await storm(desk, "os.getpid()")
        assert (await desk.client.kill("storm")).left == 0
        await desk.ended("storm")
        await desk.client.collect("storm")
        await wait_for(lambda: not children(desk.keeper.process.pid))


async def storm(desk: Desk, each: str, last: str = "time.sleep(60)") -> None:
    lock = str(desk.keeper.home / "storm")
    text = STORM.format(each=each, chains=CHAINS, most=MOST, last=last, lock=lock)
    await desk.spawn("storm", *python(text), pty=False)
    await desk.until("storm", b"ready")


def rages(home: Path) -> bool:
    """Whether anything of the storm lives."""
    with (home / "storm").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextlib.asynccontextmanager
async def no_cgroup(home: Path) -> AsyncIterator[Desk]:
    keeper = Keeper(home, mount="/sys/fs/cgroup")
    try:
        async with await keeper.client() as client:
            await guarded(keeper.process.pid)  # it is none of the children from then on
            yield Desk(keeper, client)
    finally:
        keeper.stop()


async def test_a_keeper_that_dies_with_its_guardian_leaves_nothing_to_the_next(home: Path) -> None:
    first = Keeper(home)
    async with await first.client() as client:
        found = await pids(Desk(first, client), "orphans")
        watch = await guarded(first.process.pid)
    # Stopped, so that neither sees the other's death.
    first.process.send_signal(signal.SIGSTOP)
    os.kill(watch, signal.SIGKILL)
    first.process.kill()
    first.process.wait()
    second = Keeper(home)
    async with await second.client() as client:
        assert await client.list() == ()
        await wait_for(lambda: not any(map(running, found)))
    second.stop()


async def test_shutdown_is_refused_while_sessions_live_unless_forced(desk: Desk) -> None:
    found = await pids(desk, "live")
    with pytest.raises(Conflict):
        await desk.client.shutdown(force=False)
    assert all(map(running, found))
    await desk.client.shutdown(force=True)
    with anyio.fail_after(30):
        await desk.client.lost()
    assert desk.keeper.process.wait(30) == 0
    assert not any(map(running, found))
    assert desk.index("live")[-1].kind == "x"


async def test_nothing_is_started_while_the_keeper_stops(desk: Desk) -> None:
    await desk.spawn("live", *python("import time; print('x'); time.sleep(60)"))
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: desk.client.shutdown(force=True))
        # Until it is sent, and no longer: the keeper may be gone within a millisecond.
        while not desk.client._link._calls:
            await anyio.lowlevel.checkpoint()
        with pytest.raises(KeeperLost):
            await desk.spawn("late", "sleep", "60")
    assert not desk.folder("late").exists()


async def test_sigterm_kills_all_and_writes_their_ends(desk: Desk) -> None:
    found = await pids(desk, "live")
    await desk.spawn("second", "sleep", "60")
    desk.keeper.process.terminate()
    assert await asyncio.to_thread(desk.keeper.process.wait, 30) == 0
    assert not any(map(running, found))
    for session in ("live", "second"):
        assert [(r.a, r.b) for r in desk.index(session) if r.kind == "x"] == [(0, signal.SIGKILL)]


#: A keeper that is told to stop when as many signals wait for its loop as there is room for.
DEAF = """
import os, signal, sys
from inspan.keeper import main, server

class Deaf(server.Server):
    def _listen(self):
        try:
            while True:
                os.write(self._wakeup.fileno(), bytes([signal.SIGCHLD]))
        except BlockingIOError:
            os.kill(os.getpid(), signal.SIGTERM)
        super()._listen()

main.Server = Deaf
sys.exit(main.main(sys.argv[1:]))
"""


def test_sigterm_is_heard_whatever_waits_before_it(home: Path) -> None:
    where = ("--socket", str(home / "run" / "k.sock"), "--state", str(home / "state"))
    done = subprocess.run([sys.executable, "-c", DEAF, *where], timeout=PATIENCE, check=False)
    assert done.returncode == 0


async def test_hangups_and_interrupts_do_not_reach_the_keeper(desk: Desk) -> None:
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        os.kill(desk.keeper.process.pid, number)
    assert (await desk.run("fine", "true"))[0].code == 0


# ── without a keeper: the parts that a cgroup would hide ──────────────────────


def test_a_process_is_signalled_only_under_its_start_time() -> None:
    pid = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
    process = processes.look(pid)
    assert process is not None
    assert not tree.send(process._replace(started=process.started + 1), signal.SIGKILL)
    assert running(pid)
    assert tree.send(process, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert not tree.send(process, signal.SIGKILL)
    assert processes.look(pid) is None


def command(pid: int) -> bytes:
    """The last argument of a process; empty where it has just gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[-2]
    except (OSError, IndexError):
        return b""


def test_a_tree_is_found_by_descent_marker_and_tag() -> None:
    number = tag("abc", 7)
    script = (
        "env -i /usr/bin/setsid /bin/sh -c '/bin/sleep 61 & exec /bin/sleep 62' & "
        "(setsid sleep 63 &) ; exec sleep 64"
    )
    before = resource.getrlimit(LIMIT)
    resource.setrlimit(LIMIT, (number, before[1]))
    root = os.posix_spawn(
        "/bin/sh",
        ["sh", "-c", script],
        {"PATH": os.environ["PATH"], SESSION_MARK: "found", KEEPER_MARK: "abc"},
        setsid=True,
    )
    resource.setrlimit(LIMIT, before)
    one = tree.Tree(root, Marks(b"abc", b"found"), number)
    ways: dict[int, str] = {}
    while sorted(map(command, ways)) != [b"61", b"62", b"63", b"64"]:
        ways = one.find(Table(), roots={root}, cgroup=(), alone=False)
    # What was in the middle of an exec then showed no environment.
    table = Table()

    def find(name: str, number: int, *, keeper: str = "abc", rooted: bool = False) -> list[str]:
        fresh = tree.Tree(root, Marks(keeper.encode(), name.encode()), number)
        fresh.rooted = rooted
        found = fresh.find(table, roots={root}, cgroup=(), alone=False)
        assert set(found) <= set(ways)
        return sorted(found.values())

    # No subreaper here: the one that was orphaned is found by what it carries.
    assert find("found", number, rooted=True) == ["descent", "descent", "descent", "marker"]
    assert find("other", number) == ["marker"] * 4
    assert find("found", number + 1) == ["marker"] * 4
    assert find("other", number + 1) == []
    assert find("found", number + 1, keeper="abd") == []  # another keeper's, of the same name
    assert tag_of(os.getpid()) == 0
    # Another user's may only be read where they are shown, which costs forty times as much.
    assert {marks._tag_shown(pid) for pid in ways} == {number}
    assert marks._tag_shown(os.getpid()) == 0
    for pid in ways:
        assert tree.send(table.processes[pid], signal.SIGKILL)
    os.waitpid(root, 0)


def test_the_newest_are_killed_by_their_tag() -> None:
    number = tag("abc", 8)
    before = resource.getrlimit(LIMIT)
    resource.setrlimit(LIMIT, (number, before[1]))
    script = "sleep 66 & setsid sleep 65 & wait"
    root = os.posix_spawn("/bin/sh", ["sh", "-c", script], dict(os.environ), setsid=True)
    resource.setrlimit(LIMIT, before)
    other = os.posix_spawn("/bin/sleep", ["sleep", "60"], {}, setsid=True)
    while sorted(map(command, Table().below([root])))[:2] != [b"65", b"66"]:
        os.sched_yield()
    below = Table().below([root]) - {root}
    one = tree.Tree(root, Marks(b"abc", b"newest"), number)
    assert one.rush(roots={root}) == below  # no child of ours, so each by itself
    while any(map(running, below)):
        os.sched_yield()
    assert running(other)
    one.rush(roots=set())
    assert os.waitstatus_to_exitcode(os.waitpid(root, 0)[1]) in (0, -signal.SIGKILL)
    assert (tag_of(root), marks._tag_shown(root)) == (0, 0)
    os.kill(other, signal.SIGKILL)
    os.waitpid(other, 0)


def test_cgroups_end_a_group_and_leave_no_folder() -> None:
    cgroups = Cgroups("test-room")
    if not cgroups:
        pytest.skip("no cgroup that we may use")
    cgroups.clear()
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "sleep 60 & sleep 60"], {})
    cgroups.join("one", pid)
    while pid not in cgroups.members("one"):  # it joins a little later
        os.sched_yield()
    assert cgroups.populated("one")
    assert cgroups.kill("one")
    os.waitpid(pid, 0)
    while cgroups.populated("one"):
        os.sched_yield()
    cgroups.remove("one")
    assert cgroups.members("one") == []
    assert not cgroups.kill("one")
    other = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
    cgroups.join("two", other)
    while other not in cgroups.members("two"):
        os.sched_yield()
    cgroups.clear()
    os.waitpid(other, 0)
    cgroups.clear()
    cgroups.close()
    assert not Path(cgroups._root).exists()


async def test_what_is_bound_ends_with_its_client_and_is_forgotten(desk: Desk) -> None:
    async with await desk.keeper.client() as other:
        there = Desk(desk.keeper, other)
        bound = (await there.spawn("bound", "sleep", "300", bound=True)).pid
        over = (await there.spawn("over", "true", bound=True)).pid
        free = (await there.spawn("free", "sleep", "300")).pid
        await wait_for(lambda: not running(over))
    await wait_for(lambda: not running(bound))
    assert running(free)
    with anyio.fail_after(PATIENCE):
        while {one.session for one in await desk.client.list()} != {"free"}:  # noqa: ASYNC110  as in wait_for
            await anyio.sleep(0.005)


def test_a_signal_that_there_is_not_harms_nobody() -> None:
    pid = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
    process = processes.look(pid)
    assert process is not None
    assert not tree.send(process, signal.NSIG + 9)
    assert running(pid)
    assert tree.send(process, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_the_tag_of_who_changed_its_user_is_read_where_the_system_shows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number = tag("abc", 9)
    before = resource.getrlimit(LIMIT)
    resource.setrlimit(LIMIT, (number, before[1]))
    pid = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
    resource.setrlimit(LIMIT, before)

    def refusing(*_: object) -> tuple[int, int]:
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr(resource, "prlimit", refusing)
        assert tag_of(pid) == number
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with monkeypatch.context() as patched:
        patched.setattr(resource, "prlimit", refusing)
        assert tag_of(pid) == 0


@pytest.mark.parametrize("text", [None, b"", b"0.1 0.2 0.3 1/2", b"0.1 0.2 0.3 1/2 many"])
def test_where_nobody_can_tell_the_newest_processes_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes | None
) -> None:
    path = tmp_path / "loadavg"
    if text is not None:
        path.write_bytes(text)
    monkeypatch.setattr(processes, "open", lambda _, mode: path.open(mode), raising=False)
    assert not processes.newest()


def test_a_process_that_goes_while_its_marks_are_read_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[int] = []
    closed: list[int] = []
    close = os.close

    def refusing(number: int, _: int) -> bytes:
        opened.append(number)
        raise ProcessLookupError

    def closing(number: int) -> None:
        closed.append(number)
        close(number)

    with monkeypatch.context() as patched:
        patched.setattr(os, "read", refusing)
        patched.setattr(os, "close", closing)
        found = marks.marks_of(os.getpid())
    assert found == Marks(b"", b"")
    assert closed == opened
