"""The workspaces port: gives each kind of workspace to the part that knows it.

It must never delete what it did not make: every path is derived from a task's id, under one
folder of inspan's own.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import anyio.to_thread

from inspan.errors import FolderMissing, NothingToDecide, WorkspaceFailed
from inspan.git.removal import delete
from inspan.model.ids import TASK_ID
from inspan.model.merging import MergeRequest, MergeResult
from inspan.model.outfit import NOTHING, Outfit
from inspan.model.place import Place, Standing
from inspan.model.task import Task, TaskKind, Workspace, WorkspaceKind
from inspan.workspaces.ports import Leases
from inspan.workspaces.taskfile import failed, marked, write
from inspan.workspaces.worktree import Worktrees


class Workspaces:
    """The workspaces under ``root``: ``<root>/<task id>``, a folder or a worktree."""

    def __init__(self, root: Path, outfit: Outfit = NOTHING) -> None:
        self._root = root.absolute()
        self._outfit = outfit
        self._leases = Leases(self._root)
        self._worktrees = Worktrees(self._root, outfit.copy)

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
            case WorkspaceKind.HERE if task.spec.kind is TaskKind.GOAL:
                return await self._worktrees.begun(task)
            case WorkspaceKind.HERE:
                return Workspace(WorkspaceKind.HERE, str(here))
            case WorkspaceKind.FOLDER:
                made = await anyio.to_thread.run_sync(self._folder, task)
            case WorkspaceKind.WORKTREE | WorkspaceKind.COPY:
                made = await self._worktrees.prepare(task)
        return await self._leased(task, await self._to_set_up(task, made))

    async def diff(self, workspace: Workspace) -> str:
        """All that was changed there since its base, committed or not, as a patch."""
        return await self._worktrees.diff(self._worktree(workspace), workspace)

    async def accept(self, workspace: Workspace, message: str) -> str:
        """Commit what is left on the branch; the branch's newest commit."""
        return await self._worktrees.accept(self._worktree(workspace), workspace, message)

    async def merge(self, task: Task, branch: str, asked: MergeRequest) -> MergeResult:
        """Merge the branch of a task onto one of the user's, or say what would come of it."""
        return await self._worktrees.merge(task, branch, asked)

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
                task = self._task(workspace)
                await delete(self._root / task)
                saved = None
            case WorkspaceKind.WORKTREE | WorkspaceKind.COPY:
                task = self._task(workspace)
                saved = await self._worktrees.remove(task, workspace)
        self._leases.release(task)
        return saved

    async def found(self) -> tuple[Place, ...]:
        """All that lies there, as if nobody needed it, and what was saved of what is gone."""
        return await anyio.to_thread.run_sync(self._found)

    async def sweep(self, place: Place) -> str | None:
        """As ``remove``, of one that was found and perhaps nothing else is known of."""
        saved = None
        if place.kind is WorkspaceKind.WORKTREE:
            saved = await self._worktrees.remove(place.task, None)
        else:
            await delete(self._root / place.task)
        self._leases.release(place.task)
        return saved

    async def restore(self, task: str, workspace: Workspace | None) -> Workspace:
        """Bring a worktree back that was removed, with what was saved of it."""
        if workspace is not None and workspace.kind is not WorkspaceKind.WORKTREE:
            raise NothingToDecide(
                "only what a task did in a worktree is saved when that is removed",
                hint="`inspan workspace ls` lists what can be brought back.",
            )
        return await self._worktrees.restore(task, workspace)

    async def drop(self, place: Place) -> None:
        """Let go of what was saved of one that is gone, for good."""
        await self._worktrees.drop(place.task)

    async def _leased(self, task: Task, made: Workspace) -> Workspace:
        """With ports of its own, where the settings give it any."""
        count = self._outfit.ports
        if not count:
            return made
        lives = self._lives
        first, size = await anyio.to_thread.run_sync(self._leases.take, task.id, count, lives)
        return replace(made, port=first, ports=size)

    async def _to_set_up(self, task: Task, made: Workspace) -> Workspace:
        """With the commands that set it up: those of the settings, and its own.

        A folder of its own is empty: what sets up a checkout has nothing to do there.
        """
        named = self._outfit.setup if made.kind is WorkspaceKind.WORKTREE else ()
        commands = tuple(dict.fromkeys((*named, *task.spec.setup)))
        if not commands:
            return made
        mark = await anyio.to_thread.run_sync(marked, Path(made.path))
        limit = self._outfit.setup_timeout
        return replace(made, setup=commands, setup_timeout=limit, made=mark)

    def _lives(self, task: str) -> bool:
        return os.path.lexists(self._root / task)

    def _found(self) -> tuple[Place, ...]:
        found = {place.task: place for place in self._worktrees.found()}
        folders = sorted(self._root.glob("*")) if self._root.is_dir() else []
        for folder in folders:
            known = found.get(folder.name)
            unknown = known is None or known.standing is Standing.REMOVED
            if unknown and TASK_ID.fullmatch(folder.name) and not folder.is_symlink():
                path, kind = str(folder), WorkspaceKind.FOLDER
                found[folder.name] = Place(
                    task=folder.name, kind=kind, path=path, standing=Standing.STRAY
                )
        return tuple(sorted(found.values(), key=lambda place: place.task))

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
