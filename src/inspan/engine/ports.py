"""What the engine needs of the world, as Protocols; adapters and fakes are named like these.

An adapter imports this module and nothing more of the engine. A provider never learns of a task:
it gets an ``Order`` and gives a ``Run``, which tells what it sees as observations.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from inspan.control import EventQuery, PrunePolicy, TaskPage, TaskQuery
from inspan.engine.housing import Workspaces
from inspan.engine.monitoring import Monitor, Vitals
from inspan.model.activity import Activity
from inspan.model.agent import AgentSession, Ending, Mode, Outcome, Usage
from inspan.model.code import CodeSession
from inspan.model.event import Event
from inspan.model.permission import Decision, Policy
from inspan.model.promise import Promise
from inspan.model.receipt import Arrival
from inspan.model.sandbox import TaskSandbox
from inspan.model.session import Chunk, Frame, Hits, Times, Wanted
from inspan.model.task import Exit, Needs, Task, TaskSpec, TerminalSpec, Workspace
from inspan.model.value import field, named_value, value


class Clock(Protocol):
    """Time and chance, so that a test can hold both."""

    def now(self) -> float:
        """Seconds since the epoch, for what is stored and shown."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump, for every limit."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait on the monotonic clock."""
        ...

    def entropy(self, size: int) -> bytes:
        """Random bytes."""
        ...

    def chance(self) -> float:
        """A number from [0, 1), for jitter."""
        ...


# ── observations: what a run tells ────────────────────────────────────────────


@value
class Started:
    """The process is alive."""

    pid: int


@value
class Grew:
    """The recording has ``size`` bytes now: a sign of life."""

    size: int


@value
class Asks:
    """It needs a person."""

    needs: Needs


@value
class Began:
    """The agent has a conversation of its own, which it can take up again."""

    agent: AgentSession


@value
class Counted:
    """What the run has used so far, all of it."""

    usage: Usage


@value
class BacksOff:
    """Its model cannot be had; it tries again by itself, and is silent for so many seconds."""

    seconds: float
    why: str
    ending: Ending = Ending.OVERLOADED  #: of the try that it repeats


@value
class GoesOn:
    """It no longer needs a person."""


@value
class Does:
    """What it does has changed, or what is known of that; nobody is to act on it.

    Times in it are seconds since the epoch. Of one that was adopted it is told anew.
    """

    activity: Activity


@value
class Decided:
    """What it asked for is about to be allowed or denied by a rule, and is no person's business."""

    request: str
    question: str
    decision: Decision
    rule: str


@value
class Reached:
    """A prompt that it was handed has got so far; after an adoption all of them are told again."""

    key: str
    arrival: Arrival


@value
class Finished:
    """The process has ended and its output is complete in the recording."""

    exit: Exit
    size: int
    #: How an agent's work ended, which its exit status does not tell.
    outcome: Outcome | None = None


@value
class Lost:
    """The process, or the keeper that held it, is gone, and how it ended is not known."""

    why: str


Observation: TypeAlias = (
    Started
    | Grew
    | Does
    | Began
    | Counted
    | BacksOff
    | Decided
    | Asks
    | GoesOn
    | Reached
    | Finished
    | Lost
)


@named_value
class Order:
    """What a provider is asked to run. ``session`` fences it: one id is spawned at most once."""

    session: str
    command: tuple[str, ...]
    prompt: str | None
    cwd: str
    env: Mapping[str, str] = field(repr=False)
    terminal: TerminalSpec
    #: Findings of a review that sent the work back.
    findings: tuple[str, ...] = ()
    #: Variables beside ``env`` whose values are looked up at the start: name → reference.
    secrets: Mapping[str, str] = field(default_factory=dict)
    #: How an agent is spoken to, and which session of its own it takes up.
    mode: Mode | None = None
    resumes: str | None = None
    #: Whether the prompt is new to that session.
    follows: bool = False
    #: What the agent may do without asking.
    permissions: Policy = Policy()
    #: What is left of its budget (US dollars), for an agent that keeps to it itself.
    cost_most: float | None = None
    #: What it is confined to, and the place it works in, where that is one of its own.
    sandbox: TaskSandbox | None = None
    workspace: Workspace | None = None
    #: The agent may hand in tasks of its own.
    delegates: bool = False


@runtime_checkable
class Confines(Protocol):
    """A provider whose programs can be put into a sandbox."""

    async def check_sandbox(self, spec: TaskSpec) -> None:
        """Refuse what cannot be confined as it asks. Raises NotConfined, BadInput."""
        ...


