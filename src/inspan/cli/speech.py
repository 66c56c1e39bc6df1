"""What an agent says, as text for a person, out of the bytes of its session.

The same lines that tell the daemon where an agent stands tell a person what it does. Nothing is
decided here, and nothing that an agent prints reaches a terminal as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from inspan.agents import signs as s
from inspan.agents.json_lines import Lines
from inspan.cli.complaints import Complaints
from inspan.cli.dialects import dialect_of
from inspan.cli.say import clean, styled
from inspan.model.agent import Mode
from inspan.model.ids import attempt_of
from inspan.model.session import Chunk, Gap, Output
from inspan.terminal.sanitize import clean as cleaned

if TYPE_CHECKING:
    from inspan.agents.dialect import Dialect, Talk
    from inspan.model.task import Hand, Task

#: How much of what a tool said when it failed is shown.
_FAILED_MOST: Final = 300


def hand_of(task: Task, session: str | None = None) -> Hand:
    """Who said what is in a session, the newest if none is named; another may have the task now."""
    asked = session or task.session
    return task.hand(task.attempt if asked is None else attempt_of(asked))


def of(task: Task, *, session: str | None = None, watched: bool = False) -> Speech | None:
    """What makes text of the task's output; ``None`` where that is what its program printed.

    ``watched``: somebody waits for the agent's words on standard output, and nothing else there.
    """
    hand = hand_of(task, session)
    dialect = dialect_of(hand.provider)
    if dialect is None or (hand.mode or dialect.modes[0]) is Mode.PTY:
        return None
    return Speech(dialect, task, hand, watched=watched)


def talk_of(task: Task, dialect: Dialect, hand: Hand) -> Talk:
    """A conversation as the newest attempt of the task has it."""
    from inspan.agents.dialect import Turn

    mode = hand.mode or dialect.modes[0]
    return dialect.talk(Turn(prompt=task.spec.prompt or "", mode=mode, resume=task.resumes))


class Speech:
    """One session of an agent, from its beginning."""

    def __init__(self, dialect: Dialect, task: Task, hand: Hand, *, watched: bool) -> None:
        self._talk = talk_of(task, dialect, hand)
        self._lines = Lines()
        self._watched = watched
        self._tools: dict[str, str] = {}
        self._complaints = Complaints()
        #: Called before anything is told.
        self.before: Callable[[], None] = lambda: None
        #: Whether the last text that was told may go on in the same line.
        self._open = False

    def feed(self, chunk: Chunk) -> None:
        """Tell what ``chunk`` says. Its standard error is told too, made harmless, once."""
        if isinstance(chunk, Gap):
            self._lines.skip()
        elif isinstance(chunk, Output) and chunk.stream == "err":
            complaint = self._complaints.new(cleaned(chunk.data.decode(errors="replace")))
            if complaint:
                self._news(complaint)
        elif isinstance(chunk, Output):
            self._hear(self._lines.feed(chunk.data))

    def close(self) -> None:
        """Tell what was held back."""
        self._hear(self._lines.close())
        self.end_line()

    def _hear(self, lines: list[bytes]) -> None:
        for line in lines:
            for sign in self._talk.heard(line):
                self._show(sign)

    def _show(self, sign: s.Sign) -> None:
        match sign:
            case s.Said(text, more):
                if not more:
                    self.end_line()
                self._complaints.heard()
                self._tell(cleaned(text), own=True)
                self._open = True
            case s.TurnEnded(outcome) if not (self._watched or outcome.ok):
                self._news(styled(clean(outcome.message), "red"))
            case _:
                for line in self._line(sign):
                    self._complaints.heard()
                    self._news(line)

    def _line(self, sign: s.Sign) -> Iterator[str]:
        match sign:
            case s.ToolBegan(number, name, title):
                self._tools[number] = name
                yield styled(f"▸ {clean(name)}  {clean(title)}".rstrip(), "cyan")
            case s.ToolEnded(number, False, text):
                name = self._tools.get(number, "it")
                yield styled(f"  {clean(name)} failed: {clean(text[:_FAILED_MOST])}", "yellow")
            case s.Permission(_, name, title) if not self._watched:
                yield styled(f"? {clean(name)}  {clean(title)}: may it?".rstrip(), "yellow")
            case s.BacksOff(seconds, why):
                wait = f" in {seconds:.0f} s" if seconds else ""  # not all of them say when
                yield styled(f"it tries again{wait}: {clean(why)}", "yellow")
            case s.Warned(text):
                yield styled(clean(text), "yellow")
            case _:
                return

    def _tell(self, text: str, *, own: bool) -> None:
        self.before()
        stream = sys.stdout if own or not self._watched else sys.stderr
        stream.write(text)
        stream.flush()

    def _news(self, text: str) -> None:
        self.end_line()
        self._tell(text if text.endswith("\n") else f"{text}\n", own=False)

    def end_line(self) -> None:
        """Let what comes next begin a line."""
        if self._open:
            self._tell("\n", own=True)
            self._open = False
