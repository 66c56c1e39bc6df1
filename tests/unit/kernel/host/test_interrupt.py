import asyncio
import math

import pytest

from inspan.errors import SessionDied
from inspan.kernel.frames import Message
from inspan.kernel.host.cell import Output
from inspan.kernel.host.interrupt import Rung, Step
from inspan.kernel.host.session import Watching
from tests.fakes.kernel import ScriptedWorker
from tests.unit.kernel.host.desk import joined

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D9")]


def rungs(steps: tuple[Step, ...]) -> list[str]:
    return [step.rung.value for step in steps]


async def test_a_running_cell_gets_a_signal_and_its_number_is_named(worker: ScriptedWorker) -> None:
    wanted: list[int] = []
    told: list[Rung] = []

    def obey(_: str) -> None:
        wanted.append(worker.wanted())
        worker.result("two")

    worker.process.on_signal = obey
    watching = Watching(rung=lambda _, step: told.append(step.rung))
    async with joined(worker, watching=watching) as session:
        one = await session.execute("x", execution_id="one")
        two = await session.execute("x", execution_id="two")
        worker.begin("one", 1)
        worker.result("one")
        await one.outcome()
        worker.begin("two", 2)
        await anext(aiter(two))
        steps = await session.interrupt()
        assert rungs(steps) == ["signal", "ended"]
        assert told == [Rung.SIGNAL, Rung.ENDED]
        assert wanted == [2]
        assert worker.wanted() == 0
        assert await session.interrupt("two") == ()


async def test_the_signal_is_sent_again_then_to_the_group_until_the_end_comes(
    worker: ScriptedWorker,
) -> None:
    sent: list[str] = []

    def obey(signal: str) -> None:
        sent.append(signal)
        if len(sent) == 4:
            worker.result("x")

    worker.process.on_signal = obey
    async with joined(worker) as session:
        cell = await session.execute("x", execution_id="x")
        worker.begin("x", 1)
        await anext(aiter(cell))
        assert rungs(await session.interrupt("x")) == ["signal", "group", "ended"]
        assert sent == ["signal", "group", "group", "group"]


async def test_a_cell_that_never_ends_is_killed_at_the_deadline(worker: ScriptedWorker) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.begin(cell.execution_id, 1)
        await anext(aiter(cell))
        steps = await session.interrupt(deadline=0.2)
        assert rungs(steps) == ["signal", "group", "kill", "ended"]
        assert steps[2].after >= 0.2
        with pytest.raises(SessionDied, match="SIGKILL"):
            await cell.outcome()


async def test_a_cell_that_waits_for_its_turn_is_cancelled_and_its_neighbour_left_alone(
    worker: ScriptedWorker,
) -> None:
    async with joined(worker) as session:
        first, second = await session.execute("a"), await session.execute("b")
        worker.begin(first.execution_id, 1)
        await anext(aiter(first))
        steps = await session.interrupt(second.execution_id, deadline=0.1)
        assert rungs(steps) == ["cancel", "waits"]
        assert worker.process.signals == []
        assert {"type": "cancel", "execution_id": second.execution_id} in worker.messages


async def test_an_end_behind_output_that_nobody_takes_is_found(worker: ScriptedWorker) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")

        def flood(_: str) -> None:
            for _number in range(30):
                worker.say(
                    "output", bytes(1 << 20), execution_id=cell.execution_id, stream="stdout"
                )
            worker.result(cell.execution_id)

        worker.process.on_signal = flood
        worker.begin(cell.execution_id, 1)
        reader = aiter(cell)
        await anext(reader)
        assert rungs(await session.interrupt())[-1] == "ended"
        output = await anext(reader)
        assert isinstance(output, Output)
        assert output.dropped


async def test_a_refused_cell_leaves_the_running_one_running(worker: ScriptedWorker) -> None:
    def refuse(worker: ScriptedWorker, message: Message) -> None:
        if message["type"] == "cancel":
            worker.refuse(message["execution_id"], 2)

    worker.heard = refuse
    async with joined(worker) as session:
        first, second = await session.execute("a"), await session.execute("b")
        worker.begin(first.execution_id, 1)
        reader = aiter(first)
        await anext(reader)
        assert rungs(await session.interrupt(second.execution_id)) == ["cancel", "ended"]
        worker.write("out.raw", b"still")
        assert await anext(reader) == Output("stdout", b"still")


async def test_whoever_is_in_more_of_a_hurry_does_not_wait_for_another(
    worker: ScriptedWorker,
) -> None:
    begun = asyncio.Event()
    worker.process.on_signal = lambda _: begun.set()
    async with joined(worker) as session, asyncio.TaskGroup() as group:
        cell = await session.execute("x", execution_id="x")
        worker.begin("x", 1)
        await anext(aiter(cell))
        patient = group.create_task(session.interrupt("x", math.inf))
        await begun.wait()
        assert rungs(await session.interrupt("x", 0.0)) == ["kill", "ended"]
        assert rungs(await patient)[-1] == "ended"