@runtime_checkable
class Measures(Protocol):
    """A provider that knows what its programs use; one that is none can be held to no budget."""

    def check_budget(self, spec: TaskSpec) -> None:
        """Refuse a budget that cannot be measured in time. Raises BadInput."""
        ...


@runtime_checkable
class Authenticates(Protocol):
    """A provider whose programs have a login."""

    async def authenticate(self, order: Order) -> None:
        """That it is logged in, as far as it can be asked. Raises LoginFailed."""
        ...


class Run(Protocol):
    """A live process, as the engine holds it."""

    def observations(self) -> AsyncIterator[Observation]:
        """What happens, in order; ends after ``Finished`` or ``Lost``. Iterated once."""
        ...

    async def write(self, data: bytes) -> None:
        """Type; empty ``data`` ends the input: it closes a pipe, and is Ctrl-D on a terminal.

        Raises InputFull where the process does not read.
        """
        ...

    async def answer(self, needs: Needs, text: str) -> None:
        """Answer what it asked. Raises Conflict where it no longer asks that, BadInput."""
        ...

    async def resize(self, cols: int, rows: int) -> None:
        """Change the size of its terminal."""
        ...

    async def attend(self, on: bool, *, shown: int | None = None) -> int | None:
        """Say whether a real terminal is attached, which answers the program's queries itself.

        Where those begin that are its own; ``None`` where it is not asked. ``shown``: how far it
        was shown the recording, where it was attached before; what was asked behind that and is
        not its own, or is no more, is answered in its place.
        """
        ...

    async def interrupt(self) -> None:
        """Ask as a person would: Ctrl-C on a terminal, SIGINT else."""
        ...

    async def terminate(self) -> None:
        """SIGTERM to the whole tree."""
        ...

    async def kill(self) -> int:
        """SIGKILL to the whole tree; how many processes are left, looked up afterwards."""
        ...

    async def close(self) -> None:
        """Forget it: its exit has been stored."""
        ...


@runtime_checkable
class Looks(Protocol):
    """A run that is looked at when somebody asks, since it does not tell what it does."""

    async def look(self) -> Activity:
        """What it does; times are seconds since the epoch."""
        ...


@runtime_checkable
class Halts(Protocol):
    """A run of a process that a signal can stop, whatever it said that it does."""

    def halted(self) -> str:
        """That it is stopped, in words; empty where it goes on. It costs next to nothing."""
        ...


class Provider(Protocol):
    """One way to run something."""

    @property
    def name(self) -> str:
        """The word after ``--provider`` or ``--agent``."""
        ...

    def check(self, spec: TaskSpec) -> None:
        """Refuse at submit what can never run; raises BadInput or ProgramNotFound."""
        ...

    async def open(self, order: Order) -> Run:
        """Start it; returns when the process exists. Raises SpawnFailed, KeeperLost."""
        ...

    async def adopt(self, order: Order) -> Run | None:
        """Take up a session that an earlier engine started; ``None`` where it is not known."""
        ...


class Recordings(Protocol):
    """The bytes plane: what sessions printed."""

    async def read(self, session: str, offset: int, limit: int) -> tuple[Chunk, ...]:
        """At most ``limit`` bytes from ``offset``; ends with ``Ended`` where nothing more comes.

        Raises SessionNotFound.
        """
        ...

    async def times(self, session: str, offset: int, until: int | None, most: int) -> Times:
        """When the bytes from ``offset`` up to ``until`` came. Raises SessionNotFound, BadInput."""
        ...

    async def frame(self, session: str, offset: int) -> Frame:
        """What its terminal showed there, or before it as far as one call reads.

        Raises SessionNotFound, BadInput, Unable.
        """
        ...

    async def search(self, session: str, offset: int, wanted: Wanted) -> Hits:
        """Lines from ``offset`` on; ``next`` is the offset where to search on.

        It reads a bounded part. Raises SessionNotFound.
        """
        ...

    def follow(self, session: str, offset: int) -> AsyncIterator[Chunk]:
        """What is there from ``offset`` and what comes, until ``Ended``."""
        ...

    async def remove(self, session: str) -> int:
        """Delete a recording; the bytes it had."""
        ...

    async def usage(self) -> tuple[tuple[str, int], ...]:
        """Every recording and its bytes on disk, oldest first."""
        ...


