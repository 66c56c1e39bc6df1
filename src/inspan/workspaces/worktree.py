"""A git worktree for a task, on a branch of its own; the user's checkout is never touched.

What is decided about a worktree (its repository, branch and base) is written beside it before it
is made. So a later attempt gets the same, also where the engine died before it heard of it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from weakref import WeakValueDictionary

from inspan.errors import GitFailed, NotARepository, WorkspaceFailed
from inspan.git.repository import Repository, check_branch, commit_of, find, is_ancestor, tip
from inspan.git.run import Git
from inspan.git.snapshot import commit_tree, ignored, nested, patch, tree_of
from inspan.git.worktree import Worktree
from inspan.model.ids import short
from inspan.model.task import Task, Workspace, WorkspaceKind
from inspan.workspaces.taskfile import APART, failed, write


@dataclass(frozen=True, slots=True)
class _Plan:
    """What was decided before the worktree was made."""

    top: str
    common: str
    branch: str
    base: str
    #: Where in the repository the task was submitted from.
    inside: str


class Worktrees:
    """The worktrees under one folder, each named like its task."""

    def __init__(self, root: Path) -> None:
        self._root = root
        #: Git does not wait for itself: two changes of one repository at once, and one fails.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def prepare(self, task: Task) -> Workspace:
        """Make the worktree, or find it as the last attempt left it."""
        plan = self._planned(task.id) or await self._decide(task)
        worktree = self._of(task.id, plan)
        async with self._alone(plan.common):
            if not worktree.is_whole():
                await worktree.add(plan.base)
        folder = worktree.tree / plan.inside
        # The folder may be new in the user's checkout, and may lead elsewhere.
        if not folder.is_dir() or not folder.resolve().is_relative_to(worktree.tree.resolve()):
            folder = worktree.tree
        workspace = Workspace(WorkspaceKind.WORKTREE, str(folder), plan.branch, plan.base, plan.top)
        return replace(workspace, task_file=str(write(folder, task, workspace, apart=True)))

    async def diff(self, task: str, workspace: Workspace) -> str:
        """The change since the base; of what was saved or committed where the tree is gone."""
        plan, worktree = await self._found(task, workspace)
        git = worktree.repository.git
        if worktree.is_whole():
            return await patch(worktree.git, plan.base, await tree_of(worktree.git))
        return await patch(git, plan.base, await _newest(task, worktree))

    async def snapshot(self, task: str, workspace: Workspace) -> str:
        """A commit of all that lies there; of what was saved or committed where it is gone."""
        _, worktree = await self._found(task, workspace)
        if not worktree.is_whole():
            return await _newest(task, worktree)
        head = await commit_of(worktree.git, "HEAD")
        return await _committed(task, worktree.git, head)

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

    async def remove(self, task: str, workspace: Workspace) -> str | None:
        """Remove it; the ref under which what was not committed is kept, if there was any."""
        plan, worktree = await self._found(task, workspace)
        git = worktree.repository.git
        saved: str | None = None
        if worktree.is_whole():
            saved = await self._save(task, worktree)
        elif await tip(git, saved_ref(task)) is not None:
            saved = saved_ref(task)
        async with self._alone(plan.common):
            await worktree.discard()
            if await tip(git, worktree.ref) == plan.base:
                # Nothing was committed there: a branch that says nothing is in the way.
                await git.run("branch", "--quiet", "-D", "--", plan.branch)
        self._note(task).unlink(missing_ok=True)
        return saved

    async def ignored(self, task: str, workspace: Workspace) -> int:
        """How many ignored files and folders removing it would lose; our own is not counted."""
        _, worktree = await self._found(task, workspace)
        if not worktree.is_whole():
            return 0
        return sum(APART not in Path(name).parts for name in await ignored(worktree.git))

    # ── what is decided ───────────────────────────────────────────────────────

    async def _decide(self, task: Task) -> _Plan:
        repository, inside = await find(Path(task.spec.cwd))
        if await tip(repository.git, "HEAD") is None:
            raise NotARepository(f"the repository {repository.top} has no commit yet")
        base = await commit_of(repository.git, task.spec.base)
        branch = f"inspan/{short(task.id)}"
        if await tip(repository.git, f"refs/heads/{branch}") is not None:
            branch = f"inspan/{task.id}"  # six characters may be shared, by chance
        await check_branch(repository.git, branch)
        plan = _Plan(str(repository.top), str(repository.common), branch, base, inside)
        part = self._note(task.id).with_suffix(".part")
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.write_text(json.dumps(asdict(plan)))
            part.replace(self._note(task.id))
        except OSError as error:
            raise failed(f"{part} could not be written", error) from error
        return plan

    def _planned(self, task: str) -> _Plan | None:
        try:
            return _Plan(**json.loads(self._note(task).read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, OSError) as error:
            raise WorkspaceFailed(f"{self._note(task)} cannot be read: {error}") from error

    async def _found(self, task: str, workspace: Workspace) -> tuple[_Plan, Worktree]:
        """As it was planned; where that is gone with the worktree, as the task remembers it."""
        plan = self._planned(task)
        if plan is None:
            if not (workspace.repository and workspace.branch and workspace.base):
                raise WorkspaceFailed("nothing is known of that worktree")
            repository, _ = await find(Path(workspace.repository))
            places = (str(repository.top), str(repository.common))
            plan = _Plan(*places, workspace.branch, workspace.base, "")
        return plan, self._of(task, plan)

    def _of(self, task: str, plan: _Plan) -> Worktree:
        repository = Repository(Path(plan.top), Path(plan.common))
        return Worktree(repository, self._root / task, plan.branch)

    def _note(self, task: str) -> Path:
        return self._root / f"{task}.json"

    # ── what is done ──────────────────────────────────────────────────────────

    async def _save(self, task: str, worktree: Worktree) -> str | None:
        git = worktree.git
        inner = await nested(git)
        if inner:
            raise WorkspaceFailed(
                f"{worktree.tree} holds a repository of its own in {inner[0]!a}",
                hint="Move it away or delete it, then try again: nothing was removed.",
            )
        head = await commit_of(git, "HEAD")
        commit = await _committed(task, git, head)
        before = await tip(git, worktree.ref)
        if commit == head and before is not None and await is_ancestor(git, head, before):
            return None
        ref = saved_ref(task)
        async with self._alone(str(worktree.repository.common)):
            await git.run("update-ref", "-m", "inspan: save", ref, commit)
        return ref

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


async def _newest(task: str, worktree: Worktree) -> str:
    """What is left of one that is gone. Raises WorkspaceFailed where that is nothing."""
    git = worktree.repository.git
    newest = await tip(git, saved_ref(task)) or await tip(git, worktree.ref)
    if newest is None:
        raise WorkspaceFailed(f"the branch {worktree.branch} is gone, and so is the worktree")
    return newest


async def _committed(task: str, git: Git, head: str) -> str:
    """``head``, or a commit behind it with what was not committed, which no branch has."""
    tree = await tree_of(git)
    if tree == await git.run("rev-parse", f"{head}^{{tree}}"):
        return head
    return await commit_tree(git, tree, head, f"Saved from {task}")


def saved_ref(task: str) -> str:
    """Where uncommitted work of a task is kept; no branch, so that no listing shows it."""
    return f"refs/inspan/saved/{task}"
