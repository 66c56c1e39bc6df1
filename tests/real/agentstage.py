"""An engine with the clock in a test's hand, whose agents are real processes of a real keeper."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio

from inspan.engine.rules import Rules
from inspan.model.task import Task, TaskSpec, TaskState
from inspan.model.timeouts import LoginRules
from inspan.providers.login import Logins
from tests.real.agenthome import AgentHome, agent_home
from tests.unit.engine.stage import Stage


class AgentStage(Stage):
    """A stage on which ``claude`` is whatever ``home`` has it play."""

    def __init__(self, home: AgentHome, rules: Rules | None = None) -> None:
        super().__init__(rules)
        self.home = home
        self.logins = Logins(self.clock, LoginRules)
        self.providers["claude"] = home.provider(self.logins)

    def spec(self, **changes: Any) -> TaskSpec:
        """What the home's program is to do."""
        env = {"PATH": f"{self.home.root / 'bin'}:{os.environ['PATH']}"}
        given = {"provider": "claude", "prompt": "do it", "cwd": str(self.home.work), "env": env}
        return TaskSpec(**{**given, **changes})

    def runs(self, script: str) -> None:
        """The agent is a shell script from now on, which is logged in."""
        program = self.home.root / "bin" / "claude"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        self.home.tells_login("exit 0")

    async def comes_to(self, task: Task, *states: TaskState, step: float = 0.0) -> Task:
        """The task once it is in one of these, with ``step`` seconds of the clock at each look."""

        async def there() -> bool:
            await self.clock.advance(step)
            return await self.state(task) in states

        await eventually(there)
        return await self.engine.get(task.id)

    async def tells(self, task: Task, fact: str, count: int = 1) -> None:
        """Until that was stored so often."""

        async def told() -> bool:
            return (await self.facts(task)).count(fact) >= count

        await eventually(told)


@asynccontextmanager
async def agent_stage(rules: Rules | None = None) -> AsyncIterator[AgentStage]:
    """One with its engine at work."""
    async with agent_home() as home:
        stage = AgentStage(home, rules)
        async with stage.running():
            yield stage


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Until it holds: what is waited for is done by real processes."""
    with anyio.fail_after(30):
        while not await condition():  # noqa: ASYNC110 - other processes set no event
            await anyio.sleep(0.01)