class Keep(Protocol):
    """What the engine must know of the keeper behind the providers."""

    async def id(self) -> str:
        """The keeper that holds new sessions; another id later means that this one is gone."""
        ...

    def at_hand(self) -> str | None:
        """The same, where it is known without waiting for anything; else ``None``."""
        ...

    async def held(self) -> tuple[str, ...]:
        """The sessions it holds, alive or ended."""
        ...

    async def drop(self, session: str) -> None:
        """Kill what is left of a session, and of what runs as a part of it, and forget it."""
        ...


@named_value
class Change:
    """What one transaction writes: events in order and the tasks as they are after them."""

    events: tuple[Event, ...] = ()
    tasks: tuple[Task, ...] = ()
    #: Which of ``tasks`` are new.
    created: frozenset[str] = frozenset()
    #: Idempotency keys of new tasks and code sessions: key → (id, digest of what was wanted).
    keys: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    #: New promises, settled or not.
    promised: tuple[Promise, ...] = ()
    #: Promises that were stored pending, as they are now.
    settled: tuple[Promise, ...] = ()
    #: Code sessions as they are now, new ones among them.
    code: tuple[CodeSession, ...] = ()


class Store(Protocol):
    """The facts plane. One owner, one connection; what it returns from is on the disk."""

    #: Called on the event loop with what was committed, in order of seq, before the ``commit``
    #: that wrote it returns: store first, then speak.
    on_commit: Callable[[Sequence[Change]], None] | None

    async def commit(self, change: Change) -> None:
        """Write it all or nothing. Raises StoreFailed, DiskFull; then the outcome is unknown."""
        ...

    async def last_seq(self) -> int:
        """The highest sequence number stored; 0 in an empty store."""
        ...

    async def get(self, task: str) -> Task | None:
        """A task by its full id."""
        ...

    async def find(self, ref: str) -> tuple[str, ...]:
        """Ids that begin or end with ``ref``, newest first, at most ten.

        ``last``: the newest that was not made for a goal, which is the one that leads to it.
        """
        ...

    async def list(self, query: TaskQuery) -> TaskPage:
        """A page of tasks."""
        ...

    async def open_tasks(self) -> tuple[Task, ...]:
        """Every task that is not terminal, oldest first."""
        ...

    async def history(self, query: EventQuery) -> tuple[Event, ...]:
        """A page of events."""
        ...

    async def newest(self, kind: str, after: float) -> tuple[Event, ...]:
        """Of the newest 100,000 events those of one kind, stored after a moment; oldest first."""
        ...

    async def by_key(self, key: str) -> tuple[str, str] | None:
        """The id of the task or code session, and the digest, that a key was used with."""
        ...

    async def prune(self, policy: PrunePolicy, now: float) -> tuple[Task, ...]:
        """Delete ended tasks that the policy lets go, and return them."""
        ...

    async def close(self) -> None:
        """Finish what was handed in and let go of the file."""
        ...


class PromiseStore(Protocol):
    """The promises of a store, which are written by ``commit`` like everything else."""

    #: Called on the event loop with the promises that were committed, before the ``commit`` that
    #: wrote them returns.
    on_promises: Callable[[Sequence[Promise]], None] | None

    async def commit(self, change: Change) -> None:
        """As ``Store.commit``; a promise that was stored before, or is settled, is refused."""
        ...

    async def promise(self, promise: str) -> Promise | None:
        """A promise by its id, as it is stored."""
        ...

    async def pending_promises(self) -> tuple[Promise, ...]:
        """Every promise that is stored as pending, in the order in which they were made."""
        ...

    async def forget_promises(self, promises: Sequence[str]) -> None:
        """Delete those of them that are settled."""
        ...

    async def promises_under(self, promise: str) -> tuple[Promise, ...]:
        """Every promise whose id begins with this one and a slash."""
        ...


@value(frozen=True, kw_only=True)
class Ports:
    """The world, as the engine needs it."""

    store: Store
    providers: Mapping[str, Provider]
    recordings: Recordings
    workspaces: Workspaces
    keep: Keep
    vitals: Vitals
    monitor: Monitor
    #: Bytes of memory that a program could take now; ``None`` where the system does not tell.
    memory: Callable[[], int | None]
    #: Takes away what people keep beside tasks, of those that are pruned; it does not fail.
    forget: Callable[[Collection[str]], Awaitable[None]]
    clock: Clock
