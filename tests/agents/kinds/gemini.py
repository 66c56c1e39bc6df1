"""Gemini CLI: one shot with a stream of JSON lines, and the Agent Client Protocol."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from tests.agents.acp import Acp
from tests.agents.agent import KEY, Agent, Json, Mode, Wish

_SETTINGS = {
    "general": {
        "disableAutoUpdate": True,
        "enableAutoUpdate": False,
        "enablePromptCompletion": False,
    },
    "privacy": {"usageStatisticsEnabled": False},
    "security": {
        "auth": {"selectedType": "gemini-api-key"},
        "folderTrust": {"enabled": False},
    },
    "telemetry": {"enabled": False},
}


def _env(wish: Wish) -> Mapping[str, str]:
    return {
        "GEMINI_API_KEY": KEY,
        "GEMINI_CLI_NO_RELAUNCH": "true",  # it would start itself a second time
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
        "GEMINI_MODEL": "scripted",
        "GOOGLE_GEMINI_BASE_URL": wish.base,
    }


def _files(wish: Wish) -> Mapping[str, str]:  # noqa: ARG001  # the same for all
    return {".gemini/settings.json": json.dumps(_SETTINGS)}


def _stream(wish: Wish) -> list[str]:
    argv = ["--output-format", "stream-json"]
    argv += ["--approval-mode", "default" if wish.ask else "yolo"]
    return argv if wish.resume is None else [*argv, "--resume", wish.resume]


def _acp(wish: Wish) -> list[str]:
    return ["--acp"] if wish.ask else ["--acp", "--approval-mode", "yolo"]


def _session(lines: Iterable[Json]) -> str | None:
    return next((line["session_id"] for line in lines if line["type"] == "init"), None)


AGENT = Agent(
    name="gemini",
    source="npm",
    packages=("@google/gemini-cli@0.61.0",),
    version="0.61.0",
    program="node_modules/.bin/gemini",
    env=_env,
    files=_files,
    modes=(
        Mode("stream", _stream, "stdin", session=_session),
        # It names a session's file by the minute, and begins it anew when it loads the session.
        Mode("acp", _acp, "dialogue", dialogue=Acp, loses_young_sessions=True, files=True),
    ),
    identifiers=(r"_(1[789]\d{11})_\d", r"gemini-shell-(\w{6})\b"),
)
