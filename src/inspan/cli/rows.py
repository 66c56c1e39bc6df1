"""Tasks as rows of a table, as wide as there is room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from inspan.model import ids
from inspan.model.task import Task
from inspan.telling.phrases import reason, state, title, took
from inspan.terminal.sanitize import columns, one_line

if TYPE_CHECKING:
    from inspan.model.activity import Activity

#: The least that is left for the last column while another can go.
_ROOM: Final = 28
HEAD: Final = ("ID", "STATE", "TIME", "ROLE", "TASK")


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
        one_line(task.spec.role),
        _about(title(task.spec), reason(task), room),
    )


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
