"""Every error inspan raises, as one tree; this module knows nothing but words.

    InspanError
    ├── Refused                     what was asked for cannot be; asking again will not help
    │   ├── BadInput                bad-input
    │   │   ├── CyclicPlan          cyclic-plan
    │   │   ├── DeadlineTooLong     deadline-too-long
    │   │   └── NotStorable         not-storable
    │   ├── NotFound
    │   │   ├── TaskNotFound        task-not-found
    │   │   ├── SessionNotFound     session-not-found
    │   │   ├── ProviderNotFound    provider-not-found
    │   │   └── PromiseNotFound     promise-not-found
    │   ├── AmbiguousId             ambiguous-id
    │   ├── NotGranted              not-granted
    │   └── Conflict
    │       ├── IllegalTransition   illegal-transition
    │       ├── StaleAttempt        stale-attempt
    │       ├── KeyReused           key-reused
    │       ├── WriterTaken         writer-taken
    │       ├── AlreadyRecorded     already-recorded
    │       ├── SessionEnded        session-ended
    │       ├── NothingToDecide     nothing-to-decide
    │       ├── PromiseExists       promise-exists
    │       ├── PromiseSettled      promise-settled
    │       ├── RunDiffers          run-differs
    │       └── NotDeterministic    not-deterministic
    └── Unable                      it could be, and inspan could not do it here and now
        ├── SpawnFailed             spawn-failed
        │   ├── ProgramNotFound     program-not-found
        │   ├── FolderMissing       folder-missing
        │   ├── SecretMissing       secret-missing
        │   ├── LoginFailed         login-failed
        │   │   └── AttemptsExceeded max-attempts-exceeded
        │   ├── TerminalUnavailable terminal-unavailable
        │   ├── WorkerNotReady      worker-not-ready
        │   └── NotConfined         not-confined
        ├── StoreFailed             store-failed
        │   ├── StoreLocked         store-locked
        │   ├── StoreCorrupt        store-corrupt
        │   ├── SchemaTooNew        schema-too-new
        │   └── DiskFull            disk-full
        ├── KeeperLost              keeper-lost
        │   └── KeeperMismatch      keeper-mismatch
        ├── DaemonUnreachable       daemon-unreachable
        │   └── DaemonMismatch      daemon-mismatch
        ├── WorkspaceFailed         workspace-failed
        │   ├── NotARepository      not-a-repository
        │   └── GitFailed           git-failed
        ├── SessionDied             session-died
        │   ├── KernelProtocol      kernel-protocol
        │   └── LimitReached        limit-reached
        ├── CheckpointFailed        checkpoint-failed
        ├── SettingsInvalid         settings-invalid
        ├── ProviderBroken          provider-broken
        ├── InputFull               input-full
        ├── PromiseRejected         promise-rejected
        │   ├── PromiseCanceled     promise-canceled
        │   └── PromiseTimedOut     promise-timed-out
        ├── StepFailed              step-failed
        ├── FellBehind              fell-behind
        └── PlatformUnsupported     platform-unsupported

The docstring of a class is its default message, so that the two cannot drift apart.
``code`` is stable and meant for programs; ``hint`` says what a person can do next.
"""

from __future__ import annotations

from typing import ClassVar


class InspanError(Exception):
    """Something went wrong in inspan."""

    code: ClassVar[str] = "inspan"
    default_hint: ClassVar[str] = "Run `inspan doctor` to see what is amiss."

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.hint = hint or self.default_hint
        super().__init__(self.message)


class Refused(InspanError):
    """The request was refused."""

    code = "refused"


class BadInput(Refused):
    """The request is not valid."""

    code = "bad-input"
    default_hint = "Mend the named field and try again; nothing was changed."


class CyclicPlan(BadInput):
    """The tasks wait for one another in a circle."""

    code = "cyclic-plan"
    default_hint = "Remove one of the `after` links that are named."


class DeadlineTooLong(BadInput):
    """The deadline is longer than the configured maximum."""

    code = "deadline-too-long"
    default_hint = "Ask for less, lift it with `--timeout`, or raise it in timeouts.yaml."


class NotStorable(BadInput):
    """That value is not JSON, and so cannot be stored."""

    code = "not-storable"
    default_hint = "Give str, int, finite float, bool, None, and lists and dicts of them."


class NotFound(Refused):
    """There is no such thing."""

    code = "not-found"


class TaskNotFound(NotFound):
    """Task not found."""

    code = "task-not-found"
    default_hint = "`inspan ls --all` lists the tasks that are known."


