"""The real agents on a terminal: the screen rules say what each does at every moment that is known.

`make test-agents` installs them first. A test that fails here after a new version is pinned says
which rule has to be mended; `python -m tests.agents.faces.record` records what it is mended with.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import anyio
import pytest

from inspan.terminal.screen import backends
from tests.agents.endpoint.serve import serving
from tests.agents.faces.face import Face
from tests.agents.faces.faces import FACES
from tests.agents.faces.record import live
from tests.agents.install import needed
from tests.agents.kinds import wanted
from tests.fakes.labelled import misread

pytestmark = [
    pytest.mark.agents,
    pytest.mark.requirement("B4"),
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]

EVERY = [
    pytest.param(FACES[agent.name], situation, id=f"{agent.name}-{situation}")
    for agent in wanted(os.environ.get("AGENTS", ""))
    if agent.name in FACES
    for situation in FACES[agent.name].situations
]


@pytest.mark.parametrize(("face", "situation"), EVERY)
def test_the_rules_say_what_it_does(face: Face, situation: str) -> None:
    needed(face.agent)
    # A socket's path is short, and the agents show where they work.
    with serving() as endpoint, tempfile.TemporaryDirectory(prefix="f-") as root:
        lived = anyio.run(live, face, situation, endpoint, Path(root) / situation)
        assert lived.labels
        assert misread(lived.folder, face.agent.name, lived.labels, backends()[0]) == []
