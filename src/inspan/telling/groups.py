"""The groups that tasks are shown in, by what they need; the first that fits is its own. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, assert_never

from inspan.model.task import TERMINAL, Task, TaskState


class Group(StrEnum):
    """A group, by its heading; in the order in which they are shown."""

    NEEDS = "Needs you"
    WORKING = "Working"
    QUEUED = "Queued"
    DONE = "Done"


#: In which states the tasks of a group are. One that is processed needs you, or works.
STATES: Final[dict[Group, tuple[TaskState, ...]]] = {
    Group.NEEDS: (TaskState.WAITING, TaskState.INTERRUPTED),
    Group.WORKING: (TaskState.RUNNING, TaskState.PROCESSING),
    Group.QUEUED: (TaskState.PENDING, TaskState.QUEUED),
    Group.DONE: tuple(sorted(TERMINAL)),
}


def group_of(task: Task) -> Group:
    """Where it is shown."""
    if task.awaits_verdict:
        return Group.NEEDS
    match task.state:
        case TaskState.WAITING | TaskState.INTERRUPTED:
            return Group.NEEDS
        case TaskState.RUNNING | TaskState.PROCESSING:
            return Group.WORKING
        case TaskState.PENDING | TaskState.QUEUED:
            return Group.QUEUED
        case (
            TaskState.COMPLETED
            | TaskState.SUCCEEDED
            | TaskState.FAILED
            | TaskState.ERROR
            | TaskState.CANCELLED
        ):
            return Group.DONE
        case _:
            assert_never(task.state)
