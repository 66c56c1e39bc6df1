"""The door for values: what a stranger sent becomes one of the model's own dataclasses, or is
refused with the field named.

pydantic is imported and its adapters are built on first need, or ahead of it by ``warm`` where that
takes long: as long as half of the daemon's start. This module knows no route.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from inspan.errors import BadInput
from inspan.model.budget import Budget
from inspan.model.code import CellOptions, CodeSpec
from inspan.model.goal import GoalPlan
from inspan.model.task import Handover, TaskSpec, Verdict
from inspan.model.value import value
from inspan.server.visitor import Scope

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


@value(frozen=True, kw_only=True)
class Specs:
    """Several tasks at once: all or none."""

    specs: tuple[TaskSpec, ...]


@value(frozen=True, kw_only=True)
class Answering:
    """What ``answer`` takes."""

    text: str
    question: str | None = None


@value(frozen=True, kw_only=True)
class Prompting:
    """What ``prompt`` takes."""

    text: str
    key: str | None = None
    wait: float = 0.0


@value(frozen=True, kw_only=True)
class Stopping:
    """What ``cancel`` takes."""

    reason: str = ""
    force: bool = False


@value(frozen=True, kw_only=True)
class Suspending:
    """What the ``interrupt`` of a task takes. ``by``: who wants it."""

    reason: str = ""
    by: str = "person"
    force: bool = False


@value(frozen=True, kw_only=True)
class Resuming:
    """What ``resume`` takes."""

    budget: Budget | None = None
    to: Handover | None = None


@value(frozen=True, kw_only=True)
class Nothing:
    """What a verb without arguments takes."""


@value(frozen=True, kw_only=True)
class Deciding:
    """What ``decide`` takes."""

    verdict: Verdict
    findings: tuple[str, ...] = ()
    by: str = "person"


@value(frozen=True, kw_only=True)
class Planning:
    """What ``replan`` takes; ``version`` is the one that the plan takes the place of."""

    plan: GoalPlan
    version: int
    by: str = "person"


@value(frozen=True, kw_only=True)
class Inviting:
    """What ``invite`` takes; no scopes are the usual ones."""

    scopes: tuple[Scope, ...] = ()


@value(frozen=True, kw_only=True)
class Entering:
    """What ``enter`` takes."""

    code: str


# ── agentapi ──────────────────────────────────────────────────────────────────


class Messages(StrEnum):
    """What is done with a message."""

    USER = "user"  #: the agent gets it as a prompt
    RAW = "raw"  #: it is typed as it is


@value(frozen=True, kw_only=True)
class Messaging:
    """What ``message`` takes."""

    content: str
    type: Messages


# ── code sessions ─────────────────────────────────────────────────────────────


@value(frozen=True, kw_only=True)
class Executing:
    """What ``execute`` takes."""

    code: str
    options: CellOptions = CellOptions()


@value(frozen=True, kw_only=True)
class Giving:
    """What the ``answer`` of a cell takes."""

    request: str
    text: str | None


@value(frozen=True, kw_only=True)
class Interrupting:
    """What the ``interrupt`` of a cell takes; without a deadline its process is never killed."""

    cell: str | None = None
    deadline: float | None = 5.0


@value(frozen=True, kw_only=True)
class Naming:
    """What ``checkpoint`` and ``restore`` take."""

    name: str = ""


@value(frozen=True, kw_only=True)
class Closing:
    """What ``close`` takes."""

    deadline: float = 5.0


@value(frozen=True, kw_only=True)
class Pointing:
    """What ``complete`` and ``inspect`` take."""

    code: str
    cursor: int


@value(frozen=True, kw_only=True)
class ToExecute:
    """A cell that is handed in among others."""

    session: str
    code: str
    options: CellOptions = CellOptions()


@value(frozen=True, kw_only=True)
class ToFollow:
    """A following that is wanted."""

    session: str
    since: int | None = None
    cell: str | None = None


@value(frozen=True, kw_only=True)
class Said:
    """What a client says on the WebSocket of cells: one of these."""

    execute: ToExecute | None = None
    run: ToExecute | None = None
    follow: ToFollow | None = None


#: What nearly every client sends first, and what takes longest to be ready for: of the others each
#: takes a millisecond or two, and most daemons read few of them.
_SOON: Final = (TaskSpec, CodeSpec, Executing, Said)
#: How many wrong fields are named at once.
NAMED_MOST: Final = 3
#: How many tasks one request may bring.
SPECS_MOST: Final = 1000


def warm() -> None:
    """Import pydantic and build the adapters that take long; may run in a thread."""
    for kind in _SOON:
        _adapter(kind)


def read(kind: type[T], raw: bytes) -> T:
    """A ``kind`` from JSON. No body at all stands for an empty object. Raises BadInput."""
    from pydantic import ValidationError  # noqa: PLC0415  heavy; see above

    try:
        value: T | None = _adapter(cast("Any", kind)).validate_json(raw or b"{}")
    except ValidationError as error:
        raise BadInput(_sentence(error)) from None
    if value is None:
        raise BadInput("the body must be a JSON object")
    return value


def read_specs(raw: bytes) -> tuple[tuple[TaskSpec, ...], bool]:
    """The tasks of a submission, and whether it was written as several. Raises BadInput."""
    if not _several(raw):
        return (read(TaskSpec, raw),), False
    specs = read(Specs, raw).specs
    if not 0 < len(specs) <= SPECS_MOST:
        raise BadInput(f"specs: {len(specs)} tasks; from 1 to {SPECS_MOST} may come at once")
    return specs, True


_SPECS_FIRST: Final = re.compile(rb'\s*\{\s*"specs"\s*:')


def _several(raw: bytes) -> bool:
    if _SPECS_FIRST.match(raw):
        return True  # as nearly always where there are several; the whole need not be read twice
    if b'"specs"' not in raw and b"\\u" not in raw:
        return False  # as nearly always where there is one
    try:
        plain = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(plain, dict) and "specs" in plain


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import ConfigDict, TypeAdapter  # noqa: PLC0415  heavy; see above

    # A dataclass takes no config from its adapter, but everything inside a union does.
    return TypeAdapter(
        kind | None, config=ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    )


def _sentence(error: ValidationError) -> str:
    told = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        where = ".".join(str(part) for part in item["loc"])
        what = "there is no such field" if "unexpected" in item["type"] else _plain(item["msg"])
        told.append(f"{where or 'the body'}: {what}")
    more = len(told) - NAMED_MOST
    return "; ".join(told[:NAMED_MOST]) + (f"; and {more} more" if more > 0 else "")


def _plain(message: str) -> str:
    return message[:1].lower() + message[1:]
