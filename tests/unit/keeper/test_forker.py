"""Sessions that are forked by a process of the client's choosing, whatever that does."""

import asyncio
import contextlib
import os
import resource
import signal
from pathlib import Path

import anyio
import pytest

from inspan.errors import BadInput, Conflict, FolderMissing, KeeperLost, ProgramNotFound
from inspan.keeper.client import Spawned
from inspan.keeper.marks import marks_of, tag_of
from tests.unit.keeper.desk import (
    Desk,
    Keeper,
    children,
    descriptors,
    python,
    running,
    wait_for,
    wait_until,
)

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D1")]

#: A forker as its contract has it; ``manner`` is where it leaves it.
FORKER = """
import json, os, signal, socket, sys, time
manner = sys.argv[1]
if manner == "barren":
    sys.exit(3)
link = socket.socket(fileno=3)
link.send(b"ready" if manner != "rude" else b"what?")
ends, end = os.pipe()
for _ in range({"eager": 1, "greedy": 5}.get(manner, 0)):
    told, tell = os.pipe()
    if not (child := os.fork()):
        if grandchild := os.fork():
            os.write(tell, b"%d" % grandchild)
            os._exit(0)
        os.close(end)
        os.close(3)
        os.read(ends, 1)
        os._exit(0)
    grandchild = os.read(told, 32)
    os.waitpid(child, 0)
    link.send(b"spare " + grandchild)
if manner == "false":
    link.send(b"spare 1")
while True:
    words, given, _, _ = socket.recv_fds(link, 1 << 20, 3)
    if not words:
        break
    if manner == "mute":
        for number in given:
            os.close(number)
        continue
    if manner == "liar":
        link.send(b"1")
        continue
    if manner == "unable":
        link.send(b"0")
        continue
    told, tell = os.pipe()
    if not (child := os.fork()):
        if grandchild := os.fork():
            os.write(tell, b"%d" % grandchild)
            os._exit(0)
        order = json.loads(words)
        os.setsid()
        for number, each in enumerate(given):
            os.dup2(each, number)
        os.closerange(3, 100)
        if not os.read(0, 1):
            os._exit(0)
        os.chdir(order["cwd"])
        os.execvpe(order["argv"][0], order["argv"], order["env"])
    grandchild = os.read(told, 32)
    os.waitpid(child, 0)
    for number in (told, tell, *given):
        os.close(number)
    if manner == "weak":
        os.kill(os.getpid(), signal.SIGKILL)
    link.send(grandchild)
"""


async def forker(desk: Desk, manner: str = "good", name: str = "f") -> bool:
    """Have one; whether it is ready."""
    env = {"PATH": os.environ["PATH"]}
    return await desk.client.forker(name, argv=[*python(FORKER), manner], env=env)


async def spawn(desk: Desk, session: str, *argv: str, **more: object) -> Spawned:
    return await desk.spawn(session, *argv, pty=False, by="f", **more)


def forkers(desk: Desk) -> list[int]:
    """The keeper's children that are forkers."""
    found = children(desk.keeper.process.pid)
    return [pid for pid in found if marks_of(pid).session.startswith(b"forker:")]


async def test_a_forked_session_is_as_any_other(desk: Desk, tmp_path: Path) -> None:
    assert await forker(desk)
    text = "import os; print(os.getcwd(), os.getppid(), os.getsid(0) == os.getpid(), os.environ)"
    sessions = ["s-1", "s-2"]
    for name, by in zip(sessions, ("f", None), strict=True):
        spawned = await desk.spawn(name, *python(text), pty=False, cwd=str(tmp_path), by=by)
        assert (spawned.new, spawned.forked) == (True, by is not None)
        assert not (await desk.spawn(name, *python(text), pty=False, by=by)).new
        assert (await desk.ended(name)).code == 0
    said = [desk.raw(name).replace(name.encode(), b"NAME") for name in sessions]
    assert said[0] == said[1]
    assert f"{tmp_path} {desk.keeper.process.pid} True".encode() in said[0]


