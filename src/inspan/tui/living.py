"""The sessions that live: of tasks, their set-up, checks and agents' commands, and of code. Pure.

Which of a task's live is known by its events, at once; of the others, and what each uses, it is
known by what the monitor measured last. It never knows who looks on: nobody tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from inspan.model.ids import CODE_RUN, SESSION_ID, task_of
from inspan.model.metrics import SessionUse
from inspan.model.task import Task, TaskState

_ALIVE: Final = (TaskState.RUNNING, TaskState.WAITING)


class Kind(StrEnum):
    """Whose session it is."""

    TASK = "task"
    CHECK = "check"
    SETUP = "setup"
    COMMAND = "command"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Living:
    """One of them. ``task`` is what is known of its owner, ``use`` what it takes, where known."""

    session: str
    kind: Kind
    owner: str
    task: Task | None = None
    use: SessionUse | None = None


def living(tasks: Mapping[str, Task], uses: Iterable[SessionUse]) -> list[Living]:
    """All of them, the newest first, and what belongs to a task right behind it."""
    measured = {use.session: use for use in uses}
    found = {
        task.session: Living(task.session, Kind.TASK, task.id, task, measured.get(task.session))
        for task in tasks.values()
        if task.session is not None and task.state in _ALIVE
    }
    for use in measured.values():
        if use.session in found:
            continue
        one = _measured(use, tasks)
        # Its own process has ended, though the last look still saw it.
        if one is not None and not (one.kind is Kind.TASK and one.task is not None):
            found[use.session] = one
    return sorted(found.values(), key=_order)


def _measured(use: SessionUse, tasks: Mapping[str, Task]) -> Living | None:
    if CODE_RUN.fullmatch(use.session):
        return Living(use.session, Kind.CODE, use.session.rpartition("-")[0], None, use)
    if not SESSION_ID.fullmatch(use.session):
        return None
    part = use.session.rpartition("-")[2][:1]
    kind = {"c": Kind.CHECK, "s": Kind.SETUP, "t": Kind.COMMAND}.get(part, Kind.TASK)
    return Living(use.session, kind, use.owner, tasks.get(task_of(use.session)), use)


def _order(one: Living) -> tuple[bool, str, str]:
    """Code behind tasks; of tasks the newest first, whose ids are the greatest."""
    code = one.kind is Kind.CODE
    owner = one.owner if code else "".join(chr(0x7F - ord(letter)) for letter in one.owner)
    return code, owner, one.session
