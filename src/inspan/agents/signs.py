"""What agents tell, in words that are the same for all of them: a closed union of signs.

A sign is what was understood of a line. It decides nothing, and carries no agent's own words but
those that a person reads.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

from inspan.model.agent import AgentSession, Ending, Outcome, Usage
from inspan.model.value import value

#: What the Agent Client Protocol calls a tool that runs commands.
_EXECUTE: Final = "execute"


@value
class Began:
    """It has begun, or taken up again, a conversation of its own."""

    session: AgentSession


@value
class Said:
    """Text for the person; ``more``: it goes on with the text before it."""

    text: str
    more: bool = False


@value
class Thought:
    """What it thinks aloud."""

    text: str
    more: bool = False


@value
class ToolBegan:
    """It uses a tool; ``title`` says in a line what for."""

    id: str
    name: str
    title: str = ""


@value
class ToolEnded:
    """The tool has ended."""

    id: str
    ok: bool
    text: str = ""


@value
class Permission:
    """It may not go on before somebody allows it ``title`` with the tool ``name``."""

    request: str
    name: str
    title: str
    #: What the person may choose from, the words that ``Talk.answer`` takes.
    options: tuple[str, ...] = ("allow", "deny")
    #: What rules are held against, only as the agent states it and never taken out of a text: the
    #: words of a command, or the line; all the files that it is about, or none.
    argv: tuple[str, ...] | None = None
    line: str | None = None
    paths: tuple[str, ...] = ()
    #: A command that it states nowhere but in a text of its own, and that the title has whole. No
    #: rule is held against it: only a person knows what it was allowed as.
    quoted: str | None = None
    #: Which part of its work it is about, where it says so.
    about: str = ""


@value
class FileAsked:
    """It has us read or write a file for it, and waits; ``Serves.served`` answers."""

    request: str
    #: As it states it, or from the folder on in which it began.
    path: str
    #: What is to be in the file; ``None``: it is to be read.
    text: str | None = None
    #: Of a file that is read: the first line, from 1, and how many; ``None``: all.
    line: int = 1
    limit: int | None = None
    #: It asked for leave to change this file, and has it.
    granted: bool = False

    @property
    def permission(self) -> Permission:
        """The same as a request that rules are held against, under the protocol's own names."""
        name = "read" if self.text is None else "edit"
        return Permission(self.request, name, self.path, paths=(self.path,))


@value
class CommandAsked:
    """It has us run a command for it, and waits; ``Serves.served`` answers."""

    request: str
    #: Which of its commands this is, from 1 on.
    number: int
    #: The words of the command, or a line for a shell.
    command: tuple[str, ...] | str
    #: Variables that it gets beside those of the task.
    env: tuple[tuple[str, str], ...] = ()
    #: Where it begins; nothing: where the agent did.
    cwd: str = ""
    #: It asked for leave to run just this, and has it.
    granted: bool = False

    @property
    def permission(self) -> Permission:
        """The same as a request that rules are held against, as what it is with its variables."""
        from shlex import join, quote  # noqa: PLC0415 - few agents ask for this

        given = [f"{name}={text}" for name, text in self.env]
        if isinstance(self.command, str):
            words = " ".join(f"{name}={quote(text)}" for name, text in self.env)
            line = f"{words} {self.command}" if words else self.command
            return Permission(self.request, _EXECUTE, self._at(line), line=line)
        argv = ("env", *given, *self.command) if given else self.command
        return Permission(self.request, _EXECUTE, self._at(join(argv)), argv=argv)

    def _at(self, title: str) -> str:
        return f"{title} (in {self.cwd})" if self.cwd else title


class Wish(StrEnum):
    """What is wanted of a terminal."""

    OUTPUT = "output"
    WAIT = "wait"  #: for its end
    KILL = "kill"
    RELEASE = "release"


@value
class TerminalAsked:
    """It wants that of a command that was started for it; ``Serves.served`` answers."""

    request: str
    terminal: str
    wish: Wish
    #: Of the output, the most bytes; ``None``: no limit of its own.
    limit: int | None = None


@value
class Withdrawn:
    """It no longer waits for that permission."""

    request: str


@value
class BacksOff:
    """Its model cannot be had; it will try again in so many seconds by itself.

    ``ending``: how the attempt ended that it repeats.
    """

    seconds: float
    why: str
    ending: Ending = Ending.OVERLOADED


@value
class Counted:
    """What the attempt has used so far, all of it."""

    usage: Usage


@value
class Warned:
    """Something is amiss, and it goes on."""

    text: str


@value
class TurnEnded:
    """It has ended what it was asked; how, where it said so."""

    outcome: Outcome


@value
class Reply:
    """What its protocol wants to be told now: whole lines."""

    data: bytes


Sign: TypeAlias = (
    Began
    | Said
    | Thought
    | ToolBegan
    | ToolEnded
    | Permission
    | FileAsked
    | CommandAsked
    | TerminalAsked
    | Withdrawn
    | BacksOff
    | Counted
    | Warned
    | TurnEnded
    | Reply
)
