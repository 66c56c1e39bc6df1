"""A program that answers what the code of its own session asks."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from inspan.errors import NotGranted, SessionDied, TaskNotFound
from inspan.keeper.client import KeeperClient
from inspan.kernel import protocol as p
from inspan.kernel.host.answers import MOST
from inspan.kernel.host.opened import opened
from inspan.kernel.host.session import KernelSession
from tests.unit.keeper.desk import wait_for
from tests.unit.kernel.host.desk import order

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D7")]


async def ended(session: KernelSession, code: str) -> p.Result | p.Error:
    return await (await session.execute(code)).outcome()


async def answer(name: str, payload: Any) -> Any:
    """One answer of each kind."""
    match name:
        case "echo":
            return payload
        case "refuse":
            raise NotGranted("not for you")
        case "lack":
            raise TaskNotFound("no such task")
        case "break":
            raise ValueError("oh")
        case "object":
            return object()
        case "much":
            return "x" * (9 << 20)
    await asyncio.sleep(60)
    return None


async def test_a_program_answers_what_its_session_asks(client: KeeperClient, home: Path) -> None:
    async with opened(client, order(home, "one"), answer=answer) as session:
        end = await ended(session, "await host.ask('echo', {'a': [1, None, '\u2603']})")
        assert isinstance(end, p.Result)
        assert end.repr == "{'a': [1, None, '\u2603']}"
        end = await ended(session, "host.ask_now('echo', 'plain')")
        assert isinstance(end, p.Result)
        assert end.value == "plain"


@pytest.mark.parametrize(
    ("call", "name", "words"),
    [
        ("'refuse'", "NotGranted", "not for you"),
        ("'lack'", "CapabilityError", "no such task"),
        ("'break'", "CapabilityError", "break failed: ValueError: oh"),
        ("'object'", "CapabilityError", "the answer to 'object' cannot be stored"),
        ("'much'", "CapabilityError", "More than 8 MiB cannot be said"),
        ("'wait', timeout=0.05", "TimeoutError", "Nobody answered in time."),
    ],
)
async def test_what_is_no_answer_is_told(
    client: KeeperClient, home: Path, call: str, name: str, words: str
) -> None:
    async with opened(client, order(home, "one"), answer=answer) as session:
        end = await ended(session, f"await host.ask({call})")
        assert isinstance(end, p.Error)
        assert (end.name, end.message[: len(words)]) == (name, words)


async def test_without_a_program_s_answer_all_is_refused(client: KeeperClient, home: Path) -> None:
    async with opened(client, order(home, "one")) as session:
        end = await ended(session, "await host.ask('echo')")
        assert isinstance(end, p.Error)
        assert end.name == "NotGranted"
        assert "no host to ask" in end.message


async def test_an_answer_that_nobody_waits_for_is_given_up(
    client: KeeperClient, home: Path
) -> None:
    begun, given_up = asyncio.Event(), asyncio.Event()

    async def slow(*_: object) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            given_up.set()
            raise

    async with opened(client, order(home, "one"), answer=slow) as session, asyncio.timeout(30):
        cell = await session.execute("await host.ask('anything')")
        await begun.wait()
        await session.interrupt(cell.execution_id)
        await given_up.wait()
        begun.clear()
        given_up.clear()
        await session.execute("await host.ask('anything')")
        await begun.wait()
    assert given_up.is_set()  # the end of the block is the end of what was asked


async def test_an_answer_to_a_session_that_died_meanwhile_harms_nobody(
    client: KeeperClient, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked, died = asyncio.Event(), asyncio.Event()

    async def late(*_: object) -> str:
        asked.set()
        await died.wait()
        return "too late"

    caplog.set_level(logging.DEBUG, "inspan.kernel.host.answers")
    async with asyncio.timeout(30), opened(client, order(home, "one"), answer=late) as session:
        cell = await session.execute("await host.ask('anything')")
        await asked.wait()
        os.kill(session.pid, signal.SIGKILL)
        with pytest.raises(SessionDied):
            await cell.outcome()
        await session.over()
        died.set()
        await wait_for(lambda: "nobody waits for" in caplog.text)


async def test_too_many_questions_at_once_are_refused(client: KeeperClient, home: Path) -> None:
    code = f"""
import asyncio
asked = [host.ask("wait", timeout=1) for _ in range({MOST} + 1)]
told = await asyncio.gather(*asked, return_exceptions=True)
sorted({{type(error).__name__ for error in told}}), len(told)
"""
    async with opened(client, order(home, "one"), answer=answer) as session:
        end = await ended(session, code)
        assert isinstance(end, p.Result)
        assert end.repr == f"(['CapabilityError', 'TimeoutError'], {MOST + 1})"
