"""Repositories that lie inside a work tree: submodules, and others that are no part of it.

Whoever works in the tree writes their configuration, and git looks into a submodule with a git of
its own, which runs the filters that are named there. So no command of ours may look into one on
the way: each is left out, and asked for itself, by a git that has its filters switched off.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from inspan.errors import GitFailed
from inspan.git.run import Git
from inspan.model.value import value

#: The mode of an entry of the index that is a submodule.
_LINK: Final = "160000"
#: A list of the files of a large repository.
_LIST_MOST: Final = 256 << 20
#: Submodules of submodules are looked into so deep.
_DEEPEST: Final = 8


@value(frozen=True)
class Link:
    """A submodule as the index has it."""

    name: str
    commit: str


async def nested(git: Git) -> tuple[str, ...]:
    """Repositories of their own that lie in the work tree and are no part of this one."""
    said = await _listed(git, "--others", "--exclude-standard")
    # Of what is not tracked only these are told as folders: git does not look inside them.
    return tuple(name.rstrip("/") for name in said if name.endswith("/"))


async def links(git: Git) -> tuple[Link, ...]:
    """The submodules that the index names, whether anything lies there or not."""
    found = []
    for line in await _listed(git, "--stage"):
        mode, _, rest = line.partition(" ")
        if mode == _LINK:
            about, _, name = rest.partition("\t")
            found.append(Link(name, about.split(" ")[0]))
    return tuple(found)


async def take_in(own: Git, link: Link) -> None:
    """Make the index say what lies where a submodule was; ``own`` has an index of its own.

    Files that somebody put where a submodule is not checked out are taken as what they are.
    """
    place = own.folder / link.name
    kind = _kind(own.folder, place)
    if kind == "repository":
        head = await _head(place)
        if head is not None and head != link.commit:
            await own.run("update-index", "--cacheinfo", f"{_LINK},{head},{link.name}")
    elif kind != "empty":
        await own.run("update-index", "--force-remove", "--", link.name)
        if kind == "files":
            await own.run("add", "--all", "--", f":(top,literal){link.name}")


async def unsaved(git: Git, depth: int = 0) -> str | None:
    """A repository inside that holds what would be lost with the work tree; the first found."""
    for name in await nested(git):
        return name
    for link in await links(git):
        place = git.folder / link.name
        if _kind(git.folder, place) != "repository":
            continue
        inside = Git(place)
        if depth >= _DEEPEST or await _holds_work(inside):
            return link.name
        deeper = await unsaved(inside, depth + 1)
        if deeper is not None:
            return f"{link.name}/{deeper}"
    return None


async def _holds_work(git: Git) -> bool:
    """True where something was changed, or a commit is in no other repository, as far as known."""
    asked = ("--porcelain", "--untracked-files=normal", "--ignore-submodules=all")
    status = await git.ask("status", *asked)
    if status.code or status.out.strip():
        return True
    own = await git.ask("rev-list", "--max-count=1", "--all", "HEAD", "--not", "--remotes")
    return bool(own.code or own.out.strip())


async def _listed(git: Git, *which: str) -> tuple[str, ...]:
    said = await git.ask("ls-files", *which, "-z", most=_LIST_MOST)
    if said.code or said.cut:
        raise GitFailed(said.words or "the repository has too many files to be listed")
    return tuple(filter(None, said.out.decode(errors="surrogateescape").split("\0")))


async def _head(place: Path) -> str | None:
    said = await Git(place).ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    return None if said.code else said.out.decode(errors="replace").strip()


def _kind(tree: Path, place: Path) -> str:
    """What lies there: a ``repository``, ``files``, an ``empty`` folder, or it is ``gone``."""
    try:
        if not place.parent.resolve().is_relative_to(tree.resolve()):
            return "gone"  # below a link that leads out
        if not stat.S_ISDIR(place.lstat().st_mode):
            return "files"
        if os.path.lexists(place / ".git"):
            return "repository"
        return "files" if any(place.iterdir()) else "empty"
    except (FileNotFoundError, NotADirectoryError):
        return "gone"
    except OSError as error:
        raise GitFailed(f"{place} cannot be read: {error.strerror}") from error
