"""Adds, recognises and removes worktrees of a repository; its own checkout is never touched.

Git keeps a folder of its own for each worktree, named like the worktree's. Everything is done with
that folder named outright: the file ``.git`` in a worktree is written by whoever works there and
is not believed.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from inspan.errors import GitFailed, WorkspaceFailed
from inspan.git.lingering import outlast
from inspan.git.removal import delete
from inspan.git.repository import Repository, tip
from inspan.git.run import Git
from inspan.model.value import value

#: What git writes into ``locked`` until a worktree is made, and we until one is gone.
_HALF: Final = "initializing"


@value(frozen=True)
class Worktree:
    """A worktree at ``tree`` on ``branch``; its folder's name is unique in the repository."""

    repository: Repository
    tree: Path
    branch: str

    @property
    def ref(self) -> str:
        """The full name of the branch."""
        return f"refs/heads/{self.branch}"

    @property
    def administration(self) -> Path:
        """Where git keeps what belongs to this worktree alone."""
        return self.repository.common / "worktrees" / self.tree.name

    @property
    def adding(self) -> Path:
        """Is there while the worktree is being made: a git that is stopped forgets what it made."""
        return self.tree.with_name(f"{self.tree.name}.adding")

    @property
    def git(self) -> Git:
        """Git for this worktree and no other."""
        return Git(self.tree, self.administration)

    def is_whole(self) -> bool:
        """True where it was made to its end and is still there."""
        try:
            known = (self.administration / "gitdir").read_text().strip()
        except OSError:
            return False
        there = self.tree.is_dir() and not self.tree.is_symlink()
        return there and Path(known) == self.tree / ".git" and not self._is_half()

    async def add(self, base: str, *, detached: bool = False, files: str | None = None) -> None:
        """Make it; from ``base``, a full commit id, where its branch is new or it has none.

        ``files``: the commit whose files lie there, as changes that are not staged. Half of one
        that a crash left is removed first. Raises GitFailed, WorkspaceFailed.
        """
        await self.discard()
        self.tree.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.adding.touch()
        await self._unlock()
        git = self.repository.git
        new = not detached and await tip(git, self.ref) is None
        arguments: tuple[str, ...] = ("--", str(self.tree), self.branch)
        if new:
            arguments = ("--no-track", "-b", self.branch, "--", str(self.tree), base)
        if detached:
            arguments = ("--detach", "--", str(self.tree), base)
        await git.run("worktree", "add", "--quiet", "--no-checkout", *arguments)
        # By a git of its own: a configuration can include more for one worktree or one branch,
        # and filters that are named there are seen, and switched off, only from within.
        await self.git.run("read-tree", "--reset", "-u", files or "HEAD")
        if files is not None:
            await self.git.run("read-tree", "HEAD")
        self.adding.unlink()
        if not self.is_whole():
            raise GitFailed(f"git made the worktree elsewhere than at {self.tree}")

    async def discard(self) -> None:
        """Remove it with all that lies in it; the branch stays. Raises WorkspaceFailed."""
        if self.is_whole():
            # Dying from here on must leave a half, and not a worktree where files were deleted.
            (self.administration / "locked").write_text(_HALF)
        elif os.path.lexists(self.tree) and not self._is_half():
            raise WorkspaceFailed(
                f"{self.tree} is there, but git knows nothing of it",
                hint="Somebody's work may be in it: move it away, then try again.",
            )
        await delete(self.tree)
        # Only what belongs to this worktree: `prune` would also drop those of unmounted disks.
        await delete(self.administration)
        with suppress(OSError):  # others are left, or there was none
            self.administration.parent.rmdir()
        self.adding.unlink(missing_ok=True)

    async def _unlock(self) -> None:
        """Take away the lock that a git which was killed has left on the branch.

        The branch is ours alone, and a git that lives holds its lock for less than a moment.
        """
        lock = self.repository.common / f"{self.ref}.lock"
        await outlast(lambda: os.path.lexists(lock))
        lock.unlink(missing_ok=True)

    def _is_half(self) -> bool:
        if self.adding.exists():
            return True
        try:
            return (self.administration / "locked").read_text().strip() == _HALF
        except OSError:
            return False
