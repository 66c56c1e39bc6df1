"""An agent at work, as everyone sees it: its own session, what it used, how its turn ended.

Values only. Which agent it is, and how its words are read, is told in ``inspan.agents``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from inspan.model.value import named_value, value


class Mode(StrEnum):
    """How an agent is spoken to."""

    ACP = "acp"  #: the Agent Client Protocol, over its standard input and output
    STREAM = "stream"  #: its own events, a line of JSON each
    PTY = "pty"  #: a terminal, as a person would


#: Providers that are no agents.
NO_AGENTS: Final = ("shell", "scripted")


def is_agent(provider: str) -> bool:
    """False for a provider that is known to be none."""
    return provider not in NO_AGENTS


@named_value
class AgentSession:
    """What an agent said of the conversation it began."""

    #: Its own id, by which it takes the conversation up again.
    id: str
    mode: Mode
    model: str = ""
    version: str = ""


@named_value
class Usage:
    """Tokens, turns and money (US dollars) of one attempt so far; ``None``: it does not say."""

    read: int = 0  #: input tokens, those from a cache among them
    cached: int = 0
    written: int = 0  #: output tokens
    turns: int = 0
    cost: float | None = None

    def plus(self, other: Usage) -> Usage:
        """Both together; a cost that one of them does not know is the other's."""
        known = [cost for cost in (self.cost, other.cost) if cost is not None]
        return Usage(
            read=self.read + other.read,
            cached=self.cached + other.cached,
            written=self.written + other.written,
            turns=self.turns + other.turns,
            cost=sum(known) if known else None,
        )

    def minus(self, earlier: Usage) -> Usage:
        """What came since ``earlier``, which is a part of it."""
        cost = None if self.cost is None else self.cost - (earlier.cost or 0.0)
        return Usage(
            read=self.read - earlier.read,
            cached=self.cached - earlier.cached,
            written=self.written - earlier.written,
            turns=self.turns - earlier.turns,
            cost=cost,
        )


UNUSED: Final = Usage()


class Ending(StrEnum):
    """How an agent's work came to an end, in one word for all of them."""

    DONE = "done"  #: it said that it is done
    FAILED = "failed"  #: it said that it failed, or went without a word
    LOGIN = "login"  #: it is not logged in, or its key is refused
    QUOTA = "quota"  #: a usage limit, which time will lift
    OVERLOADED = "overloaded"  #: the model's service could not serve it
    REFUSED = "refused"  #: it may not do what it was asked to
    CUT = "cut"  #: its answer broke off
    EMPTY = "empty"  #: a turn in which nothing happened
    FORGOTTEN = "forgotten"  #: it does not know the session that it was to take up
    STOPPED = "stopped"  #: it was interrupted
    KILLED = "killed"  #: somebody else, or the system, killed it
    BUDGET = "budget"  #: it kept to the budget that it was given, which is used up


@value
class PartFailed:
    """A part of the work that came to nothing, by its name: of a goal, a step of its plan."""

    name: str
    code: str  #: for programs
    why: str  #: for people
    hint: str = ""  #: what a person can do next


@value
class Outcome:
    """How it ended, and why in a sentence; ``retry_at``: when it is worth another try."""

    ending: Ending
    message: str = ""
    hint: str = ""
    retry_at: float | None = None  #: seconds since the epoch
    failed: tuple[PartFailed, ...] = ()

    @property
    def ok(self) -> bool:
        """True where the agent did what it was asked."""
        return self.ending is Ending.DONE
