"""Promises: a value that somebody will give, and the one table of what may be done with it.

The rules are those of Resonate's durable promises
(https://github.com/resonatehq/durable-promise-specification, the 324 rows of its Readme at commit
1516f6c): whoever settles a promise first has settled it; a request that is sent again with its key
gets the answer of the first time. Pure: it knows no clock, no store and nobody who waits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

from inspan.errors import BadInput, NotStorable, PromiseExists, PromiseSettled
from inspan.model.value import field, value

#: A promise with this tag is a timer: its time resolves it instead of rejecting it.
TIMER: Final = "inspan:timer"
#: The longest id and the longest key, in characters.
_LONGEST: Final = 512


class PromiseState(StrEnum):
    """Pending, or settled in one of four ways; settled is for good."""

    PENDING = "pending"
    RESOLVED = "resolved"
    REJECTED = "rejected"
    CANCELED = "rejected_canceled"
    TIMEDOUT = "rejected_timedout"


class Verb(StrEnum):
    """What can be asked of a promise that exists."""

    CREATE = "create"
    RESOLVE = "resolve"
    REJECT = "reject"
    CANCEL = "cancel"


class Answer(StrEnum):
    """What becomes of the request."""

    DONE = "done"  #: it happens
    REPEATED = "repeated"  #: only with the key of the first time: the promise as it is
    RELAXED = "relaxed"  #: the same, and not where the request is strict
    PASSED = "passed"  #: the promise as it is, whatever the key; not where the request is strict


#: A settled promise says to which state each verb leads.
LEADS_TO: Final = {
    Verb.RESOLVE: PromiseState.RESOLVED,
    Verb.REJECT: PromiseState.REJECTED,
    Verb.CANCEL: PromiseState.CANCELED,
}
_A = Answer
#: state of the promise → verb → answer, in the order of ``Verb``.
TABLE: Final[dict[PromiseState, dict[Verb, Answer]]] = {
    state: dict(zip(Verb, answers, strict=True))
    for state, answers in {
        PromiseState.PENDING: (_A.REPEATED, _A.DONE, _A.DONE, _A.DONE),
        PromiseState.RESOLVED: (_A.RELAXED, _A.REPEATED, _A.RELAXED, _A.RELAXED),
        PromiseState.REJECTED: (_A.RELAXED, _A.RELAXED, _A.REPEATED, _A.RELAXED),
        PromiseState.CANCELED: (_A.RELAXED, _A.RELAXED, _A.RELAXED, _A.REPEATED),
        PromiseState.TIMEDOUT: (_A.RELAXED, _A.PASSED, _A.PASSED, _A.PASSED),
    }.items()
}


@value(frozen=True, kw_only=True)
class Promise:
    """A promise as it is stored. Times are seconds since the epoch.

    ``param`` and ``value`` are JSON material and are not to be changed in place.
    """

    id: str
    state: PromiseState = PromiseState.PENDING
    #: What whoever settles it should know.
    param: Any = None
    #: What it was settled with.
    value: Any = None
    #: When it settles by itself; ``None``: never.
    timeout_at: float | None = None
    #: The idempotency keys of the requests that made and settled it.
    create_key: str | None = None
    complete_key: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    created_at: float
    completed_at: float | None = None

    @property
    def settled(self) -> bool:
        """True where nothing can change it any more."""
        return self.state is not PromiseState.PENDING


def at(promise: Promise, now: float) -> Promise:
    """The promise as it is at ``now``: its time may have passed without anybody looking."""
    if promise.settled or promise.timeout_at is None or now < promise.timeout_at:
        return promise
    timer = TIMER in promise.tags
    return replace(
        promise,
        state=PromiseState.RESOLVED if timer else PromiseState.TIMEDOUT,
        completed_at=max(promise.timeout_at, promise.created_at),
    )


def create(found: Promise | None, wanted: Promise, *, strict: bool = False) -> Promise:
    """``wanted`` where there is none yet, else the one that is there, if it was the same request.

    ``strict``: only while that one is pending. Raises PromiseExists.
    """
    if found is None:
        return wanted
    if _repeats(found, Verb.CREATE, found.create_key, wanted.create_key, strict):
        return found
    raise PromiseExists(f"the promise {found.id!r} exists already and is {found.state}")


def settle(
    found: Promise, verb: Verb, value: Any, now: float, *, key: str | None, strict: bool = False
) -> Promise:
    """The promise once ``verb`` was asked of it; ``found`` itself where nothing is to be written.

    ``found`` is as ``at`` gives it for ``now``. ``strict``: a promise that is settled already must
    have been settled by this very verb. Without it, one whose time has passed is given as it is.
    Raises PromiseSettled.
    """
    if TABLE[found.state][verb] is Answer.DONE:
        return replace(found, state=LEADS_TO[verb], value=value, complete_key=key, completed_at=now)
    if _repeats(found, verb, found.complete_key, key, strict):
        return found
    raise PromiseSettled(f"the promise {found.id!r} is {found.state} already")


def _repeats(found: Promise, verb: Verb, first: str | None, key: str | None, strict: bool) -> bool:
    """Whether the promise as it is answers the request."""
    match TABLE[found.state][verb]:
        case Answer.PASSED:
            return not strict
        case Answer.RELAXED:
            return not strict and key is not None and key == first
        case _:
            return key is not None and key == first


def checked(name: str) -> str:
    """``name`` where it can be an id or a key. Raises BadInput."""
    if not name or len(name) > _LONGEST or not name.isprintable():
        raise BadInput(
            f"{name[:60]!r} cannot be an id or a key",
            hint=f"It has 1 to {_LONGEST} characters, all of them printable.",
        )
    return name


def plain(value: Any, what: str) -> Any:
    """``value`` as it comes back from JSON: a tuple is a list then. Raises NotStorable."""
    if value is None or value is True or value is False:
        return value
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise NotStorable(f"{what} cannot be stored: {error}") from error
