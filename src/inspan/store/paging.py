"""What the stores agree on about pages; it knows no store."""

from __future__ import annotations

from typing import Final

from inspan.errors import BadInput, TaskNotFound

#: How many events are looked through for those of one kind, which no index knows.
NEWEST: Final = 100_000


def checked(limit: int) -> int:
    """``limit``, which SQLite would take as none at all where it is negative."""
    if limit < 1:
        raise BadInput(f"a page of {limit} cannot be; limit is at least 1")
    return limit


def gone(task: str) -> TaskNotFound:
    """Why there is no page: the task that it would begin after is not stored (any more)."""
    return TaskNotFound(f"task {task} is gone", hint="List again from the start.")
