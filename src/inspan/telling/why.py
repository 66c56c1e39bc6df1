"""What a task does and how that is known, or why it is where it is; as pairs of safe lines. Pure.

Nothing is guessed: ``unknown`` is an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from inspan.model.activity import Activity
from inspan.model.task import Task
from inspan.settings.figures import show_duration
from inspan.telling import phrases
from inspan.telling.outcome import ended, hint_of, left_to_do
from inspan.terminal.sanitize import clean

Pairs: TypeAlias = Iterator[tuple[str, str]]


def why(task: Task, activity: Activity | None, now: float) -> Pairs:
    """All that explains it, in the order of its weight."""
    if activity is not None:
        yield from _doing(activity, now)
    if words := phrases.setting_up(task, now):
        yield "doing", words
    if task.needs is not None:
        yield "asks", clean(task.needs.question)
    if task.reason is not None:
        yield "why", clean(f"{task.reason.message} ({task.reason.code})")
        if hint := hint_of(task):
            yield "hint", clean(hint)
    if task.outcome is not None:
        known = task.reason is not None and task.outcome.message in task.reason.message
        words = "" if known else task.outcome.message
        how = task.outcome.ending.value
        yield "it ended", clean(f"{how}: {words}" if words else how)
    if how := ended(task):
        yield "process", how
    if task.wake_at is not None and not task.done:
        yield "wakes", f"in {show_duration(max(0.0, task.wake_at - now))}"
    if words := left_to_do(task):
        yield "next", words


def _doing(activity: Activity, now: float) -> Pairs:
    yield "doing", phrases.doing(activity, now)
    if activity.source is not None:
        rule = f", rule {activity.rule}" if activity.rule else ""
        yield "known by", clean(f"{activity.source.value}{rule} ({activity.confidence.value})")
    if activity.evidence:
        yield "evidence", clean(activity.evidence)
