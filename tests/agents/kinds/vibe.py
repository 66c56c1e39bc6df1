"""Mistral Vibe: one shot with a stream of JSON lines, and the Agent Client Protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.agents.acp import Acp
from tests.agents.agent import KEY, Agent, Json, Mode, Wish

_CONFIG = """\
active_model = "scripted"
enable_auto_update = false
enable_update_checks = false
enable_telemetry = false

[[providers]]
name = "scripted"
api_base = "{base}/v1"
api_key_env_var = "SCRIPTED_KEY"
backend = "generic"

[[models]]
name = "scripted"
provider = "scripted"
alias = "scripted"
"""


def _env(wish: Wish) -> Mapping[str, str]:
    return {"SCRIPTED_KEY": KEY, "VIBE_HOME": str(wish.place.home / ".vibe")}


def _files(wish: Wish) -> Mapping[str, str]:
    return {".vibe/config.toml": _CONFIG.format(base=wish.base)}


def _stream(wish: Wish) -> list[str]:
    argv = ["--output", "streaming", "--trust"]
    if not wish.ask:
        argv.append("--auto-approve")
    if wish.resume is not None:
        argv += ["--resume", wish.resume]
    return [*argv, "-p"]


def _session(lines: Iterable[Json]) -> str | None:
    return next((line["sessionId"] for line in lines if "sessionId" in line), None)


def _acp(wish: Wish) -> list[str]:  # noqa: ARG001  # all is said over the protocol
    return []


AGENT = Agent(
    name="vibe",
    source="pypi",
    packages=("mistral-vibe==3.0.2",),
    version="3.0.2",
    program="bin/vibe",
    env=_env,
    files=_files,
    modes=(
        Mode("stream", _stream, "stdin", session=_session),
        Mode("acp", _acp, "dialogue", dialogue=Acp, program="bin/vibe-acp"),
    ),
    identifiers=(r"turn-([0-9a-f]{32})",),
)
