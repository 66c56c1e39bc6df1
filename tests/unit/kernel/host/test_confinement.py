"""Confined sessions that try to get out, on the real kernel, and what they are told."""

import asyncio
import os
import shlex
import shutil
import socket
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from inspan.errors import BadInput, LimitReached, NotConfined
from inspan.keeper.client import KeeperClient
from inspan.kernel import protocol as p
from inspan.kernel.host.confinement import Confinement, sentence
from inspan.kernel.host.opened import opened
from inspan.kernel.host.session import KernelSession
from inspan.kernel.worker import landlock, syscalls
from inspan.model.code import CodeLimits, Grants, Sandbox
from tests.unit.keeper.desk import Keeper, running
from tests.unit.kernel.host.desk import PATIENCE, order

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.requirement("D1"),
    pytest.mark.skipif(not landlock.abi(), reason="this kernel cannot confine"),
]

#: What is a person's, or ours, and must not be seen.
SECRET = "do not read this"


@pytest.fixture
def person(home: Path) -> Path:
    """A person's home, with a project in it."""
    person = home / "person"
    (person / ".ssh").mkdir(parents=True)
    (person / ".ssh" / "id").write_text(SECRET)
    (person / "project").mkdir()
    (person / "project" / "data").write_text("rows")
    (person / "project" / "leads-out").symlink_to(person / ".ssh")
    (home / "state").mkdir(exist_ok=True)
    (home / "state" / "inspan.db").write_text(SECRET)
    return person


@asynccontextmanager
async def confined(
    client: KeeperClient,
    home: Path,
    *,
    cwd: str = "person/project",
    python: str = sys.executable,
    limits: CodeLimits = CodeLimits(),  # noqa: B008 - it is frozen
    env: Mapping[str, str] = MappingProxyType({}),
    **grants: object,
) -> AsyncIterator[KernelSession]:
    """A session in the project of a person."""
    given = Grants(**grants)  # type: ignore[arg-type]
    plain = order(home, "one")
    wanted = replace(
        plain,
        env={**plain.env, **env},
        folder=home / "state" / "code" / "one",
        cwd=home / cwd,
        python=python,
        confinement=Confinement(
            grants=given,
            limits=limits,
            hidden=(home / "state", home / "run"),
            private=(home / "person",),
        ),
    )
    async with asyncio.timeout(PATIENCE), opened(client, wanted) as session:
        yield session


async def told(session: KernelSession, code: str) -> str:
    """The value of a cell that works; else the end of its error, with what is said beneath."""
    end = await (await session.execute(code)).outcome()
    if isinstance(end, p.Result):
        return end.repr or ""
    at = next(n for n, line in enumerate(end.traceback) if line.startswith(end.name))
    return "\n".join(end.traceback[at:])


READ = "open({!r}).read()"
DENIED = ("PermissionError", "OSError: [Errno 30]")


async def test_it_reads_its_working_directory_and_writes_in_its_own_home(
    client: KeeperClient, home: Path, person: Path
) -> None:
    async with confined(client, home) as one:
        assert one.confined is not None
        assert (one.confined.open, sentence(one.confined)) == ((), "")
        assert await told(one, "open('data').read()") == "'rows'"
        assert await told(one, "import pathlib; (pathlib.Path.home() / 'x').write_text('1')") == "1"
        assert await told(one, "import tempfile; tempfile.TemporaryFile().write(b'1')") == "1"
        assert await told(one, "import multiprocessing; multiprocessing.Lock().acquire()") == "True"
        terminal = "import pty; a, b = pty.openpty(); os.write(b, b'x'), os.read(a, 1)"
        assert await told(one, f"import os; {terminal}") == "(1, b'x')"
        assert await told(one, "os.ttyname(b)") == "'/dev/pts/0'"
        assert (one.folder / "work" / "x").read_text() == "1"
        said = await told(one, "open('new', 'w')")
        assert said.startswith("OSError: [Errno 30] Read-only file system: 'new'")
        assert said.endswith("This session may not write there: `write=['.']` grants it.")
        assert not (person / "project" / "new").exists()


