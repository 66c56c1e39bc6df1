"""What happened, as a closed union of facts in one envelope; append-only, never edited.

A fact says what came to be, in the past tense. Which fact is allowed in which state, and what
it leads to, is told in ``lifecycle`` and nowhere else.
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from inspan.model.agent import AgentSession, Outcome, Usage
from inspan.model.budget import Budget
from inspan.model.goal import GoalPlan
from inspan.model.permission import Decision
from inspan.model.receipt import Stage, Way
from inspan.model.task import Exit, Handed, Needs, Reason, StopKind, TaskSpec, Verdict, Workspace
from inspan.model.value import value


@value
class Submitted:
    """Somebody asked for it, and it is accepted."""

    kind: ClassVar[str] = "task.submitted"
    spec: TaskSpec


@value
class Postponed:
    """It cannot start yet, for a reason that time or another task will end."""

    kind: ClassVar[str] = "task.postponed"
    reason: Reason
    wake_at: float | None = None


@value
class Readied:
    """Nothing but a slot is missing."""

    kind: ClassVar[str] = "task.readied"
    #: Who woke it before its time, where somebody did.
    by: str = ""
    #: What it may use from then on, where that was changed.
    budget: Budget | None = None


@value
class AttemptStarted:
    """An attempt is about to be spawned; stored before it is, so that none goes unknown."""

    kind: ClassVar[str] = "attempt.started"
    attempt: int
    session: str
    keeper: str
    #: The agent's own session that it takes up.
    resumes: str | None = None
    #: That this task's prompt is new to that session.
    follows: bool = False


@value
class WorkspaceReady:
    """The place where the attempt works exists."""

    kind: ClassVar[str] = "workspace.ready"
    attempt: int
    workspace: Workspace


@value
class SetupStarted:
    """A command is about to set the workspace up; stored before that, so that none does twice."""

    kind: ClassVar[str] = "setup.started"
    attempt: int
    command: str
    session: str


@value
class SetupDone:
    """It ended well, and never runs again in that workspace."""

    kind: ClassVar[str] = "setup.done"
    attempt: int
    command: str
    session: str


@value
class SetupFailed:
    """It did not end well, or not in time; the attempt is over."""

    kind: ClassVar[str] = "setup.failed"
    attempt: int
    command: str
    session: str
    exit: Exit
    late: bool = False  #: it was stopped, since its time had run out


@value
class Spawned:
    """The process is alive."""

    kind: ClassVar[str] = "attempt.spawned"
    attempt: int
    pid: int


@value
class AgentBegan:
    """The agent has a conversation of its own, which can be taken up again by its id."""

    kind: ClassVar[str] = "agent.began"
    attempt: int
    agent: AgentSession


@value
class UsageCounted:
    """What the attempt has used so far, all of it."""

    kind: ClassVar[str] = "agent.usage"
    attempt: int
    usage: Usage


@value
class NeedsInput:
    """The process waits for a person."""

    kind: ClassVar[str] = "task.needs_input"
    attempt: int
    needs: Needs


@value
class Answered:
    """The process goes on after it waited for a person."""

    kind: ClassVar[str] = "task.answered"
    attempt: int
    #: Which question was answered, where an agent asks several; a newer one stays open.
    question: str = ""


@value
class PermissionDecided:
    """What an agent asked for was allowed or denied, and no person did it."""

    kind: ClassVar[str] = "permission.decided"
    attempt: int
    request: str  #: the agent's own id of it
    question: str
    decision: Decision
    #: The rule that decided, as it is written; or that nobody had answered in time.
    by: str


@value
class PromptAccepted:
    """A prompt is about to be handed to the agent; stored before it is, so that none goes twice."""

    kind: ClassVar[str] = "prompt.accepted"
    attempt: int
    key: str  #: by which the same prompt is known again
    digest: str  #: of its text
    way: Way


@value
class PromptSettled:
    """Nothing more will be known of a prompt."""

    kind: ClassVar[str] = "prompt.settled"
    attempt: int
    key: str
    stage: Stage  #: how far it has got
    lost: bool = False
    why: str = ""


@value
class IdleWarned:
    """Nothing was heard for a while, and the limit is near."""

    kind: ClassVar[str] = "attempt.idle_warned"
    attempt: int
    silent: float  #: seconds since the last activity
    limit: float  #: seconds of silence after which it is stopped


@value
class Stirred:
    """Something was heard after that warning, which is void."""

    kind: ClassVar[str] = "attempt.stirred"
    attempt: int


@value
class DeadlineWarned:
    """The deadline is near."""

    kind: ClassVar[str] = "attempt.deadline_warned"
    attempt: int
    left: float  #: seconds until it is stopped
    limit: float  #: the deadline, in seconds from its start


@value
class Overloaded:
    """Its agent's service cannot serve so many: fewer of that provider start for a while."""

    kind: ClassVar[str] = "provider.overloaded"
    attempt: int
    provider: str
    slots: int  #: how many are left
    whole: int  #: how many it had, and has again after a while


