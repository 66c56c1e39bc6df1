"""Every message between a host and a worker, as pydantic models: the schema, and the check.

The host validates what a worker sends; the worker, which imports no third party, builds the same
shapes by hand and is held to these models by a test. All JSON parts have ``type``; output carries
its bytes as the body of the frame.

A worker numbers what it sends with ``seq``, from 1, and keeps it until the host has acknowledged
it, so that a host that comes back asks for what follows the last it saw. What belongs to one cell
comes in this order: started, any of output, display, clear, input, ask and withdraw, then one
result or error. A cell's end comes after all of its output, the bytes of its file descriptors
included: ``fd`` says up to where in the session's two capture files its output goes. To a host that
reads the board, started may come together with what follows it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

#: Raised when a message changes its meaning; both sides say theirs at ``hello`` and ``ready``.
VERSION: Final = 1


class ExecutionMode(StrEnum):
    """How a cell runs; ``auto`` lets the router decide by its syntax tree."""

    AUTO = "auto"
    TOP_LEVEL_AWAIT = "top_level_await"
    ASYNC_DEF = "async_def"
    BLOCKING_SYNC = "blocking_sync"
    SIMPLE_SYNC = "simple_sync"
    UNKNOWN = "unknown"


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


# ── from the host ─────────────────────────────────────────────────────────────


class Hello(_Message):
    """The first frame on every connection; a wrong ``token`` ends it."""

    type: Literal["hello"] = "hello"
    version: int
    session: str
    token: str
    #: The last ``seq`` that this host has; the worker goes on with the one after it.
    last_seq: int = 0
    #: This host knows the numbers of all cells and reads on the board which one runs: ``started``
    #: may wait for what is said next, and where that is the cell's end it is ``began`` in that.
    board: bool = False


class Execute(_Message):
    """Run a cell. Cells run one after the other, in the order in which they came."""

    type: Literal["execute"] = "execute"
    execution_id: str = Field(min_length=1, max_length=200)
    code: str
    mode: ExecutionMode = Field(default=ExecutionMode.AUTO, strict=False)
    #: Run a blocking cell in a thread, so that the session's own tasks go on meanwhile.
    threaded: bool = False
    #: Leave no trace in ``In``, ``Out`` and the counter, and send no result value.
    silent: bool = False
    #: Everything up to this ``seq`` is safe, as ``ack`` says; 0 for nothing new.
    ack: int = Field(default=0, ge=0)
    #: Whether it is kept in ``In``, ``Out``, ``_`` and the counter; a silent one never is.
    store: bool = True
    #: Whether ``input()`` is answered; it raises EOFError else.
    allow_stdin: bool = True
    #: The file that the code is of, as tracebacks name it; ``<cell N>`` where it is of none.
    file: str | None = Field(default=None, min_length=1, max_length=4096)


class InputResponse(_Message):
    """The line that was asked for; ``None`` for the end of the input."""

    type: Literal["input_response"] = "input_response"
    request: str
    value: str | None


class Cancel(_Message):
    """Cancel a cell that awaits or has not begun: cooperative, the first step of the ladder."""

    type: Literal["cancel"] = "cancel"
    execution_id: str


class Checkpoint(_Message):
    """Save the namespace to ``path``, the name of a file among the session's checkpoints."""

    type: Literal["checkpoint"] = "checkpoint"
    request: str
    path: str
    #: Hexadecimal; authenticates the file.
    key: str


class Restore(_Message):
    """Merge what ``path``, a file among the session's checkpoints, holds into the namespace."""

    type: Literal["restore"] = "restore"
    request: str
    path: str
    key: str


class Answer(_Message):
    """How a promise that the session asked for ended."""

    type: Literal["answer"] = "answer"
    promise: str
    ok: bool
    value: Any = None
    #: Where not ok: what to tell the code that asked, and the stable word for it.
    error: str = ""
    code: str = ""


class Complete(_Message):
    """What could follow at ``cursor`` (in characters) of ``code``."""

    type: Literal["complete"] = "complete"
    request: str
    code: str
    cursor: int = Field(ge=0)


class Inspect(_Message):
    """What is known of the name at ``cursor``."""

    type: Literal["inspect"] = "inspect"
    request: str
    code: str
    cursor: int = Field(ge=0)
    detail: int = 0


class Ack(_Message):
    """Everything up to ``seq`` is safe; the worker may forget it."""

    type: Literal["ack"] = "ack"
    seq: int = Field(ge=0)


class Shutdown(_Message):
    """End: run what was registered at exit, flush, go."""

    type: Literal["shutdown"] = "shutdown"


ToWorker: TypeAlias = Annotated[
    Hello
    | Execute
    | InputResponse
    | Cancel
    | Checkpoint
    | Restore
    | Answer
    | Complete
    | Inspect
    | Ack
    | Shutdown,
    Field(discriminator="type"),
]


# ── from the worker ───────────────────────────────────────────────────────────


class _Numbered(_Message):
    seq: int = Field(ge=1)


class Confined(_Message):
    """How far the worker could confine itself."""

    #: What does it.
    by: tuple[str, ...] = Field(default=(), strict=False)
    #: In words, what the session may do although it was not granted.
    open: tuple[str, ...] = Field(default=(), strict=False)


class Ready(_Message):
    """The answer to ``hello``. ``execution_id`` is the cell that runs now, if one does."""

    type: Literal["ready"] = "ready"
    version: int
    session: str
    pid: int
    python: str
    #: The last ``seq`` that was sent or is waiting to be.
    seq: int = Field(ge=0)
    execution_id: str | None = None
    #: That cell's number, as in ``started``; 0 where none runs.
    number: int = Field(default=0, ge=0)
    #: ``None`` where the host did not ask for it.
    confined: Confined | None = None


