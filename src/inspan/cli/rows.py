"""A task in a few words, for a person: what it is called, how it is, how long it took, and why."""

from __future__ import annotations

import shlex
import time
from typing import Final

from inspan.cli.say import clean
from inspan.model import ids
from inspan.model.task import Task, TaskSpec, TaskState
from inspan.settings.figures import show_duration

STYLES: Final = {
    TaskState.PENDING: "dim",
    TaskState.QUEUED: "dim",
    TaskState.RUNNING: "cyan",
    TaskState.WAITING: "yellow",
    TaskState.PROCESSING: "cyan",
    TaskState.COMPLETED: "green",
    TaskState.SUCCEEDED: "green",
    TaskState.FAILED: "red",
    TaskState.ERROR: "red",
    TaskState.INTERRUPTED: "yellow",
    TaskState.CANCELLED: "dim",
}
#: What a line of text is run by.
SHELL: Final = ("/bin/sh", "-c")
HEAD: Final = ("ID", "STATE", "TIME", "ROLE", "TASK")


def title(spec: TaskSpec) -> str:
    """Its name, else what it runs, else what it was asked."""
    line = spec.command[2] if spec.command[:2] == SHELL and len(spec.command) == 3 else ""
    return clean(spec.name or line or shlex.join(spec.command) or spec.prompt or spec.provider)


def row(task: Task, now: float | None = None) -> tuple[str, ...]:
    """The cells under ``HEAD``."""
    about = title(task.spec)
    why = reason(task)
    return (
        ids.short(task.id),
        task.state.value,
        took(task, now),
        clean(task.spec.role),
        f"{about} — {why}" if why else about,
    )


def took(task: Task, now: float | None = None) -> str:
    """How long it has run, or ran; a dash where it has not begun."""
    if task.started_at is None:
        return "-"
    end = task.ended_at if task.ended_at is not None else (now or time.time())
    return show_duration(max(0.0, end - task.started_at))


def reason(task: Task) -> str:
    """Why it is where it is, in half a sentence; nothing where that goes without saying."""
    if task.needs is not None and task.state is TaskState.WAITING:
        return clean(f"asks: {task.needs.question}")
    if task.state in (TaskState.COMPLETED, TaskState.SUCCEEDED, TaskState.RUNNING):
        return ""
    if task.reason is not None:
        return clean(task.reason.message)
    return clean(ended(task)) if task.state is TaskState.FAILED else ""


def ended(task: Task) -> str:
    """How its process ended."""
    if task.exit is None:
        return ""
    if task.exit.signal is not None:
        return f"signal {task.exit.signal}"
    return f"exit {task.exit.code}"


def brief(task: Task) -> str:
    """One line: which task, how it is, and why."""
    why = reason(task)
    return f"{ids.short(task.id)} {task.state.value}" + (f": {why}" if why else "")
