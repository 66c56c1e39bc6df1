"""The steps of a script as values: what a scripted agent can be told to do. It does none of it."""

from __future__ import annotations

from typing import TypeAlias

from inspan.model.value import value


@value(frozen=True)
class Say:
    """Print ``text``, each character after ``delay`` seconds."""

    text: str
    delay: float
    newline: bool


@value(frozen=True)
class Stream:
    """Print ``lines`` lines, one ``every`` seconds; ``{n}`` in ``text`` is the line's number."""

    lines: int
    every: float
    text: str


@value(frozen=True)
class Ask:
    """Announce that an answer is needed, read a line, and go on as ``on`` says."""

    question: str
    options: tuple[str, ...]
    kind: str
    on: dict[str, tuple[Step, ...]]
    otherwise: tuple[Step, ...]


@value(frozen=True)
class Write:
    """Write ``content`` to a file below the working folder."""

    path: str
    content: str
    append: bool


@value(frozen=True)
class Wait:
    """Do nothing for a while."""

    seconds: float


@value(frozen=True)
class Until:
    """Wait until a file exists; fail after ``at_most`` seconds."""

    exists: str
    at_most: float


@value(frozen=True)
class When:
    """Go one way where a file exists and another where it does not."""

    exists: str
    then: tuple[Step, ...]
    otherwise: tuple[Step, ...]


@value(frozen=True)
class Fail:
    """Say why on stderr and end with ``code``."""

    message: str
    code: int


@value(frozen=True)
class Exit:
    """End with ``code``."""

    code: int


@value(frozen=True)
class Hang:
    """Say ``text`` and then nothing more; ``stubborn`` ignores SIGINT, SIGTERM and SIGHUP."""

    seconds: float
    stubborn: bool
    #: Printed when it hangs, so that whoever waits for it knows that signals are ignored by now.
    text: str = ""


@value(frozen=True)
class Spawn:
    """Leave a process behind that outlives the player, ``how`` says by which trick."""

    how: str
    pidfile: str
    seconds: float
    stubborn: bool
    #: Start it with an empty environment, so that no marker of ours is in it.
    bare: bool
    #: Keep the terminal open in it.
    hold: bool


@value(frozen=True)
class Flood:
    """Print that many bytes as fast as they are taken."""

    bytes: int


@value(frozen=True)
class Spin:
    """Keep a processor busy and say nothing."""

    seconds: float


@value(frozen=True)
class Title:
    """Set the title of the terminal (OSC 0)."""

    text: str


@value(frozen=True)
class Crash:
    """Die by a signal."""

    signal: int


Step: TypeAlias = (
    Say
    | Stream
    | Ask
    | Write
    | Wait
    | Until
    | When
    | Fail
    | Exit
    | Hang
    | Spawn
    | Flood
    | Spin
    | Title
    | Crash
)


@value(frozen=True)
class Script:
    """A checked script."""

    steps: tuple[Step, ...]
    name: str = ""
