"""What the monitor needs of the world, as Protocols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from inspan.model.metrics import Disk, Drawn


class Processes(Protocol):
    """What the system tells of processes and disks; where it tells nothing, they are missing."""

    async def own(self) -> dict[str, Drawn]:
        """Inspan's own, by name: ``daemon``, ``keeper``."""
        ...

    async def sessions(self) -> dict[str, Drawn]:
        """Each session that lives with all below it."""
        ...

    async def disks(self) -> dict[str, Disk]:
        """The file systems of what inspan keeps, by what that is: ``state``, ``recordings``."""
        ...


class Database(Protocol):
    """What the store tells of its work."""

    #: Called on the loop after each transaction: how many changes it wrote, in how many seconds.
    on_transaction: Callable[[int, float], None] | None

    async def put_sample(self, at: float, span: float, body: str, keep: float) -> None:
        """Keep what was measured in the span that ends ``at``, and nothing from before ``keep``."""
        ...

    async def samples(self, since: float, until: float) -> tuple[str, ...]:
        """What is kept of spans that end after ``since`` and begin before ``until``, in order."""
        ...

    @property
    def reads(self) -> int:
        """How many questions it has answered."""
        ...
