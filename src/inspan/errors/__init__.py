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

from inspan.errors.refused import (
    AlreadyRecorded,
    AmbiguousId,
    BadInput,
    Conflict,
    CyclicPlan,
    DeadlineTooLong,
    IllegalTransition,
    KeyReused,
    NotDeterministic,
    NotFound,
    NotGranted,
    NothingToDecide,
    NotStorable,
    PromiseExists,
    PromiseNotFound,
    PromiseSettled,
    ProviderNotFound,
    Refused,
    RunDiffers,
    SessionEnded,
    SessionNotFound,
    StaleAttempt,
    TaskNotFound,
    WriterTaken,
)
from inspan.errors.root import InspanError
from inspan.errors.unable import (
    AttemptsExceeded,
    CheckpointFailed,
    DaemonMismatch,
    DaemonUnreachable,
    DiskFull,
    FellBehind,
    FolderMissing,
    GitFailed,
    InputFull,
    KeeperLost,
    KeeperMismatch,
    KernelProtocol,
    LimitReached,
    LoginFailed,
    NotARepository,
    NotConfined,
    PlatformUnsupported,
    ProgramNotFound,
    PromiseCanceled,
    PromiseRejected,
    PromiseTimedOut,
    ProviderBroken,
    SchemaTooNew,
    SecretMissing,
    SessionDied,
    SettingsInvalid,
    SpawnFailed,
    StepFailed,
    StoreCorrupt,
    StoreFailed,
    StoreLocked,
    TerminalUnavailable,
    Unable,
    WorkerNotReady,
    WorkspaceFailed,
)

__all__ = [
    "AlreadyRecorded",
    "AmbiguousId",
    "AttemptsExceeded",
    "BadInput",
    "CheckpointFailed",
    "Conflict",
    "CyclicPlan",
    "DaemonMismatch",
    "DaemonUnreachable",
    "DeadlineTooLong",
    "DiskFull",
    "FellBehind",
    "FolderMissing",
    "GitFailed",
    "IllegalTransition",
    "InputFull",
    "InspanError",
    "KeeperLost",
    "KeeperMismatch",
    "KernelProtocol",
    "KeyReused",
    "LimitReached",
    "LoginFailed",
    "NotARepository",
    "NotConfined",
    "NotDeterministic",
    "NotFound",
    "NotGranted",
    "NotStorable",
    "NothingToDecide",
    "PlatformUnsupported",
    "ProgramNotFound",
    "PromiseCanceled",
    "PromiseExists",
    "PromiseNotFound",
    "PromiseRejected",
    "PromiseSettled",
    "PromiseTimedOut",
    "ProviderBroken",
    "ProviderNotFound",
    "Refused",
    "RunDiffers",
    "SchemaTooNew",
    "SecretMissing",
    "SessionDied",
    "SessionEnded",
    "SessionNotFound",
    "SettingsInvalid",
    "SpawnFailed",
    "StaleAttempt",
    "StepFailed",
    "StoreCorrupt",
    "StoreFailed",
    "StoreLocked",
    "TaskNotFound",
    "TerminalUnavailable",
    "Unable",
    "WorkerNotReady",
    "WorkspaceFailed",
    "WriterTaken",
    "by_code",
]


def by_code(code: str, message: str, hint: str | None = None) -> InspanError:
    """The error that ``code`` names, as it crossed a wire; an unknown code stays readable."""
    kinds: list[type[InspanError]] = [InspanError]
    for kind in kinds:  # those below it come behind it
        kinds += kind.__subclasses__()
    return next((kind for kind in kinds if kind.code == code), InspanError)(message, hint=hint)
