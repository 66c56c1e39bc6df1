"""Pi: one shot with a stream of JSON lines, and its RPC mode, which is two-way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from tests.agents.agent import KEY, Agent, Json, Mode, Talk, Wish


def _env(wish: Wish) -> Mapping[str, str]:
    return {
        "PI_CODING_AGENT_DIR": str(wish.place.home / ".pi" / "agent"),
        "PI_OFFLINE": "1",
        "PI_TELEMETRY": "0",
        "SCRIPTED_KEY": KEY,
    }


def _files(wish: Wish) -> Mapping[str, str]:
    cost = {"input": 3, "output": 15, "cacheRead": 0, "cacheWrite": 0}  # a million tokens, in USD
    model = {
        "id": "scripted",
        "name": "Scripted",
        "reasoning": False,
        "input": ["text"],
        "cost": cost,
        "contextWindow": 128_000,
        "maxTokens": 4096,
    }
    provider = {
        "baseUrl": f"{wish.base}/v1",
        "api": "openai-completions",
        "apiKey": "SCRIPTED_KEY",
        "models": [model],
    }
    return {".pi/agent/models.json": json.dumps({"providers": {"scripted": provider}})}


def _argv(mode: str, wish: Wish) -> list[str]:
    argv = ["--provider", "scripted", "--model", "scripted", "--mode", mode]
    return argv if wish.resume is None else [*argv, "--session", wish.resume]


def _json(wish: Wish) -> list[str]:
    return [*_argv("json", wish), "-p"]


def _rpc(wish: Wish) -> list[str]:
    return _argv("rpc", wish)


def _session(lines: Iterable[Json]) -> str | None:
    return next((line["id"] for line in lines if line["type"] == "session"), None)


class _Rpc:
    """Commands with an id of ours, responses to them, and events.

    An agent that will try again says so after its end, so what follows an end waits for the answer
    to a question asked there: by then it has been said.
    """

    def __init__(self, talk: Talk) -> None:
        self.over = False
        self.session: str | None = None
        self.asking = False  # it never asks
        self._prompts = list(talk.prompts)
        self._retrying = False

    def open(self) -> Iterable[Json]:
        yield {"id": "ours-state", "type": "get_state"}

    def hear(self, message: Json) -> Iterable[Json]:
        kind = message["type"]
        if kind == "response":
            yield from self._answered(message)
        elif kind in {"auto_retry_start", "auto_retry_end"}:
            self._retrying = kind == "auto_retry_start"
        elif kind == "agent_end":
            self._retrying = False
            yield {"id": "ours-stats", "type": "get_session_stats"}

    def interrupt(self) -> Iterable[Json]:
        yield {"id": "ours-abort", "type": "abort"}

    def _answered(self, message: Json) -> Iterable[Json]:
        if message["command"] == "get_state":
            self.session = message["data"]["sessionId"]
        if message["command"] in {"get_state", "get_session_stats"} and not self._retrying:
            yield from self._next()
        elif not message["success"]:
            self.over = True

    def _next(self) -> Iterable[Json]:
        if self._prompts:
            yield {"id": "ours-prompt", "type": "prompt", "message": self._prompts.pop(0)}
        else:
            self.over = True


AGENT = Agent(
    name="pi",
    source="npm",
    packages=("@mariozechner/pi-coding-agent@0.73.1",),
    version="0.73.1",
    program="node_modules/.bin/pi",
    env=_env,
    files=_files,
    modes=(
        Mode("json", _json, "stdin", session=_session),
        Mode("rpc", _rpc, "dialogue", dialogue=_Rpc),
    ),
)
