"""Sessions: reading what was recorded, and taking part in what runs. One writer at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Final, cast

import anyio

from inspan.control import SearchQuery
from inspan.engine.attempt import Attempt
from inspan.engine.ports import Recordings, Run
from inspan.engine.references import References
from inspan.errors import BadInput, SessionNotFound, WriterTaken
from inspan.model.ids import SESSION_ID, task_of
from inspan.model.session import Answers, Chunk, Frame, Hit, Hits, Output, Times, Wanted
from inspan.model.task import Task, TaskState

#: Seconds for a process that an earlier engine started to be taken up by this one.
_ADOPTION: Final = 5.0
#: Seconds for a process to begin whose attempt has its slot.
_BEGINNING: Final = 1.0

#: How many parts of recordings one call of ``search`` reads, a session's end counted as one.
_SEARCH_STEPS: Final = 16

#: As many digits as an offset has at most.
_OFFSET_DIGITS: Final = 18

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
        name = await self._refs.session(session)
        try:
            return await self._recordings.read(name, offset, limit)
        except SessionNotFound:
            attempt = self._find(name)
            if attempt is None or not _is_to_begin(attempt.task):
                raise
            return ()  # its process is on its way

    async def times(self, session: str, offset: int, until: int | None, most: int) -> Times:
        """When the bytes from ``offset`` up to ``until`` came."""
        name = await self._refs.session(session)
        return await self._recordings.times(name, offset, until, most)

    async def frame(self, session: str, offset: int) -> Frame:
        """What its terminal showed there."""
        return await self._recordings.frame(await self._refs.session(session), offset)

    async def search(self, query: SearchQuery) -> Hits:
        """Lines that were printed, newest session first, as far as one call reads."""
        if not query.text.strip() or "\n" in query.text:
            raise BadInput("text: a line, or a part of one, is what can be found")
        names = await self._searched(query.task)
        name, offset = _place(query.after)
        found: list[Hit] = []
        left = _SEARCH_STEPS
        for session in [one for one in names if not name or one <= name]:
            at: int | None = offset if session == name else 0
            while at is not None:
                if not left or len(found) >= query.limit:
                    return Hits(tuple(found), f"{session}:{at}")
                left -= 1
                wanted = Wanted(text=query.text, case=query.case, most=query.limit - len(found))
                at = await self._search_on(session, at, wanted, found)
        return Hits(tuple(found))

    async def _searched(self, ref: str | None) -> list[str]:
        if ref is not None and SESSION_ID.fullmatch(ref):
            return [await self._refs.session(ref)]
        task = None if ref is None else (await self._refs.task(ref)).id
        names = [name for name, _ in await self._recordings.usage()]
        return sorted((n for n in names if task in (None, task_of(n))), reverse=True)

    async def _search_on(
        self, session: str, offset: int, wanted: Wanted, found: list[Hit]
    ) -> int | None:
        try:
            page = await self._recordings.search(session, offset, wanted)
        except SessionNotFound:
            return None  # it was removed meanwhile
        found += page.hits
        return None if page.next is None else int(page.next)

    @asynccontextmanager
    async def attach(
        self, session: str, *, offset: int, writer: bool, steal: bool, answers: Answers
    ) -> AsyncIterator[Attachment]:
        """Follow a session; with ``writer`` also type, unless another does and ``steal`` is off.

        One that has not begun is refused: nobody would read what is typed.
        """
        name = await self._refs.session(session)
        attachment = Attachment(self, name, offset)
        if not await self._begun(name, writer=writer):
            raise SessionNotFound("that session has not begun yet")
        former = self._writers.get(name)
        if writer and former is not None and not steal:
            raise WriterTaken
        try:
            if writer:
                self._writers[name] = attachment
                attachment.answers_from = await self._take_over(attachment, former, answers)
            yield attachment
        finally:
            await self.leave(attachment)

    def is_typed_into(self, session: str) -> bool:
        """Whether somebody is attached who may type."""
        return session in self._writers

    def follow(self, session: str, offset: int) -> AsyncIterator[Chunk]:
        """The recording from ``offset`` on, and what comes."""
        return self._recordings.follow(session, offset)

    def run_for(self, session: str, attachment: Attachment) -> Run | None:
        """The process that ``attachment`` may type into; ``None`` once it has ended."""
        if self._writers.get(session) is not attachment:
            raise WriterTaken("this attachment is read-only, or somebody took the terminal over")
        attempt = self._find(session)
        return None if attempt is None else attempt.run

    async def leave(self, attachment: Attachment) -> None:
        """It types no more, and its terminal is asked nothing more."""
        name = attachment.session
        if self._writers.get(name) is attachment:
            del self._writers[name]
            if attachment.answers_from is not None:
                await self._hand_back(attachment)

    async def _take_over(
        self, attachment: Attachment, former: Attachment | None, answers: Answers
    ) -> int | None:
        """Have its terminal asked; from where on, or ``None`` where it is not."""
        attempt = self._find(attachment.session)
        run = None if attempt is None else attempt.run
        if former is not None and former.answers_from is not None:
            await self._hand_back(former)
        if run is None or answers is Answers.NONE:
            return None
        # Where another came in between, nobody knows what was left to whom.
        due = answers is Answers.DUE and former is None
        return await run.attend(True, shown=attachment.shown if due else None)

    async def _hand_back(self, attachment: Attachment) -> None:
        attempt = self._find(attachment.session)
        if attempt is not None and attempt.run is not None:
            await attempt.run.attend(False, shown=attachment.shown)

    async def _begun(self, session: str, *, writer: bool) -> bool:
        """Whether it has a process, or had one; what is about to have one is waited for a moment.

        So is what an earlier engine started, for this one to take it up.
        """
        attempt = self._find(session)
        if attempt is None:
            return (await self._refs.task(task_of(session))).session is not None
        if not attempt.minder.met.is_set():
            with anyio.move_on_after(_due_within(attempt.task, writer=writer)):
                await attempt.minder.met.wait()
        return attempt.minder.met.is_set() or not _is_to_begin(attempt.task)


def _place(after: str | None) -> tuple[str, int]:
    """The session and the offset in it that a cursor says. Raises BadInput."""
    session, _, offset = (after or ":0").partition(":")
    if not offset.isdecimal() or len(offset) > _OFFSET_DIGITS or (after and not session):
        raise BadInput("after: that is not where a page of a search ended")
    return session, int(offset)


def _due_within(task: Task, *, writer: bool) -> float:
    """For how long the process of a task that has its slot is waited for."""
    if _is_to_begin(task):
        return _BEGINNING
    # Who only reads has the recording.
    return _ADOPTION if writer and task.state in (TaskState.RUNNING, TaskState.WAITING) else 0.0


def _is_to_begin(task: Task) -> bool:
    return task.session is None or (task.state is TaskState.RUNNING and task.pid is None)


class Attachment:
    """``control.Terminal`` in process."""

    def __init__(self, sessions: Sessions, session: str, offset: int) -> None:
        self.session = session
        #: How far the recording has been taken from here.
        self.shown = offset
        self.answers_from: int | None = None
        self._sessions = sessions

    async def __aiter__(self) -> AsyncGenerator[Chunk, None]:
        chunks = cast(
            "AsyncGenerator[Chunk, None]", self._sessions.follow(self.session, self.shown)
        )
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk
                # Whoever asks for more has done with this one.
                if isinstance(chunk, Output):
                    self.shown = chunk.offset + len(chunk.data)

    async def leave(self, shown: int) -> None:
        """Be a reader from now on, whose terminal was shown ``shown`` bytes of the recording."""
        self.shown = shown
        await self._sessions.leave(self)

    async def write(self, data: bytes) -> None:
        """Type. What is typed as the session ends goes nowhere; ``Ended`` tells why."""
        run = self._sessions.run_for(self.session, self)
        if run is not None:
            await run.write(data)

    async def resize(self, cols: int, rows: int) -> None:
        run = self._sessions.run_for(self.session, self)
        if run is not None:
            await run.resize(cols, rows)
