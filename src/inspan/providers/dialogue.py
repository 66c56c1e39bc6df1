"""What was said between us and an agent's process, folded into where the conversation stands.

It takes the pieces of a recording in their order, gives signs, and knows what is still to be
written. Nothing is read, written or waited for here, so that the same pieces always lead to the
same point: that is how a daemon takes up an agent that another one started.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from inspan.agents.dialect import Fed, Talk
from inspan.agents.json_lines import Lines
from inspan.agents.served import Believes, HasTerminals, Served, Serves, TerminalDone
from inspan.agents.signs import (
    CommandAsked,
    FileAsked,
    Permission,
    Reply,
    Sign,
    TerminalAsked,
    TurnEnded,
    Withdrawn,
)
from inspan.model.agent import Outcome
from inspan.model.task import Exit
from inspan.providers.redaction import Redaction

#: How much of the end of its standard error is kept, in bytes: what it complained of.
_COMPLAINT: Final = 4096


class Dialogue:
    """One process and we."""

    def __init__(self, talk: Talk, hidden: Redaction) -> None:
        self.talk = talk
        self._hidden = hidden
        #: What it asks and nobody has answered, by request, oldest first.
        self.open: dict[str, Permission] = {}
        #: What of that is for us to do once it is allowed.
        self.wants: dict[str, FileAsked | CommandAsked] = {}
        #: What it wants of commands that run for it, which nobody needs to allow.
        self.looks: dict[str, TerminalAsked] = {}
        self._heard = Lines()
        self._typed = bytearray()
        self._complaint = bytearray()
        #: What its protocol demands and it has not been told yet.
        self._due = bytearray(talk.begin())
        #: How many lines of that were not written yet.
        self._beginning = self._due.count(b"\n")
        #: Its input is to end with that, though it works on.
        self.fed = isinstance(talk, Fed) and talk.fed

    def heard(self, data: bytes) -> Iterator[Sign]:
        """It printed ``data``."""
        return self._signs(self._heard.feed(data))

    def ended(self) -> Iterator[Sign]:
        """It prints nothing more."""
        return self._signs(self._heard.close())

    def missing(self) -> None:
        """Some of what it printed is no longer kept."""
        self._heard.skip()

    def complained(self, data: bytes) -> None:
        """It wrote ``data`` to its standard error."""
        self._complaint += data
        del self._complaint[:-_COMPLAINT]

    def typed(self, data: bytes) -> None:
        """It was sent ``data``."""
        self._typed += data
        while (end := self._typed.find(b"\n")) >= 0:
            line = bytes(self._typed[: end + 1])
            del self._typed[: end + 1]
            if self._beginning:
                # Perhaps in other words, by a daemon that was older.
                self._beginning -= 1
                del self._due[: self._due.index(b"\n") + 1]
            elif self._due.startswith(line):
                del self._due[: len(line)]
            self.talk.sent(line[:-1])
            self._forget_answered()

    def due(self) -> bytes:
        """What it has to be sent now, less what was sent of it; ``typed`` tells that it was."""
        begun = bytes(self._typed)
        if begun and not self._due.startswith(begun):
            return b""
        return bytes(self._due[len(begun) :])

    def close_request(self, request: str) -> None:
        """It was answered."""
        self.open.pop(request, None)
        self.wants.pop(request, None)
        self.looks.pop(request, None)

    def served(self, request: str, answer: Served) -> bytes | None:
        """What tells it what came of that; ``None`` where it waits for it no more."""
        talk = self.talk
        return talk.served(request, answer) if isinstance(talk, Serves) else None

    def allowed_by_person(self, request: str) -> None:
        """What is answered to that next, a person says; a later daemon will not know that."""
        if isinstance(self.talk, Believes):
            self.talk.allowed_by_person(request)

    @property
    def terminals(self) -> tuple[str, ...]:
        """The commands that run for it, or have run and may be asked about."""
        return self.talk.terminals if isinstance(self.talk, HasTerminals) else ()

    def _forget_answered(self) -> None:
        """Close what was answered, perhaps by a daemon that is gone."""
        for request in tuple(self.open):
            if self.talk.answer(request, "deny") is None:
                self.close_request(request)
        for request in tuple(self.looks):
            if self.served(request, TerminalDone()) is None:
                self.close_request(request)

    def outcome(self, how: Exit, *, stopped: bool) -> Outcome:
        """How it ended."""
        complaint = self._complaint.decode(errors="replace")
        return self._hidden.outcome(self.talk.outcome(how, stopped=stopped, complaint=complaint))

    def _signs(self, lines: Iterable[bytes]) -> Iterator[Sign]:
        for line in lines:
            for sign in self.talk.heard(line):
                match sign:
                    case Reply(data):
                        self._due += data
                    case Permission():
                        yield self._asked(sign)
                    case TerminalAsked(request):
                        self.looks[request] = sign
                        yield sign
                    case FileAsked() | CommandAsked():
                        self.wants[sign.request] = sign
                        self._asked(sign.permission)
                        yield sign
                    case Withdrawn(request):
                        self.close_request(request)
                        yield sign
                    case TurnEnded():
                        self.open.clear()
                        self.wants.clear()
                        yield sign
                    case _:
                        yield sign

    def _asked(self, sign: Permission) -> Permission:
        name, title = self._hidden.text(sign.name), self._hidden.text(sign.title)
        asked = replace(sign, name=name, title=title)
        self.open[asked.request] = asked
        return asked