class SessionNotFound(NotFound):
    """Session not found."""

    code = "session-not-found"
    default_hint = "A session exists once its attempt has started; `inspan show ID` lists them."


class ProviderNotFound(NotFound):
    """No provider has that name."""

    code = "provider-not-found"
    default_hint = "`inspan agents` lists the agents; `shell` runs any command."


class PromiseNotFound(NotFound):
    """Promise not found."""

    code = "promise-not-found"
    default_hint = "A promise is made before it is settled or awaited; check the id."


class AmbiguousId(Refused):
    """That short id fits more than one task."""

    code = "ambiguous-id"
    default_hint = "Type more of it."


class NotGranted(Refused):
    """That was not granted."""

    code = "not-granted"
    default_hint = "Open a session with the grant that is named."


class Conflict(Refused):
    """That does not fit the present state."""

    code = "conflict"


class IllegalTransition(Conflict):
    """The task cannot do that in its present state."""

    code = "illegal-transition"
    default_hint = "`inspan show ID` tells the state and why."


class StaleAttempt(Conflict):
    """That came from an attempt that is over."""

    code = "stale-attempt"
    default_hint = "Look at the newest attempt with `inspan show ID`."


class KeyReused(Conflict):
    """That idempotency key was used for a different task."""

    code = "key-reused"
    default_hint = "Use a new key for a new task, or send the same task again."


class WriterTaken(Conflict):
    """Somebody else is typing into that terminal."""

    code = "writer-taken"
    default_hint = "Attach read-only with `--read-only`, or take it over with `--steal`."


class AlreadyRecorded(Conflict):
    """This session was started before, and its recording is there."""

    code = "already-recorded"
    default_hint = "Start the work again as a new attempt."


class SessionEnded(Conflict):
    """The code session is over."""

    code = "session-ended"
    default_hint = "Open a new session; a checkpoint of this one can be restored in it."


class NothingToDecide(Conflict):
    """There is no result to decide about."""

    code = "nothing-to-decide"
    default_hint = "Only a task that ran in a worktree has a change to accept or reject."


class PromiseExists(Conflict):
    """A promise with that id exists already."""

    code = "promise-exists"
    default_hint = "Use a new id, or create it again with the idempotency key of the first time."


class PromiseSettled(Conflict):
    """That promise is settled, and stays as it is."""

    code = "promise-settled"
    default_hint = "The first to settle a promise wins; look at its value instead."


class RunDiffers(Conflict):
    """That id belongs to something else."""

    code = "run-differs"
    default_hint = "Use a new id, or the function and the arguments that it was first run with."


class NotDeterministic(Conflict):
    """The durable function did not go the way that is stored."""

    code = "not-deterministic"
    default_hint = "Bring back the code it began with, or run it under a new id."


class Unable(InspanError):
    """Inspan could not do it."""

    code = "unable"


class SpawnFailed(Unable):
    """The program could not be started."""

    code = "spawn-failed"


class ProgramNotFound(SpawnFailed):
    """The program was not found."""

    code = "program-not-found"
    default_hint = "Check the spelling and the PATH that the task was given."


class LoginFailed(SpawnFailed):
    """The agent is not logged in."""

    code = "login-failed"


class AttemptsExceeded(LoginFailed):
    """Each attempt to find out whether the agent is logged in has failed; no more are made."""

    code = "max-attempts-exceeded"


class SecretMissing(SpawnFailed):
    """There is nothing behind a reference to a secret."""

    code = "secret-missing"
    default_hint = (
        "A secret that was passed on is held until the machine restarts; submit the task again,"
        " or name a file: `secrets: {NAME: file:PATH}` in the settings."
    )


class FolderMissing(SpawnFailed):
    """The working folder does not exist."""

    code = "folder-missing"
    default_hint = "Create it, or name another with `--cwd`."


class TerminalUnavailable(SpawnFailed):
    """The system gave out no terminal."""

    code = "terminal-unavailable"
    default_hint = "Close some sessions, raise kernel.pty.max, or run with `--no-pty`."


class WorkerNotReady(SpawnFailed):
    """The code session's process ended or said nothing before it was ready."""

    code = "worker-not-ready"
    default_hint = "Its last words are in the message; check the Python that it was given."


class NotConfined(SpawnFailed):
    """This system cannot confine the task or the code session as far as was asked for."""

    code = "not-confined"
    default_hint = "Ask for `auto`, and it runs as far confined as it can be, and says so."


class StoreFailed(Unable):
    """The database refused a write; it may or may not have happened."""

    code = "store-failed"
    default_hint = "Try again with the same idempotency key: nothing runs twice."


