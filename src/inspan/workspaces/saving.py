"""Saves what lies in a worktree and is on no branch, under a hidden ref, and finds it again."""

from __future__ import annotations

from typing import Final

from inspan.errors import WorkspaceFailed
from inspan.git.inner import unsaved
from inspan.git.repository import commit_of, is_ancestor, tip
from inspan.git.run import Git
from inspan.git.snapshot import commit_tree, tree_of
from inspan.git.worktree import Worktree
from inspan.model.merging import merged_ref
from inspan.model.value import replaced, value

_REFS: Final = "refs/inspan/saved"


def saved_ref(task: str) -> str:
    """Where uncommitted work of a task is kept; no branch, so that no listing shows it.

    What is saved again, after it was brought back and changed, is kept beside it: ``….2``.
    """
    return f"{_REFS}/{task}"


async def committed(task: str, git: Git, head: str) -> str:
    """``head``, or a commit behind it with what was not committed, which no branch has."""
    tree = await tree_of(git)
    if tree == await git.run("rev-parse", f"{head}^{{tree}}"):
        return head
    return await commit_tree(git, tree, head, _title(task))


async def save(task: str, worktree: Worktree) -> tuple[str, str] | None:
    """The ref under which it is kept and what was checked out; ``None`` where a branch has it all.

    Where the same was saved before, by somebody who then died, it is not saved twice.
    """
    git = worktree.git
    inner = await unsaved(git)
    if inner is not None:
        raise WorkspaceFailed(
            f"{worktree.tree} holds a repository of its own in {inner!a}",
            hint="Move it away or delete it, then try again: nothing was removed.",
        )
    head = await commit_of(git, "HEAD")
    commit = await committed(task, git, head)
    before = await tip(git, worktree.ref)
    if commit == head and before is not None and await is_ancestor(git, head, before):
        return None
    known = await saves(task, git)
    for ref, earlier in known:
        if earlier == commit or await _same(git, earlier, commit):
            return ref, head
    ref = saved_ref(task) if not known else f"{saved_ref(task)}.{len(known) + 1}"
    await git.run("update-ref", "-m", "inspan: save", ref, commit, "")
    return ref, head


async def saves(task: str, git: Git) -> tuple[tuple[str, str], ...]:
    """What was saved of it, the oldest first: refs and their commits."""
    form = "--format=%(objectname) %(refname)"
    told = await git.run("for-each-ref", form, saved_ref(task), f"{saved_ref(task)}.*")
    found = [line.split(" ", 1) for line in told.splitlines()]
    return tuple(sorted(((ref, commit) for commit, ref in found), key=lambda one: _number(one[0])))


async def newest(task: str, worktree: Worktree) -> str:
    """What is left of one that is gone. Raises WorkspaceFailed where that is nothing."""
    git = worktree.repository.git
    commit = await tip(git, worktree.ref) or await tip(git, merged_ref(task))
    found = await saves(task, git)
    if found:
        last = found[-1][1]
        # What came to the branch after it was brought back is newer than what was saved before.
        if commit is None or (await _facts(git, last)).at >= (await _facts(git, commit)).at:
            return last
    if commit is None:
        raise WorkspaceFailed(f"the branch {worktree.branch} is gone, and so is the worktree")
    return commit


async def head_of(task: str, git: Git, commit: str) -> str:
    """The commit that was checked out when ``commit`` was saved."""
    facts = await _facts(git, commit)
    return facts.parents[0] if facts.title == _title(task) and facts.parents else commit


@value(frozen=True)
class _Facts:
    tree: str
    parents: tuple[str, ...]
    at: int
    title: str


async def _facts(git: Git, commit: str) -> _Facts:
    """What a commit says of itself; `show` would do more than that, as it is configured."""
    head, _, message = (await git.run("cat-file", "commit", commit)).partition("\n\n")
    said = [line.partition(" ") for line in head.split("\n")]
    told = {name: text for name, _, text in reversed(said)}
    parents = tuple(text for name, _, text in said if name == "parent")
    at = int(told["committer"].split(" ")[-2])
    return _Facts(told["tree"], parents, at, message.partition("\n")[0])


async def _same(git: Git, one: str, other: str) -> bool:
    """True where the two differ at most in when they were made."""
    return replaced(await _facts(git, one), at=0) == replaced(await _facts(git, other), at=0)


def _number(ref: str) -> int:
    _, _, number = ref.rpartition(".")
    return int(number) if number.isdecimal() else 1


def _title(task: str) -> str:
    return f"Saved from {task}"
