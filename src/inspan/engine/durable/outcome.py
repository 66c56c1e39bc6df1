"""How a step or a run ended, as JSON and back: it ends the same way each time it is read."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any, Final, TypeVar

from inspan.errors import (
    InspanError,
    PromiseCanceled,
    PromiseRejected,
    PromiseTimedOut,
    StepFailed,
    by_code,
)
from inspan.model.promise import Promise, PromiseState

E = TypeVar("E", bound=InspanError)

#: Characters of a message and of a trace that are kept; the end of a trace says most.
_KEPT: Final = 4000
_REJECTIONS: Final[dict[PromiseState, type[PromiseRejected]]] = {
    PromiseState.REJECTED: PromiseRejected,
    PromiseState.CANCELED: PromiseCanceled,
    PromiseState.TIMEDOUT: PromiseTimedOut,
}
#: Marks a value that ``failure`` made.
_MARK: Final = "inspan:error"


def failure(error: BaseException, what: str) -> dict[str, str]:
    """``error`` as JSON; an error that is not ours becomes StepFailed and names ``what``."""
    if isinstance(error, InspanError):
        told = {_MARK: error.code, "message": error.message, "hint": error.hint}
        told["kind"] = error.kind if isinstance(error, StepFailed) else type(error).__name__
    else:
        kind = type(error).__name__
        message = f"{what} failed: {kind}: {error}"[:_KEPT]
        told = {_MARK: StepFailed.code, "message": message, "hint": StepFailed.default_hint}
        told["kind"] = kind
    told["trace"] = "".join(traceback.format_exception(error))[-_KEPT:]
    return told


def asked_to_stop() -> bool:
    """Whether a cancellation that was caught is meant for us, and not one of the function's own.

    Code that awaits a cancelled task of its own raises CancelledError, too; left to itself that
    would end everything that runs beside it.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def given(promise: Promise) -> Any:
    """The value of a settled promise. Raises what it was rejected with, each time alike."""
    if promise.state is PromiseState.RESOLVED:
        return promise.value
    value = promise.value
    if not isinstance(value, dict) or _MARK not in value:
        said = "" if value is None else f": {value!r}"[:_KEPT]
        kind = _REJECTIONS[promise.state]
        raise kind(f"the promise {promise.id!r} is {promise.state}{said}")
    error = by_code(value[_MARK], value["message"], value["hint"])
    if isinstance(error, StepFailed):
        error.kind = value["kind"]
    error.add_note(value["trace"])
    raise error