class StoreLocked(StoreFailed):
    """Another process holds the database."""

    code = "store-locked"
    default_hint = "Stop the holder that is named, or choose another INSPAN_HOME."


class StoreCorrupt(StoreFailed):
    """The database is damaged."""

    code = "store-corrupt"
    default_hint = "`inspan db verify` says where; the newest backup is kept beside it."


class SchemaTooNew(StoreFailed):
    """The database was written by a newer inspan."""

    code = "schema-too-new"
    default_hint = "Upgrade inspan, or take the schema back with the newer one's `db downgrade`."


class DiskFull(StoreFailed):
    """The disk is full."""

    code = "disk-full"
    default_hint = "Free some room (`inspan prune` helps) and try again."


class KeeperLost(Unable):
    """The process that keeps the sessions is gone."""

    code = "keeper-lost"
    default_hint = "`inspan up` starts a new one; what ran is interrupted and can be resumed."


class KeeperMismatch(KeeperLost):
    """The running keeper speaks another version of the wire."""

    code = "keeper-mismatch"
    default_hint = "Let its tasks end, then `inspan down --keeper` and `inspan up`."


class DaemonUnreachable(Unable):
    """The daemon does not answer."""

    code = "daemon-unreachable"
    default_hint = "`inspan up` starts it; `inspan doctor` says what keeps it from starting."


class DaemonMismatch(DaemonUnreachable):
    """The daemon is of another version than this command."""

    code = "daemon-mismatch"
    default_hint = "`inspan up --restart` replaces the daemon and keeps what runs."


class WorkspaceFailed(Unable):
    """The workspace could not be made ready."""

    code = "workspace-failed"


class NotARepository(WorkspaceFailed):
    """That folder is not in a git repository."""

    code = "not-a-repository"
    default_hint = "Run `git init` and commit once, or leave `--worktree` out."


class GitFailed(WorkspaceFailed):
    """Git refused."""

    code = "git-failed"


class SessionDied(Unable):
    """The code session's process is gone, and its namespace with it."""

    code = "session-died"
    default_hint = "Open a new session and restore the last checkpoint in it."


class KernelProtocol(SessionDied):
    """The code session's process sent what is no message, and was ended."""

    code = "kernel-protocol"
    default_hint = "Code in the session may have written to inspan's connection; open a new one."


class LimitReached(SessionDied):
    """The code session went over one of its limits, and was ended."""

    code = "limit-reached"
    default_hint = "Open a new session with a higher limit; a checkpoint can be restored in it."


class CheckpointFailed(Unable):
    """The checkpoint could not be made or restored."""

    code = "checkpoint-failed"
    default_hint = "The session goes on as it was; the reason is in the message."


class ProviderBroken(Unable):
    """An agent of another package cannot be used."""

    code = "provider-broken"
    default_hint = "`inspan agents` tells which package it is of."


class SettingsInvalid(Unable):
    """The settings file is not valid."""

    code = "settings-invalid"
    default_hint = "Mend the line that is named; nothing was started."


class InputFull(Unable):
    """The program does not read its input, and the queue for it is full."""

    code = "input-full"
    default_hint = "Wait until it reads, or interrupt it."


class PromiseRejected(Unable):
    """The promise was rejected."""

    code = "promise-rejected"
    default_hint = "Whoever rejected it may have said why, in its value."


class PromiseCanceled(PromiseRejected):
    """The promise was cancelled."""

    code = "promise-canceled"
    default_hint = "Nobody waits for it any more; make a new one where it is still wanted."


class PromiseTimedOut(PromiseRejected):
    """Nobody settled the promise in time."""

    code = "promise-timed-out"
    default_hint = "Make a new one with more time."


class StepFailed(Unable):
    """A step failed, and its tries are spent."""

    code = "step-failed"
    default_hint = "The error is stored with the step; mend the cause and run under a new id."
    #: The name of the class that the step raised.
    kind: str = ""


class FellBehind(Unable):
    """This subscriber was too slow and was let go."""

    code = "fell-behind"
    default_hint = "Subscribe again from the last sequence number you saw: nothing is lost."


class PlatformUnsupported(Unable):
    """This platform is not supported."""

    code = "platform-unsupported"
    default_hint = "Inspan runs on Linux and macOS; on Windows use WSL."


def by_code(code: str, message: str, hint: str | None = None) -> InspanError:
    """The error that ``code`` names, as it crossed a wire; an unknown code stays readable."""
    kinds: list[type[InspanError]] = [InspanError]
    for kind in kinds:  # those below it come behind it
        kinds += kind.__subclasses__()
    return next((kind for kind in kinds if kind.code == code), InspanError)(message, hint=hint)
