"""The asyncio loop of a session: importing this imports asyncio, so ``turns`` alone does it."""

from __future__ import annotations

import asyncio
import os
import selectors
from types import CodeType
from typing import Any, Final


class SessionLoop(asyncio.SelectorEventLoop):
    """The one loop of a session's life: code that closes it, as scripts do, closes nothing."""

    #: The folder of its code, and that in which it calls what is due: to know frames of them.
    code: Final[tuple[str, CodeType]] = (
        os.path.dirname(asyncio.__file__) + os.sep,  # noqa: PTH120 - pathlib would cost start-up
        asyncio.Handle._run.__code__,  # noqa: SLF001 - there is no other way to it
    )

    def __init__(self, selector: selectors.BaseSelector) -> None:
        super().__init__(selector)
        self.install()

    def install(self) -> None:
        """Be the main thread's loop, whatever user code has done with that."""
        asyncio.set_event_loop(self)

    def tasks(self) -> set[asyncio.Task[Any]]:
        """Those that have not ended."""
        return asyncio.all_tasks(self)

    def close(self) -> None:
        """Does nothing."""
