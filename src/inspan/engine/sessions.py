"""Sessions: reading what was recorded, and taking part in what runs. One writer at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from inspan.engine.attempt import Attempt
from inspan.engine.ports import Recordings, Run
from inspan.engine.references import References
from inspan.errors import WriterTaken
from inspan.model.session import Chunk

_Find = Callable[[str], Attempt | None]


class Sessions:
    """The bytes of sessions, and who may type into them."""

    def __init__(self, recordings: Recordings, refs: References, find: _Find) -> None:
        self._recordings = recordings
        self._refs = refs
        self._find = find
        self._writers: dict[str, Attachment] = {}

    async def read(self, session: str, offset: int, limit: int) -> tuple[Chunk, ...]:
        """What is recorded from ``offset`` on."""
        return await self._recordings.read(await self._refs.session(session), offset, limit)

    @asynccontextmanager
    async def attach(
        self, session: str, *, offset: int, writer: bool, steal: bool
    ) -> AsyncIterator[Attachment]:
        """Follow a session; with ``writer`` also type, unless another does and ``steal`` is off."""
        name = await self._refs.session(session)
        attachment = Attachment(self, name, offset)
        if writer:
            if name in self._writers and not steal:
                raise WriterTaken
            self._writers[name] = attachment
            await self._attend(name, on=True)
        try:
            yield attachment
        finally:
            if self._writers.get(name) is attachment:
                del self._writers[name]
                await self._attend(name, on=False)

    def follow(self, session: str, offset: int) -> AsyncIterator[Chunk]:
        """The recording from ``offset`` on, and what comes."""
        return self._recordings.follow(session, offset)

    def run_for(self, session: str, attachment: Attachment) -> Run | None:
        """The process that ``attachment`` may type into; ``None`` once it has ended."""
        if self._writers.get(session) is not attachment:
            raise WriterTaken("this attachment is read-only, or somebody took the terminal over")
        attempt = self._find(session)
        return None if attempt is None else attempt.run

    async def _attend(self, session: str, *, on: bool) -> None:
        attempt = self._find(session)
        if attempt is not None and attempt.run is not None:
            await attempt.run.attend(on)


class Attachment:
    """``control.Terminal`` in process."""

    def __init__(self, sessions: Sessions, session: str, offset: int) -> None:
        self._sessions = sessions
        self._session = session
        self._offset = offset

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self._sessions.follow(self._session, self._offset)

    async def write(self, data: bytes) -> None:
        """Type. What is typed as the session ends goes nowhere; ``Ended`` tells why."""
        run = self._sessions.run_for(self._session, self)
        if run is not None:
            await run.write(data)

    async def resize(self, cols: int, rows: int) -> None:
        run = self._sessions.run_for(self._session, self)
        if run is not None:
            await run.resize(cols, rows)
