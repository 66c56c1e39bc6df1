"""The agents that are tested, one file each: where from, which settings, which command line."""

from __future__ import annotations

from collections.abc import Mapping

from tests.agents.agent import Agent
from tests.agents.kinds import claude

#: In the order in which they are installed and driven.
AGENTS: Mapping[str, Agent] = {agent.name: agent for agent in (claude.AGENT,)}
