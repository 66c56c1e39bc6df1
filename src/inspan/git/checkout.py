"""Brings a checkout of the user's to a newer commit of its branch, or says why that is not done.

Nothing of the user's is overwritten and nothing is forced: a file that is changed, or lies in the
way of a new one, keeps all of it from being done. Filters of the repository do not run, so what one
of them would have to write is left to the user's own git.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from inspan.errors import Conflict, GitFailed
from inspan.git.merge import move
from inspan.git.repository import Repository
from inspan.git.run import Git
from inspan.model.value import value

#: A list of the files of a large repository.
_LIST_MOST: Final = 256 << 20
#: So many files are named in a sentence.
_NAMED_MOST: Final = 5
#: What git is in the middle of, by the file that tells it.
_UNDER_WAY: Final = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "BISECT_LOG": "a bisection",
}
_REBASED: Final = ("rebase-merge/head-name", "rebase-apply/head-name")


@value(frozen=True)
class Change:
    """A file that differs between two commits; ``how`` is git's letter for it."""

    how: str
    name: str


async def changes(git: Git, before: str, after: str) -> tuple[Change, ...]:
    """The files that differ. Raises GitFailed."""
    asked = ("-r", "-z", "--no-renames", "--name-status", "--ignore-submodules=none")
    said = await git.ask("diff-tree", *asked, before, after, most=_LIST_MOST)
    if said.code or said.cut:
        raise GitFailed(said.words or "the two differ in too many files to be listed")
    words = _names(said.out)
    return tuple(Change(how, name) for how, name in zip(words[::2], words[1::2], strict=True))


async def checkouts(repository: Repository, ref: str) -> tuple[Path, ...]:
    """Where the branch ``ref`` is checked out, or being rebased."""
    said = await repository.git.ask("worktree", "list", "--porcelain", "-z")
    if said.code:
        raise GitFailed(said.words)
    found = []
    path = Path()
    for word in said.out.decode(errors="surrogateescape").split("\0"):
        what, _, rest = word.partition(" ")
        if what == "worktree":
            path = Path(rest)
        elif (what, rest) == ("branch", ref) and path.exists():
            found.append(path)
    return (*found, *_rebasing(repository, ref))


def _rebasing(repository: Repository, ref: str) -> Iterable[Path]:
    """Meanwhile its checkout is on no branch."""
    for own in (repository.common, *sorted(repository.common.glob("worktrees/*"))):
        for name in _REBASED:
            try:
                if (own / name).read_text().strip() == ref:
                    yield own
            except OSError:
                continue


class Checkout:
    """The one at the top of a repository, which is on the branch ``ref``."""

    def __init__(self, git: Git, ref: str) -> None:
        self._git = git
        self._ref = ref

    @classmethod
    async def of(cls, repository: Repository, ref: str) -> Checkout:
        """Its administration is named outright. Raises GitFailed."""
        own = await repository.git.run("rev-parse", "--absolute-git-dir")
        return cls(Git(repository.top, Path(own)), ref)

    async def hindrance(self, commit: str, changed: Sequence[Change]) -> str | None:
        """Why it cannot be brought to ``commit``, which differs in ``changed``."""
        assert self._git.git_dir is not None
        for name, what in _UNDER_WAY.items():
            if os.path.lexists(self._git.git_dir / name):
                return f"{what} is under way there"
        if touched := await self._touched(commit, changed):
            return f"changed there and not committed: {_told(touched)}"
        if buried := await self._in_the_way(changed):
            return f"in the way there, and not git's: {_told(buried)}"
        if filtered := await self._filtered(commit, changed):
            return f"a filter of the repository, which inspan does not run, is for {filtered}"
        return None

    async def forward(self, before: str, commit: str, why: str) -> None:
        """From ``before`` to ``commit``, files and branch. Raises Conflict, GitFailed.

        Dying in between leaves the files newer than the branch, and the same again mends that.
        """
        await self._git.ask("update-index", "-q", "--refresh")
        await self._git.run("read-tree", "-m", "-u", before, commit)
        try:
            await move(self._git, self._ref, commit, seen=before, why=why)
        except Conflict:
            await self._git.run("read-tree", "-m", "-u", commit, before)
            raise

    async def _touched(self, commit: str, changed: Sequence[Change]) -> tuple[str, ...]:
        asked = ("--porcelain", "-z", "--untracked-files=no", "--no-renames")
        said = await self._git.ask("status", *asked, "--ignore-submodules=dirty", most=_LIST_MOST)
        if said.code or said.cut:
            raise GitFailed(said.words or "too many files are changed there")
        names = {change.name for change in changed}
        found = [(word[1], word[3:]) for word in _names(said.out) if word[3:] in names]
        if not found:
            return ()
        # Where one died before it moved the branch, the files are there already, and staged.
        told = ("--cached", "-r", "-z", "--name-only", "--no-renames")
        said = await self._git.ask("diff-index", *told, commit, most=_LIST_MOST)
        other = frozenset(_names(said.out)) if not said.code else names
        return tuple(name for tree, name in found if tree != " " or name in other)

    async def _in_the_way(self, changed: Sequence[Change]) -> tuple[str, ...]:
        """What git does not know and a new file would take the place of, ignored or not."""
        gone = {change.name for change in changed if change.how == "D"}
        there = [
            found
            for change in changed
            if change.how == "A"
            and (found := _occupied(self._git.folder, change.name)) is not None
            and found not in gone
        ]
        if not there:
            return ()
        said = await self._git.ask("ls-files", "-z", "--cached", most=_LIST_MOST)
        known = frozenset(_names(said.out))
        return tuple(name for name in there if name not in known)

    async def _filtered(self, commit: str, changed: Sequence[Change]) -> str:
        """A file that only a configured filter could write; empty where there is none."""
        configured = await self._git.filters()
        names = [change.name for change in changed if change.how != "D"]
        if not configured or not names:
            return ""
        with tempfile.TemporaryDirectory(prefix="inspan-index-") as folder:
            own = self._git.using(Path(folder) / "index")
            await own.run("read-tree", commit)
            given = "\0".join(names).encode(errors="surrogateescape")
            said = await own.ask(
                "check-attr", "--cached", "-z", "--stdin", "filter", most=_LIST_MOST, given=given
            )
        words = _names(said.out)
        for name, which in zip(words[::3], words[2::3], strict=False):
            if which in configured:
                return name
        return ""


def _occupied(top: Path, name: str) -> str | None:
    """What lies where ``name`` would, or is no folder on the way to it."""
    parts = Path(name).parts
    for many in range(1, len(parts)):
        above = top.joinpath(*parts[:many])
        if above.is_symlink() or not above.is_dir():
            return "/".join(parts[:many]) if os.path.lexists(above) else None
    return name if os.path.lexists(top / name) else None


def _names(out: bytes) -> list[str]:
    return [word for word in out.decode(errors="surrogateescape").split("\0") if word]


def _told(names: Sequence[str]) -> str:
    more = len(names) - _NAMED_MOST
    told = ", ".join(shown(name) for name in names[:_NAMED_MOST])
    return f"{told}, and {more} more" if more > 0 else told


def shown(name: str) -> str:
    """The name of a file as text, whatever bytes it has."""
    return name.encode(errors="surrogateescape").decode(errors="replace")
