"""What the main thread does, one thing after the other: at first by itself, then by asyncio's loop.

To import asyncio takes a fifth of a start, and a session is ready without. So it is imported once
nothing has come for a moment, as is what else may be needed, and before that only where what comes
next may need it. Without it there is no loop, no task and no thread but the link's. This must never
know what it calls.
"""

from __future__ import annotations

import gc
import os
import selectors
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Final

from . import lean
from .ear import Ear

if TYPE_CHECKING:
    from .loop import SessionLoop

#: Seconds without a word. Who opens a session to run code in it sends the first cell at once.
_MOMENT: Final = 0.05
#: Longer code is not looked through.
_SHORT: Final = 1000
#: Without one of these words no code gets at a module that it has not.
_HEAVY: Final = ("import", "await", "async", "__", "exec", "eval", "compile", "globals", "host")


def is_light(code: str) -> bool:
    """Whether nothing in ``code`` can ask for asyncio, as far as its words tell."""
    # Beyond ASCII the same word may be spelt in several ways.
    short = len(code) <= _SHORT and code.isascii()
    return short and not any(word in code for word in _HEAVY)


def import_loop() -> Any:
    """The module of the session's loop."""
    if "asyncio" in sys.modules:
        from . import loop  # noqa: PLC0415  the reason for this module
    else:
        with lean.stand_ins():
            lean.import_asyncio()
            import concurrent.futures.thread  # noqa: F401, PLC0415  to be tagged, see ``threads``

            from . import loop  # noqa: PLC0415  the reason for this module
    return loop


class Turns:
    """Calls what is due, on the main thread."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        self.loop: SessionLoop | None = None
        #: Called where nothing has come for a moment, before there is a loop.
        self.rests: Callable[[], None] = lambda: None
        #: Called with the loop, before it turns.
        self.begun: list[Callable[[SessionLoop], None]] = []
        #: Have something called: on the main thread, and from any. Later on it is the loop's own.
        self.soon: Callable[..., object] = self._soon
        self.soon_threadsafe: Callable[..., object] = self._soon
        # Without a bound of its own: it has what one host says while nothing runs, or little does.
        self._due: deque[tuple[Context, Callable[..., object], tuple[Any, ...]]] = deque()
        self._stopped = False
        self._heard, self._bell = os.pipe()
        os.set_blocking(self._heard, False)
        os.set_blocking(self._bell, False)
        ear.register(self._heard, selectors.EVENT_READ)

    def stop(self) -> None:
        """Have ``run`` return. On the main thread."""
        self._stopped = True
        if self.loop is not None:
            self.loop.stop()

    def run(self) -> None:
        """Call what is due until somebody says ``stop``. Raises what that raises."""
        self._stopped = False
        rests = time.monotonic()
        while self.loop is None:
            if self._due:
                self._catch_up()
                rests = time.monotonic()
            if self._stopped:
                return
            left = rests + _MOMENT - time.monotonic()
            if left > 0:
                self._ear.select(left)
            else:
                self.rests()
                self.begin_loop()
        self.loop.run_forever()

    def begin_loop(self) -> None:
        """Have a loop from now on; ``run`` goes on with it. On the main thread."""
        if self.loop is not None:
            return
        collects = gc.isenabled()
        gc.disable()
        loop: SessionLoop = import_loop().SessionLoop(self._ear)
        for begun in self.begun:
            begun(loop)
        self.loop, self.soon, self.soon_threadsafe = loop, loop.call_soon, loop.call_soon_threadsafe
        self._ear.unregister(self._heard)
        # Another thread may have begun to say something in the former way.
        loop.add_reader(self._heard, self._hand_on)
        loop.call_soon(self._hand_on)
        if collects:
            gc.enable()

    def _soon(
        self, what: Callable[..., object], *given: object, context: Context | None = None
    ) -> None:
        self._due.append((context or copy_context(), what, given))
        with suppress(BlockingIOError):  # it was rung often enough
            os.write(self._bell, b".")

    def _catch_up(self) -> None:
        self._hush()
        while self._due and self.loop is None and not self._stopped:
            context, what, given = self._due.popleft()
            context.run(what, *given)

    def _hand_on(self) -> None:
        assert self.loop is not None
        self._hush()
        while self._due:
            context, what, given = self._due.popleft()
            self.loop.call_soon(what, *given, context=context)

    def _hush(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._heard, 4096)
