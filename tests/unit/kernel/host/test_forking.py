"""Sessions that are forked from a worker that has everything imported: as if started anew."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inspan.keeper.client import KeeperClient
from inspan.kernel import protocol as p
from inspan.kernel.host.confinement import Confinement
from inspan.kernel.host.forking import Forker, forker
from inspan.kernel.host.launch import Order
from inspan.kernel.host.pool import Pool
from inspan.kernel.host.session import KernelSession
from inspan.kernel.worker import boot, landlock
from inspan.model.code import Grants
from tests.unit.keeper.desk import children, descriptors, running, wait_for
from tests.unit.kernel.host.desk import PATIENCE, order

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D1")]

#: What a session can see of how it was started; names and numbers that are its own left out.
PROBES = """
import gc, os, random, resource, signal, stat, sys, threading, time, asyncio
def kind(fd):
    mode = os.fstat(fd).st_mode
    return stat.S_IFMT(mode), os.get_inheritable(fd), os.get_blocking(fd)
def masked(name):
    with open("/proc/self/status") as file:
        return [line.split()[1] for line in file if line.startswith(name)]
def limits():
    names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    return {name: resource.getrlimit(getattr(resource, name)) for name in names}
def shown(name):
    with open("/proc/self/" + name) as file:
        return file.read().split(chr(0))
def secret(words):
    return {word for word in words if "TOKEN" in word or "INSPAN_SESSION" in word}
with open("/proc/self/oom_score_adj") as file:
    oom = file.read()
mask = os.umask(0)
os.umask(mask)
numbers = [int(fd) for fd in os.listdir("/proc/self/fd")]
seen = {
    "environment": {name: text for name, text in os.environ.items() if name != "INSPAN_SESSION"},
    "seen by the system": sorted(set(shown("environ")) - secret(shown("environ"))),
    "command line": [word for word in shown("cmdline") if "/" not in word and word != NAME],
    "descriptors": sorted(kind(fd) for fd in numbers if os.path.exists(f"/proc/self/fd/{fd}")),
    "signals": {each.name: str(signal.getsignal(each)).split(" at ")[0] for each in signal.Signals},
    "ignored and blocked": (masked("SigIgn"), masked("SigBlk"), masked("SigCgt")),
    "sys.path": sys.path,
    "sys.argv": (sys.argv, [word for word in sys.orig_argv if "/" not in word and word != NAME]),
    "sys.flags": sys.flags,
    "modules": sorted(name for name in sys.modules if not name.startswith("_inspan_kernel")),
    "threads": sorted(thread.name for thread in threading.enumerate()),
    "main": threading.current_thread() is threading.main_thread(),
    "cwd": os.getcwd(),
    "umask": mask,
    "niceness": os.nice(0),
    "oom": oom,
    "limits": limits(),
    "parent": os.getppid(),
    "leads": (os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid()),
    "gc": (gc.isenabled(), gc.get_threshold()),
    "locale": (sys.stdout.encoding, sys.getfilesystemencoding(), time.tzname),
    "switch": sys.getswitchinterval(),
    "loop": type(asyncio.get_event_loop()).__name__,
    "stack": len(__import__("traceback").extract_stack()),
}
"""
#: Where a spare makes its view.
SHARED = "/dev/shm"
FORKED = "import sys; '_inspan_kernel.worker.zygote' in sys.modules"


class Makes:
    """Sessions with names of their own."""

    def __init__(self, client: KeeperClient, home: Path, group: asyncio.TaskGroup) -> None:
        self.client, self.home, self.group = client, home, group
        self.env = {**order(home, "none").env}
        self.confinement: Confinement | None = None
        self.made: list[KernelSession] = []
        self._last = 0

    def order(self) -> Order:
        self._last += 1
        wanted = order(self.home, f"s{self._last}")
        return replace(wanted, env=self.env, confinement=self.confinement)

    @property
    def forker(self) -> Forker:
        found = forker(sys.executable, self.env)
        assert found is not None
        return found

    async def ready(self) -> int:
        """Have a forker that is ready; its process."""
        assert await self.forker.ready(self.client)
        (found,) = self.called(boot.FORKER)
        return found

    def called(self, word: str) -> list[int]:
        """The keeper's children whose command line ends so."""
        return [pid for pid in children(self.client.pid) if _last_word(pid) == word]

    def workers(self) -> list[int]:
        """The keeper's children that are neither zygotes nor spares."""
        others = {*self.called(boot.FORKER), *self.called(boot.SPARE)}
        return [pid for pid in children(self.client.pid) if pid not in others]

    async def spare(self) -> int:
        """Have a session that is forked, and then a spare; its process."""
        assert await forked(await self())
        await wait_for(lambda: bool(self.called(boot.SPARE)))
        (found,) = self.called(boot.SPARE)
        return found

    async def __call__(self) -> KernelSession:
        session = await KernelSession.open(self.group, self.client, self.order())
        self.made.append(session)
        return session


