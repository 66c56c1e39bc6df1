"""Finds a repository, and makes full commit ids of what people write. Changes nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from inspan.errors import BadInput, GitFailed, NotARepository
from inspan.git.run import Git
from inspan.model.value import value

_HEADS: Final = "refs/heads/"
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@value(frozen=True)
class Repository:
    """A repository with a work tree. ``common`` is what all of its worktrees share."""

    top: Path
    common: Path

    @property
    def git(self) -> Git:
        """Git for what concerns no work tree."""
        return Git(self.top)


async def find(folder: Path) -> tuple[Repository, str]:
    """The repository that ``folder`` is in, and where in it. Raises NotARepository, GitFailed."""
    query = ("--show-toplevel", "--git-common-dir", "--show-prefix")
    said = await Git(folder).ask("rev-parse", "--path-format=absolute", *query)
    if said.code:
        why = "" if said.words.startswith("not a git repository") else f": {said.words}"
        raise NotARepository(f"{folder} is not in a git repository{why}")
    lines = said.out.decode(errors="surrogateescape").removesuffix("\n").split("\n")
    if lines[0].startswith("--path-format"):
        raise GitFailed("git is older than 2.31", hint="Install git 2.31 or newer.")
    if len(lines) != len(query):
        raise NotARepository("a repository whose path has a line break is not supported")
    return Repository(Path(lines[0]), Path(lines[1])), lines[2]


async def commit_of(git: Git, name: str) -> str:
    """The full id of the commit that ``name`` stands for. Raises BadInput."""
    said = await git.ask(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
    )
    commit = said.out.decode(errors="replace").strip()
    if said.code or not _COMMIT.fullmatch(commit):
        raise BadInput(f"{_shown(name)} names no commit in this repository")
    return commit


async def check_branch(git: Git, name: str) -> str:
    """``name``, which git takes as the name of a branch. Raises BadInput."""
    said = await git.ask("check-ref-format", "--branch", name)
    # What begins with a dash or an @{ is an option or another branch to some command.
    if said.code or name.startswith("-") or "@{" in name:
        raise BadInput(f"{_shown(name)} cannot be the name of a branch")
    return name


async def branch_of(git: Git, name: str) -> str | None:
    """The branch that ``name`` stands for, as `HEAD` stands for the one that is checked out."""
    said = await git.ask("rev-parse", "--symbolic-full-name", "--end-of-options", name)
    lines = said.out.decode(errors="surrogateescape").split("\n")
    found = next((line for line in lines if line.startswith(_HEADS)), None)
    return None if said.code or found is None else found.removeprefix(_HEADS)


async def tip(git: Git, ref: str) -> str | None:
    """The commit that a full ref points to; ``None`` where it does not exist."""
    said = await git.ask("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    return said.out.decode().strip() or None


async def is_ancestor(git: Git, older: str, newer: str) -> bool:
    """True where the commit ``newer`` contains ``older``."""
    return (await git.ask("merge-base", "--is-ancestor", older, newer)).code == 0


def _shown(name: str) -> str:
    return ascii(name[:100])
