"""What holds for prompts to an agent that works, however it is spoken to; over a real keeper."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from inspan.agents.handed import HELD_MOST, TURN_GOES_ON
from inspan.engine.ports import Order, Run
from inspan.errors import InputFull
from inspan.model.agent import Mode
from inspan.model.receipt import Arrival, Stage
from tests.real.agenthome import AgentHome, agent_home
from tests.real.prompted import Seen

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C4", "B4")]

WAITS = Arrival(Stage.QUEUED, why=TURN_GOES_ON)


class Kit:
    """An agent whose turns end when they are told to; its first has begun."""

    def __init__(self, home: AgentHome, order: Order) -> None:
        self.home = home
        self.order = order

    @asynccontextmanager
    async def following(self, run: Run | None) -> AsyncIterator[Seen]:
        assert run is not None
        seen = Seen(run)
        async with anyio.create_task_group() as group:
            group.start_soon(seen.keep, run)
            yield seen
            group.cancel_scope.cancel()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Seen]:
        async with self.following(await self.home.provider().open(self.order)) as seen:
            await seen.until(lambda: seen.works() and self.asked() == ["do it"])
            yield seen

    def end_turn(self, number: int) -> None:
        (self.home.work / f"go-{number}").touch()

    def asked(self) -> list[str]:
        """The prompts that it read."""
        file = self.home.work / "heard"
        told = (
            [json.loads(line) for line in file.read_bytes().splitlines()] if file.exists() else []
        )
        if self.order.mode is Mode.PTY:
            return told
        return [line["message"]["content"][0]["text"] for line in told if line["type"] == "user"]


@pytest.fixture(params=[Mode.STREAM, Mode.PTY])
async def kit(request: pytest.FixtureRequest) -> AsyncIterator[Kit]:
    async with agent_home() as home:
        yield Kit(home, home.turns(request.param))


async def test_each_waits_for_its_turn_in_the_order_in_which_it_came(kit: Kit) -> None:
    async with kit.working() as seen:
        for key in ("a", "b"):
            await seen.run.check_prompt(f"say {key}")
            assert await seen.run.prompt(key, f"say {key}") == WAITS
        kit.end_turn(1)
        await seen.until(lambda: seen.reached("a")[-1:] == [Arrival(Stage.STARTED)])
        assert seen.reached("b") in ([], [WAITS])
        kit.end_turn(2)
        await seen.until(lambda: seen.reached("b")[-1:] == [Arrival(Stage.STARTED)])
        assert kit.asked() == ["do it", "say a", "say b"]
        kit.end_turn(3)


async def test_what_waits_outlives_who_took_it_and_goes_once(kit: Kit) -> None:
    async with kit.working() as seen:
        for key in ("a", "b"):
            await seen.run.prompt(key, f"say {key}")
        await seen.until(lambda: seen.reached("b") == [WAITS])
    async with kit.following(await kit.home.provider().adopt(kit.order)) as seen:
        await seen.until(lambda: seen.reached("a") == [WAITS] == seen.reached("b"))
        assert await seen.run.knows("a")
        kit.end_turn(1)
        await seen.until(lambda: seen.reached("a")[-1:] == [Arrival(Stage.STARTED)])
    async with kit.following(await kit.home.provider().adopt(kit.order)) as seen:
        await seen.until(lambda: seen.reached("b") == [WAITS])
        kit.end_turn(2)
        await seen.until(lambda: seen.reached("b")[-1:] == [Arrival(Stage.STARTED)])
        kit.end_turn(3)
    assert kit.asked() == ["do it", "say a", "say b"]


async def test_no_more_than_so_many_wait(kit: Kit) -> None:
    async with kit.working() as seen:
        for number in range(HELD_MOST):
            await seen.run.check_prompt("say it")
            assert await seen.run.prompt(f"{number}", "say it") == WAITS
        with pytest.raises(InputFull, match=f"{HELD_MOST} prompts wait"):
            await seen.run.check_prompt("say it")


async def test_an_interrupt_tells_what_it_lost(kit: Kit) -> None:
    async with kit.working() as seen:
        await seen.run.prompt("a", "say a")
        await seen.until(lambda: seen.reached("a") == [WAITS])
        await seen.run.interrupt()
        lost = Arrival(Stage.QUEUED, lost=True, why="its turn was interrupted")
        await seen.until(lambda: seen.reached("a")[-1:] == [lost])
    assert kit.asked() == ["do it"]
