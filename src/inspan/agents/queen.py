"""The Queen: a program of ours that leads a goal, spoken to by lines of JSON like any agent.

She says what she does, asks the person, tells what all of it has used, and how it ended; she is
told the answers. What a goal is, is not known here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from inspan.agents import json_lines
from inspan.agents.dialect import Talk, Tells, Turn, When
from inspan.agents.endings import silent_end
from inspan.agents.handed import Handed
from inspan.agents.json_lines import number, words_of
from inspan.agents.signs import (
    Began,
    Counted,
    Permission,
    Said,
    Sign,
    TurnEnded,
    Warned,
    Withdrawn,
)
from inspan.errors import BadInput
from inspan.model.agent import AgentSession, Ending, Mode, Outcome, PartFailed, Usage
from inspan.model.task import Exit

NAME: Final = "queen"
#: ``-P``: a file of the repository must not be taken for a module.
_PROGRAM: Final = ("-P", "-m", "inspan.cli.queen")


class Queen:
    """What is true of the program."""

    name: Final = NAME
    program: Final = sys.executable
    install: Final = ""
    modes: Final = (Mode.STREAM,)
    settings: Final = ("INSPAN_HOME",)
    secrets: Final = ()
    #: She adds up what her workers tell, and is stopped between two of their turns.
    tells: Final = Tells(cost=When.AS_IT_GOES, tokens=When.AS_IT_GOES)

    def check(self, turn: Turn) -> None:
        """The goal goes in as a line of JSON: anything can be one."""

    def argv(self, turn: Turn) -> tuple[str, ...]:
        """Her command line: which goal it is her task tells, and what it is by standard input."""
        return (self.program, *_PROGRAM, *turn.arguments)

    def env(self, _turn: Turn) -> dict[str, str]:
        """What she says must not wait in a buffer."""
        return {"PYTHONUNBUFFERED": "1"}

    def talk(self, _turn: Turn) -> Talk:
        """A new conversation."""
        return QueenTalk()


class QueenTalk:
    """One process of hers."""

    def __init__(self) -> None:
        self.handed = Handed()
        self._outcome: Outcome | None = None
        #: What she asks: the request, and from what may be chosen.
        self._open: dict[str, tuple[str, ...]] = {}

    def begin(self) -> bytes:
        """Nothing: she reads her goal where it is stored."""
        return b""

    @property
    def over(self) -> bool:
        """True where she has said how it ended."""
        return self._outcome is not None

    def ask(self, _prompt: str, _key: str = "") -> None:
        """She takes one goal."""

    def answer(self, request: str, text: str) -> bytes | None:
        """An answer for her. Raises BadInput where it is none of her options."""
        options = self._open.get(request)
        if options is None:
            return None
        if options and text not in options and text != "deny":
            raise BadInput(f"that is none of the answers: {', '.join(options)}")
        return json_lines.line({"type": "answer", "request": request, "text": text})

    def interrupt(self) -> None:
        """A signal stops her: she has her workers to stop first."""

    def sent(self, line: bytes) -> None:
        """What was answered is no longer asked."""
        self._open.pop(words_of(json_lines.parsed(line), "request"), None)

    def heard(self, line: bytes) -> Iterator[Sign]:
        """What she says."""
        told = json_lines.parsed(line)
        match told.get("type"):
            case "began":
                yield Began(AgentSession(id=words_of(told, "goal"), mode=Mode.STREAM))
            case "said":
                yield Said(words_of(told, "text"))
            case "warned":
                yield Warned(words_of(told, "text"))
            case "asks":
                found = told.get("options")
                options = tuple(map(str, found)) if isinstance(found, list) else ()
                request = words_of(told, "request")
                self._open[request] = options
                question, about = words_of(told, "question"), words_of(told, "about")
                yield Permission(request, question, "", options, about=about)
            case "withdrawn":
                self._open.pop(words_of(told, "request"), None)
                yield Withdrawn(words_of(told, "request"))
            case "used":
                yield Counted(_usage(told))
            case "ended":
                self._outcome = _outcome(told)
                yield TurnEnded(self._outcome)
            case _:
                return

    def outcome(self, how: Exit, *, stopped: bool, complaint: str) -> Outcome:
        """As she said it; without a word she was stopped, or has failed."""
        if self._outcome is not None:
            return self._outcome
        if stopped:
            return Outcome(Ending.STOPPED, "it was interrupted")
        return silent_end(NAME, how, complaint)


def _usage(told: dict[str, object]) -> Usage:
    cost = told.get("cost")
    return Usage(
        read=int(number(told, "read")),
        cached=int(number(told, "cached")),
        written=int(number(told, "written")),
        turns=int(number(told, "turns")),
        cost=None if cost is None else number(told, "cost"),
    )


def _outcome(told: dict[str, object]) -> Outcome:
    known = {ending.value: ending for ending in Ending}
    ending = known.get(words_of(told, "ending"), Ending.FAILED)
    parts = json_lines.items(told, "failed")
    failed = [
        PartFailed(*(words_of(part, key) for key in ("name", "code", "why"))) for part in parts
    ]
    message, hint = words_of(told, "message"), words_of(told, "hint")
    return Outcome(ending, message, hint, failed=tuple(failed))
