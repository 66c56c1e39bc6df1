"""Installs the agents' programs, each at its one version, into the checkout's own cache.

`python -m tests.agents.install [AGENT…]`; `make test-agents` does it first.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agents.agent import Agent
from tests.agents.faces.buried import JOSHU, RETIE
from tests.agents.faces.cloaked import JANITO, PATCHPAL
from tests.agents.faces.concealed import ANDROMITY, NEMO
from tests.agents.faces.covered import KOLEGA, WIZOLT
from tests.agents.faces.cowled import GROK_BUILD, STRANDS
from tests.agents.faces.curtained import MYCODE, VAGUE
from tests.agents.faces.draped import PAIRWIT, POOH
from tests.agents.faces.held import KIMI
from tests.agents.faces.hidden import EDITH, MARIM
from tests.agents.faces.hooded import ITE, POSTAL
from tests.agents.faces.mantled import AGENTAO, ARIA
from tests.agents.faces.masked import OPEN_CODEX, ZRB
from tests.agents.faces.muffled import TURNLOOP, WINDCODE
from tests.agents.faces.sealed import HERMES, PUPPY
from tests.agents.faces.shrouded import ASICODE, AXON
from tests.agents.faces.veiled import INTERPRETER, MASTRA
from tests.agents.faces.wrapped import HUBBLE, JASMINE
from tests.agents.kinds import AGENTS, wanted
from tests.agents.kinds.adapters import ADAPTERS

CHECKOUT = Path(__file__).parent.parent.parent
CACHE = CHECKOUT / ".cache" / "agents"
#: No agent, but what speaks to one through us.
AGENTAPI_CLIENT = Agent(
    name="mcp-agentapi",
    source="pypi",
    packages=("mcp-agentapi==1.0.0", "pydantic==2.10.6"),  # newer ones break its mcp
    version="1.0.0",
    program="bin/python",
    env=lambda _: {},
    files=lambda _: {},
    modes=(),
)
#: In seconds; the largest has some 500 MB.
LONGEST = 1200
#: What a package of Mastra Code's would fetch from elsewhere: libraries for graphics processors.
#: Grok Build's puts a second copy of its program there, else below HOME.
SPARED = {
    "ONNXRUNTIME_NODE_INSTALL": "skip",
    "GROK_HOME": str(CACHE / "grok-build" / "home"),
}
#: Of which only the faces are recorded: only where somebody names them.
RECORDED = {
    each.name: each
    for each in (
        HERMES.agent,
        PUPPY.agent,
        MASTRA,
        INTERPRETER,
        JANITO.agent,
        PATCHPAL.agent,
        OPEN_CODEX.agent,
        ZRB.agent,
        WIZOLT.agent,
        KOLEGA.agent,
        POSTAL.agent,
        ITE.agent,
        ASICODE.agent,
        AXON.agent,
        MARIM.agent,
        EDITH.agent,
        NEMO.agent,
        ANDROMITY.agent,
        VAGUE.agent,
        MYCODE.agent,
        GROK_BUILD.agent,
        STRANDS.agent,
        ARIA.agent,
        AGENTAO.agent,
        PAIRWIT.agent,
        POOH.agent,
        TURNLOOP.agent,
        WINDCODE.agent,
        JASMINE.agent,
        HUBBLE.agent,
        JOSHU.agent,
        RETIE.agent,
    )
}


def installed(agent: Agent) -> Path | None:
    """Its folder, where it is installed as the description wants it."""
    prefix = CACHE / agent.name
    return prefix if _stamp(prefix) == list(agent.packages) else None


def needed(agent: Agent) -> Path:
    """Its folder; the test that asks is skipped where it is not installed."""
    prefix = installed(agent)
    if prefix is None:
        pytest.skip(f"{agent.name} is not installed: make test-agents")
    return prefix


def install(agent: Agent) -> Path:
    """Its folder; raises CalledProcessError where the package client fails."""
    prefix = CACHE / agent.name
    if installed(agent) is not None:
        return prefix
    print(f"installing {' '.join(agent.packages)}", flush=True)
    shutil.rmtree(prefix, ignore_errors=True)
    prefix.mkdir(parents=True)
    words = _npm(prefix) if agent.source == "npm" else _pypi(prefix, agent.python)
    subprocess.run(
        [*words, *agent.packages],
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=LONGEST,
        cwd=CHECKOUT,
        env={**os.environ, **SPARED},
    )
    (prefix / "stamp.json").write_text(json.dumps(agent.packages), encoding="utf-8")
    return prefix


def _stamp(prefix: Path) -> list[str] | None:
    try:
        packages: list[str] = json.loads((prefix / "stamp.json").read_text(encoding="utf-8"))
    except OSError:
        return None
    return packages


def _npm(prefix: Path) -> list[str]:
    quiet = ["--no-fund", "--no-audit", "--no-save", "--loglevel=error"]
    return ["npm", "install", "--prefix", str(prefix), *quiet]


def _pypi(prefix: Path, python: str) -> list[str]:
    return ["tools/setup", str(prefix), python]


def main(names: list[str]) -> int:
    further = [RECORDED[name] for name in names if name in RECORDED]
    others = [name for name in names if name not in RECORDED]
    try:
        agents = wanted(" ".join(others)) if others or not names else []
    except KeyError as name:
        known = ", ".join((*AGENTS, *RECORDED))
        print(f"there is no agent {name} here, but {known}", file=sys.stderr)
        return 2
    for agent in (*agents, *further):
        install(agent)
        if (adapter := ADAPTERS.get(f"{agent.name}-acp")) is not None:
            install(adapter)
    if not names:
        install(KIMI)  # of the agents that somebody declares, the one whose commands we run
        install(AGENTAPI_CLIENT)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