async def test_nothing_in_the_working_directory_runs_before_it_is_confined(
    client: KeeperClient, home: Path, person: Path
) -> None:
    there = home / "ran"
    for name in sys.stdlib_module_names:
        (person / "project" / f"{name}.py").write_text(f"open({str(there)!r}, 'w')")
    (person / "project" / "mine.py").write_text("x = 5")
    async with confined(client, home) as one:
        assert await told(one, "1 + 1") == "2"
        assert await told(one, "import mine, sys; (mine.x, sys.path[0])") == "(5, '')"
    assert not there.exists()


async def test_what_is_not_granted_cannot_be_read_and_says_what_grants_it(
    client: KeeperClient, home: Path, person: Path
) -> None:
    key = person / ".ssh" / "id"
    async with confined(client, home) as one:
        said = await told(one, READ.format(str(key)))
        assert said.startswith("PermissionError: [Errno 13] Permission denied")
        assert said.endswith(f"This session may not read {key}: `read=[{str(key)!r}]` grants it.")
        ways = [
            str(home / "state" / "inspan.db"),
            "leads-out/id",
            "../.ssh/id",
            f"/proc/{os.getpid()}/root{key}",
            f"/proc/{os.getpid()}/cwd/pyproject.toml",
            f"/proc/{os.getpid()}/environ",
            f"/proc/self/root{key}",
            "/etc/shadow",
            str(one.folder / "card.json"),
        ]
        for way in ways:
            said = await told(one, READ.format(way))
            assert said.startswith(DENIED) or "FileNotFoundError" in said, way
            assert SECRET not in said
        for folder in (person, home / "state", one.folder, home / "run"):
            assert (await told(one, f"import os; os.listdir({str(folder)!r})")).startswith(DENIED)


@pytest.mark.parametrize(
    "code",
    [
        "os.rename(mine, outside)",
        "os.link(mine, outside)",
        "os.symlink('/', outside)",
        "os.mkdir(outside)",
        "os.link('data', mine + '2')",
        "os.rename('data', mine)",
        "os.unlink('data')",
        "os.truncate('data', 0)",
        "os.chmod('data', 0o777)",
        "os.utime('data')",
        "os.chmod(folder, 0o777)",
        "os.symlink(folder, mine + '3'); open(mine + '3/new', 'w')",
        "open(f'/proc/self/fd/{os.open(folder, os.O_PATH)}/new', 'w')",
        "os.open('new', os.O_CREAT | os.O_WRONLY, dir_fd=os.open('.', os.O_RDONLY))",
        "open('/proc/self/oom_score_adj', 'w').write('-1000')",
        "open('/dev/shm/../sda', 'rb')",
    ],
)
async def test_it_changes_nothing_outside(
    client: KeeperClient, home: Path, person: Path, code: str
) -> None:
    project = person / "project"
    before = {path: path.lstat() for path in person.rglob("*")}
    async with confined(client, home) as one:
        outside = str(project / "new")
        await told(one, f"import os; outside = {outside!r}; folder = {str(project)!r}")
        await told(one, "mine = os.path.expanduser('~/file'); open(mine, 'w').close()")
        said = await told(one, code)
        assert "Error" in said, said
    after = {path: path.lstat() for path in person.rglob("*")}
    kept = ("st_mode", "st_size", "st_mtime_ns", "st_nlink")
    assert [(path, *(getattr(now, one) for one in kept)) for path, now in after.items()] == [
        (path, *(getattr(then, one) for one in kept)) for path, then in before.items()
    ]


async def test_it_reaches_no_other_process(client: KeeperClient, home: Path, person: Path) -> None:
    assert person.exists()
    keeper, us = client.pid, os.getpid()
    library = "import ctypes, os; libc = ctypes.CDLL(None, use_errno=True)"
    async with confined(client, home) as one:
        await told(one, library)
        for pid in (keeper, us):
            assert (await told(one, f"os.kill({pid}, 0)")).startswith("PermissionError")
            attach = f"libc.ptrace(16, {pid}, None, None), ctypes.get_errno()"
            assert await told(one, attach) == "(-1, 1)"
            assert (await told(one, READ.format(f"/proc/{pid}/mem"))).startswith("PermissionError")
        assert (
            await told(
                one, "p = os.fork() or os._exit(3); os.waitstatus_to_exitcode(os.waitpid(p, 0)[1])"
            )
            == "3"
        )
        nest = "libc.unshare(0x10020000), libc.mount(b'none', b'/', None, 1 << 5, None)"
        assert (await told(one, nest)).endswith("-1)")
        raised = "import resource as r; r.setrlimit(r.RLIMIT_CORE, (1, 1))"
        assert (await told(one, raised)).startswith("ValueError: not allowed")
        uid = f"os.getuid() == {os.getuid()} and os.stat('data').st_uid == {os.getuid()}"
        assert await told(one, uid) == "True"
    assert running(keeper)


