"""Installs an agent's program, at its one version, into the checkout's own cache."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.agents.agent import Agent

CHECKOUT = Path(__file__).parent.parent.parent
CACHE = CHECKOUT / ".cache" / "agents"


def installed(agent: Agent) -> Path | None:
    """Its folder, where it is installed as the description wants it."""
    prefix = CACHE / agent.name
    return prefix if _stamp(prefix) == list(agent.packages) else None


def install(agent: Agent) -> Path:
    """Its folder; raises CalledProcessError where the package client fails."""
    prefix = CACHE / agent.name
    if installed(agent) is not None:
        return prefix
    prefix.mkdir(parents=True, exist_ok=True)
    _npm(prefix, agent)
    (prefix / "stamp.json").write_text(json.dumps(agent.packages), encoding="utf-8")
    return prefix


def _stamp(prefix: Path) -> list[str] | None:
    try:
        packages: list[str] = json.loads((prefix / "stamp.json").read_text(encoding="utf-8"))
    except OSError:
        return None
    return packages


def _npm(prefix: Path, agent: Agent) -> None:
    quiet = ["--no-fund", "--no-audit", "--no-save", "--loglevel=error"]
    words = ["npm", "install", "--prefix", str(prefix), *quiet, *agent.packages]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, timeout=900)
