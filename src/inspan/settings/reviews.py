"""Where comments on changes are kept until they are sent: one file for each task.

Who writes them is a program of a person's; the daemon only takes those of pruned tasks away. It
never knows what is in them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

import anyio.to_thread

log = logging.getLogger(__name__)

#: What a daemon calls its tasks becomes the name of a file.
_ID: Final = re.compile(r"[0-9a-z]{1,64}", re.ASCII)
_SUFFIX: Final = ".json"


def file_of(folder: Path, task: str) -> Path | None:
    """Where those on ``task`` are; nowhere for what is no id of a task."""
    return folder / f"{task}{_SUFFIX}" if _ID.fullmatch(task) else None


def commented(folder: Path) -> set[str]:
    """The tasks that comments are kept of."""
    try:
        names = [file.stem for file in folder.iterdir() if file.suffix == _SUFFIX]
    except OSError:
        return set()  # nothing was ever kept there
    return {name for name in names if _ID.fullmatch(name)}


async def forget(folder: Path, tasks: Collection[str]) -> None:
    """Take away what is kept of ``tasks``, and what one who was killed left half written."""
    if tasks:
        await anyio.to_thread.run_sync(_forget, folder, tasks)


def _forget(folder: Path, tasks: Collection[str]) -> None:
    try:
        files = [file for file in folder.iterdir() if _SUFFIX in file.suffixes]
    except OSError:
        return
    for file in files:
        if file.name.partition(".")[0] in tasks:
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                log.warning("comments on a task that is gone stay: %s", error)
