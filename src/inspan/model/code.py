"""A code session and its cells as everybody sees them, and what happened in one, as closed union.

A session is a place with a name; the process that serves it now is its run, and a session whose
process died can have another. What is here says nothing of how a worker is spoken to.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Final, TypeAlias

from inspan.errors import SessionEnded
from inspan.model.session import CodeState
from inspan.model.task import Reason
from inspan.model.value import field, named_value, value


class Sandbox(StrEnum):
    """What becomes of a session on a machine that cannot confine it."""

    AUTO = "auto"  #: it runs all the same, and says so
    REQUIRE = "require"  #: it is refused
    OFF = "off"  #: it is confined nowhere


@value(frozen=True, kw_only=True)
class Grants:
    """What a session may do beyond working in a folder of its own. Paths are absolute."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    net: bool = False
    sandbox: Sandbox = Sandbox.AUTO
    #: What its code may ask its host for: ``tasks``, ``human``, ``store`` or ``store=NAME``, and
    #: ``http=ORIGIN``, as often as there are origins.
    capabilities: tuple[str, ...] = ()


@value(frozen=True, kw_only=True)
class CodeLimits:
    """Where a session ends, or a call in it fails; ``None``: what the settings say."""

    #: Bytes.
    memory: int | None = None
    #: Seconds of CPU, of all its life.
    cpu: float | None = None
    #: Open file descriptors.
    files: int | None = None


@value(frozen=True, kw_only=True)
class CodeSpec:
    """A session that is wanted. ``cwd`` is absolute; ``env`` has been through the allow-list."""

    cwd: str
    #: No two open sessions have the same.
    name: str | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: Any Python from 3.11 on; ``None``: inspan's own.
    python: str | None = None
    grants: Grants = Grants()
    limits: CodeLimits = CodeLimits()


def asked_by(session: str) -> str:
    """The promise above all that the code of a session asks for."""
    return f"code/{session}"


@value(frozen=True)
class Pulse:
    """How a session's process was when it was last heard of."""

    at: float
    memory_bytes: int
    cpu_percent: float
    #: Names that the user has; may be that of the last cell's end.
    names: int


@value(frozen=True, kw_only=True)
class CodeSession:
    """A session as it is stored, and how it is now. Times are seconds since the epoch."""

    id: str
    spec: CodeSpec
    state: CodeState
    created_at: float
    #: Which process, counted from 1, serves it.
    run: int = 1
    pid: int | None = None
    ended_at: float | None = None
    #: Why it is over.
    reason: Reason | None = None
    #: Not stored: cells so far, and the last sign of life.
    cells: int = 0
    pulse: Pulse | None = None

    @property
    def open(self) -> bool:
        """True while it can run a cell."""
        return self.state is not CodeState.TERMINATED

    @property
    def closed(self) -> bool:
        """True where somebody ended it; false where it died, or was saved since it was idle."""
        return self.reason is not None and self.reason.code == SessionEnded.code


class CellState(StrEnum):
    """How far a cell has got."""

    WAITING = "waiting"  #: it is accepted, and others are before it
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  #: it raised
    INTERRUPTED = "interrupted"
    LOST = "lost"  #: its process is gone


@value(frozen=True, kw_only=True)
class CellOptions:
    """How a cell is to run."""

    #: A word of ``ExecutionMode``; ``auto``: by its syntax tree.
    mode: str = "auto"
    #: In a thread where it blocks, so that the session's own tasks go on meanwhile.
    threaded: bool = False
    #: Without a trace in ``In`` and ``Out``, and without a value.
    silent: bool = False
    #: Whether it is kept in the session's history; a silent one never is.
    store: bool = True
    #: ``input()`` is answered; it raises EOFError else.
    stdin: bool = True
    #: The file that the code is of, as tracebacks name it; ``<cell N>`` where it is of none.
    file: str | None = None


@value
class CellError:
    """What a cell raised. ``status`` is that of SystemExit."""

    name: str
    message: str
    traceback: tuple[str, ...] = ()
    status: int | None = None


@named_value
class CellEnd:
    """How a cell ended. ``repr`` is of its last expression, bounded."""

    state: CellState
    seconds: float = 0.0
    #: Its number in the session's history.
    count: int = 0
    #: The value itself where JSON has it as a scalar.
    value: str | int | float | bool | None = None
    repr: str | None = None
    #: By MIME type, where the value offers more than its repr.
    data: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    error: CellError | None = None


