"""Once more: what is handed in for a task to be done again from its beginning, as a new task.

The first one stays as it is. It looks at that one alone, and must never read a clock or a file.
"""

from __future__ import annotations

from inspan.errors import BadInput
from inspan.model.ids import short
from inspan.model.pursuit import GOAL
from inspan.model.task import Task, TaskSpec
from inspan.model.value import replaced


def repeated(task: Task) -> TaskSpec:
    """What was asked for with ``task``, now, and after no other task. Raises BadInput.

    With the environment of then: what has changed since is no part of what was asked for.
    """
    name = short(task.id)
    if goal := task.spec.labels.get(GOAL):
        raise BadInput(
            f"{name} is a step of a goal, whose results depend on each other",
            hint=f"`inspan again {short(goal)}` begins the goal anew.",
        )
    if task.spec.parent is not None:
        raise BadInput(
            f"{name} was handed in by the agent of {short(task.spec.parent)}, which waits for it",
            hint=f"`inspan again {short(task.spec.parent)}` has that one begin anew.",
        )
    return replaced(task.spec, after=(), not_before=None)
