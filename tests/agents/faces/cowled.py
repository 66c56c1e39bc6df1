"""Two agents more that nobody who writes rules for screens has looked at: the eighteenth pair.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API. Their keys
and settings are from their own documentation and programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face

#: What Grok Build would fetch and tell.
GROK_QUIET = {
    "GROK_DISABLE_AUTOUPDATER": "1",
    "GROK_TELEMETRY_ENABLED": "0",
    "GROK_CAMPAIGNS": "0",
    "GROK_FEEDBACK_ENABLED": "0",
}
_GROK_SETTINGS = ".grok/config.toml"


def grok_silent(wish: Wish) -> Mapping[str, str]:  # noqa: ARG001  # the same for all
    """Without what it would look up elsewhere, and ask its model for unasked."""
    lines = (
        "[cli]",
        "auto_update = false",
        "show_tips = false",
        "use_leader = false",
        "[features]",
        "remote_fetch = false",
        "managed_config = false",
        "telemetry = false",
        "feedback = false",
        "session_recap = false",
        "turn_summary = false",
        # What was stopped would stand in its line again.
        "cancel_rewind = false",
        "title_refresh = false",
        "[ui]",
        # It would ask its model what the person may want to say next.
        "prompt_suggestions = false",
        # Its first answer would be that it never asks again.
        'default_selected_permission = "allow_once"',
        "",
    )
    return {_GROK_SETTINGS: "\n".join(lines)}


def _grok_files(wish: Wish) -> Mapping[str, str]:
    lines = (
        "[models]",
        'default = "scripted"',
        "[model.scripted]",
        'model = "scripted"',
        'name = "Scripted"',
        f'base_url = "{wish.base}/v1"',
        'env_key = "SCRIPTED_KEY"',
        'api_backend = "chat_completions"',
        "context_window = 200000",
        "",
    )
    return {_GROK_SETTINGS: grok_silent(wish)[_GROK_SETTINGS] + "\n".join(lines)}


_GROK = Agent(
    name="grok-build",
    source="npm",
    packages=("@xai-official/grok@1.0.41",),
    version="1.0.41",
    program="node_modules/@xai-official/grok/bin/grok-native",
    env=lambda wish: {"SCRIPTED_KEY": KEY, **GROK_QUIET},  # noqa: ARG005  # the same for all
    files=_grok_files,
    modes=(),
)
GROK_BUILD = Face(
    agent=_GROK,
    ready="",
    argv=lambda wish: ["--permission-mode", "default" if wish.ask else "bypassPermissions"],
    starts=6.0,
    situations=(),
    # Escape answers nothing, and stops nothing.
    deny=("ctrl-c",),
    leave=("X",),
    # It asks before some commands only.
    through="sh -c",
    stop=("ctrl-c",),
    listens=9.0,
    draws=20.0,
)


#: Where nobody tells it of a key, it would ask the machine's provider for one.
STRANDS_NOWHERE = {"AWS_EC2_METADATA_DISABLED": "true"}
#: Its own documents say that a provider of one's own is a program in the folder it works in.
_STRANDS_PROVIDER = """\
from strands.models.openai import OpenAIModel


def instance(base_url):
    return OpenAIModel(client_args={"base_url": base_url}, model_id="scripted")
"""


def _strands_files(wish: Wish) -> Mapping[str, str]:
    return {f"../{wish.place.work.name}/.models/scripted.py": _STRANDS_PROVIDER}


def _strands_argv(wish: Wish) -> Sequence[str]:
    settings = json.dumps({"base_url": f"{wish.base}/v1"})
    return ["--model-provider", "scripted", "--model-config", settings]


def _strands_env(wish: Wish) -> Mapping[str, str]:
    return {"OPENAI_API_KEY": KEY} | ({} if wish.ask else {"BYPASS_TOOL_CONSENT": "true"})


_STRANDS = Agent(
    name="strands",
    source="pypi",
    packages=(
        "strands-agents-builder==0.1.10",
        "strands-agents[openai]==1.62.0",
        "strands-agents-tools==0.8.10",
    ),
    version="0.1.10",
    program="bin/strands",
    env=_strands_env,
    files=_strands_files,
    modes=(),
)
STRANDS = Face(
    agent=_STRANDS,
    ready="",
    argv=_strands_argv,
    starts=10.0,
    situations=(),
    allow=("y", "enter"),
    # Else it would ask why.
    deny=("no", "enter"),
    # Stopped, it ends.
    patient=True,
    listens=15.0,
    draws=20.0,
    # Lines of an answer break anywhere, so its last word may stand on two.
    rested=r"^~\s*$",
)
