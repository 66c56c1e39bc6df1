"""OpenCode: the Agent Client Protocol, or its terminal.

Its one-shot ``opencode run`` is left alone: it puts quotes around a prompt and escapes those that
are in it. Over the protocol a service that refuses or fails is an internal error with words. It is
offered no files: it writes them itself, and would have us write what it proposes besides, at a
moment of its own, perhaps over what it has written meanwhile.
"""

from __future__ import annotations

from typing import Final

from inspan.agents.acp import AcpTalk, Speaker
from inspan.agents.acp_files import NOTHING
from inspan.agents.dialect import OwnFolder, Tells, Turn, When
from inspan.agents.endings import silent_end
from inspan.model.agent import Mode, Outcome
from inspan.model.task import Exit

_HINT_LOGIN: Final = "Run `opencode auth login`, or set the key that its configuration names."


class OpenCode:
    """What is true of the program."""

    name: Final = "opencode"
    program: Final = "opencode"
    install: Final = "npm install -g opencode-ai"
    modes: Final = (Mode.ACP, Mode.PTY)
    settings: Final = (
        "OPENCODE_CONFIG",
        "OPENCODE_CONFIG_CONTENT",
        "OPENCODE_CONFIG_DIR",
        "OPENCODE_DISABLE_*",
        "OPENCODE_MODELS_URL",
        "OPENCODE_PERMISSION",
    )
    secrets: Final = (
        "ANTHROPIC_API_KEY",
        "GEMINI_API_KEY",
        "OPENAI_API_KEY",
        "OPENCODE_API_KEY",
        "OPENCODE_AUTH_CONTENT",
        "OPENROUTER_API_KEY",
    )
    keeps: Final = (
        OwnFolder(path=".local/share/opencode", variable="XDG_DATA_HOME", below="opencode"),
        OwnFolder(path=".local/state/opencode", variable="XDG_STATE_HOME", below="opencode"),
        OwnFolder(path=".cache/opencode", variable="XDG_CACHE_HOME", below="opencode"),
    )

    def check(self, turn: Turn) -> None:
        """Anything can be asked: the prompt goes in as JSON, or behind `=`."""

    def argv(self, turn: Turn) -> tuple[str, ...]:
        """Its command line; the prompt is no part of it but on a terminal."""
        if turn.mode is Mode.ACP:
            return (self.program, "acp", *turn.arguments)
        resume = ("--session", turn.resume) if turn.resume else ()
        prompt = (f"--prompt={turn.prompt}",) if turn.prompt else ()
        return (self.program, *resume, *turn.arguments, *prompt)

    def env(self, _turn: Turn) -> dict[str, str]:
        """An update in the middle of the night is nothing that anybody asked for."""
        return {"OPENCODE_DISABLE_AUTOUPDATE": "1"}

    #: Its counts come with the end of a turn, and its cost is that of the whole session.
    tells: Final = Tells(cost=When.AT_END, tokens=When.AT_END)

    def talk(self, turn: Turn) -> AcpTalk:
        """A new conversation."""
        return AcpTalk(
            turn, Speaker(login_hint=_HINT_LOGIN, silent=_silent, files=NOTHING, terminals=False)
        )


def _silent(how: Exit, complaint: str) -> Outcome:
    return silent_end("opencode", how, complaint, login_hint=_HINT_LOGIN)
