"""The branch on which the results of a goal come together: ``inspan/goal-…``, and nobody else's.

It is made of commits alone: no work tree is needed, and the person's own branch, index and files
are never touched. It moves only forward, and only from where it was last seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inspan.errors import BadInput, GitFailed, NotARepository
from inspan.git.checkout import checkouts
from inspan.git.merge import merge, move
from inspan.git.repository import Repository, check_branch, commit_of, find, is_ancestor, tip
from inspan.git.snapshot import commit_tree, tree_of
from inspan.git.worktree import Worktree
from inspan.model.merging import OURS, goal_branch, merged_ref
from inspan.model.task import Task, Workspace

#: What lies in a repository inside is not looked at.
_OUTER: Final = ("--untracked-files=normal", "--ignore-submodules=all")
_HEADS: Final = "refs/heads/"
_NO_REPOSITORY: Final = "Run `git init` there and commit once, or name a repository with `--cwd`."
_NO_COMMIT: Final = "Commit something first, or name a commit with `--base`."


@dataclass(frozen=True, slots=True)
class Joined:
    """A commit with both sides in it; ``conflicts`` lie in it with git's marks."""

    commit: str
    conflicts: tuple[str, ...]


class Branch:
    """That of one goal."""

    def __init__(self, repository: Repository, name: str) -> None:
        self._repository = repository
        self._git = repository.git
        self.name = name
        self.ref = f"{_HEADS}{name}"

    @classmethod
    async def of(cls, goal: Task, base: str) -> Branch:
        """The branch of ``goal``, which is made at ``base`` where it is not there yet.

        Raises NotARepository, BadInput, GitFailed.
        """
        try:
            repository, _ = await find(Path(goal.spec.cwd))
        except NotARepository as error:
            raise NotARepository(error.message, hint=_NO_REPOSITORY) from None
        name = await check_branch(repository.git, goal_branch(goal.id))
        branch = cls(repository, name)
        if await tip(repository.git, branch.ref) is None:
            try:
                start = await commit_of(repository.git, base)
            except BadInput as error:
                raise BadInput(error.message, hint=_NO_COMMIT) from None
            await move(repository.git, branch.ref, start, seen=None, why="a goal begins")
        return branch

    async def tip(self) -> str:
        """Its newest commit. Raises GitFailed where somebody deleted it."""
        found = await tip(self._git, self.ref)
        if found is None:
            raise GitFailed(
                f"the branch {self.name} is gone",
                hint=f"`git reflog` may still have it; make it again as {self.name}.",
            )
        return found

    async def uncommitted(self) -> int:
        """How many files and folders in the person's checkout no commit has. Raises GitFailed."""
        told = await self._git.run("status", "--porcelain", "--no-renames", *_OUTER)
        return len(told.splitlines())

    async def result(self, task: Task) -> str | None:
        """The newest commit of the task's own branch; ``None``: it changed nothing."""
        place = task.workspace
        if place is None or place.branch is None:
            return None
        own = await tip(self._git, f"{_HEADS}{place.branch}")
        return own or await tip(self._git, merged_ref(task.id))

    async def has(self, commit: str) -> bool:
        """Whether it is in the branch already."""
        return await is_ancestor(self._git, commit, await self.tip())

    async def snapshot(self, task: Task) -> str:
        """A commit of what lies in the task's worktree now, committed or not, on no branch."""
        place = task.workspace
        if place is None or place.base is None:
            raise GitFailed("the task has no worktree")
        git = _worktree(self._repository, task.id, place).git
        tree = await tree_of(git)
        return await commit_tree(git, tree, place.base, f"For review of {task.id}")

    async def unmerged(self, tasks: Iterable[Task]) -> dict[str, str]:
        """The newest commits of those of ``tasks`` that committed something which it lacks."""
        places = [(task.id, task.workspace) for task in tasks if task.workspace is not None]
        whose = {f"{_HEADS}{place.branch}": (task, place.base) for task, place in places}
        form = "--format=%(refname)%09%(objectname)"
        lacking = f"--no-merged={await self.tip()}"
        told = await self._git.run("for-each-ref", form, lacking, f"{_HEADS}{OURS}")
        found = {}
        for line in told.splitlines():
            ref, commit = line.split("\t", 1)
            task, base = whose.get(ref, ("", None))
            if task and commit != base:
                found[task] = commit
        return found

    async def conflicts(self, one: str, other: str) -> tuple[str, ...]:
        """The files in which git cannot join the two commits."""
        return (await merge(self._git, one, other)).conflicts

    async def tidy(self, tasks: Iterable[Task]) -> int:
        """Let the branches of ``tasks`` go that are merged; how many. Raises GitFailed.

        Their commits stay known under hidden refs, so that each task still has its diff. What is
        checked out somewhere, or was moved meanwhile, stays.
        """
        whose = {f"{_HEADS}{place.branch}": task.id for task in tasks if (place := task.workspace)}
        form = "--format=%(refname)%09%(objectname)%09%(worktreepath)"
        merged = f"--merged={await self.tip()}"
        told = await self._git.run("for-each-ref", form, merged, f"{_HEADS}{OURS}")
        lines = []
        for line in told.splitlines():
            ref, commit, checkout = line.split("\t", 2)
            if ref in whose and not checkout:
                lines += [f"update {merged_ref(whose[ref])} {commit}", f"delete {ref} {commit}"]
        if lines:
            given = "".join(f"{line}\n" for line in lines).encode()
            said = await self._git.ask("update-ref", "--stdin", given=given)
            if said.code:
                raise GitFailed(said.words)
        return len(lines) // 2

    async def join(self, commit: str, message: str) -> Joined:
        """``commit`` merged into what the branch has now; the branch stays where it is."""
        ours = await self.tip()
        if await is_ancestor(self._git, ours, commit):
            return Joined(commit, ())
        merged = await merge(self._git, ours, commit)
        made = await commit_tree(self._git, merged.tree, ours, message, commit)
        return Joined(made, merged.conflicts)

    async def advance(self, to: str) -> tuple[Path, ...]:
        """Let it point to ``to``, which has all that it has. Raises Conflict, GitFailed.

        Where it is checked out is returned: the files there stay as they were.
        """
        seen = await self.tip()
        if not await is_ancestor(self._git, seen, to):
            raise GitFailed(f"{to[:12]} does not have what {self.name} has")
        await move(self._git, self.ref, to, seen=seen, why="merge")
        return await checkouts(self._repository, self.ref)


def _worktree(repository: Repository, task: str, place: Workspace) -> Worktree:
    """Where git keeps it is known by its name alone: what lies in it is not believed."""
    folder = Path(place.path)
    tree = next((one for one in (folder, *folder.parents) if one.name == task), folder)
    return Worktree(repository, tree, place.branch or "")
