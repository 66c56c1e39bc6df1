"""What was measured, kept beyond this process: a row for each minute in which something happened.

A minute that is not over when the daemon is killed is lost, and nothing else is.
"""

from __future__ import annotations

import json
import logging
import math
from collections import deque
from collections.abc import Iterator
from typing import Final

import anyio
import anyio.to_thread

from inspan.errors import InspanError
from inspan.monitor.ports import Database
from inspan.monitor.tally import Tally, joined

log = logging.getLogger(__name__)

#: Seconds of a row.
ROW: Final = 60.0
#: So many rows wait for a database that does not take them; then the oldest is lost.
_WAITING: Final = 60


class Keeping:
    """The minute that is being counted, and those before it."""

    def __init__(self, database: Database, kept: float | None) -> None:
        """``kept``: for how many seconds a row is; ``None``: for ever."""
        self._database = database
        self._kept = math.inf if kept is None else kept
        self._minute = Tally()
        self._full: deque[Tally] = deque(maxlen=_WAITING)
        self._news = anyio.Event()

    def add(self, over: Tally) -> None:
        """A span is over."""
        self._minute.join(over)
        if self._minute.span >= ROW:
            self._end()

    async def write(self) -> None:
        """Write what is full, until cancelled."""
        while True:
            await self._news.wait()
            self._news = anyio.Event()
            await self._put()

    async def finish(self) -> None:
        """Write what is there, though the minute is not over."""
        self._end()
        await self._put()

    async def since(self, since: float, until: float, most: int) -> tuple[Tally, ...]:
        """What is kept of spans that end after ``since`` and begin before ``until``; see ``fewer``.

        Raises what asking the store does.
        """
        rows = await self._database.samples(since, until)
        if not rows:
            return ()
        return await anyio.to_thread.run_sync(_read, rows, most)

    def _end(self) -> None:
        if not self._minute.quiet:
            self._full.append(self._minute)
            self._news.set()
        self._minute = Tally()

    async def _put(self) -> None:
        while self._full:
            row = self._full[0]
            body = json.dumps(row.plain(), separators=(",", ":"))
            try:
                await self._database.put_sample(row.at, row.span, body, row.at - self._kept)
            except InspanError as error:
                log.warning("what was measured is not kept: %s", error, extra={"action": "keep"})
                return  # the next row tries again
            if self._full and self._full[0] is row:  # or it was the one too many, meanwhile
                self._full.popleft()


def fewer(tallies: tuple[Tally, ...], most: int) -> tuple[Tally, ...]:
    """At most ``most``: where there are more, neighbours are joined."""
    if len(tallies) <= most:
        return tallies
    each = -(-len(tallies) // most)
    return tuple(joined(tallies[start : start + each]) for start in range(0, len(tallies), each))


def _read(rows: tuple[str, ...], most: int) -> tuple[Tally, ...]:
    return fewer(tuple(_tallies(rows)), most)


def _tallies(rows: tuple[str, ...]) -> Iterator[Tally]:
    for row in rows:
        try:
            yield Tally.of(json.loads(row))
        except (ValueError, KeyError, TypeError) as error:
            log.warning("a sample cannot be read: %r", error, extra={"action": "keep"})
