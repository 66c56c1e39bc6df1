"""What was said of changes and nobody was sent: in files of its writer's own, until it is sent.

One file for each task, so that two programs lose nothing of each other's; it is written anew as
soon as a word is said, since a program may be killed at any moment. It knows no screen.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from inspan.settings import private, reviews
from inspan.tui.review import Comments

log = logging.getLogger(__name__)

#: A file that is larger is none of ours.
_MOST: Final = 4 << 20


class Unsent:
    """Those in ``folder``; without one nothing is kept. ``say`` tells of a failure: one goes on."""

    def __init__(self, folder: Path | None, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        #: The tasks that something is kept of.
        self.tasks: set[str] = reviews.commented(folder) if folder is not None else set()

    def read(self, task: str) -> Comments:
        """What was said of its changes; nothing where nothing can be read."""
        path = self._path(task)
        if path is None or task not in self.tasks:
            return Comments()
        try:
            with path.open("rb") as file:
                return Comments.told(json.loads(file.read(_MOST)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("comments on %s cannot be read: %s", task, error)
            return Comments()

    def keep(self, task: str, comments: Comments) -> bool:
        """Write them, or take the file away where none are left; whether that was possible."""
        path = self._path(task)
        if path is None:
            return False
        try:
            if comments:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                fresh = f"{path}.{os.getpid()}"
                private.write(fresh, json.dumps(comments.plain()))
                Path(fresh).replace(path)
                self.tasks.add(task)
            else:
                path.unlink(missing_ok=True)
                self.tasks.discard(task)
        except OSError as error:
            log.warning("comments on %s cannot be kept: %s", task, error)
            self._say(f"comments are not kept when this program ends: {error.strerror}")
            return False
        return True

    def _path(self, task: str) -> Path | None:
        return reviews.file_of(self._folder, task) if self._folder is not None else None
