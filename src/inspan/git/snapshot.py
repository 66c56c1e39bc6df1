"""Takes what lies in a work tree, committed or not, without touching its index or its branch.

Everything is added to an index of its own, which is thrown away: what is staged, and how, stays as
it was. Files that are ignored are no part of a snapshot, nor are repositories inside it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from inspan.errors import GitFailed
from inspan.git.inner import links, nested, take_in
from inspan.git.run import Git

#: Names for commits of ours where the user has none; the address leads nowhere on purpose.
NAME: Final = "inspan"
EMAIL: Final = "inspan@localhost"
#: The most bytes of a patch; a larger one is told in numbers.
PATCH_MOST: Final = 32 << 20

#: A patch that applies anywhere, made by git alone, whatever the user's taste is.
_PLAIN: Final = (
    *("--no-ext-diff", "--no-textconv", "--no-color", "--no-relative", "--submodule=short"),
    *("--src-prefix=a/", "--dst-prefix=b/", "--ignore-submodules=none", "--find-renames"),
)


async def tree_of(git: Git) -> str:
    """The id of a tree with all that lies in the work tree. Raises GitFailed."""
    async with _own_index(git) as own:
        inside = await links(own)
        names = (*await nested(own), *(link.name for link in inside))
        apart = [f":(top,exclude,literal){name}" for name in names]
        await own.run("add", "--all", *(("--", ":/", *apart) if apart else ()))
        for link in inside:
            await take_in(own, link)
        return await own.run("write-tree")


async def ignored(git: Git) -> tuple[str, ...]:
    """What lies in the work tree and is ignored, so that no snapshot has it; folders as one."""
    asked = ("--others", "--ignored", "--exclude-standard", "--directory", "-z")
    said = await git.ask("ls-files", *asked)
    return tuple(filter(None, said.out.decode(errors="surrogateescape").split("\0")))


async def commit_tree(git: Git, tree: str, parent: str | None, message: str, *more: str) -> str:
    """The id of a new commit of ``tree``; no branch points to it yet. ``more``: other parents.

    Raises GitFailed.
    """
    known = await _identified(git)
    parents = [word for one in (parent, *more) if one is not None for word in ("-p", one)]
    return await known.run("commit-tree", *parents, "-m", message, tree)


async def patch(git: Git, base: str, tree: str) -> str:
    """The change from the commit ``base`` to ``tree``, in git's format, binary files included."""
    ends = ("--end-of-options", base, tree)
    said = await git.ask("diff", "--binary", *_PLAIN, *ends, most=PATCH_MOST)
    if said.code:
        raise GitFailed(said.words)
    if not said.cut:
        return said.out.decode(errors="replace")
    summary = await git.run("diff", "--stat", *_PLAIN, *ends)
    return f"# The patch is larger than {PATCH_MOST >> 20} MiB; in numbers:\n{summary}\n"


@asynccontextmanager
async def _own_index(git: Git) -> AsyncIterator[Git]:
    """Git with a copy of the index, so that files that did not change are not read again."""
    real = Path(await git.run("rev-parse", "--path-format=absolute", "--git-path", "index"))
    with tempfile.TemporaryDirectory(prefix="inspan-index-") as folder:
        own = Path(folder) / "index"
        if real.is_file():
            # With its time: by that git knows which files it must read since they changed in the
            # second in which it wrote the index. A newer copy would hide such changes.
            shutil.copy2(real, own)
        yield git.using(own)


async def _identified(git: Git) -> Git:
    """Git with a name to commit by, the user's own where there is one."""
    who: dict[str, str] = {}
    for what, default in (("name", NAME), ("email", EMAIL)):
        said = await git.ask("config", "--get", f"user.{what}")
        if not said.out.strip():
            who |= {f"GIT_{role}_{what.upper()}": default for role in ("AUTHOR", "COMMITTER")}
    return Git(git.folder, git.git_dir, git.index, who)
