"""What agents tell, in words that are the same for all of them: a closed union of signs.

A sign is what was understood of a line. It decides nothing, and carries no agent's own words but
those that a person reads.
"""

from __future__ import annotations

from typing import TypeAlias

from inspan.model.agent import AgentSession, Ending, Outcome, Usage
from inspan.model.value import value


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


@value
class FileAsked:
    """It has us read or write a file for it, and waits; ``HasFiles.served`` answers."""

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
    | Withdrawn
    | BacksOff
    | Counted
    | Warned
    | TurnEnded
    | Reply
)
