"""How a client finds back to a daemon that was lost: when it tries, how often, and what it says.

One search for all of them: streams of the library, blocking or not, and the commands. It decides
nothing about what was asked for; whoever is led back says where it goes on.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn, Protocol

from inspan.clock import SystemClock
from inspan.errors import DaemonMismatch, DaemonUnreachable
from inspan.model.timeouts import DEFAULT

if TYPE_CHECKING:
    from inspan.client.address import Address

#: How often in a row it is tried, where nothing else is said: a minute of 5 s each.
TRIES: Final = 12
#: What chance adds to a delay, at most: many clients must not come back at the same moment.
_JITTER: Final = 0.2
#: Before the first try, at most, in seconds: mostly the connection alone was lost.
_MOMENT: Final = 0.5
#: The same where the daemon is our own: one that is being killed still listens for a moment.
_OWN_MOMENT: Final = 0.05
#: Seconds for somebody to start the next one, where the last was told to stop (`up --restart`).
_SUCCESSOR: Final = 5.0
_THERE: Final = "What runs there runs on; ask again when it can be reached."
_STOPPED: Final = "The next command starts another; `inspan ls` tells what became of what ran."


class Clock(Protocol):
    """What of ``ports.Clock`` a search needs, and the same for whoever blocks."""

    def monotonic(self) -> float: ...
    def chance(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...
    def pause(self, seconds: float) -> None:
        """``sleep``, for a thread."""
        ...


class Rejoin(NamedTuple):
    """That a lost daemon is looked for, and how."""

    #: Seconds between two tries; chance adds up to a fifth.
    every: float = DEFAULT.reconnect
    #: How often in a row; ``None``: for ever.
    tries: int | None = TRIES
    #: Starts the daemon of this machine where there is none; ``None``: it is tried, never started.
    start: Callable[[], object] | None = None
    #: Told when a search takes longer, and of its good end.
    say: Callable[[str], object] | None = None
    clock: Clock = SystemClock()


class Search:
    """One search: how long to wait until the next try, and when it is given up."""

    def __init__(self, rejoin: Rejoin, address: Address) -> None:
        self._rejoin = rejoin
        self._address = address
        self._own = rejoin.start is not None and bool(address.path)
        self._tries = 0
        #: Until when a daemon that was told to stop may have a successor.
        self._until: float | None = None

    def pause(self, lost: DaemonUnreachable) -> float:
        """Seconds until the next try. Raises DaemonUnreachable once it is given up."""
        most, clock = self._rejoin.tries, self._rejoin.clock
        if most is not None and self._tries >= most:
            raise DaemonUnreachable(
                f"the connection to {self._address.url} is lost", hint=_THERE
            ) from lost
        self._tries += 1
        if self._own:
            return _OWN_MOMENT if self._tries == 1 else self._spread(_MOMENT * self._tries)
        if self._tries == 1:
            return _MOMENT * clock.chance()
        if self._tries == 2:
            every = self._rejoin.every
            self._say(
                f"the connection to {self._address.url} is lost; trying again every {every:g} s"
            )
        return self._spread(self._rejoin.every)

    def awaits_successor(self) -> float:
        """Seconds to wait since the own daemon was told to stop: it took its socket with it then.

        Raises DaemonUnreachable where no other came in time.
        """
        if not self._own or os.path.lexists(self._address.path):
            return 0.0
        now = self._rejoin.clock.monotonic()
        self._until = now + _SUCCESSOR if self._until is None else self._until
        if now >= self._until:
            raise DaemonUnreachable("the daemon was stopped", hint=_STOPPED)
        return _OWN_MOMENT

    def found(self) -> None:
        """A connection is there again."""
        if self._tries > 1:
            self._say(f"connected to {self._address.url} again")

    def _spread(self, seconds: float) -> float:
        return seconds * (1 + _JITTER * self._rejoin.clock.chance())

    def _say(self, text: str) -> None:
        if self._rejoin.say is not None and not self._own:
            self._rejoin.say(text)


class _Ways:
    """What both ways back have in common: a search lasts until something has come."""

    def __init__(self, rejoin: Rejoin, address: Address) -> None:
        self._rejoin = rejoin
        self._address = address
        self._search: Search | None = None
        self._stands_since: float | None = None
        #: When it is tried next, where a search is under way.
        self._due: float | None = None

    def well(self) -> None:
        """Something came: what is lost from now on is another loss."""
        self._search = self._due = None

    def _begun(self, lost: DaemonUnreachable) -> Search:
        if isinstance(lost, DaemonMismatch):
            raise lost
        clock, stood = self._rejoin.clock, self._stands_since
        if stood is not None and clock.monotonic() - stood >= self._rejoin.every:
            self.well()  # it was silent, and stood
        self._stands_since = None
        if self._search is None:
            self._search = Search(self._rejoin, self._address)
        return self._search

    def _stands(self, search: Search) -> None:
        search.found()
        self._stands_since, self._due = self._rejoin.clock.monotonic(), None


class Way(_Ways):
    """Leads a stream back, blocking."""

    def back(
        self, lost: DaemonUnreachable, again: Callable[[], object], end: float | None = None
    ) -> bool:
        """Once ``again`` has made a new connection; false where it is ``end`` before that.

        Raises DaemonUnreachable once it is given up, and whatever else ``again`` raises.
        """
        search, clock = self._begun(lost), self._rejoin.clock
        while True:
            if self._due is None:
                self._due = clock.monotonic() + search.pause(lost)
            if not self._wait(self._due, end):
                return False
            while more := search.awaits_successor():
                clock.pause(more)
            self._due = None
            try:
                if self._rejoin.start is not None:
                    self._rejoin.start()
                again()
            except DaemonMismatch:
                raise
            except DaemonUnreachable as error:
                lost = error
            else:
                self._stands(search)
                return True

    def _wait(self, due: float, end: float | None) -> bool:
        clock = self._rejoin.clock
        until = due if end is None else min(due, end)
        clock.pause(max(0.0, until - clock.monotonic()))
        return end is None or due <= end


class AsyncWay(_Ways):
    """The same for asyncio."""

    async def back(self, lost: DaemonUnreachable, again: Callable[[], Awaitable[object]]) -> None:
        """Once ``again`` has made a new connection. See ``Way.back``."""
        import asyncio  # noqa: PLC0415  as above

        search, clock = self._begun(lost), self._rejoin.clock
        while True:
            await clock.sleep(search.pause(lost))
            while more := search.awaits_successor():
                await clock.sleep(more)
            try:
                if self._rejoin.start is not None:
                    await asyncio.to_thread(self._rejoin.start)
                await again()
            except DaemonMismatch:
                raise
            except DaemonUnreachable as error:
                lost = error
            else:
                self._stands(search)
                return


def unknown(lost: DaemonUnreachable) -> NoReturn:
    """Raises what tells that nothing was seen yet by which it could be gone on."""
    raise DaemonUnreachable(
        f"{lost.message}, and nothing had come after which to go on",
        hint="Say `since`, and it goes on from there.",
    ) from lost
