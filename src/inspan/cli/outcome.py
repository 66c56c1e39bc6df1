"""What is said of how a task ended, and of what a person can do next; it never prints.

Light: every ``inspan run`` imports it.
"""

from __future__ import annotations

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
    return f"inspan answer {name} TEXT" if task.state is TaskState.WAITING else ""


def ended(task: Task) -> str:
    """How its process ended."""
    if task.exit is None:
        return ""
    if task.exit.signal is not None:
        return f"signal {task.exit.signal}"
    return f"exit {task.exit.code}"
