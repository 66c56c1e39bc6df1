"""A session spoken to by a client of agentapi that others wrote: mcp-agentapi, as PyPI has it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agents import agentapi_client
from tests.agents.install import AGENTAPI_CLIENT, needed
from tests.e2e.test_agentapi import ECHO
from tests.e2e.test_network import LISTENING, url_of
from tests.real.console import Console

pytestmark = [
    pytest.mark.agents,
    pytest.mark.timeout(120),
    pytest.mark.requirement("C6", "C4"),
]


def test_a_client_of_others_speaks_to_a_session() -> None:
    python = needed(AGENTAPI_CLIENT) / AGENTAPI_CLIENT.program
    with Console(LISTENING) as console:
        task = console.say("add", "--cwd", str(console.home), "--", sys.executable, "-c", ECHO)
        token = console.say("token", "new", "theirs", "--scope", "write", "--scope", "attach-write")
        base = f"{url_of(console)}/v1/tasks/{task}/agentapi"
        told = subprocess.run(
            [python, Path(agentapi_client.__file__), base, token, "hello"],
            capture_output=True,
            timeout=90,
            check=False,
        )
        assert told.returncode == 0, told.stderr.decode()
    assert json.loads(told.stdout) == {
        "sent": {"ok": True},
        "status": "stable",
        "messages": [["agent", "ready"], ["user", "hello"], ["agent", "hello\nyou said hello"]],
    }
