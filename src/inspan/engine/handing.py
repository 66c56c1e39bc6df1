"""What the engine needs of providers that hand tasks to one another: ports, as in ``ports``."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from inspan.model.task import TaskSpec
from inspan.model.value import named_value


@named_value
class Past:
    """An attempt that is over: its session, and what was wanted of it."""

    session: str
    spec: TaskSpec
    #: The agent's own session that it took up.
    resumes: str | None = None


@named_value
class Account:
    """What an agent said and did in an attempt, oldest first; secrets are out of it."""

    deeds: tuple[str, ...] = ()
    #: How many older ones are not told.
    left_out: int = 0
    last_words: str = ""


@runtime_checkable
class HandsOver(Protocol):
    """A provider whose tasks another one can go on with, and that goes on with those of others."""

    def leave(self, spec: TaskSpec) -> TaskSpec:
        """What is wanted, without what is for this provider alone: arguments and keys."""
        ...

    def take(self, spec: TaskSpec) -> TaskSpec:
        """What is wanted, as this provider runs it. Raises BadInput."""
        ...

    async def recount(self, past: Past, most: int) -> Account:
        """What was said and done, the newest of it, in about ``most`` bytes."""
        ...
