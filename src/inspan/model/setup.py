"""How far the workspace of a task is set up: what is due, what runs, what it took. Pure.

A command that is done in a workspace is not due there again. Who runs it is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator

from inspan.model.ids import attempt_of, session_id, setup_id
from inspan.model.task import SetupState, SetupStep, Task, TaskState
from inspan.model.value import value


@value
class Due:
    """The next command. ``began_at`` is set where it was started."""

    command: str
    session: str
    began_at: float | None = None


def due(task: Task) -> Due | None:
    """What is to run before the task can start; ``None`` where all is done."""
    if (step := running(task)) is not None:
        return Due(step.command, step.session, step.began_at)
    done = {step.command for step in task.setup if step.state is SetupState.DONE}
    named = () if task.workspace is None else task.workspace.setup
    command = next((command for command in named if command not in done), None)
    if command is None:
        return None
    number = sum(1 for _ in _own(task))
    return Due(command, setup_id(session_id(task.id, task.attempt), number))


def running(task: Task) -> SetupStep | None:
    """The command that sets its workspace up now."""
    if not task.setup or task.state is not TaskState.RUNNING:
        return None
    return task.setup[-1] if task.setup[-1].state is SetupState.RUNS else None


def begun(task: Task) -> bool:
    """Whether the present attempt has begun to set its workspace up, or has done so."""
    return any(True for _ in _own(task))


def took(task: Task) -> float:
    """The seconds of the present attempt for which its workspace was set up."""
    return sum((step.ended_at or step.began_at) - step.began_at for step in _own(task))


def _own(task: Task) -> Iterator[SetupStep]:
    return (step for step in task.setup if attempt_of(step.session) == task.attempt)
