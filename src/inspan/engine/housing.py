"""The port behind which attempts have a place to work; a part of ``ports``."""

from __future__ import annotations

from typing import Protocol

from inspan.model.merging import MergeRequest, MergeResult
from inspan.model.place import Place
from inspan.model.task import Task, Workspace


class Workspaces(Protocol):
    """Where attempts work."""

    async def prepare(self, task: Task) -> Workspace:
        """Make the place ready, ``task.json`` inside; the same one for a later attempt."""
        ...

    async def diff(self, workspace: Workspace) -> str:
        """All that was changed there since its base, committed or not, as a patch."""
        ...

    async def accept(self, workspace: Workspace, message: str) -> str:
        """Commit what is left on the branch; the commit's full id."""
        ...

    async def merge(self, task: Task, branch: str, asked: MergeRequest) -> MergeResult:
        """Merge ``branch`` onto one of the user's, or say what would come of it."""
        ...

    async def snapshot(self, workspace: Workspace) -> str:
        """A commit of all that lies in a worktree, for another to begin at; its full id."""
        ...

    async def ignored(self, workspace: Workspace) -> int:
        """How many ignored files and folders of a worktree ``remove`` would lose."""
        ...

    async def remove(self, workspace: Workspace) -> str | None:
        """Remove it; what was not committed is saved first, under the ref that is returned."""
        ...

    async def found(self) -> tuple[Place, ...]:
        """All that lies there, as stray: who needs it is not known here; and what was saved."""
        ...

    async def sweep(self, place: Place) -> str | None:
        """As ``remove``, of one that was found and perhaps nothing else is known of."""
        ...

    async def restore(self, task: str, workspace: Workspace | None) -> Workspace:
        """Bring back one that was removed, with what was saved; ``None``: only that is known."""
        ...

    async def drop(self, place: Place) -> None:
        """Let go of what was saved of one that is gone, for good."""
        ...