@value
class Exited:
    """The process has ended and all of its output is recorded."""

    kind: ClassVar[str] = "attempt.exited"
    attempt: int
    exit: Exit
    output_bytes: int
    #: How an agent's work ended, which its exit status does not tell.
    outcome: Outcome | None = None


@value
class CheckEnded:
    """One of the task's checks has run."""

    kind: ClassVar[str] = "check.ended"
    attempt: int
    command: str
    exit: Exit
    session: str


@value
class Completed:
    """Ended well; nothing was asked to verify it."""

    kind: ClassVar[str] = "task.completed"
    attempt: int


@value
class Succeeded:
    """Ended well and verified by its checks."""

    kind: ClassVar[str] = "task.succeeded"
    attempt: int


@value
class Failed:
    """The work failed, and no retry is left."""

    kind: ClassVar[str] = "task.failed"
    attempt: int
    reason: Reason


@value
class Retried:
    """The attempt failed and another one is due, not before ``wake_at``."""

    kind: ClassVar[str] = "task.retried"
    attempt: int
    reason: Reason
    wake_at: float


@value
class Parked:
    """Its agent has come to a usage limit; another attempt is due, not before ``wake_at``."""

    kind: ClassVar[str] = "task.parked"
    attempt: int
    reason: Reason
    wake_at: float


@value
class Errored:
    """Inspan could not do it."""

    kind: ClassVar[str] = "task.errored"
    reason: Reason


@value
class StopRequested:
    """Somebody wants it to stop; that it did is another fact."""

    kind: ClassVar[str] = "task.stop_requested"
    stop: StopKind
    by: str
    reason: str = ""


@value
class Interrupted:
    """It stopped before its end and can be resumed."""

    kind: ClassVar[str] = "task.interrupted"
    reason: Reason
    #: Who wanted that, where nothing ran that was to be stopped first.
    by: str = ""


@value
class Resumed:
    """Somebody, or the policy for crashes, lets it go on with a new attempt."""

    kind: ClassVar[str] = "task.resumed"
    by: str
    #: What it may use from now on, where that was changed.
    budget: Budget | None = None


@value
class HandedOver:
    """Another agent is to go on with it, from its next attempt on."""

    kind: ClassVar[str] = "task.handed_over"
    by: str
    to: Handed


@value
class Planned:
    """A goal has a plan; where it had one, this takes its place."""

    kind: ClassVar[str] = "goal.planned"
    version: int  #: 1 for its first
    plan: GoalPlan
    by: str


@value
class Cancelled:
    """It was given up."""

    kind: ClassVar[str] = "task.cancelled"
    reason: Reason


@value
class Accepted:
    """The result that was waiting for a verdict is good."""

    kind: ClassVar[str] = "task.accepted"
    attempt: int
    by: str


@value
class Rejected:
    """The result that was waiting for a verdict is not good, and the task is over."""

    kind: ClassVar[str] = "task.rejected"
    attempt: int
    by: str
    findings: tuple[str, ...] = ()


@value
class SentBack:
    """The result is not good yet; another attempt takes up the findings."""

    kind: ClassVar[str] = "task.sent_back"
    attempt: int
    by: str
    findings: tuple[str, ...] = ()


@value
class Judged:
    """A verdict on a task that has ended: remembered, and changes no state."""

    kind: ClassVar[str] = "task.judged"
    verdict: Verdict
    by: str
    findings: tuple[str, ...] = ()


@value
class WorkspaceSaved:
    """The workspace was removed; what was not committed is kept under ``ref``."""

    kind: ClassVar[str] = "workspace.saved"
    ref: str | None
    #: Files and folders that went for good, since git ignores them.
    ignored: int = 0


Fact: TypeAlias = (
    Submitted
    | Postponed
    | Readied
    | AttemptStarted
    | WorkspaceReady
    | SetupStarted
    | SetupDone
    | SetupFailed
    | Spawned
    | AgentBegan
    | UsageCounted
    | NeedsInput
    | Answered
    | PermissionDecided
    | PromptAccepted
    | PromptSettled
    | IdleWarned
    | Stirred
    | DeadlineWarned
    | Overloaded
    | Exited
    | CheckEnded
    | Completed
    | Succeeded
    | Failed
    | Retried
    | Parked
    | Errored
    | StopRequested
    | Interrupted
    | Resumed
    | HandedOver
    | Planned
    | Cancelled
    | Accepted
    | Rejected
    | SentBack
    | Judged
    | WorkspaceSaved
)

FACTS: dict[str, type[Fact]] = {fact.kind: fact for fact in Fact.__args__}


@value
class Event:
    """One fact in its envelope. ``seq`` orders all events of a store without holes in meaning."""

    seq: int
    at: float  #: seconds since the epoch
    task: str
    correlation: str
    fact: Fact

    @property
    def kind(self) -> str:
        """The fact's name, such as ``task.completed``."""
        return self.fact.kind
