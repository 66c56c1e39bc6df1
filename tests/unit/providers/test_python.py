"""Runs of code sessions whose start, finding or end goes wrong, over a real keeper."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from inspan.engine.code.ports import CodeOrder, CodeSeen
from inspan.errors import SessionDied, WorkerNotReady
from inspan.model.code import CellEnded, CellOptions, CodeSpec, Grants, Opened, RunEnded, Sandbox
from inspan.providers.keeping import Keeping
from inspan.providers.python import Folders, PythonProvider
from tests.fakes.clock import FakeClock
from tests.unit.keeper.desk import Keeper, running, wait_for

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D1")]


@dataclass
class Sink:
    """What a run tells; where it is ``broken`` it cannot be told its end."""

    seen: list[CodeSeen] = field(default_factory=list)
    broken: bool = False

    def __call__(self, seen: CodeSeen, mark: str, *, more: bool = False) -> None:
        del mark, more
        if self.broken and isinstance(seen, RunEnded):
            raise ValueError("the sink is broken")
        self.seen.append(seen)

    def has(self, kind: type) -> bool:
        return any(isinstance(one, kind) for one in self.seen)


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="ip-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def keeper(home: Path) -> Iterator[Keeper]:
    one = Keeper(home)
    yield one
    one.stop()


@pytest.fixture
async def keeping(keeper: Keeper) -> AsyncIterator[Keeping]:
    async with await keeper.client():
        kept = Keeping(keeper.socket, keeper.state)
    yield kept
    await kept.close()


def provider(home: Path, keeping: Keeping) -> PythonProvider:
    folders = Folders(sessions=home / "sessions", keys=home / "keys", runtime=home / "run")
    return PythonProvider(folders, keeping, FakeClock())


def order(home: Path, session: str = "one", python: str = sys.executable) -> CodeOrder:
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    spec = CodeSpec(cwd=str(home), env=env, python=python, grants=Grants(sandbox=Sandbox.OFF))
    return CodeOrder(name=f"{session}-1", session=session, spec=spec)


async def test_one_that_cannot_be_taken_up_is_ended_for_nobody_would_do_so_later(
    home: Path, keeping: Keeping
) -> None:
    async with asyncio.timeout(30):
        first = provider(home, keeping)
        async with first.running():
            run = await first.open(order(home), Sink())
            pid = run.pid
        (home / "sessions" / "one" / "1" / "err.raw").unlink()
        second = provider(home, keeping)
        async with second.running():
            with pytest.raises(WorkerNotReady, match=r"err\.raw"):
                await second.adopt(order(home), Sink(), "", ())
        assert not running(pid)
        assert await keeping.held() == ()


async def test_who_gives_up_opening_one_leaves_no_process(home: Path, keeping: Keeping) -> None:
    python = home / "python"
    python.write_text("#!/bin/sh\ntouch began\nexec sleep 60\n")
    python.chmod(0o700)
    begun = home / "began"
    async with asyncio.timeout(30):
        kind = provider(home, keeping)
        async with kind.running():
            opening = asyncio.create_task(kind.open(order(home, python=str(python)), Sink()))
            await wait_for(begun.exists)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            assert await keeping.held() == ()


async def test_a_run_that_breaks_breaks_alone(
    home: Path, keeping: Keeping, caplog: pytest.LogCaptureFixture
) -> None:
    broken, other = Sink(broken=True), Sink()
    kind = provider(home, keeping)
    async with asyncio.timeout(30), kind.running():
        one = await kind.open(order(home, "one"), broken)
        two = await kind.open(order(home, "two"), other)
        os.kill(one.pid, signal.SIGKILL)
        await wait_for(lambda: "a run broke" in caplog.text)
        with pytest.raises(SessionDied):
            await one.execute("c1", "1", CellOptions(), lambda: None)
        assert broken.has(Opened)
        await two.execute("c1", "1 + 1", CellOptions(), lambda: None)
        await wait_for(lambda: other.has(CellEnded))
        await two.close(5.0)
    assert other.has(RunEnded)
