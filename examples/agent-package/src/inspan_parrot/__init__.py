"""An agent of another package: Parrot, which says what it is asked, in lines of JSON.

Its program reads one line ``{"ask": TEXT}`` and answers ``{"say": TEXT}`` and ``{"done": true}``.
"""

from __future__ import annotations

from collections.abc import Iterator

from inspan.agents import json_lines
from inspan.agents.dialect import Turn
from inspan.agents.endings import silent_end
from inspan.agents.handed import Handed
from inspan.agents.signs import Said, Sign, TurnEnded
from inspan.model.agent import Ending, Mode, Outcome
from inspan.model.task import Exit


class Parrot:
    """What is true of the program."""

    name = "parrot"
    program = "parrot"
    install = "pip install inspan-parrot"
    modes = (Mode.STREAM,)
    settings = ("PARROT_VOICE",)
    secrets = ("PARROT_KEY",)

    def check(self, turn: Turn) -> None:
        """Anything can be asked: the prompt goes in as JSON."""

    def argv(self, turn: Turn) -> tuple[str, ...]:
        """Its command line."""
        return (self.program, *turn.arguments)

    def env(self, _turn: Turn) -> dict[str, str]:
        """It needs nothing."""
        return {}

    def talk(self, turn: Turn) -> ParrotTalk:
        """A new conversation."""
        return ParrotTalk(turn)


class ParrotTalk:
    """One process: a fold over its lines. Who reads them again comes to the same point."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._outcome: Outcome | None = None
        #: It takes one prompt, so that nothing is ever in here.
        self.handed = Handed()

    def begin(self) -> bytes:
        """The prompt."""
        return json_lines.line({"ask": self._turn.prompt})

    @property
    def over(self) -> bool:
        """True where it has said that it is done."""
        return self._outcome is not None

    def heard(self, line: bytes) -> Iterator[Sign]:
        """What it says."""
        told = json_lines.parsed(line)
        if text := json_lines.words_of(told, "say"):
            yield Said(text)
        if told.get("done") is True:
            self._outcome = Outcome(Ending.DONE)
            yield TurnEnded(self._outcome)

    def sent(self, line: bytes) -> None:
        """It was asked."""

    def ask(self, prompt: str, key: str = "") -> None:
        """It takes one prompt."""

    def answer(self, request: str, text: str) -> None:
        """It asks nothing."""

    def interrupt(self) -> None:
        """A signal ends it."""

    def outcome(self, how: Exit, *, stopped: bool, complaint: str) -> Outcome:
        """Its word; without one it was stopped, or has failed."""
        if self._outcome is not None:
            return self._outcome
        if stopped:
            return Outcome(Ending.STOPPED, "it was interrupted")
        return silent_end("parrot", how, complaint)
