"""A task in a few words, for a person: what it is called, how it is, how long it took, and why.

What comes out is one safe line: nothing in it can steer a terminal.
"""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING, Final

from inspan.model import ids, setup
from inspan.model.task import Task, TaskSpec, TaskState
from inspan.settings.figures import show_duration
from inspan.telling.outcome import asleep, ended
from inspan.terminal.sanitize import one_line

if TYPE_CHECKING:
    from inspan.model.activity import Activity

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


def title(spec: TaskSpec) -> str:
    """Its name, else what it was asked, else what it runs; an agent's command is only its flags."""
    line = spec.command[2] if spec.command[:2] == SHELL and len(spec.command) == 3 else ""
    return one_line(spec.name or spec.prompt or line or shlex.join(spec.command) or spec.provider)


def state(task: Task, activity: Activity | None) -> str:
    """How it is; and that it runs but is told to stop, is stopped, or has nothing to do."""
    word = task.state.value
    if task.state is not TaskState.RUNNING:
        return word
    if task.stop is not None:
        return f"{word}, stopping"
    if activity is None:
        return word
    if activity.stopped:
        return f"{word}, stopped"
    return f"{word}, idle" if activity.doing.value == "idle" else word


def took(task: Task, now: float | None = None) -> str:
    """How long it has run, or ran; a dash where it has not begun."""
    if task.started_at is None:
        return "-"
    end = task.ended_at if task.ended_at is not None else (now or time.time())
    return show_duration(max(0.0, end - task.started_at))


def setting_up(task: Task, now: float | None = None) -> str:
    """What sets its workspace up, and since when; nothing where nothing does."""
    step = setup.running(task)
    if step is None:
        return ""
    since = show_duration(max(0.0, (now or time.time()) - step.began_at))
    return one_line(f"setting up: {step.command} ({since})")


def reason(task: Task) -> str:
    """Why it is where it is, in half a sentence; nothing where that goes without saying."""
    if task.needs is not None and task.state is TaskState.WAITING:
        return one_line(f"asks: {task.needs.question}")
    if task.state in (TaskState.COMPLETED, TaskState.SUCCEEDED, TaskState.RUNNING):
        return setting_up(task)
    if task.awaits_verdict:
        return "waits for a verdict"
    if task.reason is not None:
        return one_line(asleep(task) or task.reason.message)
    return one_line(ended(task)) if task.state is TaskState.FAILED else ""


def brief(task: Task) -> str:
    """One line: which task, how it is, and why."""
    why = reason(task)
    return f"{ids.short(task.id)} {task.state.value}" + (f": {why}" if why else "")


def doing(activity: Activity, now: float) -> str:
    """What it does, in a line."""
    how = f"{activity.doing.value}, for {show_duration(max(0.0, now - activity.since))}"
    return f"{how}, though it changes to and fro" if activity.flapping else how
