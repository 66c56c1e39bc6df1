"""A folder that is no git repository, as a commit in a repository of inspan's own.

So a copy of it is a worktree like any other: it has a diff, is saved, comes back. The folder is
only read. What `.gitignore` files in it name is left out, and so are repositories inside it.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import Final

import anyio.to_thread

from inspan.errors import WorkspaceFailed
from inspan.git.repository import Repository, tip
from inspan.git.run import Git
from inspan.git.snapshot import commit_tree, tree_of

#: Larger folders are not copied.
FILES_MOST: Final = 100_000
BYTES_MOST: Final = 1 << 30
_FOLDER: Final = "copies"


async def taken(root: Path, folder: Path) -> tuple[Repository, str]:
    """The repository of ours for ``folder``, and the commit with all that lies there now.

    Raises WorkspaceFailed where it is too large, GitFailed.
    """
    await anyio.to_thread.run_sync(_check, root, folder)
    top = root / _FOLDER / sha256(os.fsencode(folder.resolve())).hexdigest()[:32]
    common = top / ".git"
    if not (common / "HEAD").exists():
        top.mkdir(mode=0o700, parents=True, exist_ok=True)
        await Git(top).run("init", "--quiet", "--template=", "--initial-branch=folder")
    git = Git(folder, common)
    tree = await tree_of(git)
    before = await tip(git, "HEAD")
    if before is not None and await git.run("rev-parse", f"{before}^{{tree}}") == tree:
        return Repository(top, common), before
    commit = await commit_tree(git, tree, before, f"{folder}, as it was")
    await git.run("update-ref", "HEAD", commit)
    return Repository(top, common), commit


def _check(root: Path, folder: Path) -> None:
    if root.resolve().is_relative_to(folder.resolve()):
        raise WorkspaceFailed(
            f"{folder} holds inspan's own state, and with it every copy",
            hint="Copy a folder below it, or work in a new one: `--folder`.",
        )
    files = size = 0
    for at, _, names in os.walk(folder):
        for name in names:
            files += 1
            size += os.lstat(os.path.join(at, name)).st_size if files <= FILES_MOST else 0  # noqa: PTH118 - a hundred thousand times
        if files > FILES_MOST or size > BYTES_MOST:
            raise WorkspaceFailed(
                f"{folder} has more than {FILES_MOST:,} files or {BYTES_MOST >> 20} MiB",
                hint="Make a git repository of it and use `--worktree`, or copy a part of it.",
            )
