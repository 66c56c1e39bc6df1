"""A session that another host takes up: what its cells did meanwhile, and who was told of what."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from inspan.keeper.client import KeeperClient
from inspan.kernel import protocol as p
from inspan.kernel.host.cell import Entry, Output
from inspan.kernel.host.former import Former
from inspan.kernel.host.session import KernelSession, Watching
from tests.unit.keeper.desk import wait_for
from tests.unit.kernel.host.desk import PATIENCE, order

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D9")]

#: Waits for a file, then prints letters by its descriptor.
CODE = """
import os, time
while not os.path.exists("gate"): time.sleep(0.002)
os.write(1, b"{0}" * 1000)
open("{0}.done", "w").close()
"""


class Told:
    """Everything that both hosts are told, by cell."""

    def __init__(self) -> None:
        self.all: list[tuple[str | None, Entry]] = []

    @property
    def watching(self) -> Watching:
        return Watching(tell=lambda cell, entry: self.all.append((cell, entry)))

    def of(self, cell: str | None, kind: type) -> list[object]:
        return [entry.item for name, entry in self.all if name == cell and type(entry.item) is kind]

    def printed(self, cell: str | None) -> bytes:
        return b"".join(one.data for one in self.of(cell, Output) if isinstance(one, Output))


async def taken_up(client: KeeperClient, home: Path, ready: Callable[[], bool]) -> Told:
    """Three cells, the first of which is known to have begun when the host goes.

    The next host comes when ``ready`` says so.
    """
    told = Told()
    cells = tuple(
        p.Execute(execution_id=name, code=CODE.format(name), silent=False) for name in "abc"
    )
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        one = await KernelSession.open(group, client, order(home, "one"), watching=told.watching)
        for cell in cells:
            await one.execute(cell.code, execution_id=cell.execution_id)
        await wait_for(lambda: bool(told.of("a", p.Started)))
        former = Former(last_seq=one.last_seq, taken=(0, 0), cells=cells, running="a")
        await one.abandon()
    (home / "gate").touch()
    await wait_for(ready)
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        two = await KernelSession.reattach(
            group, client, one.folder, former=former, watching=told.watching
        )
        await wait_for(lambda: bool(told.of("c", p.Result)))
        await two.close()
    return told


@pytest.mark.parametrize("late", ["gate", "a.done", "c.done"])
async def test_what_descriptors_get_between_two_hosts_is_their_cells(
    client: KeeperClient, home: Path, late: str
) -> None:
    told = await taken_up(client, home, (home / late).exists)
    for name in "abc":
        assert told.printed(name) == name.encode() * 1000
        assert len(told.of(name, p.Started)) == 1
        assert len(told.of(name, p.Result)) == 1
    assert told.printed(None) == b""
