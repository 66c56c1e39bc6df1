"""The feed of one code session: its events to everyone who follows it. It never makes one.

A follower holds nothing but the last ``seq`` it saw. It reads from a ring of recent events and,
where it has been slower than the ring, from the transcript: so a slow one costs no memory and
delays nobody. What the transcript was too full to keep, it is told the size of.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

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
        self._ring: deque[CodeEvent] = deque()
        #: What each of those weighs, and all of them.
        self._sizes: deque[int] = deque()
        self._held = 0
        #: The newest number that the ring does not have.
        self._floor = head
        #: Of followers that have all there is: each is given what comes next.
        self._waiting: dict[asyncio.Future[Sequence[CodeEvent]], None] = {}

    def publish(self, events: Sequence[CodeEvent]) -> None:
        """Hand on ``events``, which the transcript has."""
        for event in events:
            weigh = _WEIGHTS.get(type(event.fact))
            size = 0 if weigh is None else weigh(event.fact)
            self._ring.append(event)
            self._sizes.append(size)
            self._held += size
            self.head = event.seq
        while self._held > ROOM or len(self._ring) > RING:
            self._held -= self._sizes.popleft()
            self._floor = self._ring.popleft().seq
        self._wake(events)

    def end(self) -> None:
        """Let followers go once they have all."""
        self.over = True
        self._wake(())

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
                news = await self._change()
                # Who begins ahead of what there is gets nothing of before.
                if news and news[0].seq > seen:
                    return news

    async def _after(self, seen: int) -> Sequence[CodeEvent]:
        if seen < self._floor:
            return await self._transcripts.read(self._session, seen, _PAGE)
        newer: list[CodeEvent] = []
        for event in reversed(self._ring):
            if event.seq <= seen:
                break
            newer.append(event)
        newer.reverse()
        return newer

    async def _change(self) -> Sequence[CodeEvent]:
        loop = asyncio.get_running_loop()
        news: asyncio.Future[Sequence[CodeEvent]] = loop.create_future()
        self._waiting[news] = None
        try:
            return await news
        finally:
            self._waiting.pop(news, None)

    def _wake(self, events: Sequence[CodeEvent]) -> None:
        waiting, self._waiting = self._waiting, {}
        for news in waiting:
            if not news.done():
                news.set_result(events)


def _weight_of_end(ended: CellEnded) -> int:
    end = ended.end
    words = len(end.repr or "") + _weight_of_data(end.data)
    return words + (sum(map(len, end.error.traceback)) if end.error else 0)


def _weight_of_data(data: Mapping[str, Any]) -> int:
    return sum([len(str(part)) for part in data.values()]) if data else 0


#: Characters of a fact, nearly, by its class: only texts and rich values make one large.
_WEIGHTS: Final[dict[type, Callable[[Any], int]]] = {
    Printed: lambda fact: len(fact.text),
    CellEntered: lambda fact: len(fact.code),
    Shown: lambda fact: _weight_of_data(fact.data),
    CellEnded: _weight_of_end,
}
