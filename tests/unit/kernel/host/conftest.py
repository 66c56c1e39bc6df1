"""A folder with a short name, and in it a scripted worker, or a real keeper and its client."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from inspan.keeper.client import KeeperClient
from tests.fakes.kernel import ScriptedWorker
from tests.unit.keeper.desk import Keeper


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="ik-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def worker(home: Path) -> AsyncIterator[ScriptedWorker]:
    async with ScriptedWorker(home) as worker:
        yield worker


@pytest.fixture
def keeper(home: Path) -> Iterator[Keeper]:
    one = Keeper(home)
    yield one
    one.stop()


@pytest.fixture
async def client(keeper: Keeper) -> AsyncIterator[KeeperClient]:
    async with await keeper.client() as client:
        yield client