@named_value
class Cell:
    """One piece of code that a session was asked to run. ``number`` counts them from 1."""

    session: str
    id: str
    number: int
    code: str
    options: CellOptions = CellOptions()
    state: CellState = CellState.WAITING
    end: CellEnd | None = None


@value(frozen=True)
class LostName:
    """A name that a checkpoint could not save, or not give back, and why."""

    name: str
    kind: str
    reason: str


@value(frozen=True, kw_only=True)
class Saved:
    """A checkpoint on the disk."""

    name: str
    at: float
    #: Bytes.
    size: int
    names: tuple[str, ...] = ()
    lost: tuple[LostName, ...] = ()


@value(frozen=True, kw_only=True)
class Restored:
    """What a checkpoint gave back."""

    name: str
    names: tuple[str, ...] = ()
    lost: tuple[LostName, ...] = ()


@value(frozen=True)
class Completion:
    """What may replace ``code[start:end]``, in characters."""

    matches: tuple[str, ...]
    start: int
    end: int


# ── what happens in a session ─────────────────────────────────────────────────


@value
class Opened:
    """A process serves it from now on; ``note`` says where it is less confined than it asked."""

    kind: ClassVar[str] = "code.opened"
    run: int
    pid: int
    python: str
    note: str = ""


@value
class CellEntered:
    """A cell was accepted."""

    kind: ClassVar[str] = "cell.entered"
    cell: str
    number: int
    code: str
    options: CellOptions = CellOptions()


@value
class CellBegan:
    """It runs, in this mode."""

    kind: ClassVar[str] = "cell.began"
    cell: str
    mode: str


@value
class Printed:
    """What it wrote; bytes that are no UTF-8 are lone surrogates, as in PEP 383.

    ``cell`` is ``None`` for what no known cell wrote. ``dropped`` bytes went missing before.
    """

    kind: ClassVar[str] = "cell.printed"
    cell: str | None
    stream: str
    text: str
    dropped: int = 0


@value
class Shown:
    """A rich value, by MIME type; binary ones are base64."""

    kind: ClassVar[str] = "cell.shown"
    cell: str | None
    data: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    display_id: str | None = None
    update: bool = False


@value
class Cleared:
    """What it has shown so far is to be taken off; ``wait``: once there is more to show."""

    kind: ClassVar[str] = "cell.cleared"
    cell: str | None
    wait: bool = False


@value
class Wanted:
    """It waits for a line, which ``answer`` gives by ``request``."""

    kind: ClassVar[str] = "cell.wanted"
    cell: str | None
    request: str
    prompt: str
    password: bool = False


@value
class Given:
    """The line was given, or is not needed any more."""

    kind: ClassVar[str] = "cell.given"
    request: str


@value
class Asked:
    """Code asks its host for something; with what, is no matter of the transcript."""

    kind: ClassVar[str] = "code.asked"
    cell: str | None
    promise: str
    capability: str


@value
class Climbed:
    """What was done to interrupt it, ``after`` so many seconds."""

    kind: ClassVar[str] = "cell.climbed"
    cell: str
    rung: str
    after: float


@value
class CellEnded:
    """It is over; all that it printed comes before this."""

    kind: ClassVar[str] = "cell.ended"
    cell: str
    end: CellEnd


@value
class CheckpointMade:
    """Its names are on the disk."""

    kind: ClassVar[str] = "code.checkpoint"
    saved: Saved


@value
class CheckpointRestored:
    """Names came back."""

    kind: ClassVar[str] = "code.restored"
    restored: Restored


@value
class RunEnded:
    """The process is gone, and with it what was not saved."""

    kind: ClassVar[str] = "code.ended"
    run: int
    reason: Reason


CodeFact: TypeAlias = (
    Opened
    | CellEntered
    | CellBegan
    | Printed
    | Shown
    | Cleared
    | Wanted
    | Given
    | Asked
    | Climbed
    | CellEnded
    | CheckpointMade
    | CheckpointRestored
    | RunEnded
)
#: kind → its class, for reading back.
CODE_FACTS: Final[dict[str, Any]] = {
    fact.kind: fact
    for fact in (
        Opened,
        CellEntered,
        CellBegan,
        Printed,
        Shown,
        Cleared,
        Wanted,
        Given,
        Asked,
        Climbed,
        CellEnded,
        CheckpointMade,
        CheckpointRestored,
        RunEnded,
    )
}


@value
class CodeEvent:
    """A fact and its place in the session's transcript; ``seq`` counts from 1."""

    seq: int
    at: float
    session: str
    fact: CodeFact
