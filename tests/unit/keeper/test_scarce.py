"""A keeper that gets no more of something says what it lacks, leaves nothing, and goes on."""

import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from inspan.errors import SpawnFailed
from tests.unit.keeper.desk import (
    Desk,
    Keeper,
    Raw,
    children,
    descriptors,
    guarded,
    guardian,
    python,
    wait_for,
)
from tests.unit.keeper.test_forker import forker

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B3")]

MOST = 40


@contextlib.asynccontextmanager
async def poor(home: Path) -> AsyncIterator[Desk]:
    """A keeper that may have few descriptors."""
    # A cgroup is joined a little later, and has a descriptor until then.
    keeper = Keeper(home, nofile=MOST, mount="/sys/fs/cgroup")
    try:
        async with await keeper.client() as client:
            yield Desk(keeper, client)
    finally:
        keeper.stop()


@contextlib.asynccontextmanager
async def brim(desk: Desk) -> AsyncIterator[None]:
    """While this lasts the keeper has all the descriptors that it may have."""
    with contextlib.ExitStack() as hung_up:
        while descriptors(desk.keeper.process.pid) < MOST:
            hung_up.callback(Raw(desk.keeper.socket).socket.close)
            await desk.client.list()
        yield


@pytest.mark.parametrize("forked", [True, False])
async def test_pipes_are_refused_where_it_lacks_descriptors(home: Path, *, forked: bool) -> None:
    async with poor(home) as desk:
        if forked:
            assert await forker(desk)
        pid = desk.keeper.process.pid
        first = await refusal(desk)
        assert first.startswith("No pipe")
        before = descriptors(pid), children(pid)
        assert await refusal(desk) == first
        assert (descriptors(pid), children(pid)) == before
        await desk.client.kill("s0")
        assert (await desk.run("after", "true", pty=False))[0].code == 0


async def refusal(desk: Desk) -> str:
    """What is said when there is no room for a further session."""
    known = len(await desk.client.list())
    for number in range(known, MOST):
        try:
            await desk.spawn(f"s{number}", "sleep", "60", pty=False, by="f")
        except SpawnFailed as error:
            return error.message
    raise AssertionError("there was room")


async def test_a_forker_is_refused_where_it_lacks_descriptors(home: Path) -> None:
    async with poor(home) as desk:
        async with brim(desk):
            with pytest.raises(SpawnFailed, match="No forker can be started"):
                await forker(desk)
        await wait_for(lambda: descriptors(desk.keeper.process.pid) < MOST - 5)
        assert await forker(desk)


async def test_a_guardian_comes_when_there_are_descriptors(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = ""

    def heard() -> bool:
        nonlocal said
        said += capfd.readouterr().err
        return "Too many open files" in said.partition("unguarded")[2]

    async with poor(home) as desk:
        pid = desk.keeper.process.pid
        first = await guarded(pid)
        async with brim(desk):
            capfd.readouterr()
            os.kill(first, signal.SIGKILL)
            await wait_for(heard)
            assert guardian(pid) == 0
        assert await guarded(pid) != first


async def test_what_a_full_pipe_does_not_take_waits_in_the_keeper(desk: Desk) -> None:
    text = (
        "import signal, sys; which = {signal.SIGUSR1};"
        "signal.pthread_sigmask(signal.SIG_BLOCK, which); print('ready', flush=True);"
        "signal.sigwait(which); print(len(sys.stdin.buffer.read()), flush=True)"
    )
    await desk.spawn("s", *python(text), pty=False)
    await desk.until("s", b"ready\n")
    assert await desk.client.write("s", b"x" * 65536) == 0
    assert await desk.client.write("s", b"y") == 1
    await desk.client.eof("s")
    await desk.client.signal("s", signal.SIGUSR1)
    await desk.ended("s")
    assert desk.raw("s") == b"ready\n65537\n"
