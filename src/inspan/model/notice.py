"""What people are told of tasks without asking, and whom: values only.

Nothing here knows how a notice travels, or when.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from inspan.model.task import TaskState
from inspan.model.value import named_value, value


class NoticeKind(StrEnum):
    """What a notice is about; in the order in which they are counted up."""

    QUESTION = "question"  #: a task asks, and waits
    PERMISSION = "permission"  #: an agent wants to be allowed something, and waits
    REVIEW = "review"  #: a result waits for a verdict
    BUDGET = "budget"  #: a task has used up its budget
    INTERRUPTED = "interrupted"  #: a task stopped and nobody had asked for that
    FAILED = "failed"  #: a task failed, or inspan could not do it
    PARKED = "parked"  #: a task waits until its agent's usage limit is lifted
    COMPLETED = "completed"  #: a task ended well


#: Those that are told where nobody says which.
USUAL: Final = frozenset(NoticeKind) - {NoticeKind.COMPLETED}
#: Those in which nothing goes on without a person.
NEEDS_YOU: Final = (
    NoticeKind.QUESTION,
    NoticeKind.PERMISSION,
    NoticeKind.REVIEW,
    NoticeKind.BUDGET,
    NoticeKind.INTERRUPTED,
)


@value
class Notice:
    """One thing about one task. ``name`` and ``line`` hold nothing that a terminal would obey."""

    kind: NoticeKind
    task: str
    name: str
    role: str
    state: TaskState
    #: What it asks, or why it is where it is.
    line: str
    #: The event that made it worth telling, and when that was.
    seq: int
    at: float


@named_value
class Webhook:
    """A server that gets a POST."""

    #: Where it goes.
    url: str
    #: Whether that is a reference to it (``settings.secrets``): such addresses are keys, often.
    referred: bool = False
    #: A reference to what it is signed with.
    secret: str | None = None
    #: That nobody minds who reads along: http:// to other machines too.
    plain: bool = False


@value
class Desktop:
    """The desktop of whoever the daemon runs as."""


@named_value
class Command:
    """A program of the user's own."""

    argv: tuple[str, ...]


@named_value
class Target:
    """Who is told what, and how."""

    name: str
    way: Webhook | Desktop | Command
    kinds: frozenset[NoticeKind] = USUAL
    #: Of these roles alone, and of tasks with such names alone (``*`` and ``?``); empty: of all.
    roles: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    #: Seconds for which what happens is gathered before it is told, together.
    gather: float = 2.0
    #: Seconds that at least lie between two that are told.
    every: float = 10.0
    #: Whether it is told in a task's own words what it asks, and why it failed.
    words: bool = True
