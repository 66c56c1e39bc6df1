"""Traces of all tasks: a guest that listens by Control, and hands spans on as they end.

What it knows of a task follows from stored events, and of one that it does not know they are read.
Which event it has seen, a while ago, is in a small file: of a daemon that was killed the next hands
some spans on twice, with the same ids, and none is lost between the two.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Final, Protocol

import anyio
import anyio.lowlevel
import anyio.to_thread
from anyio.abc import TaskStatus

from inspan.control import EventQuery, Tasks
from inspan.errors import FellBehind, IllegalTransition, InspanError, StaleAttempt, TaskNotFound
from inspan.model import event as e
from inspan.model import trace
from inspan.model.task import Task
from inspan.tracing.spans import Span, Story, related

log = logging.getLogger(__name__)

#: Tasks that are known at once; of any other the events are read again.
KNOWN: Final = 2000
#: Seconds between two writings of what was seen, and until events are asked for again.
_NOTED_EVERY: Final = 30.0
_AGAIN: Final = 5.0
#: After so many events in a row everybody else has a turn.
_AT_ONCE: Final = 100
#: What happened longer ago than so many seconds, while nobody listened, is traced no more.
STALE: Final = 86400.0
#: Facts of a task that is over: no span ends with them.
_LATE: Final = (e.Judged, e.WorkspaceSaved)


class Clock(Protocol):
    """Time, so that a test can hold it."""

    def now(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class Out(Protocol):
    """Where spans go."""

    def hand_on(self, span: Span) -> None:
        """Send it soon; returns at once."""
        ...

    def warnings(self) -> Iterator[str]:
        """What is amiss with that."""
        ...

    async def run(self) -> None:
        """Send, until cancelled."""
        ...


class Traces:
    """Of one daemon."""

    def __init__(self, out: Out, path: Path, clock: Clock) -> None:
        """``path``: where it is written what was seen."""
        self._out = out
        self.warnings: Final = out.warnings
        self._path = path
        self._clock = clock
        self._stories: dict[str, Story] = {}
        self._seq = 0
        self._written = 0
        #: What was seen when it was last time to write: the spans of that are sent by now.
        self._sent = 0

    async def run(
        self, control: Tasks, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Until cancelled. What happens once it has started is not missed."""
        since = await self._begin(control)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._out.run)
                group.start_soon(self._note_at_times)
                task_status.started()
                await self._read(control, since)
        finally:
            with anyio.CancelScope(shield=True):
                await self._note(self._seq)

    async def _begin(self, control: Tasks) -> int | None:
        self._seq = self._written = await anyio.to_thread.run_sync(_read, self._path)
        if not self._seq:
            return None
        with suppress(InspanError):
            page = await control.history(EventQuery(since=self._seq - 1, limit=1))
            if page and self._clock.now() - page[0].at < STALE:
                return self._seq
        self._seq = 0
        return None

    async def _read(self, control: Tasks, since: int | None) -> None:
        while True:
            try:
                async with aclosing(control.watch(since)) as events:
                    async for event in events:
                        await self._hear(control, event)
                        since = self._seq = event.seq
                        if event.seq % _AT_ONCE == 0:
                            await anyio.lowlevel.checkpoint()
            except FellBehind as error:
                log.debug("%s", error)
            except Exception:
                log.exception("events", extra={"action": "trace"})
                await self._clock.sleep(_AGAIN)

    async def _hear(self, control: Tasks, event: e.Event) -> None:
        if isinstance(event.fact, _LATE):
            return
        story = self._stories.pop(event.task, None) or await self._story(control, event)
        if story is None or story.seq >= event.seq:
            return
        try:
            for span in story.tell(event):
                self._out.hand_on(span)
        except (IllegalTransition, StaleAttempt) as error:
            # It begins in the middle, as one that another version has stored may.
            log.debug("not traced: %s", error, extra={"action": "trace", "task": event.task})
            return
        if story.task is None or not story.task.done:
            self._stories[event.task] = story
            if len(self._stories) > KNOWN:
                del self._stories[next(iter(self._stories))]

    async def _story(self, control: Tasks, event: e.Event) -> Story | None:
        """What was told of a task before ``event``; ``None`` where that is not known any more."""
        if isinstance(event.fact, e.Submitted):
            return Story(await self._others(control, event))
        story: Story | None = None
        since = 0
        while True:
            try:
                page = await control.history(EventQuery(task=event.task, since=since))
            except TaskNotFound:
                return None
            for earlier in page:
                if earlier.seq >= event.seq:
                    return story
                if story is None:
                    story = Story(await self._others(control, earlier))
                with suppress(IllegalTransition, StaleAttempt):
                    story.tell(earlier)
            if not page:
                return story
            since = page[-1].seq

    async def _others(self, control: Tasks, event: e.Event) -> dict[str, trace.Place]:
        """Where the tasks are that one has to do with, which begins with ``event``."""
        if not isinstance(event.fact, e.Submitted):
            return {}
        found = {}
        for other in _related(event, event.fact):
            with suppress(InspanError):
                found[other] = trace.root(other, (await control.get(other)).spec.env)
        return found

    async def _note_at_times(self) -> None:
        while True:
            await self._clock.sleep(_NOTED_EVERY)
            if self._sent:
                await self._note(self._sent)
            self._sent = self._seq

    async def _note(self, seq: int) -> None:
        if seq == self._written:
            return
        self._written = seq
        try:
            await anyio.to_thread.run_sync(_write, self._path, seq)
        except OSError as error:
            log.warning("not written down: %s", error, extra={"action": "trace"})


def _related(event: e.Event, fact: e.Submitted) -> list[str]:
    story = Story()
    story.tell(event)
    task: Task | None = story.task
    return [other for _, other in related(task)] if task and fact.spec else []


def _read(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


def _write(path: Path, seq: int) -> None:
    new = path.with_name(f".{path.name}")
    new.write_text(f"{seq}\n")
    new.chmod(0o600)
    new.replace(path)