async def test_its_limits_its_tag_and_its_end_are_the_keepers(desk: Desk) -> None:
    assert await forker(desk)
    (forking,) = forkers(desk)
    spawned = await spawn(desk, "one", "sleep", "300", nofile=100)
    assert resource.prlimit(spawned.pid, resource.RLIMIT_NOFILE)[0] == 100
    tags = {tag_of(pid) for pid in (spawned.pid, forking)}
    assert len(tags) == 2
    assert 0 not in tags
    killed = await desk.client.kill("one")
    assert killed.left == 0
    assert (await desk.ended("one")).signal == signal.SIGKILL
    await desk.client.collect("one")
    assert forkers(desk) == [forking], "a hunt for all that is left spares it"


async def test_its_death_touches_no_session(desk: Desk) -> None:
    assert await forker(desk)
    spawned = await spawn(desk, "one", "cat")
    os.kill(forkers(desk)[0], signal.SIGKILL)
    await wait_for(lambda: not forkers(desk))
    assert await desk.client.write("one", b"still here\n") >= 0
    await desk.until("one", b"still here")
    assert running(spawned.pid)
    assert not (await spawn(desk, "two", "true")).forked
    assert await forker(desk)
    assert (await spawn(desk, "three", "true")).forked


@pytest.mark.parametrize("manner", ["weak", "liar", "unable", "mute"])
async def test_what_it_does_not_fork_is_started_without_it(desk: Desk, manner: str) -> None:
    assert await forker(desk, manner)
    before = children(desk.keeper.process.pid)
    spawned = await spawn(desk, "one", "sh", "-c", "echo $$ && exec sleep 300")
    assert not spawned.forked
    assert (await desk.until("one", b"\n")).split() == [b"%d" % spawned.pid]
    await wait_for(lambda: set(children(desk.keeper.process.pid)) - set(before) == {spawned.pid})


async def test_what_it_forks_before_it_is_ordered_is_no_orphan(desk: Desk) -> None:
    assert await forker(desk, "eager")
    await wait_for(lambda: len(forkers(desk)) == 2)
    waiting = forkers(desk)
    assert (await spawn(desk, "one", "sleep", "300")).forked
    assert (await desk.client.kill("one")).left == 0
    assert forkers(desk) == waiting
    for pid in waiting:
        with contextlib.suppress(ProcessLookupError):  # each ends with the other
            os.kill(pid, signal.SIGKILL)
    await wait_for(lambda: not forkers(desk))


@pytest.mark.parametrize("manner", ["greedy", "false"])
async def test_one_that_forks_too_much_or_lies_about_it_is_killed(desk: Desk, manner: str) -> None:
    assert await forker(desk, manner)
    await wait_for(lambda: not forkers(desk))


@pytest.mark.parametrize("manner", ["barren", "rude"])
async def test_one_that_never_works_is_not_started_again_at_once(desk: Desk, manner: str) -> None:
    assert not await forker(desk, manner)
    await wait_for(lambda: not forkers(desk))
    assert not await forker(desk, manner)
    assert not forkers(desk)
    assert not (await spawn(desk, "one", "true")).forked
    assert (await desk.ended("one")).code == 0


async def test_what_is_asked_about_a_session_that_is_being_forked_waits(desk: Desk) -> None:
    assert await forker(desk)
    os.kill(forkers(desk)[0], signal.SIGSTOP)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(spawn(desk, "one", "sleep", "300"))
        again = group.create_task(spawn(desk, "one", "sleep", "300"))
        status = group.create_task(desk.client.status("one"))
        killed = group.create_task(desk.client.kill("one"))
    assert (first.result().new, first.result().forked) == (True, False)
    assert again.result() == Spawned(first.result().pid, new=False)
    assert status.result().pid == first.result().pid
    assert killed.result().left == 0
    await wait_for(lambda: not forkers(desk))  # one that does not answer is killed


async def test_more_than_a_few_questions_about_it_are_refused(desk: Desk) -> None:
    assert await forker(desk)
    os.kill(forkers(desk)[0], signal.SIGSTOP)
    async with asyncio.TaskGroup() as group:
        group.create_task(spawn(desk, "one", "true"))
        asked = [group.create_task(quiet(desk)) for _ in range(70)]
    assert sum(task.result() for task in asked) == 64


async def quiet(desk: Desk) -> bool:
    """Whether a question about the session is answered."""
    try:
        await desk.client.status("one")
    except Conflict:
        return False
    return True


