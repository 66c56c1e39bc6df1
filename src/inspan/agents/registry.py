"""Which agents there are, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from inspan.agents.aider import Aider
from inspan.agents.claude import Claude
from inspan.agents.codex import Codex
from inspan.agents.dialect import Dialect
from inspan.agents.gemini import Gemini
from inspan.agents.opencode import OpenCode
from inspan.agents.own import api, queen
from inspan.agents.pi import Pi
from inspan.agents.vibe import Vibe

#: name → what makes its dialect.
DIALECTS: Final[Mapping[str, Callable[[], Dialect]]] = MappingProxyType(
    {
        "aider": Aider,
        "claude": Claude,
        "codex": Codex,
        "gemini": Gemini,
        "opencode": OpenCode,
        "pi": Pi,
        "vibe": Vibe,
    }
)
#: Programs of ours that are spoken to as agents are; nobody installs them.
OWN: Final[Mapping[str, Callable[[], Dialect]]] = MappingProxyType({"api": api, "queen": queen})


def find(name: str) -> Dialect | None:
    """The agent of that name; ``None`` where it is none of ours."""
    make = DIALECTS.get(name) or OWN.get(name)
    return None if make is None else make()
