"""A task that goes on with the conversation of one that is over, with real processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from inspan.errors import BadInput, IllegalTransition, TaskNotFound
from inspan.model.task import Exit, Task, TaskState, WorkspaceKind
from tests.fakes.provider import FakeProvider
from tests.real.agentstage import AgentStage, agent_stage
from tests.unit.engine.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C4")]


@pytest.fixture
async def stage() -> AsyncIterator[AgentStage]:
    async with agent_stage() as made:
        yield made


async def _first(stage: AgentStage, **changes: Any) -> Task:
    """A task that is over, whose agent named its conversation."""
    stage.home.plays("answer")
    stage.home.tells_login("exit 0")
    task = await stage.submit(stage.spec(**changes))
    done = await stage.comes_to(task, TaskState.COMPLETED)
    assert done.agent is not None
    return done


def _prompts(stage: AgentStage, heard: int) -> list[str]:
    """What its agent was asked, after so many messages."""
    said = [message for message in stage.home.heard()[heard:] if message["type"] == "user"]
    return ["".join(part["text"] for part in message["message"]["content"]) for message in said]


async def test_the_prompt_is_asked_in_the_conversation_of_the_task_before(
    stage: AgentStage,
) -> None:
    before = await _first(stage)
    assert before.agent is not None
    heard = len(stage.home.heard())
    spec = stage.spec(prompt="and the tests too", continues="last", cwd="/")
    after = await stage.comes_to(await stage.submit(spec), TaskState.COMPLETED)
    assert after.spec.continues == before.id
    assert after.spec.cwd == before.spec.cwd
    assert after.resumes == before.agent.id
    assert _prompts(stage, heard) == ["and the tests too"]


async def test_what_was_interrupted_meanwhile_is_told_to_go_on(stage: AgentStage) -> None:
    before = await _first(stage)
    never = stage.home.root / "never"
    stage.home.plays("answer", str(never))
    task = await stage.submit(stage.spec(prompt="and the tests too", continues=before.id))
    await stage.comes_to(task, TaskState.RUNNING)
    await stage.tells(task, "began")
    await stage.engine.interrupt(task.id)
    heard = len(stage.home.heard())
    stage.home.plays("answer")
    await stage.engine.resume(task.id)
    done = await stage.comes_to(task, TaskState.COMPLETED)
    assert not done.follows
    (said,) = _prompts(stage, heard)
    assert "and the tests too" not in said


async def test_only_what_is_over_can_be_continued(stage: AgentStage) -> None:
    stage.home.plays("answer", str(stage.home.root / "never"))
    stage.home.tells_login("exit 0")
    task = await stage.submit(stage.spec())
    await stage.tells(task, "began")
    with pytest.raises(IllegalTransition) as running:
        await stage.submit(stage.spec(continues=task.id))
    assert "inspan send" in running.value.hint
    await stage.engine.interrupt(task.id)
    with pytest.raises(IllegalTransition) as interrupted:
        await stage.submit(stage.spec(continues=task.id))
    assert "inspan resume" in interrupted.value.hint


async def test_what_cannot_be_continued_is_refused(stage: AgentStage) -> None:
    before = await _first(stage)
    with pytest.raises(TaskNotFound):
        await stage.submit(stage.spec(continues="nothing-like-it"))
    with pytest.raises(BadInput, match="claude's, and not"):
        await stage.submit(stage.spec(continues=before.id, provider="shell"))
    with pytest.raises(BadInput, match="in the same folder"):
        await stage.submit(stage.spec(continues=before.id, workspace=WorkspaceKind.FOLDER))
    stage.runs("exit 3")
    lost = await stage.comes_to(await stage.submit(stage.spec()), TaskState.FAILED)
    with pytest.raises(BadInput, match="named no conversation"):
        await stage.submit(stage.spec(continues=lost.id))


@pytest.mark.parametrize("name", ["", "--dangerously-skip-permissions", "a b", "a\n", "é"])
async def test_no_conversation_is_called_so(stage: AgentStage, name: str) -> None:
    with pytest.raises(BadInput, match="no agent's conversation"):
        await stage.submit(stage.spec(conversation=name))


async def test_a_conversation_in_a_worktree_goes_on_there_alone() -> None:
    stage = Stage()
    stage.providers["claude"] = FakeProvider("claude", auto=Exit(0))
    async with stage.running() as engine:
        before = await stage.submit(provider="claude", workspace=WorkspaceKind.WORKTREE)
        assert await stage.state(before) is TaskState.COMPLETED
        with pytest.raises(BadInput, match="worked in a worktree") as refused:
            await stage.submit(provider="claude", continues=before.id)
        assert "inspan send-back" in refused.value.hint
        assert len((await engine.list()).tasks) == 1
