"""What lies in inspan's folder of workspaces, and what may become of it. Values only."""

from __future__ import annotations

from enum import StrEnum

from inspan.model.task import WorkspaceKind
from inspan.model.value import value


class Standing(StrEnum):
    """What a workspace is still needed for."""

    IN_USE = "in-use"  #: its task has not ended
    UNDECIDED = "undecided"  #: its task has ended, and nobody decided about the result
    RESTORED = "restored"  #: somebody brought it back
    STRAY = "stray"  #: for nothing: it was decided about, is half of one, or nobody knows its task
    REMOVED = "removed"  #: it is gone; what was not committed is kept under a ref


@value(frozen=True, kw_only=True)
class Place:
    """A workspace as it lies there, or what was saved of one that is gone."""

    task: str
    kind: WorkspaceKind
    path: str
    standing: Standing
    branch: str | None = None
    repository: str | None = None
    #: Where in its repository that is kept which was not committed.
    saved: str | None = None
    #: When it was saved.
    saved_at: float | None = None


@value(frozen=True, kw_only=True)
class SweepPolicy:
    """What may go beside strays; what is not committed is saved first."""

    #: Worktrees of tasks that have ended and that nobody decided about.
    undecided: bool = False
    #: Folders that are no worktree and whose task nobody knows; nothing of them is saved.
    folders: bool = False
    #: What was saved longer ago than so many seconds, for good.
    saved_older_than: float | None = None
    dry_run: bool = False


@value(frozen=True, kw_only=True)
class Swept:
    """One that went, or would go, or the reason why it stays."""

    place: Place
    #: Where that is kept which was not committed; ``None`` where all was.
    saved: str | None = None
    #: Why it is still there.
    stays: str | None = None
