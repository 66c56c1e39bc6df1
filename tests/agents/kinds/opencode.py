"""OpenCode: one shot with a stream of JSON lines, and the Agent Client Protocol."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from tests.agents.acp import Acp
from tests.agents.agent import KEY, Agent, Json, Mode, Wish

#: Its folder of settings.
_OWN = ".config/opencode"


def _env(wish: Wish) -> Mapping[str, str]:
    return {
        "OPENCODE_CONFIG_CONTENT": json.dumps(config(wish)),
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
        "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "SCRIPTED_KEY": KEY,
    }


def config(wish: Wish, key: str = "{env:SCRIPTED_KEY}") -> Json:
    """What it is told of its model and of what it may; also what is made from it."""
    provider = {
        "npm": "@ai-sdk/openai-compatible",  # it is bundled
        "name": "Scripted",
        "options": {"baseURL": f"{wish.base}/v1", "apiKey": key},
        "models": {"scripted": {"name": "Scripted", "tool_call": True}},
    }
    verdict = "ask" if wish.ask else "allow"
    return {
        "provider": {"scripted": provider},
        "model": "scripted/scripted",
        "small_model": "scripted/scripted",
        "permission": {"edit": verdict, "bash": verdict, "webfetch": "deny"},
        "autoupdate": False,
        "share": "disabled",
    }


def _files(wish: Wish) -> Mapping[str, str]:  # noqa: ARG001  # all else is in the environment
    """What it would install for plugins, as if it had: from the network, in every new home."""
    wanted = json.dumps({"packages": {"": {"dependencies": {"@opencode-ai/plugin": "*"}}}})
    return {f"{_OWN}/package-lock.json": wanted, f"{_OWN}/node_modules/.package-lock.json": "{}"}


def _run(wish: Wish) -> list[str]:
    argv = ["run", "--format", "json"]
    return argv if wish.resume is None else [*argv, "--session", wish.resume]


def _acp(wish: Wish) -> list[str]:  # noqa: ARG001  # all is said over the protocol
    return ["acp"]


def _session(lines: Iterable[Json]) -> str | None:
    return next((line["sessionID"] for line in lines if "sessionID" in line), None)


AGENT = Agent(
    name="opencode",
    source="npm",
    packages=("opencode-ai@1.18.33",),
    version="1.18.33",
    program="node_modules/.bin/opencode",
    env=_env,
    files=_files,
    modes=(
        Mode("run", _run, "stdin", session=_session),
        Mode("acp", _acp, "dialogue", dialogue=Acp),
    ),
    identifiers=(r"\b(?:ses|msg|prt|per|evt)_(\w{20,})",),
)
