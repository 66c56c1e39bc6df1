"""What was run in a code session and what came of it, for a person or as JSON lines.

Nothing that code printed may steer the terminal that it is shown on. What a program did to prepare
the session for its cell is left out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from inspan.cli import reach
from inspan.cli.say import clean, colours, json, out, styled
from inspan.errors import DaemonUnreachable, FellBehind
from inspan.model import code as c
from inspan.terminal import sanitize
from inspan.terminal.sanitize import Cleaner

if TYPE_CHECKING:
    from inspan.client.synccode import SyncCode

#: Events that are asked for at a time.
_PAGE: Final = 500
#: How often the daemon may go away while a session is followed.
_LOSSES_MOST: Final = 1000


def show(code: SyncCode, session: str, *, as_json: bool) -> None:
    """All that happened so far."""
    _print(_recorded(code, session), as_json=as_json)


def follow(code: SyncCode, session: str, *, as_json: bool) -> None:
    """All that happened, and what happens, until the session is over."""
    _print(_followed(code, session), as_json=as_json)


def _recorded(code: SyncCode, session: str) -> Iterator[c.CodeEvent]:
    since = 0
    while events := code.transcript(session, since, _PAGE):
        since = events[-1].seq
        yield from events


def _followed(code: SyncCode, session: str) -> Iterator[c.CodeEvent]:
    since = 0
    for _ in range(_LOSSES_MOST):
        try:
            with code.follow(session, since) as events:
                for event in events:
                    since = event.seq
                    yield event
        except FellBehind:
            continue
        except DaemonUnreachable:
            code = reach.successor().code
        else:
            return


def _print(events: Iterator[c.CodeEvent], *, as_json: bool) -> None:
    if as_json:
        for event in events:
            json(event)
        return
    page = _Page()
    for event in events:
        page.tell(event)
        # Whoever follows through a pipe waits for it, too.
        sys.stdout.flush()


class _Page:
    """Cells, what they printed, and how they ended."""

    def __init__(self) -> None:
        self._silent: set[str] = set()
        self._cleaner = Cleaner(colours=colours())
        #: The last thing printed did not end its line.
        self._within = False

    def tell(self, event: c.CodeEvent) -> None:
        """One event."""
        fact = event.fact
        cell = getattr(fact, "cell", None)
        match fact:
            case c.CellEntered(options=c.CellOptions(silent=True)):
                self._silent.add(fact.cell)
            case c.CellEnded() if cell in self._silent:
                self._silent.discard(fact.cell)
            case c.CellEntered():
                self._entered(fact, event.at)
            case c.Printed():
                self._printed(fact)
            case c.Shown():
                self._text(str(fact.data.get("text/plain", ", ".join(fact.data))))
            case c.CellEnded():
                self._ended(fact.end)
            case _:
                self._aside(fact)

    def _entered(self, fact: c.CellEntered, at: float) -> None:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
        self._line(styled(f"# cell {fact.number}, {when}", "dim"))
        for number, line in enumerate(_lines(fact.code)):
            self._line(styled(f"{'...' if number else '>>>'} {line}", "bold"))

    def _printed(self, fact: c.Printed) -> None:
        printed = fact.text.encode(errors="surrogateescape")
        text = self._cleaner.feed(printed)
        self._write(text)
        if fact.dropped:
            self._line(styled(f"# {fact.dropped} bytes were not kept", "dim"))

    def _ended(self, end: c.CellEnd) -> None:
        if end.error is not None:
            for part in end.error.traceback:
                self._text(part)
        elif end.state is c.CellState.LOST:
            self._line(styled("# the process ended while this cell ran, or waited", "red"))
        elif end.repr is not None:
            self._text(end.repr)

    def _aside(self, fact: c.CodeFact) -> None:
        match fact:
            case c.Opened():
                words = f"process {fact.run}, Python {fact.python}"
            case c.CheckpointMade():
                words = f"checkpoint {fact.saved.name}"
            case c.CheckpointRestored():
                words = f"restored {fact.restored.name}"
            case c.RunEnded():
                words = fact.reason.message
            case _:
                return
        self._line(styled(f"# {clean(words)}", "dim"))

    def _text(self, text: str) -> None:
        for line in _lines(text):
            self._line(line)

    def _line(self, text: str) -> None:
        self._write(self._cleaner.close())
        if self._within:
            out()
            self._within = False
        out(text)

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()
            self._within = not text.endswith("\n")


def _lines(text: str) -> list[str]:
    """Safe lines, with the blanks that Python and tables stand on."""
    return sanitize.clean(text).removesuffix("\n").split("\n")