@pytest.mark.parametrize("net", [False, True])
async def test_sockets_are_what_was_granted(
    client: KeeperClient, home: Path, person: Path, keeper: Keeper, *, net: bool
) -> None:
    assert person.exists()
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as tcp,
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp,
        closing(socket.socket(socket.AF_UNIX)) as unix,
        closing(socket.socket(socket.AF_UNIX)) as abstract,
    ):
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(0)
        for one_socket, name in ((unix, str(home / "their.sock")), (abstract, f"\0{home}")):
            one_socket.bind(name)
            one_socket.listen()
        async with confined(client, home, net=net) as one:
            await told(one, "import socket; unix = socket.socket(socket.AF_UNIX)")
            said = await told(one, f"socket.create_connection({tcp.getsockname()}).close()")
            assert said == "" if net else "This session has no network" in said
            send = f"socket.socket(2, socket.SOCK_DGRAM).sendto(b'x', {udp.getsockname()})"
            await told(one, send)
            assert _received(udp) is net
            for path in (str(keeper.socket), str(home / "their.sock"), f"\0{home}"):
                said = await told(one, f"unix.connect({path!r})")
                assert said.startswith(("PermissionError", "FileNotFound", "ConnectionRefused"))
            assert (await told(one, "socket.socket(40, 1)")).startswith("PermissionError")
            own = "s = socket.socket(socket.AF_UNIX); s.bind(os.path.expanduser('~/s')); s.listen()"
            own += "; unix.connect(s.getsockname())"
            assert await told(one, f"import os; {own}") == ""


def _received(udp: socket.socket) -> bool:
    try:
        udp.recv(1)
    except BlockingIOError:
        return False
    return True


async def test_grants_open_what_they_name(client: KeeperClient, home: Path, person: Path) -> None:
    (person / "out").mkdir()
    key, out = str(person / ".ssh" / "id"), str(person / "out")
    async with confined(client, home, read=(key,), write=(out,)) as one:
        assert await told(one, READ.format(key)) == repr(SECRET)
        assert (await told(one, f"open({key!r}, 'a')")).startswith(DENIED)
        assert await told(one, f"open({out!r} + '/new', 'w').write('1')") == "1"
    assert (person / "out" / "new").read_text() == "1"


async def test_our_own_state_is_not_shown_by_a_folder_above_it(
    client: KeeperClient, home: Path, person: Path
) -> None:
    assert person.exists()
    async with confined(client, home, cwd=".", read=(str(home),)) as one:
        assert await told(one, READ.format("person/project/data")) == "'rows'"
        for hidden in ("state/inspan.db", "state/code/one/card.json", "run"):
            assert SECRET not in await told(one, READ.format(hidden))
            assert "Error" in await told(one, READ.format(hidden))
        assert await told(one, "import os; open(os.path.expanduser('~/x'), 'w').write('1')") == "1"


async def test_a_home_is_not_shown_because_one_works_in_it(
    client: KeeperClient, home: Path, person: Path
) -> None:
    assert person.exists()
    async with confined(client, home, cwd="person") as one:
        said = await told(one, READ.format(".ssh/id"))
        assert said.startswith("PermissionError")
        assert said.endswith("`read=['.ssh/id']` grants it.")
        assert await told(one, "import os; os.getcwd()") == repr(str(person))


async def test_a_working_directory_is_there_however_many_stand_beside_it(
    client: KeeperClient, home: Path
) -> None:
    for number in range(400):
        (home / "crowd" / f"{number}").mkdir(parents=True)
    wanted = Confinement(hidden=(home / "state",), private=tuple((home / "crowd").iterdir()))
    last = list((home / "crowd").iterdir())[-1]
    made = replace(order(home, "one"), folder=home / "state" / "one", cwd=last, confinement=wanted)
    async with asyncio.timeout(PATIENCE), opened(client, made) as one:
        assert one.confined is not None
        assert one.confined.open == ()
        assert await told(one, "import os; os.getcwd()") == repr(str(last))
        assert (await told(one, "os.listdir()")).startswith("PermissionError")


