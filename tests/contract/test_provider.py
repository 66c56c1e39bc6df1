"""What holds for every provider that runs a process, over a real keeper."""

import ast
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import psutil
import pytest

from inspan.clock import SystemClock
from inspan.engine.ports import (
    Asks,
    Finished,
    GoesOn,
    Grew,
    Lost,
    Observation,
    Order,
    Provider,
    Run,
    Started,
)
from inspan.errors import FolderMissing, KeeperLost, SessionNotFound
from inspan.keeper.client import KeeperClient, connect, ensure
from inspan.keeper.recording import RAW
from inspan.model.ids import session_id, ulid
from inspan.model.task import Exit, Needs, TerminalSpec
from inspan.providers.process import Processes
from inspan.providers.registry import make
from inspan.providers.screens import Screens

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A2", "B3")]

ENV = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
ASK = r"printf '\033]7770;waiting;question;Go?;yes;no\033\\'; read -r answer; "
LEAVE = "setsid sh -c 'echo $$ > part; mv part {0}; exec sleep 60' & until [ -f {0} ]; do :; done; "


def sh(line: str) -> dict[str, object]:
    return {"command": ("sh", "-c", line), "prompt": None}


def script(*steps: object) -> dict[str, object]:
    return {"command": (), "prompt": json.dumps({"steps": steps})}


@dataclass(frozen=True)
class Kit:
    """A provider, and how it is told to do what the contract is about."""

    name: str
    say: Callable[[str], dict[str, object]]
    exit: Callable[[int], dict[str, object]]
    die: Callable[[str], dict[str, object]]
    hang: dict[str, object]
    #: Deaf to all but SIGKILL, with a deaf child in a session of its own; its pid is in ``pid``.
    stubborn: dict[str, object]
    #: Ends with 0 for the answer yes, and says when it goes on.
    ask: dict[str, object]


SHELL = Kit(
    "shell",
    say=lambda text: sh(f"printf '%s\\n' '{text}'"),
    exit=lambda code: sh(f"exit {code}"),
    die=lambda name: sh(f"kill -{name} $$"),
    hang=sh("echo ready; exec sleep 60"),
    stubborn=sh("trap '' INT TERM HUP; " + LEAVE.format("pid") + "echo ready; exec sleep 60"),
    ask=sh(ASK + r"printf '\033]7770;working\033\\'; [ $answer = yes ]"),
)
SCRIPTED = Kit(
    "scripted",
    say=lambda text: script({"say": text}),
    exit=lambda code: script({"exit": code}),
    die=lambda name: script({"crash": name}),
    hang=script({"say": "ready"}, {"hang": 60}),
    stubborn=script(
        {"spawn": {"how": "double-fork", "pidfile": "pid", "seconds": 60}},
        {"hang": {"seconds": 60, "stubborn": True, "text": "ready"}},
    ),
    ask=script(
        {"ask": {"question": "Go?", "options": ["yes", "no"], "on": {"no": [{"fail": "no"}]}}}
    ),
)


@pytest.fixture(params=[SHELL, SCRIPTED], ids=lambda kit: kit.name)
def kit(request: pytest.FixtureRequest) -> Kit:
    chosen: Kit = request.param
    return chosen


@dataclass
class Home:
    """A keeper, a provider's processes in it, and folders; ``keeper`` may be replaced."""

    root: Path
    keeper: KeeperClient
    asked: int = 0
    clients: list[KeeperClient] = field(default_factory=list)

    @property
    def work(self) -> Path:
        return self.root / "work"

    def raw(self, order: Order) -> bytes:
        return (self.root / "recordings" / order.session / RAW).read_bytes()

    def provider(self, kit: Kit) -> Provider:
        async def get() -> KeeperClient:
            self.asked += 1
            return self.keeper

        return make(kit.name, Processes(get, self.root / "recordings", Screens(SystemClock())))

    async def reconnect(self) -> None:
        self.keeper = await connect(self.root / "k.sock")
        self.clients.append(self.keeper)


