"""What is said of how a task ended, and of what a person can do next; it never prints.

Light: every ``inspan run`` imports it.
"""

from __future__ import annotations

import time

from inspan.model import ids
from inspan.model.task import GOOD, Task, TaskState


def left_to_do(task: Task) -> str:
    """What a person can do next about a task that rests; nothing where nothing is left to do."""
    name = ids.short(task.id)
    undecided = task.state in GOOD and task.verdict is None
    if task.awaits_verdict or (undecided and task.workspace is not None and task.workspace.branch):
        return f"inspan diff {name}, then inspan accept | reject | send-back {name}"
    if task.state is TaskState.INTERRUPTED:
        return f"inspan resume {name}"
    if task.state is not TaskState.WAITING:
        return ""
    permission = task.needs is not None and task.needs.kind == "permission" and task.needs.id
    return f"inspan answer {name} {'allow | deny | TEXT' if permission else 'TEXT'}"


def asleep(task: Task) -> str:
    """Until when a parked task waits, and for what; nothing of any other."""
    if not task.is_parked or task.reason is None or task.wake_at is None:
        return ""
    return f"parked until {moment(task.wake_at)}: {task.reason.message}"


def hint_of(task: Task) -> str:
    """What helps, where its reason says that."""
    hint = "" if task.reason is None else task.reason.hint
    return ids.filled(hint, ids.short(task.id)) if hint else ""


def moment(at: float) -> str:
    """A time of day, with its date where that is not today's."""
    then = time.localtime(at)
    today = then[:3] == time.localtime()[:3]
    return time.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M", then)


def ended(task: Task) -> str:
    """How its process ended."""
    if task.exit is None:
        return ""
    if task.exit.signal is not None:
        return f"signal {task.exit.signal}"
    return f"exit {task.exit.code}"