async def test_an_unconfined_one_is_as_its_user(
    client: KeeperClient, home: Path, person: Path
) -> None:
    async with confined(client, home, sandbox=Sandbox.OFF) as one:
        assert await told(one, READ.format(str(person / ".ssh" / "id"))) == repr(SECRET)
        assert one.confined == p.Confined()


async def test_a_checkpoint_is_kept_and_restored(
    client: KeeperClient, home: Path, person: Path
) -> None:
    assert person.exists()
    key = os.urandom(16).hex()
    async with confined(client, home) as one:
        await told(one, "def f(): return 41 + g\ng = 1")
        assert (await one.checkpoint("c", key)).saved == ("f", "g")
        await told(one, "del f, g")
        await one.restore("c", key)
        assert await told(one, "f()") == "42"


async def test_paths_that_are_not_there_are_refused(client: KeeperClient, home: Path) -> None:
    for wrong in ("relative", str(home / "nothing")):
        with pytest.raises(BadInput, match=wrong):
            async with confined(client, home, cwd=".", read=(wrong,)):
                raise AssertionError


# ── kernels that offer less ──────────────────────────────────────────────────


def wrapped(home: Path, *command: str) -> str:
    """A Python that is started by ``command``."""
    path = home / "python"
    words = shlex.join([*command, sys.executable])
    path.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    path.chmod(0o700)
    return str(path)


def without_namespaces(home: Path) -> str:
    """A Python in a user namespace in which there can be no other namespaces."""
    script = "for n in user mnt net ipc; do echo 0 > /proc/sys/user/max_${n}_namespaces; done"
    tool = shutil.which("unshare") or "unshare"
    return wrapped(home, tool, "-U", "-r", "sh", "-c", f'{script}; exec "$@"', "sh")


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("unshare"), reason="no unshare(1)")
async def test_without_namespaces_landlock_and_a_filter_do_what_they_can_and_say_what_is_left(
    client: KeeperClient, home: Path, person: Path, keeper: Keeper
) -> None:
    async with confined(client, home, python=without_namespaces(home)) as one:
        assert one.confined is not None
        assert "mount namespace" not in one.confined.by
        assert "confined only in part: it can change modes" in sentence(one.confined)
        assert await told(one, "open('data').read()") == "'rows'"
        said = await told(one, "open('new', 'w')")
        assert said.startswith("PermissionError")
        assert said.endswith("`write=['.']` grants it.")
        assert (await told(one, READ.format(str(person / ".ssh" / "id")))).startswith(DENIED)
        assert (await told(one, "open('/dev/ptmx', 'rb')")).startswith("PermissionError")
        for code in (
            f"socket.socket(socket.AF_UNIX).connect({str(keeper.socket)!r})",
            "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
            "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
            "socket.create_connection(('127.0.0.1', 9))",
        ):
            assert (await told(one, f"import socket; {code}")).startswith("PermissionError"), code
        assert await told(one, "import asyncio; await asyncio.sleep(0, 5)") == "5"


async def test_what_has_to_be_confined_in_full_is_refused_where_it_cannot_be(
    client: KeeperClient, home: Path, person: Path
) -> None:
    assert person.exists()
    python = without_namespaces(home)
    with pytest.raises(NotConfined, match="it can change modes"):
        async with confined(client, home, python=python, sandbox=Sandbox.REQUIRE):
            raise AssertionError
    assert not [one for one in await client.list() if one.alive]


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("unshare"), reason="no unshare(1)")
async def test_who_is_not_root_is_confined_in_a_user_namespace_under_the_same_number(
    client: KeeperClient, home: Path, person: Path
) -> None:
    tool = shutil.which("unshare") or "unshare"
    python = wrapped(home, tool, "-U", "--map-user=1234", "--map-group=1234")
    async with confined(client, home, python=python) as one:
        assert one.confined is not None
        assert one.confined.open == ()
        assert (await told(one, READ.format(str(person / ".ssh" / "id")))).startswith(DENIED)
        own = "import os; (os.getuid(), os.getgid(), os.stat('data').st_uid)"
        assert await told(one, own) == "(1234, 1234, 1234)"
        assert await told(one, "os.mkdir(os.path.expanduser('~/x'))") == ""