def _last_word(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return os.fsdecode(words[-2]) if len(words) > 1 else ""


@asynccontextmanager
async def making(client: KeeperClient, home: Path) -> AsyncIterator[Makes]:
    async with asyncio.timeout(PATIENCE * 2), asyncio.TaskGroup() as group:
        makes = Makes(client, home, group)
        try:
            yield makes
        finally:
            async with asyncio.TaskGroup() as closing:
                for session in makes.made:
                    closing.create_task(session.close())


async def value(session: KernelSession, code: str) -> Any:
    end = await (await session.execute(code)).outcome()
    assert isinstance(end, p.Result), end
    return end.value if end.value is not None else end.repr


async def forked(session: KernelSession) -> bool:
    return bool(await value(session, FORKED))


async def seen(session: KernelSession) -> dict[str, Any]:
    code = PROBES.replace("NAME", repr(session.id))
    return {
        key: await value(session, f"str(seen[{key!r}])")
        for key in (await value(session, f"{code}\n','.join(seen)")).split(",")
    }


async def test_a_forked_session_sees_what_a_spawned_one_sees(
    client: KeeperClient, home: Path
) -> None:
    async with making(client, home) as make:
        make.env = {**make.env, "A": "b", "PYTHONPATH": str(home), "TZ": "Asia/Tokyo"}
        spawned = await make()
        await make.ready()
        other = await make()
        assert (await forked(spawned), await forked(other)) == (False, True)
        spare = await make.spare()
        last = await make()
        assert last.pid == spare
        # A zygote has them already, as most code soon does.
        await value(spawned, "import json, logging, traceback, typing")
        before = await seen(spawned)
        for one in (other, last):
            after = await seen(one)
            for what in before:
                assert after[what] == before[what], what
        assert before["parent"] == str(client.pid)
        assert "Asia/Tokyo" in before["environment"]
        assert await value(other, "'TOKEN' in open('/proc/self/environ').read()") is False


async def test_a_fork_has_no_stand_in_for_what_its_zygote_has_loaded(
    client: KeeperClient, home: Path
) -> None:
    async with making(client, home) as make:
        await make.ready()
        session = await make()
        code = "import json, traceback\nfrom _inspan_kernel.worker import display, tracebacks\n"
        code += "(display.json, tracebacks.traceback) == (json, traceback)"
        assert await forked(session)
        assert await value(session, code) is True


async def test_two_forks_draw_other_numbers(client: KeeperClient, home: Path) -> None:
    async with making(client, home) as make:
        await make.ready()
        drawn = [
            await value(await make(), f"import {module}; repr({call})")
            for module, call in (
                ("random", "random.random()"),
                ("uuid", "uuid.uuid4()"),
                ("tempfile", "next(tempfile._get_candidate_names())"),
            )
            for _ in range(2)
        ]
        for _ in range(2):
            await make.spare()
            drawn.append(await value(await make(), "import random; repr(random.random())"))
        assert len(set(drawn)) == len(drawn)
        assert all([await forked(session) for session in make.made])


async def test_the_first_session_is_spawned_and_the_next_are_forked(
    client: KeeperClient, home: Path
) -> None:
    async with making(client, home) as make:
        assert not await forked(await make())
        await make.ready()
        assert await forked(await make())


async def test_the_death_of_the_zygote_touches_no_session(client: KeeperClient, home: Path) -> None:
    async with making(client, home) as make:
        zygote = await make.ready()
        one = await make()
        await value(one, "kept = 1")
        os.kill(zygote, signal.SIGKILL)
        await wait_for(lambda: not running(zygote))
        assert await value(one, "kept") == 1
        another = await make()
        assert not await forked(another)
        await make.ready()
        assert await forked(await make())


async def test_a_spare_ends_with_its_zygote(client: KeeperClient, home: Path) -> None:
    async with making(client, home) as make:
        zygote = await make.ready()
        spare = await make.spare()
        os.kill(zygote, signal.SIGKILL)
        await wait_for(lambda: not running(spare))
        assert await value(await make(), "1 + 1") == 2


async def test_a_spare_that_is_killed_costs_no_session(client: KeeperClient, home: Path) -> None:
    async with making(client, home) as make:
        await make.ready()
        spare = await make.spare()
        os.kill(spare, signal.SIGKILL)
        await wait_for(lambda: not running(spare))
        another = await make()
        assert await forked(another)
        assert another.pid != spare


async def test_the_end_of_a_session_spares_the_spare(client: KeeperClient, home: Path) -> None:
    async with making(client, home) as make:
        await make.ready()
        spare = await make.spare()
        (session,) = make.made
        await client.list()  # by now the keeper has heard of it
        assert (await client.kill(session.id)).left == 0
        await session.over()
        assert (await make()).pid == spare


MOUNTED = """
with open("/proc/self/mountinfo") as file:
    lines = [line.replace("/" + NAME + "/", "/its/").split() for line in file]
str(sorted((line[4], line[5], line[line.index("-") + 1]) for line in lines))
"""
OPENED = """
import os
def tried(path):
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        return error.errno
str([tried(path) for path in PATHS])
"""


@pytest.mark.skipif(not landlock.abi(), reason="this kernel cannot confine")
@pytest.mark.parametrize("how", ["plain", "in its place", "above its own", "networked"])
async def test_a_spare_is_confined_as_any_other(client: KeeperClient, home: Path, how: str) -> None:
    """Also where what is granted lies where it has begun its view, or holds what that has."""
    person = home / "person"
    person.mkdir()
    (person / "file").touch()
    grants = {
        "plain": Grants(read=("/dev/null",)),
        "in its place": Grants(read=(SHARED,), write=(str(person),)),
        "above its own": Grants(write=(str(Path(sys.prefix).parent),)),
        "networked": Grants(net=True),
    }
    paths = ["/etc/shadow", "/etc/passwd", "/dev/null", "/proc/1/environ", SHARED, sys.executable]
    code = OPENED.replace("PATHS", repr([*paths, str(home / "run"), str(person / "file")]))
    async with making(client, home) as make:
        make.confinement = Confinement(
            hidden=(home / "run",), private=(person,), grants=grants[how]
        )
        await make.ready()
        spare = await make.spare()
        await make()
        assert [one.pid == spare for one in make.made] == [False, True]
        found = [
            (
                one.confined,
                await value(one, MOUNTED.replace("NAME", repr(one.id))),
                await value(one, code),
            )
            for one in make.made
        ]
        assert found[0] == found[1]
        assert found[0][0] is not None
        assert found[0][0].by
        assert found[0][0].open == ()


@pytest.mark.skipif(not landlock.abi(), reason="this kernel cannot confine")
async def test_a_spare_of_another_kind_is_let_go(client: KeeperClient, home: Path) -> None:
    async with making(client, home) as make:
        await make.ready()
        spare = await make.spare()
        make.confinement = Confinement()
        session = await make()
        assert session.pid != spare
        assert session.confined is not None
        assert await forked(session)
        await wait_for(lambda: not running(spare))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_zygote_that_is_lost_while_forks_are_asked_for_costs_none(
    client: KeeperClient, home: Path, number: signal.Signals
) -> None:
    async with making(client, home) as make:
        zygote = await make.ready()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(make()) for _ in range(12)]
            await wait_for(lambda: len(children(client.pid)) > 2)
            os.kill(zygote, number)
            # It may have answered all of them by now, and then nobody would miss it.
            tasks.append(group.create_task(make()))
        assert [await value(task.result(), "1 + 1") for task in tasks] == [2] * 13
        await wait_for(lambda: not running(zygote))
        await make.ready()
        assert len(make.workers()) == 13, "each was started once"


