"""Answers that are no value of the model's own, as shapes by which they are described."""

from __future__ import annotations

from enum import StrEnum

from inspan.model.code import Cell, CodeEvent, CodeSession, Saved
from inspan.model.event import Event
from inspan.model.goal import GoalPlan
from inspan.model.place import Place, Swept
from inspan.model.receipt import Stage
from inspan.model.task import Task
from inspan.model.value import value


@value(frozen=True)
class Problem:
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str


@value(frozen=True)
class Done:
    """It is done."""


@value(frozen=True)
class Invited:
    """The address that lets a browser in, once and soon."""

    url: str


@value(frozen=True)
class Tasks:
    """All that were handed in together."""

    tasks: tuple[Task, ...]


@value(frozen=True)
class Events:
    """What happened, oldest first."""

    events: tuple[Event, ...]


@value(frozen=True)
class Plan:
    """The newest plan of a goal, and who made it."""

    version: int
    plan: GoalPlan
    by: str


@value(frozen=True)
class Places:
    """What lies in the folder of workspaces, and what was saved of what is gone."""

    places: tuple[Place, ...]


@value(frozen=True)
class SweptPlaces:
    """What went, and what stays with the reason."""

    swept: tuple[Swept, ...]


@value(frozen=True)
class Sent:
    """How far what was typed has got."""

    stage: Stage


@value(frozen=True)
class Sessions:
    """Code sessions."""

    sessions: tuple[CodeSession, ...]


@value(frozen=True)
class Checkpoints:
    """The checkpoints of a code session."""

    checkpoints: tuple[Saved, ...]


@value(frozen=True)
class Transcript:
    """A page of what happened in a code session, and whether there may be more."""

    events: tuple[CodeEvent, ...]
    more: bool


@value(frozen=True)
class InterruptedCell:
    """The cell as it ended; null where none ran."""

    cell: Cell | None


@value(frozen=True)
class Inspected:
    """What is known of a name, by MIME type."""

    data: dict[str, str]


@value(frozen=True)
class Word:
    """One thing that is told on the socket of cells."""

    cell: Cell | None = None
    refused: Problem | None = None
    following: bool = False
    over: Problem | None = None


#: What one message on the socket of cells is: several words and events together.
Told = list[Word | CodeEvent]


# ── as agentapi has them ──────────────────────────────────────────────────────


class AgentStatus(StrEnum):
    """Whether an agent takes a message."""

    RUNNING = "running"
    STABLE = "stable"


@value(frozen=True)
class AgentStatusIs:
    """What an agent is, and whether it takes a message."""

    status: AgentStatus
    agent_type: str


class Author(StrEnum):
    """Who a message is from."""

    AGENT = "agent"
    USER = "user"


@value(frozen=True)
class AgentMessage:
    """One message; its number is its place."""

    id: int
    role: Author
    content: str
    time: str  #: ISO 8601


@value(frozen=True)
class AgentMessages:
    """All that was said."""

    messages: tuple[AgentMessage, ...]


@value(frozen=True)
class AgentHeard:
    """Whether the agent has it."""

    ok: bool