@pytest.mark.skipif(not shutil.which("setpriv"), reason="no setpriv(1)")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to be without")
async def test_a_root_without_privileges_is_confined_as_far_as_it_can_be(
    client: KeeperClient, home: Path, person: Path
) -> None:
    drop = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")
    async with confined(client, home, python=wrapped(home, *drop)) as one:
        assert one.confined is not None
        assert len(one.confined.open) == 2
        assert (await told(one, READ.format(str(person / ".ssh" / "id")))).startswith(DENIED)


# ── limits ───────────────────────────────────────────────────────────────────


async def test_more_memory_than_it_has_is_an_error_of_the_cell(
    client: KeeperClient, home: Path, person: Path
) -> None:
    assert person.exists()
    async with confined(client, home, limits=CodeLimits(memory=300 << 20)) as one:
        said = await told(one, "bytearray(1 << 30)")
        assert said.startswith("MemoryError")
        assert said.endswith("In this session its memory is limited: `memory=` sets another limit.")
        assert await told(one, "6 * 7") == "42"


@pytest.mark.parametrize(
    ("limits", "code", "words"),
    [
        (
            CodeLimits(memory=200 << 20),
            "import mmap; m = mmap.mmap(-1, 1 << 30)\nfor n in range(0, 1 << 30, 4096): m[n] = 1",
            "its limit is 200 MB",
        ),
        (CodeLimits(cpu=1), "while True: pass", "CPU time"),
        (CodeLimits(cpu=1), "import itertools; sum(itertools.repeat(1))", "CPU time"),
    ],
)
async def test_a_session_that_goes_over_a_limit_ends_and_says_which(
    client: KeeperClient, home: Path, person: Path, limits: CodeLimits, code: str, words: str
) -> None:
    assert person.exists()
    async with confined(client, home, limits=limits) as one:
        cell = await one.execute(code)
        with pytest.raises(LimitReached, match=words):
            await cell.outcome()
        assert isinstance(await one.over(), LimitReached)


async def test_what_a_start_takes_is_no_time_of_the_code(
    client: KeeperClient, home: Path, person: Path
) -> None:
    assert person.exists()
    (home / "slow").mkdir()
    slow = "import time\nwhile time.process_time() < 1.6: pass"
    (home / "slow" / "sitecustomize.py").write_text(slow)
    env = {"PYTHONPATH": str(home / "slow")}
    async with confined(client, home, limits=CodeLimits(cpu=1), env=env) as one:
        used = "import time; time.process_time() >= 1.6"
        assert await told(one, used) == "True"


async def test_files_open_at_a_time_are_limited(
    client: KeeperClient, home: Path, person: Path
) -> None:
    assert person.exists()
    async with confined(client, home, limits=CodeLimits(files=64)) as one:
        said = await told(one, "kept = [open('data') for _ in range(64)]")
        assert said.startswith("OSError: [Errno 24]")
        assert "`files=` sets another limit." in said
        assert await told(one, "kept = None; 6 * 7") == "42"
        assert threading.active_count() < 64


def test_the_numbers_of_this_machine_are_known() -> None:
    assert syscalls.machine() is not None


async def test_what_stands_in_a_folder_of_everybodys_is_not_even_named(
    client: KeeperClient, home: Path, person: Path
) -> None:
    secret = home / "common" / "of-somebody"
    (home / "common" / "project").mkdir(parents=True)
    secret.write_text(SECRET)
    secret.parent.chmod(0o1777)
    async with confined(client, home, cwd="common/project") as one:
        assert await told(one, READ.format(str(secret))) == (
            f"FileNotFoundError: [Errno 2] No such file or directory: '{secret}'\n"
            f"This session may not see {secret}: `read=['{secret}']` grants it."
        )
        said = await told(one, READ.format(str(person / ".ssh" / "id")))
        assert said.startswith("PermissionError"), "as everywhere else"
