"""Aider: one shot, in plain text. Its model is offered no tools: it answers with whole files."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Mode, Wish


def _env(wish: Wish) -> Mapping[str, str]:
    return {
        "AIDER_ANALYTICS": "false",
        "OPENAI_API_BASE": f"{wish.base}/v1",
        "OPENAI_API_KEY": KEY,
    }


def _files(wish: Wish) -> Mapping[str, str]:  # noqa: ARG001  # the same for all
    # Its own copy of a price list, that it would fetch otherwise.
    model = {
        "litellm_provider": "openai",
        "mode": "chat",
        "max_input_tokens": 128_000,
        "max_output_tokens": 4096,
        "input_cost_per_token": 3e-6,
        "output_cost_per_token": 15e-6,
    }
    prices = json.dumps({"openai/scripted": model})
    return {".aider/caches/model_prices_and_context_window.json": prices}


def _text(wish: Wish) -> list[str]:
    quiet = ["--no-check-update", "--analytics-disable", "--no-pretty"]
    quiet += ["--no-show-model-warnings", "--no-show-release-notes", "--no-gitignore"]
    edits = ["--edit-format", "whole", "--map-tokens", "0"]
    agree = [] if wish.ask else ["--yes-always"]
    model = ["--model", "openai/scripted"]
    return [*model, *edits, *agree, *quiet, "--message", wish.prompt]


AGENT = Agent(
    name="aider",
    source="pypi",
    packages=("aider-chat==0.86.2",),
    version="0.86.2",
    program="bin/aider",
    env=_env,
    files=_files,
    modes=(Mode("text", _text, "argv"),),
    bare=True,
    identifiers=(r"\bCommit ([0-9a-f]{7})\b",),
)
