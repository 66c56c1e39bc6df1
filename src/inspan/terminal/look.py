"""Looks at one session's terminal: output goes in, and what the rules say comes out.

It is edge-triggered: it looks when a change has settled, and never else. It reads no clock; whoever
feeds it says when, and calls ``look`` when ``due`` has come. It never learns which session it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from inspan.model.activity import Doing, Reading, Source
from inspan.terminal.hooks import Hooks
from inspan.terminal.keys import Keys
from inspan.terminal.motion import Motion
from inspan.terminal.panes import Asides, panes
from inspan.terminal.rules import Rulebook, Verdict
from inspan.terminal.screen import Backend, Screen
from inspan.terminal.settle import Unsettled
from inspan.terminal.titles import TitleSpinner
from inspan.terminal.usual import Usual
from inspan.terminal.view import View


class Look:
    """One terminal under one rulebook or several: the first that says something is the answer.

    ``reading`` is what it shows by now, of the title or of the screen: the next takes its place.
    """

    def __init__(self, books: Sequence[Rulebook], backend: Backend, cols: int, rows: int) -> None:
        self.screen = Screen(cols, rows, backend)
        self.reading: Reading | None = None
        self._hooks = Hooks()
        self._books = tuple(books)
        self._unsettled = Unsettled()
        self._printed_at = -inf
        self._told_at = -inf
        self._seen: tuple[object, ...] = ()
        self._since = -inf
        self._again = inf
        self._motion = Motion()
        self._usual = Usual()
        self._keys = Keys()
        self._asides = Asides()
        self._titled = TitleSpinner()
        #: How many characters had been drawn when it was looked at last.
        self._printed = 0

    @property
    def readings(self) -> list[Reading]:
        """All that is said by now: what is shown, and what hooks say beside it."""
        return self._hooks.beside(self.reading)

    @property
    def due(self) -> float:
        """When to call ``look``; infinite while nothing happens. It may have passed already."""
        return min(self._unsettled.due(), self._again)

    def feed(self, data: bytes, at: float) -> None:
        """The program printed ``data`` at ``at``."""
        marks = self.screen.marks
        generation, told, frames = self.screen.generation, marks.told, marks.frames
        hooks = marks.hooks
        self.screen.feed(data)
        if marks.hook is not None and marks.hooks != hooks:
            self._hooks.heard(marks.hook, at)
        if marks.told != told:
            self._told_at = at
        if (self.screen.generation, marks.told) != (generation, told):
            self._changed(at, begun=marks.frames != frames)

    def resize(self, cols: int, rows: int, at: float) -> None:
        """The terminal has a new size; the program will draw itself anew."""
        self.screen.resize(cols, rows)
        self._motion.typed(at)
        if self._printed:
            self._unsettled = self._unsettled.resized(at)
        self._changed(at, begun=False)

    def typed(self, at: float, data: bytes = b"") -> None:
        """Somebody typed ``data``: what is drawn at once is no motion; no hook tells of it."""
        if data:
            screen, said = self.screen, self.reading
            rests = at >= self._motion.rests and (said is None or said.doing is not Doing.WAITING)
            hidden = screen.marks.hidden
            self._keys.typed(data, at)
            talk = panes(screen.rows())
            cursor = talk.cursor(screen.cursor)
            self._usual.typed(data, talk.rows, cursor, hidden, rests=rests, at=at)
            self._motion.ornaments.typed(at)
            self._motion.clocks.typed = True
            self._motion.clocks.sent = self._usual.sent
        self._motion.typed(at)
        self._hooks.forget()

    def late(self) -> None:
        """When it printed what was fed is not known: what hooks said by then counts no more."""
        self._hooks.forget()

    def look(self, now: float) -> Reading:
        """What the rules say at ``now`` of what is shown."""
        self._unsettled = self._unsettled.seen(now)
        screen = self.screen
        progress = str(screen.progress)
        hidden = screen.marks.hidden
        seen = (screen.rows(), screen.cursor, screen.title, progress, screen.alternate, hidden)
        if seen != self._seen:
            self._seen, self._since = seen, self._printed_at
        told = (screen.title, progress)
        motion, printed = self._motion, screen.printed - self._printed
        motion.seen(screen.rows(), screen.cursor, told, printed, self._printed_at)
        self._printed = screen.printed
        self._titled.seen(screen.title, self._told_at, typed=motion.clocks.typed)
        talk = panes(seen[0])
        view = View(
            talk.rows,
            talk.cursor(seen[1]),
            *seen[2:],
            now=now,
            since=self._since,
            calm=motion.calm,
            own=motion.own,
            moving=motion.began,
            moved=motion.moved,
            rests=motion.rests,
            stood=motion.stood,
            worded=motion.worded,
            born=motion.born,
            turns=motion.turns,
            spins=self._titled.until,
            keyed=self._keys.answered,
            stopped=self._keys.stopped,
            usual=self._usual.every,
            sent=self._usual.sent,
            prompt=self._usual.words,
            beside=talk.beside,
            beside_since=self._asides.seen(talk.beside, self._printed_at),
        )
        verdict = self._judge(view)
        titled = verdict.source is Source.TITLE
        self.reading = verdict.reading(self._told_at if titled else self._since)
        return self.reading

    def close(self) -> None:
        """Let go of the screen; it is not used after this."""
        self.screen.close()

    def _changed(self, at: float, *, begun: bool) -> None:
        self._printed_at = at
        frame = self.screen.marks.synchronised
        self._unsettled = self._unsettled.drawn(at, frame=frame, begun=begun)

    def _judge(self, view: View) -> Verdict:
        self._again = inf
        verdict = Verdict()
        for book in self._books:
            verdict = book.judge(view, self.reading.rule if self.reading else "")
            self._again = min(self._again, verdict.again)
            if verdict.rule:
                break
        return verdict