class Started(_Numbered):
    """A cell begins, in this mode. ``number`` counts the session's ``execute`` from 1."""

    type: Literal["started"] = "started"
    execution_id: str
    number: int = Field(default=0, ge=0)
    mode: ExecutionMode = Field(strict=False)


class Output(_Numbered):
    """Text that a cell wrote, as UTF-8 in the body. ``None``: from no cell that is known."""

    type: Literal["output"] = "output"
    execution_id: str | None
    stream: Literal["stdout", "stderr"]
    #: Bytes that went missing before these, where the policy of backpressure is to drop.
    dropped: int = 0
    #: Where the stream's capture file ended when this was written: what is there comes before it.
    after: int = Field(default=0, ge=0)


class Ends(_Message):
    """Where the capture files of descriptors 1 and 2 ended when a message was made, in bytes.

    What is in them before that comes before the message.
    """

    out: int = 0
    err: int = 0


class Display(_Numbered):
    """A rich value, by MIME type; binary ones are base64."""

    type: Literal["display"] = "display"
    execution_id: str | None
    data: dict[str, Any]
    metadata: dict[str, Any] = Field(default_factory=dict)
    display_id: str | None = None
    update: bool = False
    fd: Ends = Ends()


class Clear(_Numbered):
    """What the cell has shown so far is to be taken off; ``wait``: once there is more to show."""

    type: Literal["clear"] = "clear"
    execution_id: str | None
    wait: bool = False
    fd: Ends = Ends()


class Input(_Numbered):
    """Code asks for a line."""

    type: Literal["input"] = "input"
    execution_id: str | None
    request: str
    prompt: str
    password: bool = False
    fd: Ends = Ends()


class Began(_Message):
    """What ``started`` would have said, in the end of a cell that said nothing before it."""

    number: int = Field(default=0, ge=0)
    mode: ExecutionMode = Field(strict=False)


class Result(_Numbered):
    """A cell ended well. ``repr`` is of its last expression, bounded; ``None`` if it has none."""

    type: Literal["result"] = "result"
    execution_id: str
    count: int
    #: The value itself where it is a JSON scalar; ``None`` else.
    value: str | int | float | bool | None = None
    repr: str | None
    #: By MIME type, where the value offers more than its repr.
    data: dict[str, Any] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    #: Seconds.
    execution_time: float
    fd: Ends = Ends()
    began: Began | None = None


class Error(_Numbered):
    """A cell ended by an exception, or was interrupted."""

    type: Literal["error"] = "error"
    execution_id: str
    count: int
    name: str
    message: str
    traceback: tuple[str, ...] = Field(strict=False)
    interrupted: bool = False
    #: What a program that SystemExit ends exits with, and ``message`` is what it prints then;
    #: ``None`` for every other error.
    status: int | None = None
    execution_time: float
    fd: Ends = Ends()
    began: Began | None = None


class Heartbeat(_Numbered):
    """A sign of life; ``namespace_size`` may be that of the last cell's end."""

    type: Literal["heartbeat"] = "heartbeat"
    memory_usage: int
    cpu_percent: float
    namespace_size: int
    execution_id: str | None = None


class Ask(_Numbered):
    """Code wants something of its host. ``timeout`` in seconds."""

    type: Literal["ask"] = "ask"
    execution_id: str | None
    promise: str
    capability: str
    payload: Any = None
    timeout: float
    fd: Ends = Ends()


class Withdraw(_Numbered):
    """Nobody waits any more for what an Ask wanted: its code was interrupted, or cancelled."""

    type: Literal["withdraw"] = "withdraw"
    execution_id: str | None
    promise: str
    fd: Ends = Ends()


class Lost(_Message):
    """A name that could not be saved or restored, and why."""

    name: str
    kind: str
    reason: str


class Checkpointed(_Numbered):
    """A checkpoint is on the disk, or failed as ``error`` says."""

    type: Literal["checkpointed"] = "checkpointed"
    request: str
    size: int = 0
    saved: tuple[str, ...] = Field(default=(), strict=False)
    lost: tuple[Lost, ...] = Field(default=(), strict=False)
    error: str = ""


class Restored(_Numbered):
    """A checkpoint was merged into the namespace, or refused as ``error`` says."""

    type: Literal["restored"] = "restored"
    request: str
    restored: tuple[str, ...] = Field(default=(), strict=False)
    lost: tuple[Lost, ...] = Field(default=(), strict=False)
    error: str = ""


class Completion(_Numbered):
    """What may replace ``code[start:end]``."""

    type: Literal["completion"] = "completion"
    request: str
    matches: tuple[str, ...] = Field(strict=False)
    start: int
    end: int


class Inspection(_Numbered):
    """What is known of a name; empty ``data`` where nothing is."""

    type: Literal["inspection"] = "inspection"
    request: str
    data: dict[str, str]


class Broken(_Message):
    """The last words of a worker that cannot go on."""

    type: Literal["broken"] = "broken"
    reason: str


FromWorker: TypeAlias = Annotated[
    Ready
    | Started
    | Output
    | Display
    | Clear
    | Input
    | Result
    | Error
    | Heartbeat
    | Ask
    | Withdraw
    | Checkpointed
    | Restored
    | Completion
    | Inspection
    | Broken,
    Field(discriminator="type"),
]

TO_WORKER: Final[TypeAdapter[ToWorker]] = TypeAdapter(ToWorker)
FROM_WORKER: Final[TypeAdapter[FromWorker]] = TypeAdapter(FromWorker)