@pytest.mark.requirement("C8", "D11")
async def test_a_hundred_at_once_answer_and_leave_nothing(client: KeeperClient, home: Path) -> None:
    ours = os.getpid()
    async with making(client, home) as make:
        await make.ready()
        before = descriptors(ours), descriptors(client.pid)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(make()) for _ in range(100)]
        async with asyncio.TaskGroup() as group:
            answers = [group.create_task(value(task.result(), "1 + 1")) for task in tasks]
        assert [answer.result() for answer in answers] == [2] * 100
    await wait_for(lambda: not make.workers())
    await wait_for(lambda: (descriptors(ours), descriptors(client.pid)) == before)
    assert not [*(home / "run").glob("py-*")]


async def test_one_that_would_find_other_modules_is_not_forked(
    client: KeeperClient, home: Path
) -> None:
    modules = home / "modules"
    modules.mkdir()
    async with making(client, home) as make:
        make.env = {**make.env, "PYTHONPATH": str(modules)}
        zygote = await make.ready()
        assert await forked(await make())
        (modules / "newer.pth").touch()
        session = await make()
        assert not await forked(session)
        await wait_for(lambda: not running(zygote))


async def test_a_pool_is_filled_by_forks(client: KeeperClient, home: Path) -> None:
    async with making(client, home) as make:
        await make.ready()
        pool = Pool(2, make)
        pool.start(make.group)
        assert [await forked(await pool.take()) for _ in range(4)] == [True] * 4
        await pool.close()


