"""What the stores agree on about pages; it knows no store."""

from __future__ import annotations

from inspan.errors import BadInput, TaskNotFound


def checked(limit: int) -> int:
    """``limit``, which SQLite would take as none at all where it is negative."""
    if limit < 1:
        raise BadInput(f"a page of {limit} cannot be; limit is at least 1")
    return limit


def gone(task: str) -> TaskNotFound:
    """Why there is no page: the task that it would begin after is not stored (any more)."""
    return TaskNotFound(f"task {task} is gone", hint="List again from the start.")
