"""A task in a few words, for a person: what it is called, how it is, how long it took, and why."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from inspan.cli.outcome import asleep, ended
from inspan.cli.say import clean
from inspan.model import ids
from inspan.model.task import Task, TaskSpec, TaskState
from inspan.settings.figures import show_duration
from inspan.terminal.sanitize import columns, one_line

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
#: The least that is left for the last column while another can go.
_ROOM: Final = 28
HEAD: Final = ("ID", "STATE", "TIME", "ROLE", "TASK")


def title(spec: TaskSpec) -> str:
    """Its name, else what it was asked, else what it runs; an agent's command is only its flags."""
    line = spec.command[2] if spec.command[:2] == SHELL and len(spec.command) == 3 else ""
    return clean(spec.name or spec.prompt or line or shlex.join(spec.command) or spec.provider)


def row(
    task: Task,
    now: float | None = None,
    room: int | None = None,
    activity: Activity | None = None,
) -> tuple[str, ...]:
    """The cells under ``HEAD``; the last one shares ``room`` columns between what and why."""
    return (
        ids.short(task.id),
        state(task, activity),
        took(task, now),
        clean(task.spec.role),
        _about(title(task.spec), reason(task), room),
    )


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


def fitted(
    tasks: Sequence[Task],
    width: int | None,
    now: float | None = None,
    activities: Mapping[str, Activity] = MappingProxyType({}),
) -> list[tuple[str, ...]]:
    """``HEAD`` and a row for each task; in less than ``width`` columns the last one is what gives.

    On a narrow terminal the role goes, and then the time: what it is and why are worth more.
    """
    found = [HEAD, *(row(task, now, None, activities.get(task.id)) for task in tasks)]
    if width is None:
        return found
    kept = [0, 1, 2, 3]
    widths = [max(columns(cells[place]) + 2 for cells in found) for place in kept]
    while len(kept) > 2 and width - sum(widths[place] for place in kept) < _ROOM:
        kept.pop()
    room = max(0, width - sum(widths[place] for place in kept))
    made = [HEAD, *(row(task, now, room, activities.get(task.id)) for task in tasks)]
    return [(*(cells[place] for place in kept), cells[4]) for cells in made]


def _about(about: str, why: str, room: int | None) -> str:
    """What it is, and why; where both are too long each has a part of the room."""
    if not why:
        return about
    if room is not None and columns(about) + columns(why) + 3 > room:
        about = one_line(about, max(room // 3, room - columns(why) - 3))
    return f"{about} — {why}"


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
    if task.awaits_verdict:
        return "waits for a verdict"
    if task.reason is not None:
        return clean(asleep(task) or task.reason.message)
    return clean(ended(task)) if task.state is TaskState.FAILED else ""


def brief(task: Task) -> str:
    """One line: which task, how it is, and why."""
    why = reason(task)
    return f"{ids.short(task.id)} {task.state.value}" + (f": {why}" if why else "")
