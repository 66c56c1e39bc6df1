"""The session of an agent under the engine, from its login to its end, with real processes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from inspan.model.agentlife import SessionState, session_state
from inspan.model.task import Task, TaskState
from tests.real.agentstage import AgentStage, agent_stage, eventually

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C4")]


@pytest.fixture
async def stage() -> AsyncIterator[AgentStage]:
    async with agent_stage() as made:
        yield made


async def _becomes(stage: AgentStage, task: Task, state: SessionState) -> None:
    async def there() -> bool:
        return session_state(await stage.engine.get(task.id)) is state

    await eventually(there)


async def test_it_is_authenticated_works_asks_and_is_terminated(stage: AgentStage) -> None:
    let_go = stage.home.root / "go"
    stage.home.plays("permission_allow")
    stage.home.tells_login(f"until test -e {let_go}; do sleep 0.02; done; exit 0")
    task = await stage.submit(stage.spec())
    await _becomes(stage, task, SessionState.AUTHENTICATING)
    assert "spawned" not in await stage.facts(task)
    let_go.touch()
    await _becomes(stage, task, SessionState.WAITING)
    await stage.engine.answer(task.id, "allow")
    await stage.comes_to(task, TaskState.COMPLETED)
    await _becomes(stage, task, SessionState.TERMINATED)


async def test_a_login_that_failed_ends_it_and_says_why(stage: AgentStage) -> None:
    stage.home.plays("answer")
    stage.home.tells_login("""echo '{"loggedIn": false}'; exit 1""")
    task = await stage.submit(stage.spec())
    ended = await stage.comes_to(task, TaskState.ERROR)
    assert session_state(ended) is SessionState.TERMINATED
    assert ended.reason is not None
    assert ended.reason.code == "login-failed"
    assert ended.reason.hint


async def test_many_are_led_side_by_side(stage: AgentStage) -> None:
    go = stage.home.root / "go"
    stage.home.plays("answer", str(go))
    stage.home.tells_login("exit 0")
    tasks = [await stage.submit(stage.spec(role=f"role-{number}")) for number in range(5)]
    for task in tasks:
        await _becomes(stage, task, SessionState.BUSY)
    assert len({(await stage.engine.get(task.id)).pid for task in tasks}) == 5
    go.touch()
    for task in tasks:
        await stage.comes_to(task, TaskState.COMPLETED)
