"""Tells one target what is worth telling: gathers for a moment, writes that down, delivers.

It does so by itself, however long its way takes; meanwhile what happens is gathered on.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import anyio

from inspan.control import Tasks
from inspan.errors import InspanError, TaskNotFound
from inspan.model.event import Event
from inspan.model.notice import Notice, NoticeKind, Target
from inspan.notices.finding import LINE, notice, question, wanted
from inspan.notices.gathering import Gathering
from inspan.notices.marks import Mark
from inspan.notices.reaching import Clock, Way
from inspan.notices.wording import Message, message
from inspan.terminal.sanitize import one_line

log = logging.getLogger(__name__)


class Teller:
    """For one target."""

    def __init__(
        self,
        target: Target,
        way: Callable[[], Way],
        clock: Clock,
        reached: Callable[[], int],
        note: Callable[[], Awaitable[None]],
    ) -> None:
        """``reached``: the number of the newest event; ``note`` writes all marks down."""
        self.target: Final = target
        self.mark = Mark()
        self._gathering = Gathering(target)
        self._make_way = way
        self._way: Way | None = None
        self._clock = clock
        self._reached = reached
        self._note = note
        self._awake = anyio.Event()
        self._at_work = False

    def begin(self, mark: Mark) -> None:
        """What comes after ``mark`` is to be told."""
        self.mark = mark
        self._move(trouble="")
        self._gathering.since = mark.seq
        try:
            self._way = self._make_way()
        except InspanError as error:
            self._failed("", error)

    def came_to(self, first: Event) -> None:
        """Of what was before the ``first`` event that is heard nothing is to be told."""
        if self.mark.seq < 0:
            self._move(seq=first.seq - 1)

    def hear(self, event: Event) -> None:
        if self._gathering.hear(event):
            self._awake.set()

    def settle(self) -> None:
        """Where nothing waits to be told, all that was heard counts as told."""
        if not self._gathering and not self._at_work:
            self._move(seq=self._reached())

    async def tell(self, control: Tasks) -> None:
        """Until cancelled."""
        last = -self.target.every
        while True:
            await self._awake.wait()
            now = self._clock.monotonic()
            await self._clock.sleep(max(self.target.gather, last + self.target.every - now))
            self._at_work = True
            try:
                if await self._round(control):
                    last = self._clock.monotonic()
            except Exception:
                log.exception("notices for %s", self.target.name, extra={"action": "notify"})
            finally:
                self._at_work = False

    async def _round(self, control: Tasks) -> bool:
        """Tell what was gathered; whether there was anything."""
        self._awake = anyio.Event()
        taken, more = self._gathering.take()
        upto = self._reached()
        notices = await self._still_so(control, taken)
        if not notices:
            return False
        said = message(self.target.name, notices, more=more, words=self.target.words)
        # Written down first: what is told is told once, also if this daemon ends here.
        self._move(seq=upto, told_at=self._clock.now(), title=said.title)
        await self._note()
        await self._deliver(said)
        return True

    async def _deliver(self, said: Message) -> None:
        try:
            self._way = self._way or self._make_way()
            await self._way.deliver(said)
        except InspanError as error:
            self._failed(said.title, error)
            await self._note()
        else:
            self._move(trouble="")
            log.info("told %s: %s", self.target.name, said.title, extra={"action": "notify"})

    async def _still_so(
        self, control: Tasks, taken: Sequence[tuple[NoticeKind, Event]]
    ) -> list[Notice]:
        """What of it is still to be told, and was not."""
        notices = []
        for kind, event in taken:
            try:
                task = await control.get(event.task)
            except TaskNotFound:
                continue
            told = notice(kind, event, task)
            if told is None or not wanted(self.target, told, task.spec.name):
                continue
            if self._gathering.is_new(question(task)):
                notices.append(told)
        return notices

    def _failed(self, title: str, error: InspanError) -> None:
        why = one_line(error.message, LINE)
        self._move(trouble=why)
        figures = {"action": "notify", "target": self.target.name}
        log.warning("%s was not told %r: %s", self.target.name, title, why, extra=figures)

    def _move(
        self,
        *,
        seq: int | None = None,
        told_at: float | None = None,
        title: str | None = None,
        trouble: str | None = None,
    ) -> None:
        old = self.mark
        self.mark = Mark(
            seq=old.seq if seq is None else seq,
            told_at=old.told_at if told_at is None else told_at,
            title=old.title if title is None else title,
            trouble=old.trouble if trouble is None else trouble,
        )
