"""Aider: one prompt, answered in plain text, or its terminal.

It tells no events and exits with 0 whatever happened. What counts is its line of tokens, which it
prints under an answer that it has whole, and that no error follows it. A model that prints such a
line itself could deceive this; nothing better is to be had of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from inspan.agents.dialect import OwnFolder, Tells, Turn, When
from inspan.agents.endings import silent_end
from inspan.agents.handed import Handed
from inspan.agents.signs import BacksOff, Counted, Said, Sign, ToolBegan, ToolEnded
from inspan.errors import BadInput
from inspan.model.agent import Ending, Mode, Outcome, Usage
from inspan.model.task import Exit

_HINT_LOGIN: Final = "Set the key of the model's service, such as OPENAI_API_KEY."

_TOKENS: Final = re.compile(r"Tokens: ([\d.,]+[kM]?) sent,.*?([\d.,]+[kM]?) received\.")
_COST: Final = re.compile(r"\$([\d.]+) session\.")
_ERROR: Final = re.compile(r"litellm\.(\w+): (.*)")
_RETRIES: Final = re.compile(r"Retrying in ([\d.]+) seconds")
_DID: Final = re.compile(r"(Applied edit to|Commit) (.+)")
#: What it prints of itself ahead of an answer.
_BANNER: Final = re.compile(
    r"(Aider v|(Main |Weak |Editor )?[Mm]odel: |Git repo: |Repo-map: |Analytics |Update git )|$"
)
#: What it adds in words of its own to an error.
_ADVICE: Final = "The API provider"
_TIMES: Final = {"k": 1_000, "M": 1_000_000}

#: The errors of the library by which it speaks to models.
_ERRORS: Final = {
    "AuthenticationError": Ending.LOGIN,
    "PermissionDeniedError": Ending.LOGIN,
    "RateLimitError": Ending.QUOTA,
    "APIConnectionError": Ending.OVERLOADED,
    "InternalServerError": Ending.OVERLOADED,
    "ServiceUnavailableError": Ending.OVERLOADED,
    "Timeout": Ending.OVERLOADED,
    "ContentPolicyViolationError": Ending.REFUSED,
}


class Aider:
    """What is true of the program."""

    name: Final = "aider"
    program: Final = "aider"
    install: Final = "uv tool install --python 3.12 aider-chat"
    modes: Final = (Mode.STREAM, Mode.PTY)
    settings: Final = ("AIDER_*", "OPENAI_API_BASE")
    secrets: Final = (
        "ANTHROPIC_API_KEY",
        "DEEPSEEK_API_KEY",
        "GEMINI_API_KEY",
        "GROQ_API_KEY",
        "OPENAI_API_KEY",
        "OPENROUTER_API_KEY",
    )
    keeps: Final = (OwnFolder(path=".aider"),)
    tells: Final = Tells(cost=When.AT_END, tokens=When.AT_END)

    def check(self, turn: Turn) -> None:
        """Refuse what it would take for a command of its own. Raises BadInput."""
        if turn.prompt.lstrip()[:1] in ("/", "!"):
            raise BadInput(
                f"aider would run {turn.prompt.split()[0]!r} and ask its model nothing",
                hint="Begin the prompt with a word.",
            )

    def argv(self, turn: Turn) -> tuple[str, ...]:
        """Its command line; the prompt is the value of a flag, and can be none itself."""
        prompt = (f"--message={turn.prompt}",) if turn.prompt else ()
        if turn.mode is Mode.PTY:
            return (self.program, *turn.arguments, *prompt)
        plain = ("--no-pretty", "--no-check-update", "--no-show-release-notes", "--yes-always")
        return (self.program, *plain, *turn.arguments, *prompt)

    def env(self, _turn: Turn) -> dict[str, str]:
        """It needs nothing."""
        return {}

    def talk(self, _turn: Turn) -> AiderTalk:
        """A new conversation."""
        return AiderTalk()


class AiderTalk:
    """One process of it, which is asked one thing."""

    #: It ends by itself, and nothing is ever written to it.
    over: Final = False

    def __init__(self) -> None:
        self.handed = Handed()
        self._answered = False
        self._begun = False
        self._trouble: Outcome | None = None
        #: The lines of an error that goes on; it breaks them to fit a screen.
        self._words: list[str] = []
        self._usage = Usage()

    def begin(self) -> bytes:
        """Nothing: the prompt is on its command line."""
        return b""

    def sent(self, line: bytes) -> None:
        """It is sent nothing."""

    def ask(self, _prompt: str, _key: str = "") -> None:
        """It takes one prompt."""

    def answer(self, _request: str, _text: str) -> None:
        """It asks nothing."""

    def interrupt(self) -> None:
        """A signal does."""

    def heard(self, line: bytes) -> Iterator[Sign]:
        """What it says."""
        text = line.decode(errors="replace")
        if found := _TOKENS.match(text):
            self._answered, self._trouble, self._words = True, None, []
            self._usage = self._counted(found, text)
            yield Counted(self._usage)
        elif found := _RETRIES.match(text):
            met = self._trouble or Outcome(Ending.OVERLOADED)
            self._words = []
            yield BacksOff(float(found[1].rstrip(".")), met.message, met.ending)
        elif found := _DID.match(text):
            name = "edit" if found[1].startswith("Applied") else "commit"
            yield ToolBegan(found[2], name, found[2])
            yield ToolEnded(found[2], ok=True)
        elif self._begun or not _BANNER.match(text):
            self._begun = True
            self._failed(text)
            yield Said(f"{text}\n", more=True)

    def _failed(self, text: str) -> None:
        """Take a line of an error, or of what is none."""
        if found := _ERROR.search(text):
            self._answered = False
            ending = _ERRORS.get(found[1], Ending.FAILED)
            self._words = [found[2].strip()]
            hint = _HINT_LOGIN if ending is Ending.LOGIN else ""
            self._trouble = Outcome(ending, self._words[0], hint)
        elif self._words and text.strip() and not text.startswith(_ADVICE):
            self._words.append(text.strip())
            if self._trouble is not None:
                self._trouble = replace(self._trouble, message=" ".join(self._words))
        else:
            self._words = []

    def outcome(self, how: Exit, *, stopped: bool, complaint: str) -> Outcome:
        """Its tokens, and nothing amiss after them; otherwise its last error, or none."""
        if stopped:
            return Outcome(Ending.STOPPED, "it was interrupted")
        if self._trouble is not None:
            return self._trouble
        if self._answered and how.ok:
            return Outcome(Ending.DONE)
        return silent_end("aider", how, complaint, login_hint=_HINT_LOGIN)

    def _counted(self, found: re.Match[str], text: str) -> Usage:
        cost = _COST.search(text)
        return Usage(
            read=self._usage.read + _number(found[1]),
            written=self._usage.written + _number(found[2]),
            turns=self._usage.turns + 1,
            cost=float(cost[1]) if cost else self._usage.cost,
        )


def _number(text: str) -> int:
    """``1.2k`` as a number; nothing where it is none."""
    try:
        return round(float(text.rstrip("kM").replace(",", "")) * _TIMES.get(text[-1:], 1))
    except ValueError:
        return 0
