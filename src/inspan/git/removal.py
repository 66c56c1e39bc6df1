"""Deletes a folder with all that lies in it, and follows no link out of it."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import anyio.to_thread

from inspan.errors import WorkspaceFailed


async def delete(folder: Path) -> None:
    """Delete ``folder``; where it is a link, the link alone. Raises WorkspaceFailed."""
    try:
        await anyio.to_thread.run_sync(_delete, folder)
    except OSError as error:
        raise WorkspaceFailed(
            f"{folder} could not be deleted: {error.strerror}",
            hint="Look who owns what is in it, delete it by hand, and try again.",
        ) from error


def _delete(folder: Path) -> None:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        folder.unlink()
        return
    try:
        shutil.rmtree(folder)
    except PermissionError:
        # Some tools leave folders that even their owner may not write to (Go's module cache).
        for at, _, _, opened in os.fwalk(folder, follow_symlinks=False, onerror=_give_up):
            del at
            os.fchmod(opened, 0o700)
        shutil.rmtree(folder)


def _give_up(error: OSError) -> None:
    raise error
