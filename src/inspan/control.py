"""Control: the verbs that everyone speaks, as a few small Protocols.

Implemented twice: by ``engine.Engine`` in process and by ``client.RemoteControl`` over HTTP and
WebSocket; one contract suite holds both to the same words. A verb returns when what it promises
is stored and true. Wherever an id is taken, a full id will do, a unique end or beginning of one
(four characters or more), a task's name (the newest of that name), or the word ``last``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from inspan.model.activity import Activity
from inspan.model.budget import Budget
from inspan.model.code import (
    Cell,
    CellOptions,
    CodeEvent,
    CodeSession,
    CodeSpec,
    Completion,
    Restored,
    Saved,
)
from inspan.model.event import Event
from inspan.model.goal import GoalPlan
from inspan.model.merging import MergeRequest, MergeResult
from inspan.model.metrics import Metrics, MetricsQuery
from inspan.model.place import Place, SweepPolicy, Swept
from inspan.model.receipt import Receipt, Stage
from inspan.model.session import Answers, Chunk, Frame, Hits, Times
from inspan.model.task import Handover, Task, TaskSpec, TaskState, Verdict
from inspan.model.value import field, value


@value(frozen=True, kw_only=True)
class TaskQuery:
    """Which tasks to list: newest first, ``limit`` at a time, older than ``before`` (an id)."""

    states: tuple[TaskState, ...] = ()
    role: str | None = None
    name: str | None = None
    #: Those that belong together, as a goal and the tasks that are made of it.
    correlation: str | None = None
    before: str | None = None
    limit: int = 100


@value(frozen=True)
class TaskPage:
    """A page of tasks; ``next`` goes into ``TaskQuery.before`` for the page after it."""

    tasks: tuple[Task, ...]
    next: str | None
    #: How many tasks there are in each state, over all pages and filters.
    counts: dict[str, int] = field(default_factory=dict)
    #: What those of ``tasks`` do that run and tell it by themselves, by id.
    activities: dict[str, Activity] = field(default_factory=dict)


@value(frozen=True, kw_only=True)
class EventQuery:
    """Which events to read: oldest first, after ``since``, ``limit`` at a time."""

    task: str | None = None
    correlation: str | None = None
    since: int = 0
    limit: int = 500


@value(frozen=True, kw_only=True)
class SearchQuery:
    """Which lines to find in what tasks printed: those that hold ``text``.

    The newest session first, each from its beginning; ``after`` is the ``next`` of the page before.
    """

    text: str
    #: Only in sessions of this task, or in this session.
    task: str | None = None
    #: Upper and lower case differ.
    case: bool = False
    after: str | None = None
    limit: int = 50


@value(frozen=True)
class Process:
    """One of inspan's own processes, as health shows it."""

    pid: int
    version: str
    started_at: float
    rss_bytes: int
    healthy: bool = True


@value(frozen=True)
class Health:
    """What runs, where it keeps things, and how it is."""

    daemon: Process
    keeper: Process | None
    state_dir: str
    socket: str
    sqlite: str
    python: str
    sessions: int
    counts: dict[str, int]
    #: Where it is reached by the network; ``None``: by its own socket alone.
    url: str | None = None
    warnings: tuple[str, ...] = ()


@value(frozen=True, kw_only=True)
class PrunePolicy:
    """What may go: what ended more than ``older_than`` seconds ago, recordings above ``bytes``.

    Of code sessions that are over, transcripts and checkpoints count as recordings, for themselves.
    """

    older_than: float | None = None
    bytes: int | None = None
    dry_run: bool = False


@value(frozen=True)
class Pruned:
    """What went, or would go."""

    tasks: int
    bytes: int
    #: Files and folders in worktrees that are kept nowhere, since git ignores them.
    ignored: int = 0
    #: Code sessions that were over, with their transcripts and checkpoints.
    sessions: int = 0


