"""Transcripts of code sessions in memory: what happened, and nothing that outlives the process."""

from __future__ import annotations

from inspan.model.code import CodeEvent


class MemoryTranscripts:
    """``Transcripts`` in lists."""

    def __init__(self) -> None:
        self._events: dict[str, list[tuple[CodeEvent, str]]] = {}

    def append(self, event: CodeEvent, mark: str) -> None:
        """Behind the last."""
        self._events.setdefault(event.session, []).append((event, mark))

    async def read(self, session: str, since: int, limit: int) -> tuple[CodeEvent, ...]:
        """Events after ``since``, oldest first."""
        return tuple(event for event, _ in self._events.get(session, ())[since : since + limit])

    async def last(self, session: str) -> tuple[int, str]:
        """The last ``seq`` and its mark; ``(0, "")`` where there is nothing."""
        if not self._events.get(session):
            return 0, ""
        event, mark = self._events[session][-1]
        return event.seq, mark

    async def remove(self, session: str) -> int:
        """Delete it; it took no bytes of a disk."""
        self._events.pop(session, None)
        return 0
