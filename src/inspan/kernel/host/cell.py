"""One cell as its host has it: what it sent, in order and bounded, and then one end.

It never knows a socket or a file. Buffering: a cell holds ``ROOM`` bytes that were not taken yet.
While somebody reads it, a full cell waits: the session stops taking anything from the worker until
there is room, and the worker keeps what comes meanwhile within its own bound. Where nobody reads
it and somebody waits for its end, the oldest output goes, and what is left says how much.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from inspan.errors import InspanError, KernelProtocol
from inspan.kernel import protocol as p

#: Bytes that one cell holds for its reader.
ROOM: Final = 8 << 20
#: What an item costs beside its text.
_ITEM: Final = 200

Stream: TypeAlias = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class Output:
    """What a cell wrote. ``dropped`` bytes, rich values among them, went missing before it."""

    stream: Stream
    data: bytes
    dropped: int = 0


End: TypeAlias = p.Result | p.Error
Item: TypeAlias = (
    p.Started | Output | p.Display | p.Clear | p.Input | p.Ask | p.Withdraw | p.Result | p.Error
)


class Entry(NamedTuple):
    """An item and where it came from, which is settled when its reader is done with it."""

    item: Item
    size: int
    #: Of the frame; 0 for bytes of a capture file.
    seq: int = 0
    #: Which capture file, and the offset behind these bytes; -1: of none.
    file: int = -1
    offset: int = 0
    #: Another one comes in the same turn of the loop.
    more: bool = False


def entry(item: Item, size: int, seq: int, *, more: bool = False) -> Entry:
    """What a frame of ``size`` bytes brought."""
    return Entry(item, size + _ITEM, seq, more=more)


def captured(stream: Stream, data: bytes, offset: int) -> Entry:
    """Bytes of a capture file that end at ``offset``."""
    file = 0 if stream == "stdout" else 1
    return Entry(Output(stream, data), len(data) + _ITEM, 0, file, offset)


class Home(Protocol):
    """What a cell says to the session that it belongs to."""

    def settled(self, entry: Entry) -> None:
        """The reader is done with this one."""

    def room(self) -> None:
        """There is room again."""


class Inbox:
    """Entries that wait for one reader, in order."""

    def __init__(self, home: Home, *, drops: bool) -> None:
        #: Whether the oldest output goes where it is full.
        self.drops = drops
        self._home = home
        self._entries: deque[Entry] = deque()
        #: Bytes that it holds.
        self.size = 0
        self._lost: dict[Stream, int] = {}
        self._news = asyncio.Event()
        self._closed: InspanError | None = None

    @property
    def blocked(self) -> bool:
        """It is full, and waits for its reader."""
        return self.size >= ROOM and not self.drops

    def put(self, entry: Entry) -> None:
        """One more. Raises KernelProtocol where it is full of what cannot be dropped."""
        self._entries.append(entry)
        self.size += entry.size
        if self.size > ROOM and self.drops:
            self._drop()
        self._news.set()

    def close(self, error: InspanError | None) -> None:
        """Nothing more comes; the reader gets ``error`` after what is there."""
        self._closed = error
        self._news.set()

    def let_drop(self) -> None:
        """Nobody reads any more."""
        if not self.drops:
            self.drops = True
            self._home.room()

    async def get(self) -> Entry:
        """The next, in order. Raises what it was closed with."""
        while not self._entries:
            if self._closed is not None:
                raise self._closed
            self._news.clear()
            await self._news.wait()
        return self.pop()

    def pop(self) -> Entry:
        """The next, which is there."""
        if self._lost and not isinstance(self._entries[0].item, Output):
            # All output behind which something was lost is gone: it is told for itself.
            stream, lost = self._lost.popitem()
            return Entry(Output(stream, b"", lost), 0)
        entry = self._entries.popleft()
        was_full, self.size = self.size >= ROOM, self.size - entry.size
        if was_full and self.size < ROOM:
            self._home.room()
        item = entry.item
        if self._lost and isinstance(item, Output):
            lost = self._lost.pop(item.stream, 0)
            entry = entry._replace(item=replace(item, dropped=item.dropped + lost))
        return entry

    def __len__(self) -> int:
        return len(self._entries)

    def _drop(self) -> None:
        kept: list[Entry] = []
        while self.size > ROOM and self._entries:
            entry = self._entries.popleft()
            item = entry.item
            if isinstance(item, Output):
                gone = len(item.data) + item.dropped
                self._lost[item.stream] = self._lost.get(item.stream, 0) + gone
            elif isinstance(item, p.Display | p.Clear):
                self._lost["stdout"] = self._lost.get("stdout", 0) + entry.size
            else:
                kept.append(entry)
                continue
            self.size -= entry.size
            self._home.settled(entry)
        self._entries.extendleft(reversed(kept))
        if self.size > 2 * ROOM:
            raise KernelProtocol(
                "The session asked for more than can be held until it is answered."
            )


#: What is told of each entry, at once: the cell's id, or ``None`` where it is of no open one.
Tell: TypeAlias = Callable[[str | None, Entry], None]


class Told(Inbox):
    """Entries that are told at once, and then with their reader: it holds none."""

    def __init__(self, home: Home, name: str | None, tell: Tell) -> None:
        super().__init__(home, drops=True)
        self._name = name
        self._tell = tell

    def put(self, entry: Entry) -> None:
        self._tell(self._name, entry)
        self._home.settled(entry)


class Cell:
    """Iterate it for its messages: the last is a Result or an Error, or SessionDied is raised.

    One reader at a time. What was iterated is the reader's: it is not sent again to a host that
    takes the session up later, except for the end, which is, until ``stored`` or the next cell.
    """

    def __init__(
        self, execution_id: str, number: int, home: Home, tell: Tell | None = None
    ) -> None:
        """``tell``: nobody iterates it, and each of its messages is told when it comes."""
        self.execution_id = execution_id
        #: Of the session's cells, from 1; 0 where it is not known yet.
        self.number = number
        self.end: End | None = None
        #: It runs, or ran.
        self.begun = False
        self.inbox = Inbox(home, drops=False) if tell is None else Told(home, execution_id, tell)
        #: The end has reached a reader or a waiter.
        self.seen = False
        #: Bytes of its descriptors.
        self.wrote = 0
        self._home = home
        self._over = asyncio.Event()
        self._death: InspanError | None = None
        self._readers = 0
        self._waiters = 0
        self._end_entry: Entry | None = None

    def __aiter__(self) -> AsyncIterator[Item]:
        return self._read()

    async def outcome(self) -> End:
        """How it ended. Raises SessionDied. Output that nobody reads may be dropped meanwhile."""
        self._waiters += 1
        try:
            if not self._readers:
                self.inbox.let_drop()
            await self._over.wait()
        finally:
            self._waiters -= 1
        if self.end is None:
            assert self._death is not None
            raise self._death
        self.seen = True
        return self.end

    async def over(self) -> None:
        """Return once it has ended, however it did, without taking anything."""
        await self._over.wait()

    @property
    def ended(self) -> bool:
        """It ended, or died with its session."""
        return self._over.is_set()

    def finish(self, entry: Entry, end: End) -> None:
        """Its end has come."""
        self.end = end
        self.inbox.put(entry)
        if isinstance(self.inbox, Told):
            self.seen = True
        else:
            self._end_entry = entry
        self._over.set()

    def die(self, death: InspanError) -> None:
        """Its session is gone."""
        if not self._over.is_set():
            self._death = death
            self.inbox.close(death)
            self._over.set()

    def stored(self) -> None:
        """All of it is safe with the caller: it is not sent again."""
        while len(self.inbox):
            self._home.settled(self.inbox.pop())
        if self._end_entry is not None:
            self._home.settled(self._end_entry)
            self._end_entry = None

    async def _read(self) -> AsyncGenerator[Item, None]:
        self._readers += 1
        try:
            while not (self.seen and not len(self.inbox)):
                entry = await self.inbox.get()
                if entry.item is self.end:
                    self.seen = True
                    yield entry.item
                    return
                yield entry.item
                self._home.settled(entry)
        finally:
            self._readers -= 1
            if self._waiters and not self._readers:
                self.inbox.let_drop()
