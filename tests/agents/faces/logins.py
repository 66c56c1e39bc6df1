"""The same agents where nobody is logged in: nothing tells them of a provider or a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tests.agents.agent import Wish
from tests.agents.faces import faces
from tests.agents.faces.face import Face


def _nothing(wish: Wish) -> Mapping[str, str]:  # noqa: ARG001  # the same for all
    return {}


def _bare(face: Face, *words: str, **kept: str) -> Face:
    """With these words and variables, and no file."""
    agent = replace(face.agent, env=lambda wish: kept, files=_nothing)  # noqa: ARG005  # always
    return replace(face, agent=agent, argv=lambda wish: words, files=_nothing)  # noqa: ARG005


LOGINS: Mapping[str, Face] = {
    face.agent.name: face
    for face in (
        _bare(faces.OPENCODE, OPENCODE_DISABLE_AUTOUPDATE="1", OPENCODE_DISABLE_MODELS_FETCH="1"),
        _bare(faces.VIBE, "--trust"),
        _bare(faces.AIDER, "--no-check-update", "--analytics-disable", "--no-gitignore"),
        _bare(faces.PI),
        _bare(faces.QWEN),
        _bare(faces.CONTINUE, CONTINUE_TELEMETRY_ENABLED="0"),
        _bare(faces.CLINE, "--tui", CLINE_DISABLE_CLINE_PASS_NOTICE="1"),
        _bare(faces.GPTME),
        _bare(faces.KIMI, KIMI_CLI_NO_AUTO_UPDATE="1"),
        _bare(faces.NANOCODER, NANOCODER_TRUST_DIRECTORY="1"),
    )
}
