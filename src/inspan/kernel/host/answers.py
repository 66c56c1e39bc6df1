"""A program that is the host of its own session: what code asks, it answers by a call.

Without a program's answer everything is refused. It knows no capability; what is granted is the
program's to decide.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from inspan.errors import (
    BadInput,
    InputFull,
    InspanError,
    NotGranted,
    PromiseTimedOut,
    SessionDied,
    SessionEnded,
    Unable,
)
from inspan.kernel import protocol as p
from inspan.kernel.host.session import KernelSession
from inspan.model.promise import plain

log = logging.getLogger(__name__)

#: Given the name of a capability and what came with it; what it returns JSON has.
Answer: TypeAlias = Callable[[str, Any], Awaitable[Any]]

#: Questions that are open at once; the next one is refused.
MOST: Final = 256
_ALONE: Final = (
    "This session has no host to ask. Sessions of the daemon have one, and `inspan.code(host=…)`"
    " makes one of a program."
)


class Answers:
    """Answers beside the session, in tasks of ``group``."""

    def __init__(self, group: asyncio.TaskGroup, answer: Answer | None) -> None:
        self._group = group
        self._answer = answer
        self._open: dict[str, asyncio.Task[None]] = {}
        #: Set before any code runs.
        self.session: KernelSession

    def heard(self, message: p.Ask | p.Withdraw) -> None:
        """For ``Watching.asked``."""
        if isinstance(message, p.Withdraw):
            task = self._open.get(message.promise)
            if task is not None:
                task.cancel()
        elif self._answer is None:
            self._tell(message, error=NotGranted(_ALONE))
        elif len(self._open) >= MOST:
            self._tell(message, error=InputFull(f"{MOST} questions are open already."))
        elif message.promise not in self._open:
            task = self._group.create_task(self._see_to(message, self._answer))
            self._open[message.promise] = task
            task.add_done_callback(lambda _: self._open.pop(message.promise, None))

    def close(self) -> None:
        """Nobody waits any more."""
        for task in self._open.values():
            task.cancel()

    async def _see_to(self, message: p.Ask, answer: Answer) -> None:
        try:
            async with asyncio.timeout(message.timeout) as limit:
                value = await answer(message.capability, message.payload)
            value = plain(value, f"the answer to {message.capability!r}")
        except InspanError as error:
            self._tell(message, error=error)
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                self._tell(message, error=PromiseTimedOut("Nobody answered in time."))
                return
            log.exception("no answer to %s", message.capability)
            why = f"{message.capability} failed: {type(error).__name__}: {error}"
            self._tell(message, error=Unable(why))
        else:
            self._tell(message, value=value)

    def _tell(self, message: p.Ask, *, value: Any = None, error: InspanError | None = None) -> None:
        try:
            try:
                self.session.settle(message.promise, value=value, error=error)
            except BadInput as too_much:
                self.session.settle(message.promise, error=too_much)
        except (SessionDied, SessionEnded) as gone:
            log.debug("nobody waits for %s: %s", message.promise, gone)
