"""What a keeper that is killed leaves behind is ended at once, by a process that costs nothing."""

import contextlib
import errno
import os
import signal
from pathlib import Path
from typing import cast

import pytest

from inspan.keeper import log
from inspan.keeper.cgroups import Cgroups
from inspan.keeper.guardian import Guardian
from inspan.keeper.main import CARD
from tests.unit.keeper.desk import (
    Desk,
    Keeper,
    children,
    descriptors,
    guarded,
    guardian,
    python,
    running,
    wait_for,
)
from tests.unit.keeper.test_kill import no_cgroup, pids, rages, storm

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B5")]

#: A child that left its parent, its session and its environment, and has closed all descriptors.
LOOSE = """
import os, time
if os.fork() == 0:
    os.setsid()
    if pid := os.fork():
        print(pid, flush=True)
        os._exit(0)
    os.closerange(0, 100)
    os.execve("/bin/sleep", ["sleep", "300"], {})
os.wait()
print("ready", flush=True)
time.sleep(300)
"""


def state(pid: int) -> str:
    """One letter, as in ``ps``."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("cgroup", [True, False])
async def test_nothing_outlives_a_keeper_that_is_killed(
    home: Path, tmp_path: Path, *, cgroup: bool
) -> None:
    keeper = Keeper(home, mount=None if cgroup else "/sys/fs/cgroup")
    other = Keeper(tmp_path)
    try:
        async with await keeper.client() as client, await other.client() as neighbour:
            desk = Desk(keeper, client)
            found = await pids(desk, "stubborn")
            await desk.spawn("loose", *python(LOOSE), pty=False)
            found += [int((await desk.until("loose", b"ready")).split()[0])]
            bystander = (await Desk(other, neighbour).spawn("bystander", "sleep", "300")).pid
            watch = await guarded(client.pid)
            assert all(map(running, [*found, bystander, watch]))
            os.kill(client.pid, signal.SIGKILL)
            await wait_for(lambda: not any(map(running, [*found, watch])))
            assert running(bystander)
    finally:
        keeper.stop()
        other.stop()


@pytest.mark.alone
@pytest.mark.parametrize("each", ["os.getpid()", "os.setsid()"])
async def test_no_storm_outlives_a_keeper_that_is_killed(home: Path, each: str) -> None:
    async with no_cgroup(home) as desk:
        keeper = desk.keeper.process
        watch = await guarded(keeper.pid)
        await storm(desk, each)
        keeper.kill()
        await wait_for(lambda: not running(watch))
        assert not rages(home)


@pytest.mark.alone
async def test_the_next_keeper_ends_a_storm_of_the_last(home: Path) -> None:
    async with no_cgroup(home) as desk:
        keeper = desk.keeper.process
        watch = await guarded(keeper.pid)
        await storm(desk, "os.setsid()")
        keeper.send_signal(signal.SIGSTOP)
        os.kill(watch, signal.SIGKILL)
        keeper.kill()
        keeper.wait()
        assert rages(home)
    async with no_cgroup(home) as desk:
        assert await desk.client.list() == ()
        assert not rages(home)


async def test_the_next_keeper_begins_when_the_last_ones_guardian_is_done(home: Path) -> None:
    keeper = Keeper(home)
    try:
        for number in range(3):
            async with await keeper.client() as client:
                desk = Desk(keeper, client)
                mine = (await desk.spawn(f"s{number}", "sleep", "300")).pid
                found = await pids(desk, f"stubborn{number}")
                watch = await guarded(client.pid)
                dead = keeper.process
                dead.kill()
                keeper = Keeper(home)
            async with await keeper.client() as client:
                assert not any(map(running, [*found, mine, watch]))
                assert await client.list() == ()
            dead.wait()
    finally:
        keeper.stop()


async def test_a_guardian_is_waited_for_when_its_keeper_was_waited_for(home: Path) -> None:
    keeper = Keeper(home)
    async with await keeper.client() as client:
        watch = await guarded(client.pid)
        mine = (await Desk(keeper, client).spawn("mine", "sleep", "300", pty=False)).pid
    os.kill(watch, signal.SIGSTOP)
    keeper.process.kill()
    keeper.process.wait()
    second = Keeper(home)
    try:
        try:
            await wait_for(lambda: holds(second.process.pid, keeper.state / CARD))
            assert running(mine)
        finally:
            os.kill(watch, signal.SIGCONT)
        async with await second.client() as client:
            assert not any(map(running, [mine, watch]))
            assert await client.list() == ()
    finally:
        second.stop()


def holds(pid: int, path: Path) -> bool:
    """Whether a process has this file open."""
    places = Path(f"/proc/{pid}/fd").iterdir()
    with contextlib.suppress(FileNotFoundError):
        return any(place.readlink() == path for place in places)
    return False


async def test_a_guardian_that_is_killed_is_replaced(desk: Desk) -> None:
    keeper = desk.keeper.process.pid
    found = await pids(desk, "stubborn")
    first = await guarded(keeper)
    os.kill(first, signal.SIGKILL)
    await wait_for(lambda: guardian(keeper) not in (0, first))
    second = await guarded(keeper)
    assert all(map(running, found))
    os.kill(keeper, signal.SIGKILL)
    await wait_for(lambda: not any(map(running, [*found, second])))


async def test_a_guardian_sleeps_and_holds_nothing_of_the_sessions(desk: Desk) -> None:
    keeper = desk.keeper.process.pid
    await desk.spawn("pty", "sleep", "300")
    await desk.spawn("pipes", "sleep", "300", pty=False)
    os.kill(first := await guarded(keeper), signal.SIGKILL)
    await wait_for(lambda: guardian(keeper) not in (0, first))
    watch = await guarded(keeper)
    # The three of the keeper's, the lock, and the pipe.
    await wait_for(lambda: (state(watch), descriptors(watch)) == ("S", 5))
    os.kill(watch, signal.SIGTERM)
    await desk.run("later", "true")
    assert guardian(keeper) == watch
    await desk.client.kill("later")
    assert running(watch)


@pytest.mark.parametrize("frozen", [True, False])
async def test_a_keeper_that_ends_in_order_leaves_no_guardian(desk: Desk, *, frozen: bool) -> None:
    await desk.spawn("live", "sleep", "300")
    watch = await guarded(desk.keeper.process.pid)
    if frozen:
        os.kill(watch, signal.SIGSTOP)
    await desk.client.shutdown(force=True)
    await desk.client.lost()
    assert desk.keeper.process.wait(30) == 0
    assert not Path(f"/proc/{watch}").exists()


async def test_a_guardian_is_no_leftover_of_a_session(desk: Desk) -> None:
    keeper = desk.keeper.process.pid
    watch = await guarded(keeper)
    status, _ = await desk.run("alone", "true")
    assert status.left == 0
    assert (await desk.client.kill("alone")).left == 0
    await desk.client.collect("alone")
    assert (guardian(keeper), children(keeper)) == (watch, [])


@pytest.mark.parametrize("lacking", ["pipe", "fork"])
def test_where_there_is_no_room_for_one_that_is_said_and_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], lacking: str
) -> None:
    opened: list[int] = []
    closed: list[int] = []
    pipe, close = os.pipe, os.close

    def noting() -> tuple[int, int]:
        opened.extend(pipe())
        return opened[0], opened[1]

    def closing(number: int) -> None:
        closed.append(number)
        close(number)

    def refusing() -> int:
        raise OSError(errno.EAGAIN, "no room")

    guardian = Guardian("abc", cast("Cgroups", None), -1)  # which only the fork asks
    with monkeypatch.context() as patched:
        patched.setattr(log, "_file", [])  # what is said goes to descriptor 2
        patched.setattr(os, "pipe", noting)
        patched.setattr(os, "close", closing)
        patched.setattr(os, lacking, refusing)
        assert guardian.start() is False
    assert guardian.pid == 0
    assert closed == opened
    assert "no room" in capfd.readouterr().err