class Tasks(Protocol):
    """Handing in work and looking at it."""

    async def submit(self, spec: TaskSpec, *, key: str | None = None) -> Task:
        """Accept one task. The same ``key`` with the same spec returns the task it made."""
        ...

    async def submit_all(
        self, specs: Sequence[TaskSpec], *, key: str | None = None
    ) -> tuple[Task, ...]:
        """Accept all of them or none; ``@N`` in ``after`` names the N-th of ``specs``."""
        ...

    async def get(self, task: str) -> Task:
        """What is known of a task now."""
        ...

    async def list(self, query: TaskQuery = TaskQuery()) -> TaskPage:
        """A page of tasks."""
        ...

    async def activity(self, task: str) -> Activity:
        """What a task that runs is doing now, and how that is known; illegal while nothing runs.

        It is held in memory, or looked up now: no event tells of it, and unknown is an answer.
        """
        ...

    async def history(self, query: EventQuery = EventQuery()) -> tuple[Event, ...]:
        """A page of events."""
        ...

    def watch(
        self, since: int | None = None, *, task: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """Events as they are stored, from after ``since`` on (``None``: from now on).

        Raises FellBehind where the reader was too slow; ``since`` takes it up again.
        """
        ...


class Steering(Protocol):
    """Taking a hand in what runs."""

    async def send(self, task: str, data: bytes) -> Stage:
        """Type ``data`` into the task's process, as it is."""
        ...

    async def prompt(
        self, task: str, text: str, *, key: str | None = None, wait: float = 0.0
    ) -> Receipt:
        """Hand ``text`` to what runs: to an agent as a prompt, to any other program as a line.

        Returns when it was handed over and has arrived, is lost, or ``wait`` seconds are over. The
        same ``key`` with the same text is handed over once, also where it is asked for again after
        a daemon died, and gives the receipt of that one. Raises KeyReused, and what refuses it:
        BadInput, Conflict, InputFull; then nothing of it was written, and the key is free.
        """
        ...

    async def answer(self, task: str, text: str, *, question: str | None = None) -> Task:
        """Answer what a waiting task asked; illegal while it asks nothing.

        ``question``: the id of the one that is meant; Conflict where the task now asks another.
        """
        ...

    async def interrupt(
        self, task: str, *, reason: str = "", by: str = "person", force: bool = False
    ) -> Task:
        """Stop it so that it can be resumed; returns when nothing of it is left.

        ``by``: who wants that, as it is stored in ``Task.stop``.
        """
        ...

    async def resume(
        self, task: str, *, budget: Budget | None = None, to: Handover | None = None
    ) -> Task:
        """Let an interrupted task go on with a new attempt, or a parked one at once.

        ``to`` hands it over to another agent, which works in the same place and is told what the
        one before it did. Of a task that has failed that makes a new one, which is returned.
        Raises IllegalTransition where the first agent is at work, and what submitting the task
        to the new one would raise.

        ``budget`` names what it may use from now on, over all attempts: what it does not name
        stays. Raises BadInput where that is used up, or cannot be measured.
        """
        ...

    async def cancel(self, task: str, *, reason: str = "", force: bool = False) -> Task:
        """Give it up; returns when nothing of it is left."""
        ...

    async def decide(
        self, task: str, verdict: Verdict, findings: Sequence[str] = (), *, by: str = "person"
    ) -> Task:
        """Accept, reject or send back a result. Sending back an ended task makes a new one."""
        ...

    async def diff(self, task: str) -> str:
        """What the task changed in its worktree, as a patch."""
        ...


class Goals(Protocol):
    """Tasks of kind ``goal``, which become many."""

    async def replan(self, task: str, plan: GoalPlan, *, version: int, by: str = "person") -> Task:
        """Give a goal the plan that takes the place of its ``version``; 0: it has none yet.

        Raises Conflict where another version is the newest, IllegalTransition where it is no goal
        or is over, and BadInput and CyclicPlan for a plan that cannot be carried out.
        """
        ...


class Terminal(Protocol):
    """A live attachment to a session. Iterating gives the recording and then what comes."""

    @property
    def answers_from(self) -> int | None:
        """The offset behind which the writer's own terminal answers; ``None``: it never does."""
        ...

    def __aiter__(self) -> AsyncIterator[Chunk]: ...

    async def write(self, data: bytes) -> None:
        """Type; refused on a read-only attachment. Empty ``data`` is the end of the input."""
        ...

    async def resize(self, cols: int, rows: int) -> None:
        """Change the size of the terminal."""
        ...

    async def leave(self, shown: int) -> None:
        """Be a reader from now on. What is asked behind ``shown`` bytes inspan answers again.

        Who goes without a word counts as shown all that was taken from here.
        """
        ...


class Sessions(Protocol):
    """The bytes of a session. ``session`` is a session id, or a task's id for its newest one."""

    async def read(self, session: str, offset: int = 0, limit: int = 1 << 16) -> tuple[Chunk, ...]:
        """What is recorded from ``offset`` on, at most ``limit`` bytes; does not wait."""
        ...

    async def times(
        self, session: str, offset: int = 0, until: int | None = None, most: int = 1000
    ) -> Times:
        """When the bytes from ``offset`` up to ``until`` came; ``None``: all that follow.

        Where there are more than ``most`` marks, those are left out that are closest in time.
        """
        ...

    async def frame(self, session: str, offset: int = 0) -> Frame:
        """What its terminal showed when ``offset`` bytes had come, or a little before.

        One call reads so many bytes at most, of a recording that is read for this the first time:
        ``Frame.more`` says that it is not there yet. Raises BadInput, and Unable where no emulator
        is installed that can tell.
        """
        ...

    async def search(self, query: SearchQuery) -> Hits:
        """Lines that were printed, found page by page; a page may have none though more follow.

        One call reads so many bytes at most, so that who goes away leaves nothing at work behind.
        Hits that follow one another and are the same line are told once, as far as they are found
        together. Raises BadInput.
        """
        ...

    def attach(
        self,
        session: str,
        *,
        offset: int = 0,
        writer: bool = False,
        steal: bool = False,
        answers: Answers = Answers.NONE,
    ) -> AbstractAsyncContextManager[Terminal]:
        """Follow a session from ``offset``; one writer at a time.

        One that is about to begin is waited for, a second at most; SessionNotFound where it has
        not begun: nobody would read what is typed.

        What a program asks its terminal is answered once: by inspan, or with ``answers`` by the
        writer's own terminal, for what is asked behind ``Terminal.answers_from``. What is asked
        before that must not reach a terminal that answers; ``terminal.history`` takes it out.
        """
        ...


class Service(Protocol):
    """inspan itself."""

    async def health(self) -> Health:
        """What runs and how it is."""
        ...

    async def metrics(self, query: MetricsQuery = MetricsQuery()) -> Metrics:
        """How much inspan does and what that takes, now and before. Raises BadInput."""
        ...

    async def prune(self, policy: PrunePolicy) -> Pruned:
        """Remove what the policy lets go."""
        ...


class Workspaces(Protocol):
    """Where tasks worked, as it lies on the disk."""

    async def workspaces(self) -> tuple[Place, ...]:
        """All that lie there, with what they are needed for, and what was saved of others."""
        ...

    async def restore_workspace(self, task: str) -> Place:
        """Bring a worktree back that was removed, with what was not committed as it lay.

        ``task`` may be pruned. Raises NotFound, Conflict where it is there, NothingToDecide where
        it was no worktree, and what making one raises.
        """
        ...

    async def sweep(self, policy: SweepPolicy) -> tuple[Swept, ...]:
        """Remove what nobody needs, whatever left it there; what is not committed is saved first.

        What cannot be saved stays, and is returned with the reason.
        """
        ...

    async def merge(self, task: str, asked: MergeRequest) -> MergeResult:
        """Merge the branch of a goal, or of a task that was accepted, onto a person's branch.

        It is never forced. Conflicts are told, and then nothing was changed. Raises Conflict where
        that branch is checked out and something of the person's is in the way, NothingToDecide
        where the task has no such branch, BadInput, NotFound, GitFailed.
        """
        ...


class CodeSessions(Protocol):
    """Python sessions that outlive whoever opened them. ``session`` is an id, or a name."""

    async def open(self, spec: CodeSpec, *, key: str | None = None) -> CodeSession:
        """A new session, ready for cells. The same ``key`` again gives the one that it made.

        Raises BadInput for a name that is none, Conflict where an open one has the name, and what
        starting a process raises.
        """
        ...

    async def get(self, session: str) -> CodeSession:
        """What is known of it now: the newest of that name, if it is a name."""
        ...

    async def list(self, *, ended: bool = False) -> tuple[CodeSession, ...]:
        """The open ones, oldest first; with ``ended`` those too that can be restored or read."""
        ...

    async def checkpoint(self, session: str, name: str = "") -> Saved:
        """Save its names; ``name`` is made where none is given. Raises CheckpointFailed."""
        ...

    async def checkpoints(self, session: str) -> tuple[Saved, ...]:
        """What was saved and is still there, oldest first."""
        ...

    async def restore(self, session: str, name: str = "") -> Restored:
        """Merge the checkpoint, the newest where none is named, into its names.

        A session that is over gets a new process first. Raises CheckpointFailed, NotFound.
        """
        ...

    async def close(self, session: str, *, deadline: float = 5.0) -> CodeSession:
        """End it: a running cell is interrupted; after ``deadline`` seconds all of it is killed.

        One that died counts as closed from then on.
        """
        ...


class Cells(Protocol):
    """Running code in a session, and reading along."""

    async def execute(self, session: str, code: str, options: CellOptions = CellOptions()) -> Cell:
        """Hand in a cell; it runs after those before it. Raises InputFull, SessionEnded."""
        ...

    def run(
        self, session: str, code: str, options: CellOptions = CellOptions()
    ) -> AsyncGenerator[CodeEvent, None]:
        """``execute`` and ``follow`` of that cell in one: its events, from ``CellEntered`` on.

        It is handed in when the first is asked for, and runs on where the reader leaves. Where
        this ends too soon, with FellBehind or DaemonUnreachable, ``follow`` goes on with the cell.
        """
        ...

    def follow(
        self, session: str, since: int | None = None, *, cell: str | None = None
    ) -> AsyncGenerator[CodeEvent, None]:
        """What happens, from after ``since`` on (``None``: from now on, or all of ``cell``).

        Ends after the end of ``cell``, else when the session is over. Raises FellBehind.
        """
        ...

    async def transcript(
        self, session: str, since: int = 0, limit: int = 500
    ) -> tuple[CodeEvent, ...]:
        """What happened, oldest first, after ``since``; does not wait."""
        ...

    async def answer(self, session: str, request: str, text: str | None) -> None:
        """The line that a cell waits for; ``None`` is the end of the input.

        Raises Conflict where nothing waits for it any more.
        """
        ...

    async def interrupt(
        self, session: str, cell: str | None = None, *, deadline: float = 5.0
    ) -> Cell | None:
        """Interrupt a cell, the one that runs if none is named; it as it ended, or ``None``.

        Gentle first; after ``deadline`` seconds the process is killed with all that it started:
        with ``math.inf`` never. One that comes while another is at work can make that end sooner.
        """
        ...

    async def complete(self, session: str, code: str, cursor: int) -> Completion:
        """What could follow at ``cursor``, counted in characters."""
        ...

    async def inspect(self, session: str, code: str, cursor: int) -> dict[str, str]:
        """What is known of the name at ``cursor``, by MIME type."""
        ...


class Code(CodeSessions, Cells, Protocol):
    """Everything about code sessions."""


class Control(Tasks, Steering, Goals, Sessions, Service, Workspaces, Protocol):
    """Everything a face may ask for."""

    @property
    def code(self) -> Code:
        """Code sessions: an object of its own, since its verbs have the names of others."""
        ...
