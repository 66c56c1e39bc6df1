"""A keeper with agents in it whose programs play golden transcripts."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio.to_thread

from inspan.agents.claude import Claude
from inspan.agents.dialect import Dialect
from inspan.clock import SystemClock
from inspan.engine.ports import Order
from inspan.keeper.client import KeeperClient, ensure
from inspan.model.agent import Mode
from inspan.model.ids import session_id, ulid
from inspan.model.task import TerminalSpec
from inspan.providers.agent import AgentProvider
from inspan.providers.login import Logins
from inspan.providers.process import Processes
from inspan.providers.screens import Screens
from tests.real.daemon import alive, until
from tests.real.goldens import ROOT

_TESTS = Path(__file__).parents[1]
PLAYER = _TESTS / "fakes" / "golden_agent.py"


def showing(agent: str, situation: str, *stops: str) -> str:
    """The command line of a player of that recorded screen."""
    folder = _TESTS / "golden" / "screens" / agent / situation
    return shlex.join(
        [sys.executable, str(_TESTS / "fakes" / "screen_player.py"), str(folder), *stops]
    )


@asynccontextmanager
async def agent_home() -> AsyncIterator[AgentHome]:
    """One, gone with all of its processes when the block is left."""
    # A socket's path may not be longer than about 100 bytes, and pytest's own are.
    root = Path(tempfile.mkdtemp(prefix="ia-"))
    keeper = await ensure(root / "k.sock", root)
    try:
        yield AgentHome(root, keeper)
    finally:
        await keeper.shutdown(force=True)
        await keeper.close()
        # It writes to its folder until it has ended.
        await anyio.to_thread.run_sync(until, lambda: not alive(keeper.pid), "the keeper to end")
        shutil.rmtree(root)


class AgentHome:
    """A keeper, and a folder in which ``claude`` is a player of goldens."""

    def __init__(self, root: Path, keeper: KeeperClient) -> None:
        self.root = root
        self.keeper = keeper
        self.work = root / "work"
        self.work.mkdir()
        (root / "bin").mkdir()

    def provider(
        self, logins: Logins | None = None, dialect: Dialect | None = None
    ) -> AgentProvider:
        async def get() -> KeeperClient:
            return self.keeper

        processes = Processes(get, self.root / "recordings", Screens(SystemClock()))
        return AgentProvider(dialect or Claude(), processes, logins)

    def tells_login(self, script: str) -> None:
        """Asked for its login, the program runs ``script``; else it does what it did."""
        program = self.root / "bin" / "claude"
        first, rest = program.read_text().split("\n", 1)
        asked = f'if [ "$1 $2" = "auth status" ]; then {script}; fi'
        program.write_text(f"{first}\n{asked}\n{rest}")

    def plays(
        self,
        scenario: str,
        *more: str,
        agent: str = "claude",
        mode: str = "stdio",
        then: str = "exit $?",
    ) -> Order:
        """What starts an agent that plays ``scenario`` and does ``then`` at its input's end."""
        golden = ROOT / agent / mode / scenario
        command = shlex.join([sys.executable, str(PLAYER), str(golden), *more])
        return self._order(agent, f"{command}\n{then}")

    def shows(self, situation: str, *stops: str, agent: str = "claude") -> Order:
        """What starts an agent on a terminal that shows ``situation``; see ``screen_player``."""
        return replace(
            self._order(agent, f"exec {showing(agent, situation, *stops)}"),
            mode=Mode.PTY,
            terminal=TerminalSpec(cols=100, rows=30),
        )

    def types(self, how: str, prompt: str = "") -> Order:
        """What starts an agent on a terminal with an input line; see ``typed_agent``."""
        command = shlex.join([sys.executable, str(_TESTS / "fakes" / "typed_agent.py"), how])
        return replace(
            self._order("claude", f'exec {command} "$@"'),
            mode=Mode.PTY,
            prompt=prompt,
            terminal=TerminalSpec(cols=100, rows=30),
        )

    def turns(self, mode: Mode) -> Order:
        """What starts an agent whose turn N lasts until there is a file ``go-N``."""
        words = ["turning_agent.py"] if mode is Mode.STREAM else ["typed_agent.py", "turns"]
        command = shlex.join([sys.executable, str(_TESTS / "fakes" / words[0]), *words[1:]])
        order = self._order("claude", f'exec {command} "$@"')
        terminal = TerminalSpec(cols=100, rows=30) if mode is Mode.PTY else TerminalSpec(pty=False)
        return replace(order, mode=mode, terminal=terminal)

    def _order(self, agent: str, line: str) -> Order:
        program = self.root / "bin" / agent
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)
        return Order(
            session=session_id(ulid(0, os.urandom(10)), 1),
            command=(),
            prompt="do it",
            cwd=str(self.work),
            env={"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}"},
            terminal=TerminalSpec(),
        )

    def heard(self) -> list[dict[str, Any]]:
        """What the agent was sent."""
        return [json.loads(line) for line in (self.work / "heard").read_bytes().splitlines()]
