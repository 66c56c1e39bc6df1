import asyncio
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from inspan.errors import AlreadyRecorded, BadInput, SessionNotFound, SpawnFailed, WorkerNotReady
from inspan.keeper.client import KeeperClient
from inspan.kernel.frames import Message
from inspan.kernel.host.launch import Order, card, prepare
from inspan.kernel.host.opened import opened
from tests.fakes.kernel import ScriptedWorker
from tests.unit.kernel.host.desk import joined, order, session, value

pytestmark = pytest.mark.anyio


def program(home: Path, text: str) -> str:
    """Something that is called like a Python, and is none."""
    path = home / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return str(path)


async def refused(client: KeeperClient, wanted: Order, within: float = 10.0) -> str:
    """The words with which it is refused."""
    with pytest.raises(WorkerNotReady) as caught:
        async with asyncio.timeout(15), opened(client, wanted, within=within):
            pass
    assert await client.list() == ()
    return caught.value.message


async def test_a_worker_that_dies_at_once_is_told_with_its_last_words(
    client: KeeperClient, home: Path
) -> None:
    wanted = replace(order(home, "one"), python=program(home, "echo 'no such module' >&2; exit 3"))
    said = await refused(client, wanted)
    assert "ended with status 3" in said
    assert "no such module" in said


async def test_a_worker_that_never_listens_is_killed_at_its_deadline(
    client: KeeperClient, home: Path
) -> None:
    wanted = replace(order(home, "one"), python=program(home, "exec sleep 60"))
    said = await refused(client, wanted, within=0.3)
    assert "not ready within 0.3 seconds" in said
    assert "SIGKILL" in said


async def test_a_python_that_is_not_there_is_told(client: KeeperClient, home: Path) -> None:
    with pytest.raises(SpawnFailed):
        async with opened(client, replace(order(home, "one"), python="/nowhere/python")):
            pass
    assert await client.list() == ()


def test_what_is_made_belongs_to_its_owner_alone(home: Path) -> None:
    wanted = order(home, "one")
    made = prepare(wanted)
    assert stat.S_IMODE(wanted.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in wanted.folder.iterdir()} == {0o600}
    assert card(wanted.folder) == made
    with pytest.raises(AlreadyRecorded):
        prepare(wanted)


def test_a_folder_that_cannot_be_made_is_told(home: Path) -> None:
    (home / "file").touch()
    with pytest.raises(SpawnFailed, match="folder cannot be made") as caught:
        prepare(replace(order(home, "one"), folder=home / "file" / "one"))
    assert str(home / "file") in caught.value.message
    assert not (home / "run").exists()


async def test_an_id_that_the_keeper_holds_already_leaves_its_session_alone(
    client: KeeperClient, home: Path
) -> None:
    async with session(client, home) as one:
        await value(one, "kept = 42")
        other = replace(order(home, "one"), folder=home / "other")
        with pytest.raises(AlreadyRecorded):
            async with opened(client, other):
                pass
        assert await value(one, "kept") == 42


async def test_a_worker_that_hangs_up_before_it_is_ready_is_killed_and_told(home: Path) -> None:
    class Mute(ScriptedWorker):
        def greeted(self, link: asyncio.Transport, hello: Message) -> None:
            del hello
            link.close()

    async with Mute(home) as worker:
        with pytest.raises(ExceptionGroup) as caught:
            async with joined(worker):
                pass
        wanted = "did not start. The session hung up before it was ready"
        assert caught.group_contains(WorkerNotReady, match=wanted)
        assert worker.process.signals == ["kill"]
        assert worker.process.closed


def test_a_socket_path_that_no_socket_can_have_is_refused(home: Path) -> None:
    with pytest.raises(BadInput, match="too long"):
        prepare(replace(order(home, "one"), runtime=home / ("r" * 100)))


@pytest.mark.parametrize("text", ["", "[]", '{"session": 1}'])
def test_a_card_that_is_none_is_no_session(home: Path, text: str) -> None:
    (home / "card.json").write_text(text)
    with pytest.raises(SessionNotFound):
        card(home)
