"""The workspaces port: gives each kind of workspace to the part that knows it.

It must never delete what it did not make: every path is derived from a task's id, under one
folder of inspan's own.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio.to_thread

from inspan.errors import FolderMissing, NothingToDecide, WorkspaceFailed
from inspan.git.removal import delete
from inspan.model.ids import TASK_ID
from inspan.model.task import Task, Workspace, WorkspaceKind
from inspan.workspaces.taskfile import failed, write
from inspan.workspaces.worktree import Worktrees


class Workspaces:
    """The workspaces under ``root``: ``<root>/<task id>``, a folder or a worktree."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._worktrees = Worktrees(self._root)

    async def prepare(self, task: Task) -> Workspace:
        """Make the place ready, ``task.json`` inside; the same one for a later attempt.

        Raises FolderMissing, NotARepository, BadInput (a base that is no commit), GitFailed,
        WorkspaceFailed, DiskFull.
        """
        if not TASK_ID.fullmatch(task.id):
            raise WorkspaceFailed("that is not the id of a task")
        here = Path(task.spec.cwd)
        if not await anyio.to_thread.run_sync(here.is_dir):
            raise FolderMissing(f"The working folder {task.spec.cwd} does not exist.")
        match task.spec.workspace:
            case WorkspaceKind.HERE:
                return Workspace(WorkspaceKind.HERE, str(here))
            case WorkspaceKind.FOLDER:
                return await anyio.to_thread.run_sync(self._folder, task)
            case WorkspaceKind.WORKTREE:
                return await self._worktrees.prepare(task)

    async def diff(self, workspace: Workspace) -> str:
        """All that was changed there since its base, committed or not, as a patch."""
        return await self._worktrees.diff(self._worktree(workspace), workspace)

    async def accept(self, workspace: Workspace, message: str) -> str:
        """Commit what is left on the branch; the branch's newest commit."""
        return await self._worktrees.accept(self._worktree(workspace), workspace, message)

    async def snapshot(self, workspace: Workspace) -> str:
        """A commit of all that lies in a worktree, which stays as it is; no branch has it."""
        return await self._worktrees.snapshot(self._worktree(workspace), workspace)

    async def ignored(self, workspace: Workspace) -> int:
        """How many files and folders removing it would lose, since git ignores them."""
        if workspace.kind is not WorkspaceKind.WORKTREE:
            return 0
        return await self._worktrees.ignored(self._task(workspace), workspace)

    async def remove(self, workspace: Workspace) -> str | None:
        """Remove it; what was not committed is saved first, under the ref that is returned.

        A task's own folder goes for good, and the folder it was submitted from stays.
        """
        match workspace.kind:
            case WorkspaceKind.HERE:
                return None
            case WorkspaceKind.FOLDER:
                await delete(self._root / self._task(workspace))
                return None
            case WorkspaceKind.WORKTREE:
                return await self._worktrees.remove(self._task(workspace), workspace)

    def _folder(self, task: Task) -> Workspace:
        folder = self._root / task.id
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise failed(f"{folder} could not be made", error) from error
        workspace = Workspace(WorkspaceKind.FOLDER, str(folder))
        return replace(workspace, task_file=str(write(folder, task, workspace)))

    def _worktree(self, workspace: Workspace) -> str:
        if workspace.kind is not WorkspaceKind.WORKTREE:
            raise NothingToDecide("only a task that ran in a worktree has a change")
        return self._task(workspace)

    def _task(self, workspace: Workspace) -> str:
        """The task whose workspace this is, by its path. Raises WorkspaceFailed."""
        path = Path(workspace.path)
        inside = path.relative_to(self._root).parts if path.is_relative_to(self._root) else ()
        if not inside or ".." in inside or not TASK_ID.fullmatch(inside[0]):
            raise WorkspaceFailed(f"{workspace.path} is no workspace of inspan's")
        return inside[0]
