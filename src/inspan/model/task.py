"""A task: what someone wants (``TaskSpec``) and what we know of it now (``Task``).

Values only. How a task changes is told in ``lifecycle``; nothing here knows when or by whom.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from inspan.model.agent import UNUSED, AgentSession, Ending, Mode, Outcome, Usage
from inspan.model.budget import Budget
from inspan.model.permission import Policy
from inspan.model.sandbox import TaskSandbox
from inspan.model.value import field, named_value, value


class TaskState(StrEnum):
    """Where a task is; the one source of truth for these words."""

    PENDING = "pending"  #: accepted; waits for dependencies, its time, or a quota
    QUEUED = "queued"  #: ready; waits for a slot of its role
    RUNNING = "running"  #: an attempt is alive and working
    WAITING = "waiting"  #: alive, and needs a person
    PROCESSING = "processing"  #: the process ended; checks and review run
    COMPLETED = "completed"  #: ended well; nothing was asked to verify it
    SUCCEEDED = "succeeded"  #: ended well and verified
    FAILED = "failed"  #: the work failed
    ERROR = "error"  #: inspan could not do it
    INTERRUPTED = "interrupted"  #: stopped; resumable
    CANCELLED = "cancelled"  #: given up on purpose


TERMINAL: Final = frozenset(
    {
        TaskState.COMPLETED,
        TaskState.SUCCEEDED,
        TaskState.FAILED,
        TaskState.ERROR,
        TaskState.CANCELLED,
    }
)
ACTIVE: Final = frozenset({TaskState.RUNNING, TaskState.WAITING, TaskState.PROCESSING})
GOOD: Final = frozenset({TaskState.COMPLETED, TaskState.SUCCEEDED})


def is_terminal(state: TaskState) -> bool:
    """True where the task has ended for good; such a state never changes."""
    return state in TERMINAL


def is_active(state: TaskState) -> bool:
    """True where an attempt of the task holds a slot."""
    return state in ACTIVE


class TaskKind(StrEnum):
    """What a task is: one piece of work, or a goal that becomes many."""

    WORK = "work"
    GOAL = "goal"


class OnCrash(StrEnum):
    """What happens to a task whose process was lost with the machine or the keeper."""

    RESUME = "resume"  #: the agent takes up its own session again
    RETRY = "retry"  #: run it again from the start
    ASK = "ask"  #: stay interrupted until a person says


class OnLimit(StrEnum):
    """What happens to a task whose agent has come to a usage limit."""

    WAIT = "wait"  #: it is parked, and goes on when the limit is lifted
    FAIL = "fail"


class WorkspaceKind(StrEnum):
    """Where a task works."""

    HERE = "here"  #: in the folder it was submitted from
    FOLDER = "folder"  #: in a new folder of its own
    WORKTREE = "worktree"  #: in a git worktree of its own, on its own branch
    COPY = "copy"  #: in a copy of the folder, which is a worktree of a repository of inspan's own


class StopKind(StrEnum):
    """What a person wished for when asking a task to stop."""

    INTERRUPT = "interrupt"
    CANCEL = "cancel"


@value(frozen=True, kw_only=True)
class Patience:
    """How long a task may take; seconds, ``None`` for no limit."""

    deadline: float | None = 300.0
    idle: float | None = None
    warn_before: float = 30.0
    #: Between being asked to stop and being killed.
    grace: float = 5.0
    #: The caller knows that ``deadline`` is beyond the configured maximum.
    lifted: bool = False


#: The columns and rows of a terminal where none are named, and those of an agent's.
_UNSAID: Final = (80, 24)
_AGENT: Final = (100, 30)


@value(frozen=True, kw_only=True)
class TerminalSpec:
    """How the process is connected: a terminal of a size, or pipes."""

    pty: bool = True
    cols: int = _UNSAID[0]
    rows: int = _UNSAID[1]
    #: Record what is typed too. Off by default: people type passwords.
    record_input: bool = False
    #: A real terminal will be attached from the start and answers queries itself.
    attended: bool = False

    def for_agent(self) -> TerminalSpec:
        """As an agent has it whose terminal somebody may see later, or nobody ever.

        Where nobody said how large, it has the size that rules for screens are made with; who
        attaches changes it.
        """
        said = self.attended or (self.cols, self.rows) != _UNSAID
        cols, rows = (self.cols, self.rows) if said else _AGENT
        return TerminalSpec(
            cols=cols, rows=rows, record_input=self.record_input, attended=self.attended
        )


#: Of an agent that is spoken to by lines: pipes, and both sides of what is said are recorded.
BY_LINES: Final = TerminalSpec(pty=False, record_input=True)


@value(frozen=True, kw_only=True)
class TaskSpec:
    """What someone wants done. ``command`` for a program, ``prompt`` for an agent.

    An agent's ``command`` is further arguments for its own program.
    """

    command: tuple[str, ...] = ()
    prompt: str | None = None
    provider: str = "shell"
    #: How an agent is spoken to; ``None``: in the best way that it knows.
    mode: Mode | None = None
    name: str = ""
    role: str = "worker"
    kind: TaskKind = TaskKind.WORK
    cwd: str
    #: The whole environment of the process, captured through the allow-list at submit.
    env: dict[str, str] = field(default_factory=dict, repr=False)
    #: Names that the allow-list kept back; the values are not known here.
    withheld: tuple[str, ...] = ()
    #: Variables whose values are not stored: name → reference to the value.
    secrets: dict[str, str] = field(default_factory=dict)
    #: Ids of tasks that must end well first; ``@N`` is the N-th of the same submission.
    after: tuple[str, ...] = ()
    #: Higher goes first; equal ones in the order of submission.
    priority: int = 0
    #: Seconds since the epoch before which it does not start.
    not_before: float | None = None
    #: ``None`` takes the engine's defaults.
    patience: Patience | None = None
    #: What its agent may do without asking; beside the engine's own rules, or ``None`` for those.
    permissions: Policy | None = None
    #: What its program is confined to; ``None``: to nothing.
    sandbox: TaskSandbox | None = None
    retries: int = 0
    checks: tuple[str, ...] = ()
    #: Commands that set its workspace up, beside those of the settings.
    setup: tuple[str, ...] = ()
    terminal: TerminalSpec = TerminalSpec()
    workspace: WorkspaceKind = WorkspaceKind.HERE
    #: The task whose agent's conversation this one goes on with, and what that agent calls it.
    continues: str | None = None
    conversation: str | None = None
    #: What a worktree starts from; resolved to a commit before it is used.
    base: str = "HEAD"
    on_crash: OnCrash = OnCrash.ASK
    #: What an agent may use, over all attempts.
    budget: Budget | None = None
    #: ``None`` takes the engine's default.
    on_limit: OnLimit | None = None
    #: Wait in ``processing`` until a person or a reviewer decides.
    review: bool = False
    #: What a review found wrong with the work that this task takes up again.
    findings: tuple[str, ...] = ()
    correlation: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    #: Its agent may hand in tasks of its own, within ``model.delegation``.
    delegates: bool = False
    #: The task whose agent handed it in.
    parent: str | None = None


@named_value
class Handover:
    """Another agent that is to go on with a task, and what it gets for that."""

    provider: str
    #: How it is spoken to; ``None``: as the task has it.
    mode: Mode | None = None
    #: Further arguments for its own program.
    command: tuple[str, ...] = ()
    #: Variables that it needs beside those of the task, and its keys by reference.
    env: dict[str, str] = field(default_factory=dict, repr=False)
    secrets: dict[str, str] = field(default_factory=dict)


@value
class Hand:
    """Who had a task, from which attempt on."""

    provider: str
    mode: Mode | None = None
    since: int = 0


@named_value
class Handed:
    """A handover that took place: what is wanted of a task now, and what its agent is told."""

    #: Who had it, oldest first.
    earlier: tuple[Hand, ...]
    #: The first attempt of the new one.
    since: int
    provider: str
    mode: Mode | None = None
    command: tuple[str, ...] = ()
    #: What all handovers of the task have added.
    env: dict[str, str] = field(default_factory=dict, repr=False)
    #: All that it has now.
    secrets: dict[str, str] = field(default_factory=dict)
    terminal: TerminalSpec = TerminalSpec()
    #: What the agent before it did, for the new one to read.
    report: str = ""

    def applied(self, spec: TaskSpec) -> TaskSpec:
        """What is wanted now, where ``spec`` was; the same again changes nothing."""
        from dataclasses import replace  # noqa: PLC0415 - few tasks are handed over

        return replace(
            spec,
            provider=self.provider,
            mode=self.mode,
            command=self.command,
            env={**spec.env, **self.env},
            secrets=self.secrets,
            terminal=self.terminal,
        )


@value
class Exit:
    """How a process ended: by ``code`` or by ``signal``, never both."""

    code: int | None = None
    signal: int | None = None

    @property
    def ok(self) -> bool:
        """True for code 0."""
        return self.code == 0

    @property
    def status(self) -> int:
        """What a shell would report: the code, or 128 + the signal (POSIX.1-2017 2.8.2)."""
        return self.code if self.code is not None else 128 + (self.signal or 0)


@value
class Reason:
    """Why a task is where it is: ``code`` for programs, ``message`` for people."""

    code: str
    message: str
    hint: str = ""


@value
class Needs:
    """What a waiting task needs from a person."""

    kind: str  #: permission, question or prompt
    question: str
    options: tuple[str, ...] = ()
    since: float = 0.0
    #: Which question it is, where an agent asks several.
    id: str = ""
    #: How many others wait behind it.
    more: int = 0
    #: What it is about, where that is a part of the work: of a goal, a step of its plan by name.
    about: str = ""


@value
class Stop:
    """A wish to stop; a field and not a state, since wishing does not make it so."""

    kind: StopKind
    by: str
    reason: str = ""
    at: float = 0.0


@value
class CheckResult:
    """What one ``--check`` said."""

    command: str
    exit: Exit
    session: str


class SetupState(StrEnum):
    """How far a command is that sets a workspace up."""

    RUNS = "runs"
    DONE = "done"
    FAILED = "failed"
    TIMED_OUT = "timed-out"
    STOPPED = "stopped"  #: before its end, with its attempt


@value
class SetupStep:
    """One command that sets a workspace up, and what came of it."""

    command: str
    session: str
    state: SetupState
    began_at: float
    ended_at: float | None = None
    exit: Exit | None = None


@value
class Workspace:
    """Where an attempt worked."""

    kind: WorkspaceKind
    path: str
    branch: str | None = None
    base: str | None = None  #: the full commit id that the branch began at
    repository: str | None = None
    #: Where ``task.json`` is: what the task is, for whoever works on it.
    task_file: str | None = None
    #: The first of the ports that are its own, and how many they are.
    port: int | None = None
    ports: int = 0
    #: The person's branch that it began on, where it began on one.
    onto: str | None = None
    #: The commands that set it up, each of them once, and how many seconds each may take.
    setup: tuple[str, ...] = ()
    setup_timeout: float | None = None
    #: With another mark it was made anew, and is set up again.
    made: str = ""


class Verdict(StrEnum):
    """What a person or a reviewer decided about a result."""

    ACCEPT = "accept"
    REJECT = "reject"
    SEND_BACK = "send_back"


# Without slots: `lifecycle` copies it at each event, which a dictionary makes five times as fast.
@value(frozen=True, kw_only=True, slots=False)
class Task:
    """What we know of a task now: the projection of its events."""

    id: str
    spec: TaskSpec
    state: TaskState
    #: The attempt that runs, or will run next; 0 before the first is due.
    attempt: int = 0
    #: How many of them were retries, counted against ``spec.retries``.
    retried: int = 0
    #: How often a usage limit parked it.
    parked: int = 0
    #: The sequence number of the last event that shaped this value.
    seq: int = 0
    correlation: str = ""
    created_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    reason: Reason | None = None
    exit: Exit | None = None
    #: How its agent's work ended, which the exit status does not tell.
    outcome: Outcome | None = None
    stop: Stop | None = None
    needs: Needs | None = None
    wake_at: float | None = None
    #: The session of the newest attempt that started.
    session: str | None = None
    #: Which keeper holds, or held, that session.
    keeper: str | None = None
    pid: int | None = None
    output_bytes: int = 0
    checks: tuple[CheckResult, ...] = ()
    workspace: Workspace | None = None
    #: What its workspace was set up with; of what did not end well only the last try.
    setup: tuple[SetupStep, ...] = ()
    verdict: Verdict | None = None
    findings: tuple[str, ...] = ()
    idle_warned_at: float | None = None
    #: The newest conversation of its agent, which a later attempt may take up.
    agent: AgentSession | None = None
    #: The agent's session that the present attempt takes up.
    resumes: str | None = None
    #: Whether it asks there what is wanted of the task, instead of telling it to go on.
    follows: bool = False
    #: How another agent came to have it, the last time that one did; ``spec`` has it already.
    handed: Handed | None = None
    #: What the present attempt has used, and all those before it.
    usage: Usage = UNUSED
    #: The budget that somebody raised it to.
    budget: Budget | None = None
    used_before: Usage = UNUSED
    #: The version of a goal's plan; 0: it has none yet.
    planned: int = 0

    @property
    def folder(self) -> str:
        """Where it works, or worked last."""
        return self.workspace.path if self.workspace else self.spec.cwd

    def hand(self, attempt: int) -> Hand:
        """Who has, or had, the task in that attempt."""
        handed = self.handed
        if handed is None or attempt >= handed.since:
            return Hand(self.spec.provider, self.spec.mode)
        return next(hand for hand in reversed(handed.earlier) if attempt >= hand.since)

    @property
    def used(self) -> Usage:
        """What all of its attempts have used."""
        return self.used_before.plus(self.usage)

    @property
    def allowance(self) -> Budget | None:
        """What it may use now."""
        return self.budget or self.spec.budget

    @property
    def done(self) -> bool:
        """True where the task has ended for good."""
        return self.state in TERMINAL

    @property
    def is_parked(self) -> bool:
        """True where it waits for a usage limit to be lifted."""
        quota = self.reason is not None and self.reason.code == Ending.QUOTA.value
        return self.state is TaskState.PENDING and quota

    @property
    def settled(self) -> bool:
        """True where nothing more happens without a person, or ever: what every wait waits for."""
        resting = self.state in (TaskState.INTERRUPTED, TaskState.WAITING)
        return self.done or resting or self.awaits_verdict

    @property
    def awaits_verdict(self) -> bool:
        """True where all that inspan could check is checked, and somebody must decide."""
        ended_well = self.exit is not None and (self.outcome or self.exit).ok
        checked = len(self.checks) == len(self.spec.checks)
        passed = checked and all(check.exit.ok for check in self.checks)
        asked = self.spec.review and self.state is TaskState.PROCESSING and self.stop is None
        return asked and ended_well and passed
