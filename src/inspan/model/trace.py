"""Where a task is in a trace: ids that follow from the task's own, and W3C Trace Context's header.

Since they follow from what is stored, every daemon comes to the same, and nothing of them is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from inspan.model.ids import SESSION_ID, TASK_ID
from inspan.model.value import value

#: The variable by which a program learns of its trace, as the header is called (W3C Trace Context).
VARIABLE: Final = "TRACEPARENT"
#: Of any version; later ones may have more at their end.
_HEADER: Final = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED: Final = 1


@value(frozen=True)
class Place:
    """A span in a trace, both in hexadecimal."""

    trace: str
    span: str
    #: Whether anybody wants to have it.
    sampled: bool = True

    def __str__(self) -> str:
        """As the header has it."""
        return f"00-{self.trace}-{self.span}-{'01' if self.sampled else '00'}"


def place(header: str) -> Place | None:
    """Where the header leads; ``None`` for one that is none."""
    found = _HEADER.fullmatch(header)
    if found is None or (header.startswith("00") and found[4]):
        return None
    trace, span, flags = found.group(1, 2, 3)
    if not trace.strip("0") or not span.strip("0"):
        return None
    return Place(trace, span, bool(int(flags, 16) & _SAMPLED))


def root(task: str, env: Mapping[str, str]) -> Place:
    """The span of a whole task, in the trace of whoever submitted it with that environment."""
    submitter = place(env.get(VARIABLE, ""))
    if submitter is None:
        return Place(_hashed(32, "trace", task), span(task, "task"))
    return Place(submitter.trace, span(task, "task"), submitter.sampled)


def span(task: str, *words: str) -> str:
    """The id of that part of a task."""
    return _hashed(16, "span", task, *words)


def is_task(ident: str) -> bool:
    """Whether it could be a task's id."""
    return TASK_ID.fullmatch(ident) is not None


def handed(session: str, env: Mapping[str, str]) -> dict[str, str]:
    """What the program of that session gets: the span of its attempt."""
    if not SESSION_ID.fullmatch(session):
        return {}
    task, attempt = session.split("-")[:2]
    whole = root(task, env)
    return {VARIABLE: str(Place(whole.trace, span(task, "attempt", attempt), whole.sampled))}


def _hashed(length: int, *words: str) -> str:
    from hashlib import sha256  # noqa: PLC0415 - 9 ms, and most trace nothing

    return sha256("\0".join(("inspan", *words)).encode()).hexdigest()[:length]
