"""What a model does, turn by turn, in no API's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Say:
    """A whole answer of text, which ends the agent's turn; ``after`` so many seconds of silence."""

    text: str
    after: float = 0.0


@dataclass(frozen=True)
class Write:
    """A call of the tool that writes a file; the path is relative to where the agent works."""

    path: str
    content: str


@dataclass(frozen=True)
class Execute:
    """A call of the tool that runs a command by a shell.

    With ``outside``, it asks to be let out of the sandbox, where the tool has words for that.
    """

    command: str
    outside: bool = False


@dataclass(frozen=True)
class Ask:
    """A call of the tool that asks a person, where there is one."""

    question: str
    options: tuple[str, ...]


class Refusal(StrEnum):
    """Why a request is refused; each API has its own status and words for it."""

    UNAUTHORIZED = "unauthorized"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    OVERLOADED = "overloaded"


@dataclass(frozen=True)
class Refuse:
    """An error; ``retry_after``, in seconds, says when to come again, in the API's own way."""

    why: Refusal
    retry_after: int | None = None


@dataclass(frozen=True)
class Hang:
    """The request is read, and nothing is ever answered."""


@dataclass(frozen=True)
class Cut:
    """A streamed answer whose connection is lost in the middle.

    With ``tidily``, the response ends properly, but without what says that the answer is whole.
    """

    text: str
    tidily: bool = False


@dataclass(frozen=True)
class Slowly:
    """An answer of text with a pause, in seconds, before each piece of it."""

    text: str
    pause: float


@dataclass(frozen=True)
class Finish:
    """Words, and with them the call of the tool that runs a command, which ends the work.

    ``pause``: as of ``Slowly``, and all at once.
    """

    text: str
    command: str
    pause: float = 0.0


Turn = Say | Write | Execute | Ask | Refuse | Hang | Cut | Slowly | Finish

ANSWER = "The answer is forty-two, and it took a moment to find."
WRITTEN = Write("answer.txt", "forty-two\n")
#: What `long_command` runs, so that a test can look for the process.
LONG = "sleep 397"

#: The turns of each; the last is played again for every further request.
SCENARIOS: Mapping[str, tuple[Turn, ...]] = {
    "answer": (Say(ANSWER),),
    "write_file": (WRITTEN, Say("I wrote the file.")),
    "run_command": (Execute("echo forty-two > answer.txt && echo done"), Say("It ran.")),
    "permission": (Execute("touch permitted.txt", outside=True), Say("That was all.")),
    "question": (Ask("Which colour shall it have?", ("Red", "Green")), Say("So be it.")),
    "unauthorized": (Refuse(Refusal.UNAUTHORIZED),),
    "rate_limited": (Refuse(Refusal.RATE_LIMITED, 3600),),
    "rate_limited_then_ok": (
        Refuse(Refusal.RATE_LIMITED, 1),
        Refuse(Refusal.RATE_LIMITED, 1),
        Say(ANSWER),
    ),
    "quota": (Refuse(Refusal.QUOTA),),
    "overloaded": (Refuse(Refusal.OVERLOADED),),
    "hang": (Hang(),),
    "hang_then_ok": (Hang(), Say(ANSWER)),
    "cut": (Cut(ANSWER),),
    "unfinished": (Cut(ANSWER, tidily=True),),
    "slow": (Slowly(ANSWER, 0.2),),
    "long_command": (Execute(LONG), Say("It was long.")),
    "two_turns": (Say("The first answer."), Say("The second answer.")),
}


def turn(scenario: str, number: int) -> Turn:
    """What request ``number``, from 0, of a run of ``scenario`` gets."""
    turns = SCENARIOS[scenario]
    return turns[min(number, len(turns) - 1)]
