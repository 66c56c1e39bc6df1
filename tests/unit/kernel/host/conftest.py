"""A folder with a short name, a scripted worker in it, and a session over that."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.fakes.kernel import ScriptedWorker


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="ik-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def worker(home: Path) -> AsyncIterator[ScriptedWorker]:
    async with ScriptedWorker(home) as worker:
        yield worker
