"""Claude Code and Codex over the Agent Client Protocol, by adapters that bring agents of their own.

The agents themselves are installed beside them, since inspan wants both to be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tests.agents.acp import Acp
from tests.agents.agent import Agent, Mode, Wish
from tests.agents.kinds import claude, codex


def _alone(wish: Wish) -> list[str]:  # noqa: ARG001  # all is said over the protocol
    return []


CLAUDE = replace(
    claude.AGENT,
    name="claude-acp",
    packages=("@agentclientprotocol/claude-agent-acp@0.100.0", *claude.AGENT.packages),
    version="0.100.0",
    modes=(
        Mode("acp", _alone, "dialogue", dialogue=Acp, program="node_modules/.bin/claude-agent-acp"),
    ),
)
CODEX = replace(
    codex.AGENT,
    name="codex-acp",
    packages=("@agentclientprotocol/codex-acp@2.6.0", *codex.AGENT.packages),
    version="2.6.0",
    modes=(Mode("acp", _alone, "dialogue", dialogue=Acp, program="node_modules/.bin/codex-acp"),),
)

#: By what they are called here; inspan calls them as the agents.
ADAPTERS: Mapping[str, Agent] = {agent.name: agent for agent in (CLAUDE, CODEX)}
