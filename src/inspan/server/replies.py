"""Answers that are no value of the model's own, as shapes by which they are described."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from inspan.model.code import Cell, CodeEvent, CodeSession, Saved
from inspan.model.event import Event
from inspan.model.goal import GoalPlan
from inspan.model.place import Place, Swept
from inspan.model.receipt import Stage
from inspan.model.task import Task


@dataclass(frozen=True, slots=True)
class Problem:
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str


@dataclass(frozen=True, slots=True)
class Done:
    """It is done."""


@dataclass(frozen=True, slots=True)
class Invited:
    """The address that lets a browser in, once and soon."""

    url: str


@dataclass(frozen=True, slots=True)
class Tasks:
    """All that were handed in together."""

    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Events:
    """What happened, oldest first."""

    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The newest plan of a goal, and who made it."""

    version: int
    plan: GoalPlan
    by: str


@dataclass(frozen=True, slots=True)
class Places:
    """What lies in the folder of workspaces, and what was saved of what is gone."""

    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class SweptPlaces:
    """What went, and what stays with the reason."""

    swept: tuple[Swept, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """How far what was typed has got."""

    stage: Stage


@dataclass(frozen=True, slots=True)
class Sessions:
    """Code sessions."""

    sessions: tuple[CodeSession, ...]


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The checkpoints of a code session."""

    checkpoints: tuple[Saved, ...]


@dataclass(frozen=True, slots=True)
class Transcript:
    """A page of what happened in a code session, and whether there may be more."""

    events: tuple[CodeEvent, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class InterruptedCell:
    """The cell as it ended; null where none ran."""

    cell: Cell | None


@dataclass(frozen=True, slots=True)
class Inspected:
    """What is known of a name, by MIME type."""

    data: dict[str, str]


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class AgentStatusIs:
    """What an agent is, and whether it takes a message."""

    status: AgentStatus
    agent_type: str


class Author(StrEnum):
    """Who a message is from."""

    AGENT = "agent"
    USER = "user"


@dataclass(frozen=True, slots=True)
class AgentMessage:
    """One message; its number is its place."""

    id: int
    role: Author
    content: str
    time: str  #: ISO 8601


@dataclass(frozen=True, slots=True)
class AgentMessages:
    """All that was said."""

    messages: tuple[AgentMessage, ...]


@dataclass(frozen=True, slots=True)
class AgentHeard:
    """Whether the agent has it."""

    ok: bool
