"""What the tests of agents under inspan share: an endpoint for each, and that nothing is left."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from inspan.model.agent import Mode
from tests.agents.agent import Agent
from tests.agents.endpoint.serve import serving
from tests.agents.guided import Guided
from tests.agents.install import needed
from tests.agents.kinds import wanted
from tests.real.daemon import Daemon

#: The agents that this run is about.
WANTED: Final = wanted(os.environ.get("AGENTS", ""))
#: Makes an agent ready: in this mode, through this scenario.
Guide = Callable[..., Guided]


@contextmanager
def guiding(daemon: Daemon, root: Path) -> Iterator[Guide]:
    """Makes the one agent of a test ready to be run, and looks that nothing of it is left."""
    made: list[Guided] = []

    def guided(agent: Agent, mode: Mode, scenario: str, *, ask: bool = False) -> Guided:
        prefix = needed(agent).resolve()
        made.append(Guided(agent, mode, scenario, prefix, daemon, endpoint, root=root, ask=ask))
        return made[-1]

    with serving() as endpoint:
        yield guided
    left = [each.left for each in made]
    for each in made:
        each.end()
    assert not any(left), left
