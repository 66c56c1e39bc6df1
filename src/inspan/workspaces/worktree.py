"""A git worktree for a task, on a branch of its own; the user's checkout is never touched.

What is decided about a worktree (its repository, branch and base) is written beside it before it
is made. So a later attempt gets the same, also where the engine died before it heard of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from weakref import WeakValueDictionary

from inspan.errors import Conflict, GitFailed, NotARepository, NotFound, WorkspaceFailed
from inspan.git.repository import (
    Repository,
    branch_of,
    check_branch,
    commit_of,
    find,
    is_ancestor,
    tip,
)
from inspan.git.run import Git
from inspan.git.snapshot import commit_tree, ignored, patch, tree_of
from inspan.git.worktree import Worktree
from inspan.model.ids import short
from inspan.model.merging import OURS, MergeRequest, MergeResult, merged_ref
from inspan.model.place import Place, Standing
from inspan.model.task import Task, Workspace, WorkspaceKind
from inspan.workspaces.copying import copy_ignored
from inspan.workspaces.foldercopy import taken
from inspan.workspaces.merging import Source, merged
from inspan.workspaces.plan import Notes, Plan, Saved
from inspan.workspaces.saving import committed, head_of, newest, save, saves
from inspan.workspaces.taskfile import APART, write


class Worktrees:
    """The worktrees under one folder, each named like its task."""

    def __init__(self, root: Path, copied: Sequence[str] = ()) -> None:
        self._root = root
        self._copied = copied
        self._notes = Notes(root)
        #: Git does not wait for itself: two changes of one repository at once, and one fails.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def prepare(self, task: Task) -> Workspace:
        """Make the worktree, or find it as the last attempt left it."""
        plan = self._notes.plan(task.id) or await self._decide(task)
        worktree = self._of(task.id, plan)
        async with self._alone(plan.common):
            if not worktree.is_whole():
                await worktree.add(plan.base)
        await copy_ignored(worktree.repository.git, worktree.git, self._copied)
        folder = _inside(worktree.tree, plan.inside)
        workspace = _workspace(folder, plan)
        return replace(workspace, task_file=str(write(folder, task, workspace, apart=True)))

    async def begun(self, task: Task) -> Workspace:
        """Where a task began that makes branches of its own, as a goal does, and works nowhere."""
        if task.workspace is not None:
            return task.workspace
        here = Workspace(WorkspaceKind.HERE, task.spec.cwd)
        try:
            repository, _ = await find(Path(task.spec.cwd))
        except NotARepository:
            return here  # which it tells in words of its own
        onto = await _onto(repository.git, task.spec.base)
        return replace(here, repository=str(repository.top), onto=onto)

    async def merge(self, task: Task, branch: str, asked: MergeRequest) -> MergeResult:
        """Merge ``branch`` onto one of the user's; see ``merging``."""
        place = task.workspace
        known = place.repository if place is not None else None
        repository, _ = await find(Path(known or task.spec.cwd))
        async with self._alone(str(repository.common)):
            commit = await tip(repository.git, f"refs/heads/{branch}")
            if commit is None:
                raise NotFound(f"the branch {branch} is not there, or not any more")
            onto = place.onto if place is not None else None
            return await merged(Source(repository, branch, commit, onto), asked)

    async def diff(self, task: str, workspace: Workspace) -> str:
        """The change since the base; of what was saved or committed where the tree is gone."""
        plan, worktree = await self._found(task, workspace)
        git = worktree.repository.git
        if worktree.is_whole():
            return await patch(worktree.git, plan.base, await tree_of(worktree.git))
        return await patch(git, plan.base, await newest(task, worktree))

    async def snapshot(self, task: str, workspace: Workspace) -> str:
        """A commit of all that lies there; of what was saved or committed where it is gone."""
        _, worktree = await self._found(task, workspace)
        if not worktree.is_whole():
            return await newest(task, worktree)
        head = await commit_of(worktree.git, "HEAD")
        return await committed(task, worktree.git, head)

    async def accept(self, task: str, workspace: Workspace, message: str) -> str:
        """Commit what is left on the branch; the branch's newest commit."""
        plan, worktree = await self._found(task, workspace)
        if not worktree.is_whole():
            return await self._accepted(worktree)
        git = worktree.git
        head = await commit_of(git, "HEAD")
        before = await tip(git, worktree.ref)
        if before is not None and not await is_ancestor(git, before, head):
            raise WorkspaceFailed(
                f"the worktree has left its branch {plan.branch}",
                hint=f"Merge the two in {worktree.tree}, or switch back to the branch.",
            )
        tree = await tree_of(git)
        if tree != await git.run("rev-parse", f"{head}^{{tree}}"):
            head = await commit_tree(git, tree, head, message)
        async with self._alone(plan.common):
            await git.run("update-ref", "-m", "inspan: accept", worktree.ref, head)
            await git.run("symbolic-ref", "HEAD", worktree.ref)
            await git.run("read-tree", head)
        return head

    async def remove(self, task: str, workspace: Workspace | None) -> str | None:
        """Remove it; the ref under which what was not committed is kept, if there was any."""
        async with self._alone(task):
            plan, worktree = await self._found(task, workspace)
            git = worktree.repository.git
            saved: str | None = None
            if worktree.is_whole():
                found = await save(task, worktree)
                if found is not None:
                    saved, head = found
                    self._notes.save(task, Saved(plan, saved, head, time.time()))
            else:
                left = await saves(task, git)
                saved = left[-1][0] if left else None
                await git.run("update-ref", "-d", merged_ref(task))
            async with self._alone(plan.common):
                await worktree.discard()
                if await tip(git, worktree.ref) == plan.base:
                    # Nothing was committed there: a branch that says nothing is in the way.
                    await git.run("branch", "--quiet", "-D", "--", plan.branch)
            self._notes.forget(task)
            return saved

    async def restore(self, task: str, workspace: Workspace | None) -> Workspace:
        """Make it again, with what was saved lying there as it lay, though nothing of it staged."""
        async with self._alone(task):
            known = self._notes.saved(task)
            plan = known.plan if known else (await self._found(task, workspace))[0]
            worktree = self._of(task, plan)
            if worktree.is_whole():
                raise Conflict(
                    f"{worktree.tree} is there: nothing of it has to come back",
                    hint="`inspan workspace ls` lists what was removed.",
                )
            git = worktree.repository.git
            found = await saves(task, git)
            if not found:
                raise WorkspaceFailed(
                    f"nothing was saved of it in {plan.top}",
                    hint=f"What was committed is on the branch {plan.branch}, where that is left.",
                )
            commit = found[-1][1]
            head = known.head if known else await head_of(task, git, commit)
            self._notes.decide(task, replace(plan, restored=True))
            async with self._alone(plan.common):
                await self._add_again(worktree, head, commit)
            folder = _inside(worktree.tree, plan.inside)
            return _workspace(folder, plan)

    async def _add_again(self, worktree: Worktree, head: str, commit: str) -> None:
        """On its branch, where that is as it was and nobody else has it."""
        if await tip(worktree.repository.git, worktree.ref) in (None, head):
            try:
                await worktree.add(head, files=commit)
            except GitFailed:
                if not worktree.adding.exists():
                    raise
            else:
                return
        await worktree.add(head, detached=True, files=commit)

    def found(self) -> Iterator[Place]:
        """All that lie there, half of one too, and those that are gone and were saved."""
        for task in self._notes.planned():
            plan = self._notes.plan(task)
            if plan is not None:
                whole = self._of(task, plan).is_whole()
                standing = Standing.RESTORED if plan.restored and whole else Standing.STRAY
                yield self._place(task, plan, standing, self._notes.saved(task))
        for task in self._notes.removed():
            saved = self._notes.saved(task)
            if saved is not None and self._notes.plan(task) is None:
                yield self._place(task, saved.plan, Standing.REMOVED, saved)

    def _place(self, task: str, plan: Plan, standing: Standing, saved: Saved | None) -> Place:
        return Place(
            task=task,
            kind=WorkspaceKind.WORKTREE,
            path=str(self._root / task),
            standing=standing,
            branch=plan.branch,
            repository=plan.top,
            saved=saved.ref if saved else None,
            saved_at=saved.at if saved else None,
        )

    async def drop(self, task: str) -> None:
        """Let go of what was saved, for good."""
        known = self._notes.saved(task)
        if known is None:
            return
        git = Git(Path(known.plan.top))
        for ref, commit in await saves(task, git):
            await git.run("update-ref", "-d", ref, commit)
        self._notes.drop(task)

    async def ignored(self, task: str, workspace: Workspace) -> int:
        """How many ignored files and folders removing it would lose; our own is not counted."""
        _, worktree = await self._found(task, workspace)
        if not worktree.is_whole():
            return 0
        return sum(APART not in Path(name).parts for name in await ignored(worktree.git))

    # ── what is decided ───────────────────────────────────────────────────────

    async def _decide(self, task: Task) -> Plan:
        here = Path(task.spec.cwd)
        if task.spec.workspace is WorkspaceKind.COPY:
            inside = ""
            async with self._alone(str(here)):
                repository, base = await taken(self._root, here)
        else:
            repository, inside = await find(here)
            if await tip(repository.git, "HEAD") is None:
                raise NotARepository(
                    f"the repository {repository.top} has no commit yet",
                    hint="Commit once: a worktree starts from a commit; or leave `--worktree` out.",
                )
            base = await commit_of(repository.git, task.spec.base)
        branch = f"inspan/{short(task.id)}"
        if await tip(repository.git, f"refs/heads/{branch}") is not None:
            branch = f"inspan/{task.id}"  # six characters may be shared, by chance
        await check_branch(repository.git, branch)
        onto = await _onto(repository.git, task.spec.base)
        plan = Plan(str(repository.top), str(repository.common), branch, base, inside, onto=onto)
        self._notes.decide(task.id, plan)
        return plan

    async def _found(self, task: str, workspace: Workspace | None) -> tuple[Plan, Worktree]:
        """As it was planned; where that is gone with the worktree, as the task remembers it."""
        plan = self._notes.plan(task)
        if plan is None:
            if not (workspace and workspace.repository and workspace.branch and workspace.base):
                raise WorkspaceFailed("nothing is known of that worktree")
            repository, _ = await find(Path(workspace.repository))
            places = (str(repository.top), str(repository.common))
            plan = Plan(*places, workspace.branch, workspace.base, "")
        return plan, self._of(task, plan)

    def _of(self, task: str, plan: Plan) -> Worktree:
        repository = Repository(Path(plan.top), Path(plan.common))
        return Worktree(repository, self._root / task, plan.branch)

    # ── what is done ──────────────────────────────────────────────────────────

    async def _accepted(self, worktree: Worktree) -> str:
        newest = await tip(worktree.repository.git, worktree.ref)
        if newest is None:
            raise GitFailed(f"the branch {worktree.branch} is gone, and so is the worktree")
        return newest

    @asynccontextmanager
    async def _alone(self, common: str) -> AsyncIterator[None]:
        lock = self._locks.setdefault(common, asyncio.Lock())
        async with lock:
            yield


def _workspace(folder: Path, plan: Plan) -> Workspace:
    return Workspace(
        WorkspaceKind.WORKTREE, str(folder), plan.branch, plan.base, plan.top, onto=plan.onto
    )


async def _onto(git: Git, base: str) -> str | None:
    """The user's branch that ``base`` stands for."""
    found = await branch_of(git, base)
    return None if found is None or found.startswith(OURS) else found


def _inside(tree: Path, inside: str) -> Path:
    """The folder that the task was submitted from, in its own worktree."""
    folder = tree / inside
    # The folder may be new in the user's checkout, and may lead elsewhere.
    if not folder.is_dir() or not folder.resolve().is_relative_to(tree.resolve()):
        return tree
    return folder
