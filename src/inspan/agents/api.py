"""``api``: a question to a model, without an agent around it; a program of ours that asks it.

It is for what needs words alone, as planning and reviewing do: the model reads the prompt, has no
tools, and sees no files. How it is asked is told in ``cli.api``; it speaks as the Queen does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from inspan.agents import json_lines
from inspan.agents.dialect import Talk, Tells, Turn, When
from inspan.agents.endings import silent_end
from inspan.agents.queen import QueenTalk
from inspan.agents.signs import Sign
from inspan.model.agent import Ending, Mode, Outcome
from inspan.model.task import Exit

NAME: Final = "api"
#: ``-P``: a file of the repository must not be taken for a module.
_PROGRAM: Final = ("-P", "-m", "inspan.cli.api")


class Api:
    """What is true of the program."""

    name: Final = NAME
    program: Final = sys.executable
    install: Final = ""
    modes: Final = (Mode.STREAM,)
    settings: Final = ("INSPAN_API_*",)
    secrets: Final = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY")
    #: One answer is one turn, and what it used is known when it is there.
    tells: Final = Tells(cost=When.AT_END, tokens=When.AT_END)

    def check(self, turn: Turn) -> None:
        """The prompt goes in as a line of JSON: anything can be one."""

    def argv(self, turn: Turn) -> tuple[str, ...]:
        """Its command line; no key is in it."""
        return (self.program, *_PROGRAM, *turn.arguments)

    def env(self, _turn: Turn) -> dict[str, str]:
        """What it says must not wait in a buffer."""
        return {"PYTHONUNBUFFERED": "1"}

    def talk(self, turn: Turn) -> Talk:
        """A new conversation."""
        return ApiTalk(turn.prompt)


class ApiTalk:
    """One question."""

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt
        self._told = QueenTalk()
        self.handed = self._told.handed

    def begin(self) -> bytes:
        """The question."""
        return json_lines.line({"type": "ask", "prompt": self._prompt})

    @property
    def over(self) -> bool:
        """True where it has been answered."""
        return self._told.over

    def ask(self, _prompt: str, _key: str = "") -> None:
        """It takes one."""

    def answer(self, _request: str, _text: str) -> None:
        """It asks nothing."""

    def interrupt(self) -> None:
        """A signal ends it."""

    def sent(self, line: bytes) -> None:
        """Nothing follows from it."""

    def heard(self, line: bytes) -> Iterator[Sign]:
        """What it says."""
        return self._told.heard(line)

    def outcome(self, how: Exit, *, stopped: bool, complaint: str) -> Outcome:
        """As it said; without a word it was stopped, or has failed."""
        if self.over or stopped:
            return self._told.outcome(how, stopped=stopped, complaint=complaint)
        silent = silent_end(NAME, how, complaint)
        return silent if silent.ending is not Ending.DONE else Outcome(Ending.EMPTY, "no answer")
