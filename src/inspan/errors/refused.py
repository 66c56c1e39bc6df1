"""What was asked for cannot be; asking again will not help. It knows nothing but words."""

from __future__ import annotations

from inspan.errors.root import InspanError


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