async def test_one_that_is_wanted_no_more_is_not_begun(desk: Desk) -> None:
    """The client is gone, and with it what was bound to it."""
    assert await forker(desk)
    (forking,) = forkers(desk)
    os.kill(forking, signal.SIGSTOP)
    async with await desk.keeper.client() as other:
        asked = asyncio.ensure_future(spawn(Desk(desk.keeper, other), "one", "cat", bound=True))
        await wait_until(lambda: recorded(desk, "one"))
    with pytest.raises(KeeperLost):
        await asked
    os.kill(forking, signal.SIGCONT)
    await wait_until(lambda: empty(desk))
    await wait_for(lambda: forkers(desk) == [forking])


async def recorded(desk: Desk, session: str) -> bool:
    return desk.folder(session).exists()


async def empty(desk: Desk) -> bool:
    """Whether the keeper knows no session, and none is being forked."""
    return (await desk.client.list()) == () and len(children(desk.keeper.process.pid)) == 1


async def test_a_keeper_that_stops_begins_nothing_more(desk: Desk) -> None:
    assert await forker(desk)
    (forking,) = forkers(desk)
    os.kill(forking, signal.SIGSTOP)
    asked = asyncio.ensure_future(spawn(desk, "one", "sleep", "300"))
    await wait_until(lambda: recorded(desk, "one"))
    await desk.client.shutdown(force=True)
    with pytest.raises(KeeperLost):
        await asked
    await wait_for(lambda: not running(forking))


async def test_many_at_once_leave_no_descriptor(desk: Desk) -> None:
    assert await forker(desk)
    pid = desk.keeper.process.pid
    before = descriptors(pid)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(spawn(desk, f"s{n}", "true")) for n in range(60)]
    assert all(task.result().forked for task in tasks)
    for n in range(60):
        assert (await desk.ended(f"s{n}")).code == 0
        await desk.client.collect(f"s{n}")
    await wait_for(lambda: descriptors(pid) == before)


async def test_there_are_few_at_a_time_and_the_one_that_was_of_use_stays(desk: Desk) -> None:
    for number in range(8):
        assert await forker(desk, name="f" if number == 0 else f"f-{number}")
    assert (await spawn(desk, "one", "true")).forked
    assert await forker(desk, name="f-8")
    await wait_for(lambda: len(forkers(desk)) == 8)
    assert (await spawn(desk, "two", "true")).forked


async def test_wishes_that_cannot_be(desk: Desk) -> None:
    with pytest.raises(BadInput):
        await forker(desk, name="no such name!")
    with pytest.raises(ProgramNotFound):
        await desk.client.forker("f", argv=["no-such-program"], env={"PATH": "/bin"})
    assert await forker(desk)
    with pytest.raises(FolderMissing):
        await spawn(desk, "one", "true", cwd="/no/such/folder")
    assert not (await desk.spawn("two", "true", pty=True, by="f")).forked
    large = await spawn(desk, "three", "true", env={"PATH": "/bin:/usr/bin", "X": "x" * 120_000})
    assert large.new
    assert (await desk.ended("three")).code == 0


@pytest.mark.parametrize("killed", [True, False])
async def test_what_does_not_fit_into_its_link_waits(desk: Desk, *, killed: bool) -> None:
    assert await forker(desk)
    (forking,) = forkers(desk)
    os.kill(forking, signal.SIGSTOP)
    env = {"PATH": os.environ["PATH"], "X": "x" * 90_000}
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(spawn(desk, f"s{n}", "true", env=env)) for n in range(4)]
        await wait_for(lambda: all(desk.folder(f"s{n}").exists() for n in range(4)))
        os.kill(forking, signal.SIGKILL if killed else signal.SIGCONT)
    for n, task in enumerate(tasks):
        assert task.result().forked != killed
        assert (await desk.ended(f"s{n}")).code == 0


async def test_it_keeps_no_keeper_from_stopping(home: Path) -> None:
    keeper = Keeper(home, idle="0.2")
    try:
        async with await keeper.client() as client:
            desk = Desk(keeper, client)
            assert await forker(desk)
            (forking,) = forkers(desk)
        with anyio.fail_after(30):
            await wait_for(lambda: keeper.process.poll() is not None)
        await wait_for(lambda: not running(forking))
    finally:
        keeper.stop()
