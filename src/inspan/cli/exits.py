"""Exit statuses: 0 done, 1 failed, 2 usage, 3 still pending, 4 timed out, 5 needs input, 130.

``run -- CMD`` gives CMD's own status instead, and 125 where inspan itself failed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from inspan.errors import InspanError, Refused

if TYPE_CHECKING:
    from inspan.model.task import Task

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
PENDING: Final = 3
TIMED_OUT: Final = 4
NEEDS_INPUT: Final = 5
OURS: Final = 125
INTERRUPTED: Final = 130

#: What a script must hear of first, where several tasks differ.
_WORST: Final = (FAILED, INTERRUPTED, NEEDS_INPUT, TIMED_OUT, PENDING, DONE)


def of_error(error: InspanError) -> int:
    """2 for what was refused, 1 for what could not be done."""
    return USAGE if isinstance(error, Refused) else FAILED


def of_task(task: Task) -> int:
    """What a task's state means to a script."""
    from inspan.model.task import GOOD, TaskState

    if task.state in GOOD:
        return DONE
    if task.state is TaskState.INTERRUPTED:
        return INTERRUPTED
    if task.state is TaskState.WAITING or task.awaits_verdict:
        return NEEDS_INPUT
    return FAILED if task.done else PENDING


def worst(statuses: Iterable[int]) -> int:
    """The one status of many."""
    seen = set(statuses)
    return next((status for status in _WORST if status in seen), DONE)
