"""What of a repository a program needs that works in one of its worktrees, to commit there.

And what it must not change, since git would run what it names there, also for others: hooks,
filters and the like. Those are all outside of what is shared, but for the few that are named.
"""

from __future__ import annotations

from pathlib import Path

from inspan.git.repository import find
from inspan.model.value import value

#: Branches of ours; no other can be moved.
_BRANCHES = Path("refs", "heads", "inspan")


@value(frozen=True)
class Shares:
    """Paths that may be written, and paths below them that may not."""

    write: tuple[Path, ...]
    fixed: tuple[Path, ...]


async def shares_of(repository: Path, tree: Path) -> Shares:
    """Those of the worktree at ``tree``, whose folders are made where they are missing.

    Raises NotARepository, GitFailed, OSError.
    """
    found, _ = await find(repository)
    common = found.common
    administration = common / "worktrees" / tree.name
    branches, logs = common / _BRANCHES, common / "logs" / _BRANCHES
    for folder in (branches, logs, common / "objects" / "info"):
        folder.mkdir(parents=True, exist_ok=True)
    own = administration / "config.worktree"
    if "worktreeconfig" in _text(common / "config").lower():
        own.touch()  # else it could be made, and git would believe it
    return Shares(
        write=(common / "objects", branches, logs, administration),
        fixed=(
            common / "objects" / "info",
            administration / "commondir",
            administration / "gitdir",
            own,
            tree / ".git",
        ),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""
