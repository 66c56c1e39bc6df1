"""The faces that are recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from tests.agents.agent import KEY, Wish
from tests.agents.faces import (
    blind,
    buried,
    cloaked,
    concealed,
    covered,
    cowled,
    curtained,
    draped,
    held,
    hidden,
    hooded,
    later,
    mantled,
    masked,
    muffled,
    others,
    sealed,
    shrouded,
    unseen,
    veiled,
    wrapped,
)
from tests.agents.faces.face import Face, notes
from tests.agents.install import CACHE
from tests.agents.kinds import aider, claude, codex, gemini, opencode, pi, vibe


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
    dialog="Esc to cancel",
    keys=("ANTHROPIC_API_KEY",),
    login="Not logged in",
    instead={"trust": lambda wish: _claude_files(wish, trusted=False)},
    trusts="trust",
)
CODEX = Face(
    agent=codex.AGENT,
    # It shows its prompt before it has begun, and sets its title then: the name of the folder.
    ready=r"^› (?!\d\.)(?s:.)*^work\Z",
    # Its tool for questions is offered in plans only otherwise.
    argv=lambda wish: ["--enable", "default_mode_request_user_input"] if wish.ask else [],
    files=_codex_files,
    situations=("answer", "slow", "hang", "command", "permission", "error", "login", "trust"),
    dialog="Press enter to confirm",
    instead={"trust": codex.AGENT.files, "login": _codex_of_its_own},
    login="Sign in with ChatGPT",
    trusts="Trust this folder",
)
GEMINI = Face(
    agent=gemini.AGENT,
    ready="Type your message",
    argv=lambda wish: [] if wish.ask else ["--approval-mode", "yolo"],
    situations=("answer", "slow", "hang", "command", "permission", "edit", "error", "login"),
    dialog="suggest changes",
    keys=("GEMINI_API_KEY",),
    login="API key",
)
PI = Face(
    agent=pi.AGENT,
    ready="scripted",
    argv=lambda wish: ["--provider", "scripted", "--model", "scripted"],  # noqa: ARG005  # always
    situations=("answer", "slow", "hang", "command", "error"),
    asks=False,
)
_AIDER = (
    *("--model", "openai/scripted", "--edit-format", "whole", "--map-tokens", "0"),
    *("--no-check-update", "--analytics-disable", "--no-gitignore"),
    *("--no-show-model-warnings", "--no-show-release-notes"),
)
AIDER = Face(
    agent=aider.AGENT,
    ready=r"^(\w+)?> ?$",
    argv=lambda wish: [*_AIDER, *([] if wish.ask else ["--yes-always"])],
    situations=(),
    allow=("y", "enter"),
    deny=("n", "enter"),
    stop=("ctrl-c",),
)
QWEN = Face(
    agent=others.QWEN,
    ready="Type your message",
    argv=lambda wish: ["--auth-type", "openai", *([] if wish.ask else ["--yolo"])],
    allow=("1",),
    situations=(),
)
CONTINUE = Face(
    agent=others.CONTINUE,
    ready="Ask anything",
    argv=lambda wish: [
        *("--config", str(wish.place.home / ".continue" / "config.yaml")),
        *([] if wish.ask else ["--auto"]),
    ],
    leave=("enter",),
    situations=(),
)
#: Not the answer to a question for permission as soon as it is seen: Vibe passes over keys that
#: come at once, and OpenCode on a busy machine shows its question a minute late.
_UNANSWERED = ("answer", "slow", "hang", "command", "error")
OPENCODE = Face(
    agent=opencode.AGENT,
    ready="Ask anything",
    argv=lambda wish: [],  # noqa: ARG005  # its settings are in the environment
    stop=("escape", "escape"),
    situations=_UNANSWERED,
    dialog="Permission required",
)
VIBE = Face(
    agent=vibe.AGENT,
    ready=r"tokens \(0%\)",
    argv=lambda wish: ["--trust", *(["--agent", "ask"] if wish.ask else ["--auto-approve"])],
    situations=_UNANSWERED,
)
# What follows was held out: its keys are from its documentation, and who drove it wrote no rule.
_TOKENS = "lib/python3.12/site-packages/litellm/litellm_core_utils/tokenizers"
CLINE = Face(
    agent=held.CLINE,
    ready="",
    argv=lambda wish: ["--tui", "--auto-approve", "false" if wish.ask else "true"],
    starts=14.0,
    situations=(),
    allow=("y",),
    deny=("n",),
    leave=("escape",),
)
GPTME = Face(
    agent=held.GPTME,
    ready="",
    # It would fetch a table of tokens; a package of Aider's has it.
    env={"TIKTOKEN_CACHE_DIR": str(CACHE / "aider" / _TOKENS)},
    argv=lambda wish: [
        "--name",
        "scripted",
        "--tool-format",
        "tool",
        "--tools",
        "+choice",
        *([] if wish.ask else ["--no-confirm"]),
    ],
    starts=20.0,
    situations=(),
    allow=("y", "enter"),
    deny=("n", "enter"),
    leave=("ctrl-c",),
    stop=("ctrl-c",),
    ponders=8.0,
    rounds=2,
)
KIMI = Face(
    agent=held.KIMI,
    ready="",
    argv=lambda wish: [] if wish.ask else ["--yolo"],
    starts=24.0,
    situations=(),
    allow=("1",),
    deny=("3",),
    leave=("escape",),
    stop=("ctrl-c",),
)
NANOCODER = Face(
    agent=held.NANOCODER,
    ready="",
    argv=lambda wish: [
        str(CACHE / "nanocoder" / "node_modules" / ".bin" / "nanocoder"),
        *("--mode", "normal" if wish.ask else "yolo"),
    ],
    starts=15.0,
    situations=(),
    ponders=6.0,
)
# What follows was looked at from the first.
GROK = Face(
    agent=later.GROK,
    ready="auto-edit: o",
    argv=lambda wish: [],  # noqa: ARG005  # its settings are a file
    situations=(),
    draws=40.0,
    lets=("shift-tab",),
    polite="please ",
    listens=9.0,
)
DEEPAGENTS = Face(
    agent=later.DEEPAGENTS,
    draws=20.0,
    ponders=10.0,
    ready=r"\A(?![\s\S]*Connecting)[\s\S]*scripted",
    starts=12.0,
    argv=lambda wish: [
        "-M",
        "openai:scripted",
        "--no-interpreter",
        *([] if wish.ask else ["--yolo"]),
    ],
    situations=(),
    allow=("y",),
    deny=("n",),
    leave=("escape",),
)
# What follows is held out.
MASTRA = Face(
    agent=veiled.MASTRA,
    ready="",
    argv=lambda wish: [str(CACHE / "mastracode" / veiled.MASTRA_SCRIPT)],  # noqa: ARG005  # always
    starts=15.0,
    situations=(),
    allow=("y",),
    deny=("n",),
    leave=("escape",),
    stop=("ctrl-c",),
    ponders=6.0,
    draws=20.0,
    rests=3.0,
)
INTERPRETER = Face(
    agent=veiled.INTERPRETER,
    ready="",
    argv=lambda wish: [
        *("--model", "openai/scripted", "--api_base", f"{wish.base}/v1", "--api_key", KEY),
        *("--llm_supports_functions", "--no-llm_supports_vision", "--disable_telemetry"),
        *("--context_window", "128000", "--max_tokens", "4000"),
        *([] if wish.ask else ["--auto_run"]),
    ],
    files=notes,
    starts=20.0,
    situations=(),
    allow=("y", "enter"),
    deny=("n", "enter"),
    ponders=6.0,
    draws=20.0,
    rests=3.0,
    listens=9.0,
    patient=True,
    frail=True,
)
FACES: Mapping[str, Face] = {
    face.agent.name: face for face in (CLAUDE, CODEX, GEMINI, PI, OPENCODE, VIBE)
}
#: Those that are told through a story.
KOLEGA = replace(
    covered.KOLEGA,
    env={"TIKTOKEN_CACHE_DIR": str(CACHE / "kolega-code" / covered.KOLEGA_TABLES)},
)
#: It would fetch a table of tokens; a package of another agent's has it.
ITE = replace(
    hooded.ITE,
    env={"TIKTOKEN_CACHE_DIR": str(CACHE / "kolega-code" / covered.KOLEGA_TABLES)},
)
POSTAL = replace(
    hooded.POSTAL,
    env={"TIKTOKEN_CACHE_DIR": str(CACHE / "kolega-code" / covered.KOLEGA_TABLES)},
)
TOLD: Mapping[str, Face] = {
    face.agent.name: face
    for face in (
        CLAUDE,
        CODEX,
        GEMINI,
        PI,
        AIDER,
        QWEN,
        CONTINUE,
        OPENCODE,
        VIBE,
        CLINE,
        GPTME,
        KIMI,
        NANOCODER,
        GROK,
        DEEPAGENTS,
        unseen.COPILOT,
        unseen.OPENHANDS,
        blind.LETTA,
        blind.MINI,
        sealed.HERMES,
        sealed.PUPPY,
        MASTRA,
        INTERPRETER,
        cloaked.JANITO,
        cloaked.PATCHPAL,
        masked.ZRB,
        masked.OPEN_CODEX,
        covered.WIZOLT,
        KOLEGA,
        POSTAL,
        ITE,
        shrouded.ASICODE,
        shrouded.AXON,
        hidden.MARIM,
        hidden.EDITH,
        concealed.NEMO,
        concealed.ANDROMITY,
        curtained.VAGUE,
        curtained.MYCODE,
        cowled.GROK_BUILD,
        cowled.STRANDS,
        mantled.ARIA,
        mantled.AGENTAO,
        draped.PAIRWIT,
        draped.POOH,
        muffled.TURNLOOP,
        muffled.WINDCODE,
        wrapped.JASMINE,
        wrapped.HUBBLE,
        buried.JOSHU,
        buried.RETIE,
    )
}
