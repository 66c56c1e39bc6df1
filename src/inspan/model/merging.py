"""What merging a goal's branch, or a task's, onto a person's branch is asked, and gives."""

from __future__ import annotations

from typing import Final

from inspan.model.ids import short
from inspan.model.value import value

#: Branches of inspan's own begin so; none is ever merged to unless it is named.
OURS: Final = "inspan/"


@value(frozen=True, kw_only=True)
class MergeRequest:
    """Where to, and how far."""

    #: The branch to merge onto; ``None``: the one that it began on.
    into: str | None = None
    #: The commit that a dry run told, which was checked since: that one and no other.
    made: str | None = None
    #: Only say what would come of it.
    dry_run: bool = False


@value(frozen=True, kw_only=True)
class MergeResult:
    """What came of it, or would."""

    #: The branch that is merged, and the one that it is merged onto.
    branch: str
    into: str
    #: Where ``into`` was, and where it is now or would be; the same where it has all of it.
    before: str
    commit: str
    #: ``into`` points to ``commit`` by this.
    moved: bool = False
    #: Files that git cannot join; then nothing was changed.
    conflicts: tuple[str, ...] = ()
    #: How many files it changes, and the first of them.
    changed: int = 0
    files: tuple[str, ...] = ()
    #: The checkout that has ``into``, whose files it changes too.
    checkout: str | None = None
    #: Why it cannot be done there, and what to do otherwise; only a dry run tells it so.
    hindrance: str | None = None
    hint: str | None = None


def merged_ref(task: str) -> str:
    """Where the newest commit of a task's branch is known once that is merged and gone."""
    return f"refs/inspan/merged/{task}"


def goal_branch(task: str) -> str:
    """The branch on which the results of the goal ``task`` come together."""
    return f"{OURS}goal-{short(task)}"
