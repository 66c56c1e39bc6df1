"""The feed of one code session: its events to everyone who follows it. It never makes one.

A follower holds nothing but the last ``seq`` it saw. It reads from a ring of recent events and,
where it has been slower than the ring, from the transcript: so a slow one costs no memory and
delays nobody. What the transcript was too full to keep, it is told the size of.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from inspan.engine.code.ports import Transcripts
from inspan.model.code import CellEnded, CellEntered, CodeEvent, Printed, Shown

#: Events of a session kept in memory, and bytes of them; the oldest go, the transcript has them.
RING: Final = 1024
ROOM: Final = 1 << 20
_PAGE: Final = 500


class Feed:
    """Publishes what is in the transcript, in its order."""

    def __init__(self, session: str, transcripts: Transcripts, head: int) -> None:
        #: The newest number published.
        self.head = head
        #: Nothing more comes.
        self.over = False
        self._session = session
        self._transcripts = transcripts
        self._ring: deque[tuple[CodeEvent, int]] = deque()
        self._held = 0
        #: The newest number that the ring does not have.
        self._floor = head
        self._news: asyncio.Event | None = None

    def publish(self, events: Sequence[CodeEvent]) -> None:
        """Hand on ``events``, which the transcript has."""
        for event in events:
            size = _weight(event)
            self._ring.append((event, size))
            self._held += size
            self.head = event.seq
        while self._held > ROOM or len(self._ring) > RING:
            gone, size = self._ring.popleft()
            self._held -= size
            self._floor = gone.seq
        self._wake()

    def end(self) -> None:
        """Let followers go once they have all."""
        self.over = True
        self._wake()

    def reopen(self) -> None:
        """More comes, after all."""
        self.over = False

    async def after(self, seen: int, enough: Callable[[], bool] = bool) -> Sequence[CodeEvent]:
        """Events after ``seen``, once there are some; none where the session is over.

        ``enough`` is asked when all there is was told: True ends it.
        """
        while True:
            head = self.head
            if seen < head:
                batch = await self._after(seen)
                if batch:
                    return batch
                seen = max(seen, head)
            if self.head == head:
                if self.over or enough():
                    return ()
                await self._change()

    async def _after(self, seen: int) -> Sequence[CodeEvent]:
        if seen < self._floor:
            return await self._transcripts.read(self._session, seen, _PAGE)
        newer: list[CodeEvent] = []
        for event, _ in reversed(self._ring):
            if event.seq <= seen:
                break
            newer.append(event)
        newer.reverse()
        return newer

    async def _change(self) -> None:
        if self._news is None:
            self._news = asyncio.Event()
        await self._news.wait()

    def _wake(self) -> None:
        news, self._news = self._news, None
        if news is not None:
            news.set()


def _weight(event: CodeEvent) -> int:
    """Its characters, nearly: only texts and rich values make it large."""
    match event.fact:
        case Printed(text=text) | CellEntered(code=text):
            return len(text)
        case Shown(data=data):
            return sum(len(str(part)) for part in data.values())
        case CellEnded(end=end):
            words = len(end.repr or "") + sum(len(str(part)) for part in end.data.values())
            return words + (sum(map(len, end.error.traceback)) if end.error else 0)
        case _:
            return 0
