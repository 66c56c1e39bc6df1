"""What the engine needs of a run that takes prompts, beside what ``ports`` has of every run.

An adapter that has such runs imports this, as it imports ``ports``; it never learns of a task.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from inspan.model.receipt import Arrival, Way


@runtime_checkable
class TakesPrompts(Protocol):
    """A run that can tell what becomes of a prompt; to any other one only types."""

    @property
    def way(self) -> Way:
        """Which stages it can tell of."""
        ...

    async def check_prompt(self, text: str) -> None:
        """Refuse what it cannot be told, or not now. Raises BadInput, Conflict, InputFull."""
        ...

    async def prompt(self, key: str, text: str) -> Arrival:
        """Hand it over, as far as that can be done now; ``Reached`` tells the rest.

        What has to wait waits in the order in which it came, and outlives this engine. Raises what
        ``check_prompt`` and ``Run.write`` raise.
        """
        ...

    async def knows(self, key: str) -> bool | None:
        """Whether a prompt was handed to this process; ``None`` where nobody can tell."""
        ...

    def share(self, taken: Callable[[], bool]) -> None:
        """While ``taken`` says so a person types into it: what waits goes on waiting."""
        ...
