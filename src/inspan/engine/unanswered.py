"""A permission that nobody gives or refuses in time is denied, and that is told.

The limit counts from when it was asked for, through the death of an engine. It knows nothing of
the process but that it can be answered.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from inspan.engine.ports import Clock, Run
from inspan.errors import InspanError
from inspan.model import event as e
from inspan.model.permission import Decision
from inspan.model.task import Needs, Task

log = logging.getLogger(__name__)

#: A process that did not read its denial is told again after this long, in seconds.
_AGAIN: Final = 10.0


class Asking(Protocol):
    """The attempt that asks."""

    @property
    def task(self) -> Task:
        """The task as it is now."""
        ...

    @property
    def run(self) -> Run | None:
        """The live process, if there is one."""
        ...

    async def tell(self, *facts: e.Fact) -> None:
        """Store what is worth knowing."""
        ...

    async def answered(self, needs: Needs | None = None) -> None:
        """It goes on."""
        ...


class Unanswered:
    """What the patrol looks at while an attempt waits for a permission."""

    def __init__(
        self,
        asking: Asking,
        limit: float | None,
        clock: Clock,
        spawn: Callable[[Callable[[], Awaitable[None]]], None],
    ) -> None:
        """``limit``: how many seconds a permission is waited for; ``None`` for ever."""
        self._asking = asking
        self._limit = limit
        self._clock = clock
        self._spawn = spawn

    def look(self) -> float | None:
        """Deny what is due; when to look again (monotonic seconds)."""
        needs = self._asking.task.needs
        if self._limit is None or needs is None or needs.kind != "permission":
            return None
        left = needs.since + self._limit - self._clock.now()
        if left > 0:
            return self._clock.monotonic() + left
        self._spawn(lambda: self._deny(needs))
        return self._clock.monotonic() + _AGAIN

    async def _deny(self, needs: Needs) -> None:
        """Unless somebody has just answered."""
        run, task = self._asking.run, self._asking.task
        if run is None or task.needs is None or task.needs.id != needs.id:
            return
        try:
            await run.answer(needs, Decision.DENY)
        except InspanError as error:
            log.info("not denied: %s", error, extra={"action": "expire", "task": task.id})
            return
        by = f"nobody answered within {self._limit:g} s"
        await self._asking.tell(
            e.PermissionDecided(task.attempt, needs.id, needs.question, Decision.DENY, by)
        )
        await self._asking.answered(needs)
