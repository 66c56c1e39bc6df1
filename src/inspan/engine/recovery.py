"""Recovery: what to do with each task that an earlier engine left open. Pure choice, no action.

Tasks that were pending or queued are lined up again like new ones, and interrupted ones stay until
somebody resumes them; so only those that held a slot are listed here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeAlias

from inspan.engine.attempt import Attempt
from inspan.model.task import Task, TaskState

Begin: TypeAlias = Callable[[Attempt], Awaitable[None]]


def recover(tasks: Iterable[Task]) -> Iterator[tuple[Task, Begin]]:
    """The tasks whose attempt goes on, each with the way in."""
    for task in tuple(tasks):
        if task.state in (TaskState.RUNNING, TaskState.WAITING):
            yield task, Attempt.adopt
        elif task.state is TaskState.PROCESSING and not task.awaits_verdict:
            yield task, Attempt.process