def order(home: Home, what: dict[str, object], *, pty: bool = True) -> Order:
    session = session_id(ulid(1.0, os.urandom(10)), 1)
    terminal = TerminalSpec(pty=pty)
    return Order(session=session, cwd=str(home.work), env=ENV, terminal=terminal, **what)  # type: ignore[arg-type]


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A socket's path may not be longer than about 100 bytes, and pytest's own are."""
    path = Path(tempfile.mkdtemp(prefix="ip-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def home(short_path: Path) -> AsyncIterator[Home]:
    (short_path / "work").mkdir()
    keeper = await ensure(short_path / "k.sock", short_path)
    made = Home(short_path, keeper)
    yield made
    with suppress(KeeperLost):  # where the test has killed it
        await made.reconnect()
        await made.keeper.shutdown(force=True)
    assert await anyio.to_thread.run_sync(gone, keeper.pid)
    for client in {keeper, *made.clients}:
        await client.close()


async def rest(seen: AsyncIterator[Observation]) -> list[Observation]:
    with anyio.fail_after(20):
        return [item async for item in seen]


async def first(seen: AsyncIterator[Observation], kind: type[Observation]) -> Observation:
    with anyio.fail_after(20):
        async for item in seen:
            if isinstance(item, kind):
                return item
    raise AssertionError(f"it never told {kind.__name__}")


async def printed(
    home: Home, ordered: Order, seen: AsyncIterator[Observation], text: bytes
) -> None:
    while text not in home.raw(ordered):
        await first(seen, Grew)


async def last_of(run: Run) -> Observation:
    return (await rest(run.observations()))[-1]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(pid: int) -> bool:
    """Wait for it; a zombie whose new parent is slow to reap it counts as gone."""
    end = time.monotonic() + 10
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.005)
    return not alive(pid)


@pytest.mark.parametrize("code", [0, 1, 255])
async def test_the_exit_code_is_told(home: Home, kit: Kit, code: int) -> None:
    run = await home.provider(kit).open(order(home, kit.exit(code)))
    told = await rest(run.observations())
    assert isinstance(told[0], Started)
    assert told[-1] == Finished(Exit(code), size=0)
    await run.close()
    assert await home.keeper.list() == ()


async def test_the_signal_it_died_of_is_told(home: Home, kit: Kit) -> None:
    run = await home.provider(kit).open(order(home, kit.die("SEGV" if kit is SCRIPTED else "KILL")))
    last = await last_of(run)
    number = signal.SIGSEGV if kit is SCRIPTED else signal.SIGKILL
    assert last == Finished(Exit(signal=number), size=0)


@pytest.mark.parametrize("pty", [True, False])
async def test_what_it_prints_is_recorded_before_it_is_told_to_have_finished(
    home: Home, kit: Kit, pty: bool
) -> None:
    ordered = order(home, kit.say("héllo"), pty=pty)
    run = await home.provider(kit).open(ordered)
    last = await last_of(run)
    expected = "héllo\r\n".encode() if pty else "héllo\n".encode()
    assert home.raw(ordered) == expected
    assert last == Finished(Exit(0), len(expected))


@pytest.mark.parametrize("pty", [True, False])
async def test_an_interruption_is_what_ctrl_c_would_be(home: Home, kit: Kit, pty: bool) -> None:
    ordered = order(home, kit.hang, pty=pty)
    run = await home.provider(kit).open(ordered)
    seen = run.observations()
    await printed(home, ordered, seen, b"ready")
    await run.interrupt()
    assert (await rest(seen))[-1] == Finished(Exit(signal=signal.SIGINT), len(home.raw(ordered)))


async def test_terminating_it_is_sigterm(home: Home, kit: Kit) -> None:
    ordered = order(home, kit.hang)
    run = await home.provider(kit).open(ordered)
    seen = run.observations()
    await printed(home, ordered, seen, b"ready")
    await run.terminate()
    last = (await rest(seen))[-1]
    assert isinstance(last, Finished)
    assert last.exit == Exit(signal=signal.SIGTERM)


async def test_killing_it_leaves_nothing_however_stubborn(home: Home, kit: Kit) -> None:
    ordered = order(home, kit.stubborn)
    run = await home.provider(kit).open(ordered)
    seen = run.observations()
    await printed(home, ordered, seen, b"ready")
    child = int((home.work / "pid").read_text())
    await run.interrupt()
    await run.terminate()
    assert alive(child)
    assert await run.kill() == 0
    assert not alive(child)
    last = (await rest(seen))[-1]
    assert isinstance(last, Finished)
    assert last.exit == Exit(signal=signal.SIGKILL)


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("no", 1)])
async def test_a_question_is_told_and_the_answer_is_heard(
    home: Home, kit: Kit, answer: str, code: int
) -> None:
    run = await home.provider(kit).open(order(home, kit.ask))
    seen = run.observations()
    asks = await first(seen, Asks)
    assert asks == Asks(Needs("question", "Go?", ("yes", "no")))
    await run.write(answer.encode() + b"\r")
    told = await rest(seen)
    assert [item for item in told if isinstance(item, Asks | GoesOn)] == [GoesOn()]
    assert isinstance(told[-1], Finished)
    assert told[-1].exit == Exit(code)


async def test_a_second_client_adopts_what_the_first_one_started(home: Home, kit: Kit) -> None:
    ordered = order(home, kit.ask)
    run = await home.provider(kit).open(ordered)
    seen = run.observations()
    await first(seen, Asks)
    home.clients.append(home.keeper)
    await home.keeper.close()
    await home.reconnect()
    adopted = await home.provider(kit).adopt(ordered)
    assert adopted is not None
    again = adopted.observations()
    assert isinstance(await anext(again), Started)
    assert await first(again, Asks) == Asks(Needs("question", "Go?", ("yes", "no")))
    await adopted.write(b"yes\r")
    last = (await rest(again))[-1]
    assert last == Finished(Exit(0), len(home.raw(ordered)))


async def test_one_session_is_started_once(home: Home, kit: Kit) -> None:
    ordered = order(home, kit.hang)
    provider = home.provider(kit)
    first_run, second_run = await provider.open(ordered), await provider.open(ordered)
    assert await anext(first_run.observations()) == await anext(second_run.observations())
    assert len(await home.keeper.list()) == 1
    assert await second_run.kill() == 0


async def test_a_session_nobody_knows_is_not_adopted(home: Home, kit: Kit) -> None:
    assert await home.provider(kit).adopt(order(home, kit.hang)) is None


async def test_a_session_that_ended_and_was_collected_is_told_from_its_recording(
    home: Home, kit: Kit
) -> None:
    ordered = order(home, kit.exit(7))
    provider = home.provider(kit)
    run = await provider.open(ordered)
    await last_of(run)
    await run.close()
    await run.close()
    adopted = await provider.adopt(ordered)
    assert adopted is not None
    assert await rest(adopted.observations()) == [Finished(Exit(7), 0)]
    await adopted.resize(100, 30)
    await adopted.attend(on=False)
    await adopted.interrupt()
    await adopted.terminate()
    await adopted.close()
    assert await adopted.kill() == 0
    with pytest.raises(SessionNotFound):
        await adopted.write(b"x")


async def test_a_session_that_ended_and_was_not_collected_is_adopted(home: Home, kit: Kit) -> None:
    ordered = order(home, kit.exit(7))
    provider = home.provider(kit)
    await last_of(await provider.open(ordered))
    adopted = await provider.adopt(ordered)
    assert adopted is not None
    assert await last_of(adopted) == Finished(Exit(7), 0)


async def test_a_missing_folder_is_refused_before_anything_is_recorded(
    home: Home, kit: Kit
) -> None:
    ordered = order(home, kit.hang)
    home.work.rmdir()
    with pytest.raises(FolderMissing):
        await home.provider(kit).open(ordered)
    assert await home.keeper.list() == ()
    assert not (home.root / "recordings" / ordered.session).exists()


async def test_the_environment_is_the_orders_and_our_marks(home: Home) -> None:
    code = "import os; print(sorted(os.environ.items()))"
    command: dict[str, object] = {"command": (sys.executable, "-I", "-c", code), "prompt": None}
    ordered = order(home, command, pty=False)
    await last_of(await home.provider(SHELL).open(ordered))
    marks = {
        "INSPAN_TASK": ordered.session[:26],
        "INSPAN_SESSION": ordered.session,
    }
    found = dict(ast.literal_eval(home.raw(ordered).decode()))
    assert found.pop("INSPAN_KEEPER")
    assert found == {**ENV, **marks}


async def test_a_line_is_taken_for_the_answer_where_the_program_does_not_say_so(
    home: Home,
) -> None:
    ordered = order(home, sh("stty -echo; " + ASK + "exec sleep 60"))
    run = await home.provider(SHELL).open(ordered)
    seen = run.observations()
    await first(seen, Asks)
    await run.write(b"ye")
    await run.write(b"s\r")
    await first(seen, GoesOn)
    assert await run.kill() == 0


async def test_a_question_asked_before_a_flood_is_heard_and_its_end_too(home: Home) -> None:
    flood = "head -c 3000000 /dev/zero | tr '\\0' x; "
    line = flood + ASK + r"printf '\033]7770;working\033\\'; " + flood
    run = await home.provider(SHELL).open(order(home, sh(line)))
    seen = run.observations()
    await first(seen, Asks)
    await run.write(b"yes\r")
    told = await rest(seen)
    assert GoesOn() in told
    assert isinstance(told[-1], Finished)
    assert told[-1].size > 6_000_000


async def test_the_end_of_input_and_a_new_size_reach_the_program(home: Home) -> None:
    ordered = order(home, sh("echo ready; cat; stty size"))
    run = await home.provider(SHELL).open(ordered)
    seen = run.observations()
    await printed(home, ordered, seen, b"ready")
    await run.attend(on=True)
    await run.resize(101, 31)
    await run.write(b"")
    assert isinstance((await rest(seen))[-1], Finished)
    assert b"31 101" in home.raw(ordered)


async def test_a_lost_connection_is_taken_up_again(home: Home) -> None:
    ordered = order(home, sh("echo ready; read -r line; exit 4"))
    run = await home.provider(SHELL).open(ordered)
    seen = run.observations()
    await printed(home, ordered, seen, b"ready")
    old = home.keeper
    home.clients.append(old)
    await home.reconnect()
    await old.close()
    await first(seen, Grew)
    await run.write(b"x\r")
    last = (await rest(seen))[-1]
    assert isinstance(last, Finished)
    assert last.exit == Exit(4)


async def test_typing_takes_a_lost_connection_up_again(home: Home) -> None:
    ordered = order(home, sh("echo ready; read -r line; exit 4"))
    run = await home.provider(SHELL).open(ordered)
    old = home.keeper
    home.clients.append(old)
    await home.reconnect()
    await old.close()
    await run.write(b"x\r")
    last = await last_of(run)
    assert isinstance(last, Finished)
    assert last.exit == Exit(4)


async def test_a_lost_connection_does_not_keep_it_from_being_stopped(home: Home) -> None:
    run = await home.provider(SHELL).open(order(home, SHELL.hang))
    old = home.keeper
    home.clients.append(old)
    await home.reconnect()
    await old.close()
    assert await run.kill() == 0
    assert isinstance(await last_of(run), Finished)
    await run.close()
    assert await home.keeper.list() == ()


async def test_the_same_question_drawn_again_is_told_once(home: Home) -> None:
    drawn = ASK.partition("; read")[0]
    ordered = order(home, sh(f"{drawn}; read -r one; {drawn}; read -r two"))
    run = await home.provider(SHELL).open(ordered)
    seen = run.observations()
    await first(seen, Asks)
    other = await home.provider(SHELL).open(ordered)
    await other.write(b"somebody\r")
    with anyio.fail_after(20):
        while home.raw(ordered).count(b"waiting") < 2:
            await anext(seen)
    await other.write(b"else\r")
    told = await rest(seen)
    assert not any(isinstance(item, Asks) for item in told)
    assert isinstance(told[-1], Finished)


async def test_a_session_that_was_forgotten_meanwhile_is_told_as_lost(home: Home) -> None:
    run = await home.provider(SHELL).open(order(home, SHELL.exit(0)))
    await last_of(run)
    await run.close()
    assert isinstance(await last_of(run), Lost)


async def test_one_that_was_forgotten_while_the_connection_was_lost_is_told_as_lost(
    home: Home,
) -> None:
    ordered = order(home, SHELL.hang)
    run = await home.provider(SHELL).open(ordered)
    await run.attend(on=True)
    old = home.keeper
    home.clients.append(old)
    await home.reconnect()
    await old.close()
    await home.keeper.kill(ordered.session)
    await home.keeper.collect(ordered.session)
    assert isinstance(await last_of(run), Lost)
    with pytest.raises(KeeperLost):
        await run.interrupt()


async def test_a_keeper_that_dies_is_told_as_lost(home: Home, kit: Kit) -> None:
    ordered = order(home, kit.hang)
    run = await home.provider(kit).open(ordered)
    seen = run.observations()
    started = await anext(seen)
    assert isinstance(started, Started)
    await printed(home, ordered, seen, b"ready")
    os.kill(home.keeper.pid, signal.SIGKILL)
    told = await rest(seen)
    assert isinstance(told[-1], Lost)
    assert told[-1].why
    # Its terminal is gone, and SIGHUP came with that.
    assert await anyio.to_thread.run_sync(gone, started.pid)
