"""Who tells how inspan itself does: ports of the engine like those in ``ports``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from inspan.control import Health
from inspan.model.metrics import Metrics, MetricsQuery
from inspan.model.task import Task

if TYPE_CHECKING:
    from inspan.engine.ports import Change


class Vitals(Protocol):
    """How inspan's own processes are."""

    async def look(self, sessions: int, counts: dict[str, int]) -> Health:
        """Health, with what only the engine knows handed in."""
        ...


class Monitor(Protocol):
    """Who counts and measures. It only listens: nothing waits for it but who asks it."""

    def begin(self, tasks: Iterable[Task]) -> None:
        """The tasks that are open, before the first change is told."""
        ...

    def hear(self, changes: Sequence[Change]) -> None:
        """Changes that are stored, in order of seq."""
        ...

    async def metrics(self, query: MetricsQuery) -> Metrics:
        """What was counted and measured. Raises BadInput."""
        ...
