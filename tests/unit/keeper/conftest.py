"""A real keeper process for each test, with its paths, and a client of it."""

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from inspan.keeper.main import CARD
from tests.unit.keeper.desk import PATIENCE, Desk, Keeper, running


@pytest.fixture
def home() -> Iterator[Path]:
    """A private folder with a short name, as a socket needs; no keeper is left in it."""
    path = Path(tempfile.mkdtemp(prefix="ik-"))
    yield path
    with contextlib.suppress(OSError, ValueError):
        pid = json.loads((path / "state" / CARD).read_text())["pid"]
        if running(pid):
            os.kill(pid, 15)
            until = time.monotonic() + PATIENCE
            while running(pid) and time.monotonic() < until:
                time.sleep(0.005)
    shutil.rmtree(path)


@pytest.fixture
def keeper(home: Path) -> Iterator[Keeper]:
    one = Keeper(home)
    yield one
    one.stop()


@pytest.fixture
async def desk(keeper: Keeper) -> AsyncIterator[Desk]:
    async with await keeper.client() as client:
        yield Desk(keeper, client)
