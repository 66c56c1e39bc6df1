"""The agents that are tested, one file each: where from, which settings, which command line."""

from __future__ import annotations

from collections.abc import Mapping

from tests.agents.agent import Agent
from tests.agents.kinds import aider, claude, codex, gemini, opencode, pi, vibe

_ALL = (claude.AGENT, codex.AGENT, pi.AGENT, gemini.AGENT, opencode.AGENT, vibe.AGENT, aider.AGENT)
#: In the order in which they are installed and driven.
AGENTS: Mapping[str, Agent] = {agent.name: agent for agent in _ALL}


def wanted(names: str) -> list[Agent]:
    """Those named, with spaces between, or all; raises KeyError for one that there is not."""
    return [AGENTS[name] for name in names.split() or AGENTS]