def test_it_ends_when_no_session_is_wanted_for_long(home: Path) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    python, safe, option, text, package, word = boot.forker(sys.executable)
    quick = text.replace(
        "from _inspan_kernel.worker.main",
        "import _inspan_kernel.worker.zygote as z; z.IDLE = 0.05\nfrom _inspan_kernel.worker.main",
    )
    run = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.argv[2], sys.argv[2:])"
    began = [sys.executable, "-c", run, str(theirs.fileno())]
    command = [*began, python, safe, option, quick, package, word]
    with ours, theirs:
        subprocess.run(command, cwd=home, pass_fds=[theirs.fileno()], timeout=PATIENCE, check=True)
        assert ours.recv(100) == b"ready"


def test_who_starts_alike_shares_one() -> None:
    env = {"PATH": "/bin", "LANG": "C", "TOKEN": "a"}
    one = forker("/bin/python", env)
    assert one is not None
    assert "TOKEN" not in one.env
    assert forker("/bin/python", {**env, "TOKEN": "b"}) == one
    for name, text in (("PYTHONHASHSEED", "1"), ("LC_ALL", "C"), ("HOME", "/"), ("LANG", "x")):
        other = forker("/bin/python", {**env, name: text})
        assert other is not None
        assert other.name != one.name
    assert forker("/bin/python3", env) != one
    assert forker("python3", env) is None
    assert forker("./python3", env) is None
