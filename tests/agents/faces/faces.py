"""The faces that are recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Wish
from tests.agents.faces.face import Face
from tests.agents.kinds import claude, codex, gemini, pi


def _claude_files(wish: Wish, *, trusted: bool = True) -> Mapping[str, str]:
    project = {"hasTrustDialogAccepted": trusted, "hasCompletedProjectOnboarding": trusted}
    settings = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
        "projects": {str(wish.place.work): project},
    }
    return {".claude/.claude.json": json.dumps(settings)}


_CODEX = ".codex/config.toml"


def _codex_files(wish: Wish) -> Mapping[str, str]:
    return {_CODEX: codex.AGENT.files(wish)[_CODEX] + _codex_trust(wish)}


def _codex_of_its_own(wish: Wish) -> Mapping[str, str]:
    """With no provider but the vendor's, which wants a login."""
    return {_CODEX: "check_for_update_on_startup = false\n" + _codex_trust(wish)}


def _codex_trust(wish: Wish) -> str:
    return f'\n[projects."{wish.place.work}"]\ntrust_level = "trusted"\n'


CLAUDE = Face(
    agent=claude.AGENT,
    ready=r"^❯",
    argv=lambda wish: [] if wish.ask else ["--allowedTools", "Bash,Write"],
    files=_claude_files,
    situations=(
        "answer",
        "slow",
        "hang",
        "command",
        "permission",
        "edit",
        "question",
        "error",
        "login",
        "trust",
    ),
    keys=("ANTHROPIC_API_KEY",),
    login="Not logged in",
    instead={"trust": lambda wish: _claude_files(wish, trusted=False)},
    trusts="trust",
)
CODEX = Face(
    agent=codex.AGENT,
    ready=r"^› (?!\d\.)",
    argv=lambda wish: [],  # noqa: ARG005  # its settings are a file
    files=_codex_files,
    situations=("answer", "slow", "hang", "command", "permission", "error", "login", "trust"),
    instead={"trust": codex.AGENT.files, "login": _codex_of_its_own},
    login="Sign in with ChatGPT",
    trusts="Trust this folder",
)
GEMINI = Face(
    agent=gemini.AGENT,
    ready="Type your message",
    argv=lambda wish: [] if wish.ask else ["--approval-mode", "yolo"],
    situations=("answer", "slow", "hang", "command", "permission", "edit", "error", "login"),
    keys=("GEMINI_API_KEY",),
    login="API key",
)
PI = Face(
    agent=pi.AGENT,
    ready="scripted",
    argv=lambda wish: ["--provider", "scripted", "--model", "scripted"],  # noqa: ARG005  # always
    situations=("answer", "slow", "hang", "command", "error"),
)
FACES: Mapping[str, Face] = {face.agent.name: face for face in (CLAUDE, CODEX, GEMINI, PI)}
