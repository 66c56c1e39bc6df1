"""Mistral Vibe: the Agent Client Protocol, from a program of its own, or its terminal.

Its counts of tokens are of the whole session, also of what was used before it was taken up. It is
offered no files: it reads and writes by itself, also where they are offered (3.0.2).
"""

from __future__ import annotations

from typing import Final

from inspan.agents.acp import AcpTalk, Speaker
from inspan.agents.acp_files import NOTHING
from inspan.agents.dialect import OwnFolder, Tells, Turn, When
from inspan.agents.endings import silent_end
from inspan.model.agent import Mode, Outcome
from inspan.model.task import Exit

_HINT_LOGIN: Final = "Run `vibe --setup`, or set MISTRAL_API_KEY."


class Vibe:
    """What is true of the program."""

    name: Final = "vibe"
    program: Final = "vibe"
    install: Final = "uv tool install mistral-vibe"
    modes: Final = (Mode.ACP, Mode.PTY)
    settings: Final = ("VIBE_HOME", "VIBE_ACTIVE_MODEL")
    secrets: Final = ("MISTRAL_API_KEY",)
    keeps: Final = (
        OwnFolder(path=".vibe", variable="VIBE_HOME", fixed=("config.toml", "tools/", "skills/")),
    )

    def check(self, turn: Turn) -> None:
        """Anything can be asked: the prompt goes in as JSON, or behind `--`."""

    def argv(self, turn: Turn) -> tuple[str, ...]:
        """Its command line; the prompt is no part of it but on a terminal."""
        if turn.mode is Mode.ACP:
            return ("vibe-acp", *turn.arguments)
        resume = ("--resume", turn.resume) if turn.resume else ()
        prompt = ("--", turn.prompt) if turn.prompt else ()
        return (self.program, *resume, *turn.arguments, *prompt)

    def env(self, _turn: Turn) -> dict[str, str]:
        """It needs nothing."""
        return {}

    #: Its counts come with the end of a turn.
    tells: Final = Tells(tokens=When.AT_END)

    def talk(self, turn: Turn) -> AcpTalk:
        """A new conversation."""
        speaker = Speaker(
            login_hint=_HINT_LOGIN,
            silent=_silent,
            whole_session=True,
            files=NOTHING,
            terminals=False,
        )
        return AcpTalk(turn, speaker)


def _silent(how: Exit, complaint: str) -> Outcome:
    return silent_end("vibe", how, complaint, login_hint=_HINT_LOGIN)
