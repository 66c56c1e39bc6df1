"""Two agents more that nobody who writes rules for screens has looked at: the eleventh pair.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API. Their keys
and settings are from their own documentation and programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face

#: What Zrb would have its model write beside its work, and print before all else.
ZRB_QUIET = {"PYTHONWARNINGS": "ignore", "ZRB_LLM_JOURNAL_ENABLED": "off"}


def _zrb_env(wish: Wish) -> Mapping[str, str]:
    return {
        "ZRB_LLM_MODEL": "openai-chat:scripted",
        "ZRB_LLM_BASE_URL": f"{wish.base}/v1",
        "ZRB_LLM_API_KEY": KEY,
        **ZRB_QUIET,
    }


_ZRB = Agent(
    name="zrb",
    source="pypi",
    packages=("zrb==3.25.0",),
    version="3.25.0",
    program="bin/zrb",
    env=_zrb_env,
    files=lambda wish: {},  # noqa: ARG005  # its settings are in the environment
    modes=(),
)
ZRB = Face(
    agent=_ZRB,
    ready="",
    argv=lambda wish: ["llm", "chat", *([] if wish.ask else ["--yolo", "true"])],
    starts=15.0,
    situations=(),
    allow=("y", "enter"),
    deny=("n", "enter"),
    # A question with options is left as the work is stopped.
    leave=("escape",),
    ponders=4.0,
    draws=20.0,
)


#: Open Codex finds no repository then, and speaks to nobody.
OPEN_CODEX_NOWHERE = {"GIT_DIR": "/nowhere", "OLLAMA_BASE_URL": "http://127.0.0.1:9/v1"}


def _open_codex_env(wish: Wish) -> Mapping[str, str]:
    """Of the providers that it knows it takes an address for this one only, and no key."""
    return {"OLLAMA_BASE_URL": f"{wish.base}/v1"}


def _open_codex_files(wish: Wish) -> Mapping[str, str]:  # noqa: ARG001  # the same for all
    settings = {"model": "scripted", "provider": "ollama"}
    return {".codex/config.json": json.dumps(settings)}


_OPEN_CODEX = Agent(
    name="open-codex",
    source="npm",
    packages=("open-codex@0.1.31",),
    version="0.1.31",
    program="node_modules/.bin/open-codex",
    env=_open_codex_env,
    files=_open_codex_files,
    modes=(),
)
OPEN_CODEX = Face(
    agent=_OPEN_CODEX,
    ready="",
    argv=lambda wish: ["--approval-mode", "suggest" if wish.ask else "full-auto"],
    starts=5.0,
    situations=(),
    allow=("y",),
    deny=("n",),
    stop=("escape", "escape"),
    draws=20.0,
    # It is at rest at once where a person stops it, and its model is heard to its end unseen.
    listens=8.0,
)
