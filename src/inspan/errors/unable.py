"""It could be, and inspan could not do it here and now. It knows nothing but words."""

from __future__ import annotations

from inspan.errors.root import InspanError


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
