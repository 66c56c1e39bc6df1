"""What processes have used, where there is nobody left to ask."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import cast

import pytest

from inspan.errors import KeeperLost
from inspan.keeper.client import Status
from inspan.providers.drawing import Drawing, _memory, of_process
from inspan.providers.keeping import Keeping

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E3")]

#: Above the largest number that Linux gives a process.
NOBODY = (1 << 22) + 1


class Dying:
    """A keeper that is connected and does not answer any more."""

    pid = NOBODY

    @property
    def connected(self) -> Dying:
        return self

    async def list(self) -> tuple[Status, ...]:
        raise KeeperLost


async def test_of_a_keeper_that_dies_meanwhile_nothing_is_told(tmp_path: Path) -> None:
    folders = {"state": tmp_path, "gone": tmp_path / "gone"}
    drawing = Drawing(cast("Keeping", Dying()), folders)
    assert await drawing.sessions() == {}
    assert "keeper" not in await drawing.own()
    assert list(await drawing.disks()) == ["state"]


@pytest.mark.skipif(sys.platform != "linux", reason="it is read in /proc")
def test_a_process_that_has_gone_has_used_nothing() -> None:
    assert of_process(NOBODY) is None
    assert _memory(NOBODY) == 0
    mine = of_process(os.getpid())
    assert mine is not None
    assert mine.rss_bytes > 0
