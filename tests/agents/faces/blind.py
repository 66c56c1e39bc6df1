"""Two agents that rules for screens were measured on before anybody who writes rules had seen them.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API. Their keys
and settings are from their own documentation and programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face

#: What Letta Code would fetch and report.
LETTA_QUIET = {"DISABLE_AUTOUPDATER": "1", "LETTA_CODE_TELEM": "0"}


def _letta_files(wish: Wish) -> Mapping[str, str]:
    provider = {
        "id": "local-provider-lc-lmstudio",
        "name": "lc-lmstudio",
        "provider_type": "lmstudio",
        "provider_category": "byok",
        "auth": {"type": "api", "key": KEY},
        "base_url": f"{wish.base}/v1",
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:00.000Z",
    }
    kept = {"version": 1, "providers": {provider["name"]: provider}}
    return {".letta/lc-local-backend/providers/auth.json": json.dumps(kept)}


_LETTA = Agent(
    name="letta",
    source="npm",
    packages=("@letta-ai/letta-code@0.25.9",),
    version="0.25.9",
    program="node_modules/.bin/letta",
    env=lambda wish: LETTA_QUIET,  # noqa: ARG005  # the same for all
    files=_letta_files,
    modes=(),
)
LETTA = Face(
    agent=_LETTA,
    ready="",
    argv=lambda wish: [
        *("--backend", "local", "--new-agent", "-m", "lmstudio/scripted", "--permission-mode"),
        "standard" if wish.ask else "unrestricted",
    ],
    starts=12.0,
    situations=(),
    ponders=4.0,
    rests=2.5,
    listens=9.0,
)


#: What its model runs to say that it has finished; a person is not asked for that.
_MINI_ENDS = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
#: What mini would fetch, and print before all else.
MINI_QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONWARNINGS": "ignore"}


def _mini_env(wish: Wish) -> Mapping[str, str]:
    return {
        "MSWEA_CONFIGURED": "true",
        "MSWEA_MODEL_NAME": "openai/scripted",
        "MSWEA_COST_TRACKING": "ignore_errors",
        "OPENAI_API_KEY": KEY,
        "OPENAI_API_BASE": f"{wish.base}/v1",
        **MINI_QUIET,
    }


_MINI = Agent(
    name="mini-swe",
    source="pypi",
    # What it asks its model by is not whole without the last.
    packages=("mini-swe-agent==2.4.6", "litellm==1.106.2", "mcp==2.3.0"),
    version="2.4.6",
    program="bin/mini",
    env=_mini_env,
    files=lambda wish: {},  # noqa: ARG005  # the same for all
    modes=(),
)
MINI = Face(
    agent=_MINI,
    ready="",
    argv=lambda wish: [
        *("-l", "0", "-c", "mini.yaml", "-c", f'agent.whitelist_actions=["{_MINI_ENDS}"]'),
        *([] if wish.ask else ["--yolo"]),
    ],
    starts=8.0,
    situations=(),
    send=("\x1b\r",),
    deny=("not that", "enter"),
    stop=("ctrl-c",),
    ends=_MINI_ENDS,
    frail=True,
)
