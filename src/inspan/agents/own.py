"""Programs of ours that are spoken to as agents are, by lines of JSON; nobody installs them.

One says what it does, asks the person, tells what it has used, and how it ended; it is told the
answers. What a goal is, and how a model is asked, is not known here.
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


class Own:
    """What is true of one: ``module`` is its program, and ``reads`` whether it is told its prompt.

    One that is not reads by itself what its task is, where it is stored.
    """

    program: Final = sys.executable
    install: Final = ""
    modes: Final = (Mode.STREAM,)

    def __init__(
        self,
        name: str,
        module: str,
        tells: Tells,
        *,
        settings: tuple[str, ...] = (),
        secrets: tuple[str, ...] = (),
        reads: bool = True,
    ) -> None:
        self.name: Final = name
        self.settings: Final = settings
        self.secrets: Final = secrets
        self.tells: Final = tells
        self._module = module
        self._reads = reads

    def check(self, turn: Turn) -> None:
        """Its prompt goes in as a line of JSON: anything can be one."""

    def argv(self, turn: Turn) -> tuple[str, ...]:
        """Its command line; neither a prompt nor a key is in it."""
        # `-P`: a file of the repository must not be taken for a module.
        return (self.program, "-P", "-m", self._module, *turn.arguments)

    def env(self, _turn: Turn) -> dict[str, str]:
        """What it says must not wait in a buffer."""
        return {"PYTHONUNBUFFERED": "1"}

    def talk(self, turn: Turn) -> Talk:
        """A new conversation."""
        return OwnTalk(self.name, turn.prompt if self._reads else None)


def queen() -> Own:
    """Who leads a goal."""
    # She adds up what her workers tell, and is stopped between two of their turns.
    tells = Tells(cost=When.AS_IT_GOES, tokens=When.AS_IT_GOES)
    return Own("queen", "inspan.cli.queen", tells, settings=("INSPAN_HOME",), reads=False)


def api() -> Own:
    """A question to a model, without an agent around it.

    It is for what needs words alone, as planning and reviewing do: the model reads the prompt, has
    no tools, and sees no files.
    """
    return Own(
        "api",
        "inspan.cli.api",
        # One answer is one turn, and what it used is known when it is there.
        Tells(cost=When.AT_END, tokens=When.AT_END),
        settings=("INSPAN_API_*",),
        secrets=("ANTHROPIC_API_KEY", "OPENAI_API_KEY"),
    )


class OwnTalk:
    """One process of one, which takes one prompt."""

    def __init__(self, name: str, prompt: str | None) -> None:
        self.handed = Handed()
        self._name = name
        self._prompt = prompt
        self._outcome: Outcome | None = None
        #: What it asks: the request, and from what may be chosen.
        self._open: dict[str, tuple[str, ...]] = {}

    def begin(self) -> bytes:
        """Its prompt, where it reads one."""
        if self._prompt is None:
            return b""
        return json_lines.line({"type": "ask", "prompt": self._prompt})

    @property
    def over(self) -> bool:
        """True where it has said how it ended."""
        return self._outcome is not None

    def ask(self, _prompt: str, _key: str = "") -> None:
        """It takes no other."""

    def answer(self, request: str, text: str) -> bytes | None:
        """An answer for it. Raises BadInput where it is none of its options."""
        options = self._open.get(request)
        if options is None:
            return None
        if options and text not in options and text != "deny":
            raise BadInput(f"that is none of the answers: {', '.join(options)}")
        return json_lines.line({"type": "answer", "request": request, "text": text})

    def interrupt(self) -> None:
        """A signal stops it: the Queen has her workers to stop first."""

    def sent(self, line: bytes) -> None:
        """What was answered is no longer asked."""
        self._open.pop(words_of(json_lines.parsed(line), "request"), None)

    def heard(self, line: bytes) -> Iterator[Sign]:
        """What it says."""
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
        """As it said; without a word it was stopped, or has failed."""
        if self._outcome is not None:
            return self._outcome
        if stopped:
            return Outcome(Ending.STOPPED, "it was interrupted")
        return silent_end(self._name, how, complaint)


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
    keys = ("name", "code", "why", "hint")
    failed = [PartFailed(*(words_of(part, key) for key in keys)) for part in parts]
    message, hint = words_of(told, "message"), words_of(told, "hint")
    return Outcome(ending, message, hint, failed=tuple(failed))
