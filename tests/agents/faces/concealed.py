"""Two agents more that nobody who writes rules for screens has looked at: the sixteenth pair.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API. Their keys
and settings are from their own documentation and programs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face


def _nemo_files(wish: Wish) -> Mapping[str, str]:
    endpoint = {
        "name": "Scripted",
        "tier": "dev-hosted",
        "base_url": f"{wish.base}/v1",
        "api_key_env": "NVIDIA_API_KEY",
        "model_id": "scripted",
        "capabilities": ["chat", "code"],
    }
    settings = {"default_endpoint": "scripted", "endpoints": {"scripted": endpoint}}
    # Else it would tell of the machine first.
    return {
        ".config/nemocode/config.yaml": json.dumps(settings),
        ".config/nemocode/.first_run_done": "",
    }


_NEMO = Agent(
    name="nemocode",
    source="pypi",
    packages=("nemocode==0.1.25",),
    version="0.1.25",
    program="bin/nemo",
    env=lambda wish: {"NVIDIA_API_KEY": KEY},  # noqa: ARG005  # the same for all
    files=_nemo_files,
    modes=(),
)
NEMO = Face(
    agent=_NEMO,
    ready="",
    argv=lambda wish: ["code", *(() if wish.ask else ("--yes",))],
    starts=5.0,
    situations=(),
    allow=("y", "enter"),
    deny=("n", "enter"),
    # What it asks in words is answered by an empty line.
    leave=("enter",),
    # Stopped, it ends.
    patient=True,
    listens=15.0,
    draws=20.0,
    # Lines of an answer break anywhere, so its last word may stand on two.
    rested=r"^\[code\] ▸\s*$",
)


#: What Andromity would fetch and tell.
ANDROMITY_QUIET = {
    "ANDROMITY_AIRGAP": "1",
    "ANDROMITY_AIRGAP_ALLOW": "127.0.0.1",
    "ANDROMITY_NO_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # It would draw its whole screen many times a second: too much for a recording.
    "TEXTUAL_FPS": "4",
}


def _andromity_files(wish: Wish) -> Mapping[str, str]:
    work = str(wish.place.work.resolve())
    known = "p" + hashlib.sha256(work.encode()).hexdigest()[:15]
    mode = "trust" if wish.ask else "full"
    lines = (
        "[default]",
        'provider = "scripted"',
        'model = "scripted"',
        'profile = "builder"',
        f'permission_mode = "{mode}"',
        'reasoning_effort = "auto"',
        "sound_attention = false",
        "[[providers]]",
        'name = "scripted"',
        'type = "openai"',
        f'base_url = "{wish.base}/v1"',
        'model = "scripted"',
        f'api_key = "{KEY}"',
        f"[trusted_projects.{known}]",
        f'path = "{work}"',
        'trusted_at = "2026-01-01T00:00:00+00:00"',
        "",
    )
    return {".andromity/config.toml": "\n".join(lines)}


_ANDROMITY = Agent(
    name="andromity",
    source="pypi",
    packages=("andromity==0.2.24",),
    version="0.2.24",
    program="bin/andromity",
    env=lambda wish: ANDROMITY_QUIET,  # noqa: ARG005  # the same for all
    files=_andromity_files,
    modes=(),
)
ANDROMITY = Face(
    agent=_ANDROMITY,
    ready="",
    argv=lambda wish: [],  # noqa: ARG005  # its settings are a file and the environment
    starts=15.0,
    situations=(),
    # What it asks stands beside its line: past the panel, what closes it, and what it would run.
    allow=("tab", "tab", "tab", "tab", "enter"),
    deny=("tab", "tab", "tab", "tab", "tab", "enter"),
    leave=("escape",),
    # Stopped, it keeps what it is told next until a person has it go on.
    patient=True,
    listens=15.0,
    ponders=4.0,
    draws=30.0,
    # A sign stands before its provider's and model's names where it works; it may be late.
    rested="(^|│) scripted scripted",
)
