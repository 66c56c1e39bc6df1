"""Merges commits without a work tree: what would come of it is a tree, and nothing is touched.

A branch is moved only from where it was last seen, so that nobody's commit is lost; it is never
forced. Drivers for merging that a repository's configuration names do not run (``git.run``).
"""

from __future__ import annotations

from typing import Final

from inspan.errors import Conflict, GitFailed
from inspan.git.run import Git
from inspan.model.value import value

#: What `update-ref` takes for a branch that is not there yet.
_NONE: Final = "0" * 40


@value(frozen=True)
class Merged:
    """A tree with both sides in it; ``conflicts``: files that have git's marks in them."""

    tree: str
    conflicts: tuple[str, ...]


async def merge(git: Git, ours: str, theirs: str) -> Merged:
    """What merging the commit ``theirs`` into ``ours`` gives. Raises GitFailed.

    ``git merge-tree`` of git 2.38 and newer: it tells the tree, then each file in conflict.
    """
    flags = ("--write-tree", "--no-messages", "--name-only", "-z")
    said = await git.ask("merge-tree", *flags, "--", ours, theirs)
    if said.code not in (0, 1) or not said.out:
        raise GitFailed(
            said.words or f"git merge-tree ended with {said.code}",
            hint="Merging without a work tree takes git 2.38 or newer.",
        )
    tree, *files = said.out.decode(errors="surrogateescape").rstrip("\0").split("\0")
    return Merged(tree, tuple(files) if said.code else ())


async def move(git: Git, ref: str, to: str, *, seen: str | None, why: str) -> None:
    """Let the branch ``ref`` (a full name) point to ``to``, if it is still at ``seen``.

    ``None``: if it is not there yet. Raises Conflict where somebody moved it meanwhile.
    """
    said = await git.ask("update-ref", "-m", f"inspan: {why}", ref, to, seen or _NONE)
    if said.code:
        raise Conflict(f"the branch {ref} was moved by somebody else: {said.words}")
