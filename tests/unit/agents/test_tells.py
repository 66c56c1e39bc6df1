"""What an agent says that it tells of its use, and when, is what its transcripts show."""

from __future__ import annotations

import pytest

from inspan.agents import signs as s
from inspan.agents.aider import Aider
from inspan.agents.claude import Claude
from inspan.agents.codex import Codex
from inspan.agents.dialect import Dialect, Telling, Turn, When
from inspan.agents.gemini import Gemini
from inspan.agents.opencode import OpenCode
from inspan.agents.pi import Pi
from inspan.agents.vibe import Vibe
from tests.real.goldens import golden

pytestmark = pytest.mark.requirement("C5")

AS_IT_GOES = (When.AS_IT_GOES, When.KEEPS)


@pytest.mark.parametrize(
    ("agent", "mode"),
    [
        (Claude(), "stdio"),
        (Codex(), "app-server"),
        (Pi(), "rpc"),
        (Gemini(), "acp"),
        (OpenCode(), "acp"),
        (Vibe(), "acp"),
        (Aider(), "text"),
    ],
    ids=lambda item: getattr(item, "name", item),
)
def test_it_tells_as_it_goes_or_at_the_end(agent: Dialect, mode: str) -> None:
    assert isinstance(agent, Telling)
    transcript = golden(agent.name, mode, "write_file")
    signs, _ = transcript.told(agent.talk(Turn(prompt="do it", mode=agent.modes[0])))
    counts = [at for at, sign in enumerate(signs) if isinstance(sign, s.Counted)]
    deed = next(at for at, sign in enumerate(signs) if isinstance(sign, s.Said))
    early = counts[0] < deed  # its model was asked once, and will be asked again
    assert early is (agent.tells.tokens in AS_IT_GOES)
    usage = signs[counts[-1]]
    assert isinstance(usage, s.Counted)
    assert usage.usage.written > 0
    if agent.tells.cost is When.NEVER:
        assert usage.usage.cost is None
    if early and agent.tells.cost in AS_IT_GOES:
        assert usage.usage.cost is not None
