"""What was said in one session, as messages: a person's, and what came back to each.

It is fed with the recording. An agent that speaks by lines tells its words itself. Of anything else
on a terminal counts what is new on its screen since the last message, as agentapi has it: what has
scrolled away by then is in the recording alone. It asks nobody, and knows no route.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from inspan.agents import signs as s
from inspan.agents.json_lines import Lines
from inspan.model.session import Chunk, Gap, Output, Resized
from inspan.server.replies import Author
from inspan.terminal.sanitize import clean
from inspan.terminal.screen import Backend, Screen

if TYPE_CHECKING:
    from inspan.agents.dialect import Talk

#: The most characters that are kept of all that one conversation's agent said.
WORDS_MOST: Final = 2 << 20
#: In the place of what was said before those.
GONE: Final = "(no longer kept; `inspan logs` has it)"
#: The size of a terminal that was not told yet.
_SIZE: Final = (80, 24)


@dataclass(frozen=True, slots=True)
class Message:
    """One message; its number is its place. ``at``: seconds since the epoch."""

    id: int
    author: Author
    text: str
    at: float


class Words(Protocol):
    """What comes out of a session, as answers."""

    def feed(self, chunk: Chunk) -> None:
        """Take what is recorded next."""
        ...

    def prompted(self) -> None:
        """A person's message went in."""
        ...

    def answers(self) -> list[str]:
        """What was said up to the first message, and after each."""
        ...


class Spoken:
    """The words of an agent that speaks by lines: each of its turns is an answer."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._lines = Lines()
        self._turns = [""]
        self._oldest = 0
        self._kept = 0
        self._over = False

    def feed(self, chunk: Chunk) -> None:
        if isinstance(chunk, Gap):
            self._lines.skip()
        elif isinstance(chunk, Output) and chunk.stream != "err":
            for line in self._lines.feed(chunk.data):
                for sign in self._talk.heard(line):
                    self._hear(sign)

    def prompted(self) -> None:
        """Nothing: it says itself where a turn ends."""

    def answers(self) -> list[str]:
        return list(self._turns)

    def _hear(self, sign: s.Sign) -> None:
        match sign:
            case s.Said(text, more):
                self._say(clean(text), more=more)
            case s.TurnEnded():
                self._over = True

    def _say(self, text: str, *, more: bool) -> None:
        if self._over:
            self._turns.append("")
            self._over = False
        joint = "" if more or not self._turns[-1] else "\n"
        self._turns[-1] += joint + text
        self._kept += len(joint) + len(text)
        while self._kept > WORDS_MOST and self._oldest < len(self._turns) - 1:
            self._kept -= len(self._turns[self._oldest])
            self._turns[self._oldest] = GONE
            self._oldest += 1
        if self._kept > WORDS_MOST:
            self._turns[-1] = self._turns[-1][-WORDS_MOST // 2 :]
            self._kept = len(self._turns[-1])


class Shown:
    """What is new on the screen of a program since it was last written to."""

    def __init__(self, backend: Backend) -> None:
        self._screen = Screen(*_SIZE, backend)
        self._before: frozenset[str] = frozenset()
        self._earlier: list[str] = []
        self._kept = 0
        self._sized = False

    def feed(self, chunk: Chunk) -> None:
        match chunk:
            case Resized(_, cols, rows):
                self._sized = True
                self._screen.resize(cols, rows)
            case Output(_, data):
                # Lines in a pipe end without the return that a terminal would have added.
                self._screen.feed(data if self._sized else data.replace(b"\n", b"\r\n"))

    def prompted(self) -> None:
        self._earlier.append(self._new())
        self._kept += len(self._earlier[-1])
        if self._kept > WORDS_MOST:
            self._earlier = [GONE] * len(self._earlier)
            self._kept = 0
        self._before = frozenset(row.strip() for row in self._screen.rows())

    def answers(self) -> list[str]:
        return [*self._earlier, self._new()]

    def screen(self) -> str:
        """All that is shown, made safe, without the blank rows at its end."""
        return "\n".join(clean(row) for row in self._screen.rows()).rstrip("\n")

    def _new(self) -> str:
        rows = [clean(row) for row in self._screen.rows()]
        fresh = next(
            (at for at, row in enumerate(rows) if row.strip() and row.strip() not in self._before),
            len(rows),
        )
        return "\n".join(rows[fresh:]).strip("\n")


class Conversation:
    """The messages of one session. ``prompt``: what it was begun with, if with any."""

    def __init__(self, words: Words, prompt: str | None, began: float) -> None:
        self._words = words
        #: What a person said, and when; what came before the first of it has no such.
        self._said: list[tuple[str | None, float]] = [(prompt, began)]

    def feed(self, chunk: Chunk) -> None:
        """Take what is recorded next."""
        self._words.feed(chunk)

    def prompted(self, text: str, at: float) -> None:
        """A person said that."""
        self._said.append((text, at))
        self._words.prompted()

    def messages(self) -> list[Message]:
        """All of them, oldest first: an answer to each, which is empty before the agent says it.

        The last one grows while the agent works.
        """
        found: list[Message] = []
        answers = self._words.answers()
        for place, (text, at) in enumerate(self._said):
            if text is not None:
                found.append(Message(len(found), Author.USER, text, at))
            # A turn more than there were messages belongs to the last of them.
            last = place == len(self._said) - 1
            heard = answers[place:] if last else answers[place : place + 1]
            found.append(Message(len(found), Author.AGENT, "\n".join(filter(None, heard)), at))
        return found
