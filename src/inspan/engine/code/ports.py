"""What code sessions need of the world, as Protocols; adapters and fakes are named like these.

An adapter imports this module and nothing more of the room. A provider knows no name, no policy and
no transcript: it gets an order and a sink, and gives a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from inspan.engine.ports import Clock, PromiseStore
from inspan.errors import InspanError
from inspan.model.code import (
    Cell,
    CellOptions,
    CodeEvent,
    CodeFact,
    CodeSession,
    CodeSpec,
    Completion,
    Pulse,
    Restored,
    Saved,
)
from inspan.model.origin import Origin
from inspan.model.value import value


@value(frozen=True)
class Room:
    """The most that a space may hold."""

    keys: int
    #: Bytes of the values and characters of the keys.
    size: int

    def fits(self, keys: int, size: int) -> bool:
        """Whether so much may be there."""
        return keys <= self.keys and size <= self.size


class CodeStore(PromiseStore, Protocol):
    """The code sessions of a store, and the promises that their code waits for.

    They are written by ``commit`` like everything else.
    """

    async def code_sessions(self, *, ended: bool) -> tuple[CodeSession, ...]:
        """Those that are open, or all of them, oldest first."""
        ...

    async def code_session(self, ref: str) -> CodeSession | None:
        """By its id, or the newest of that name."""
        ...

    async def by_key(self, key: str) -> tuple[str, str] | None:
        """As ``Store.by_key``."""
        ...

    async def forget_code(self, sessions: Sequence[str]) -> None:
        """Delete those of them that are over: keys, promises and values, too."""
        ...

    async def value(self, space: str, key: str) -> str | None:
        """What code keeps under a key; a space is the id of a session, or ``shared:NAME``."""
        ...

    async def put_value(self, space: str, key: str, value: str | None, room: Room) -> bool:
        """Write ASCII, or take away what is there; False where it does not fit into ``room``."""
        ...


@value(frozen=True, kw_only=True)
class CodeOrder:
    """A process for a code session. ``name`` fences it: one is started at most once."""

    name: str
    session: str
    spec: CodeSpec


@value(frozen=True)
class CodeAsked:
    """Code asks its host for something; ``CodeRun.settle`` answers."""

    cell: str | None
    promise: str
    capability: str
    payload: object
    #: Seconds.
    timeout: float


@value(frozen=True)
class CodeWithdrawn:
    """Nobody waits any more for what was ``CodeAsked``."""

    promise: str


#: What a run tells. Facts come with the mark from which ``CodeProvider.adopt`` goes on.
CodeSeen: TypeAlias = CodeFact | CodeAsked | CodeWithdrawn | Pulse


class CodeSink(Protocol):
    """Who is told what a run sees: on the loop, in order, and quick; it may not raise."""

    def __call__(self, seen: CodeSeen, mark: str, *, more: bool = False) -> None:
        """``seen`` happened; whoever goes on from ``mark`` is not told it again.

        ``more``: something else is told in the same turn of the loop.
        """
        ...


class CodeRun(Protocol):
    """A live worker, as the engine holds it. A verb raises SessionDied once it is gone."""

    @property
    def pid(self) -> int:
        """Of the worker."""
        ...

    async def execute(
        self, cell: str, code: str, options: CellOptions, entered: Callable[[], None]
    ) -> None:
        """Ask for a cell; its end comes to the sink. Raises InputFull, BadInput.

        ``entered`` is called when nothing stands against it any more and before it is sent.
        """
        ...

    async def interrupt(self, cell: str | None, deadline: float) -> None:
        """By the whole ladder; each rung comes to the sink. Returns when the cell is over."""
        ...

    async def answer(self, request: str, text: str | None) -> None:
        """The line that was ``Wanted``."""
        ...

    async def settle(
        self, promise: str, *, value: object = None, error: InspanError | None = None
    ) -> None:
        """How what was ``CodeAsked`` ended; ``error``: it did not. BadInput: that is too much."""
        ...

    async def checkpoint(self, name: str) -> Saved:
        """Save its names. Raises CheckpointFailed."""
        ...

    async def restore(self, name: str) -> Restored:
        """Merge a checkpoint of this session. Raises CheckpointFailed."""
        ...

    async def complete(self, code: str, cursor: int) -> Completion:
        """What could follow."""
        ...

    async def inspect(self, code: str, cursor: int) -> dict[str, str]:
        """What is known of a name, by MIME type."""
        ...

    async def close(self, deadline: float) -> None:
        """End it; nothing of it runs, and ``RunEnded`` has come to the sink, when this returns."""
        ...

    async def abandon(self) -> None:
        """Leave it running for a later engine; the sink hears no more."""
        ...


class CodeProvider(Protocol):
    """Starts and finds the workers of code sessions."""

    async def open(self, order: CodeOrder, sink: CodeSink) -> CodeRun:
        """Start one; ``Opened`` has come to the sink when this returns.

        Raises WorkerNotReady, SpawnFailed, KeeperLost, BadInput.
        """
        ...

    async def adopt(
        self, order: CodeOrder, sink: CodeSink, mark: str, cells: Sequence[Cell]
    ) -> CodeRun | None:
        """Take up one that an earlier engine started, from ``mark``; ``None``: it is gone.

        ``cells`` have no end yet, which comes to the sink: the one that runs goes on, and one that
        never reached the worker runs then; none runs twice. ``mark`` is empty where nothing was
        told of it: ``Opened`` comes first then. Raises WorkerNotReady, KeeperLost.
        """
        ...

    async def checkpoints(self, session: str) -> tuple[Saved, ...]:
        """What is there to be restored, oldest first."""
        ...

    async def size(self, session: str) -> int:
        """The bytes that its runs and its checkpoints take on the disk."""
        ...

    async def remove(self, session: str) -> None:
        """Delete all that its runs left on the disk."""
        ...


@value(frozen=True)
class Fetched:
    """What a server answered; names of headers are in small letters."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Web(Protocol):
    """Requests to other machines."""

    async def fetch(
        self,
        origin: Origin,
        method: str,
        target: str,
        headers: Mapping[str, str],
        allowed: Callable[[str], bool],
        most: int,
    ) -> Fetched:
        """One request; a redirect is an answer.

        ``allowed`` judges each address to which the name leads. Raises NotGranted where it lets
        none pass, Unable where nobody answers or the body has more than ``most`` bytes, BadInput
        for a header that cannot be sent. It has no limit of time.
        """
        ...


class Transcripts(Protocol):
    """What happened in code sessions: appended, and outliving this process, not the machine."""

    def append(self, event: CodeEvent, mark: str, *, more: bool = False) -> None:
        """Write it behind the last; quick, and on the loop. Raises StoreFailed, DiskFull.

        ``more``: another comes at once; they are written together, or none of them is.
        """
        ...

    async def read(self, session: str, since: int, limit: int) -> tuple[CodeEvent, ...]:
        """Events after ``since``, oldest first."""
        ...

    async def last(self, session: str) -> tuple[int, str]:
        """The last ``seq`` and its mark; ``(0, "")`` where there is nothing."""
        ...

    async def size(self, session: str) -> int:
        """The bytes it has on the disk."""
        ...

    def release(self, session: str) -> None:
        """The session is over: hold nothing open for it. More may be appended all the same."""
        ...

    async def remove(self, session: str) -> int:
        """Delete it; the bytes it had."""
        ...


@value(frozen=True, kw_only=True)
class CodePorts:
    """The world, as code sessions need it."""

    store: CodeStore
    provider: CodeProvider
    transcripts: Transcripts
    web: Web
    clock: Clock
