"""Merges a branch of inspan's onto one of the user's, because they asked; it is never forced.

Where that branch is checked out, its checkout comes along, or all stays as it was. No conflict is
ever written into a checkout: git's marks would be among the user's own work.
"""

from __future__ import annotations

from typing import Final

from inspan.errors import BadInput, Conflict, NotFound
from inspan.git.checkout import Change, Checkout, changes, checkouts, shown
from inspan.git.merge import merge, move
from inspan.git.repository import Repository, check_branch, commit_of, is_ancestor, tip
from inspan.git.snapshot import commit_tree
from inspan.model.merging import MergeRequest, MergeResult
from inspan.model.value import replaced, value

#: So many files are told by name.
_FILES_MOST: Final = 200
_HEADS: Final = "refs/heads/"


@value(frozen=True)
class Source:
    """What is merged: the commit ``commit``, which the branch ``branch`` is at or will be."""

    repository: Repository
    branch: str
    commit: str
    #: The branch that it began on, where that is known.
    onto: str | None


async def merged(source: Source, asked: MergeRequest) -> MergeResult:
    """Merge it, or say what would come of it. Raises BadInput, NotFound, Conflict, GitFailed."""
    git = source.repository.git
    into = await _into(source, asked)
    ref = _HEADS + into
    before = await tip(git, ref)
    if before is None:
        raise NotFound(
            f"there is no branch {into} in {source.repository.top}",
            hint=f"`git branch {into}` makes one; --into names another.",
        )
    told = MergeResult(branch=source.branch, into=into, before=before, commit=before)
    if await is_ancestor(git, source.commit, before):
        return told
    commit, conflicts = await _made(source, into, before, asked.made)
    if conflicts:
        return replaced(told, conflicts=tuple(map(shown, conflicts)))
    changed = await changes(git, before, commit)
    names = tuple(shown(change.name) for change in changed[:_FILES_MOST])
    told = replaced(told, commit=commit, changed=len(changed), files=names)
    return await _placed(source, told, changed, dry=asked.dry_run)


async def _into(source: Source, asked: MergeRequest) -> str:
    into = asked.into or source.onto
    if into is None:
        raise BadInput(
            f"which branch {source.branch} began on is not known",
            hint="Say where it is to be merged: `--into BRANCH`.",
        )
    into = await check_branch(source.repository.git, into.removeprefix(_HEADS))
    if into == source.branch:
        raise BadInput(f"{into} cannot be merged onto itself", hint="`--into` names another.")
    return into


async def _made(
    source: Source, into: str, before: str, made: str | None
) -> tuple[str, tuple[str, ...]]:
    """The commit that has both sides, and the files that git could not join."""
    git = source.repository.git
    if made is not None:
        commit = await commit_of(git, made)
        for side in (before, source.commit):
            if not await is_ancestor(git, side, commit):
                raise Conflict(
                    f"{into} or {source.branch} was moved since {commit[:12]} was made",
                    hint="Merge again: what there is now is checked then.",
                )
        return commit, ()
    if await is_ancestor(git, before, source.commit):
        return source.commit, ()
    joined = await merge(git, before, source.commit)
    message = f"Merge branch '{source.branch}' into {into}"
    return await commit_tree(git, joined.tree, before, message, source.commit), joined.conflicts


async def _placed(
    source: Source, told: MergeResult, changed: tuple[Change, ...], *, dry: bool
) -> MergeResult:
    """With the branch, and its checkout, brought to the commit."""
    repository, ref, why = source.repository, _HEADS + told.into, f"merge {source.branch}"
    places = await checkouts(repository, ref)
    if not places:
        if not dry:
            await move(repository.git, ref, told.commit, seen=told.before, why=why)
        return replaced(told, moved=not dry)
    told = replaced(told, checkout=shown(str(places[0])))
    hint = f"`git merge {source.branch}` there does it, once that is settled."
    if len(places) > 1 or not places[0].samefile(repository.top):
        hindrance: str | None = f"it is checked out at {told.checkout}, not in {repository.top}"
        hint = f"`git merge {source.branch}` there does it."
    else:
        checkout = await Checkout.of(repository, ref)
        hindrance = await checkout.hindrance(told.commit, changed)
    if hindrance is not None and dry:
        return replaced(told, hindrance=hindrance, hint=hint)
    if hindrance is not None:
        raise Conflict(f"{told.into} stays as it is: {hindrance}", hint=hint)
    if not dry:
        await checkout.forward(told.before, told.commit, why)
    return replaced(told, moved=not dry)
