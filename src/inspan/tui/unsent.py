"""What was said of changes and nobody was sent: in files of its writer's own, until it is sent.

One file for each task, so that two programs lose nothing of each other's; it is written anew as
soon as a word is said, since a program may be killed at any moment. It knows no screen.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from inspan.settings import private
from inspan.tui.review import Comments

log = logging.getLogger(__name__)

#: What a daemon calls its tasks becomes the name of a file.
_ID: Final = re.compile(r"[0-9a-z]{1,64}", re.ASCII)
#: A file that is larger is none of ours.
_MOST: Final = 4 << 20


class Unsent:
    """Those in ``folder``; without one nothing is kept. ``say`` tells of a failure: one goes on."""

    def __init__(self, folder: Path | None, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        #: The tasks that something is kept of.
        self.tasks: set[str] = set(self._found())

    def read(self, task: str) -> Comments:
        """What was said of its changes; nothing where nothing can be read."""
        if self._folder is None or task not in self.tasks:
            return Comments()
        try:
            with self._path(self._folder, task).open("rb") as file:
                return Comments.told(json.loads(file.read(_MOST)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("comments on %s cannot be read: %s", task, error)
            return Comments()

    def keep(self, task: str, comments: Comments) -> bool:
        """Write them, or take the file away where none are left; whether that was possible."""
        if self._folder is None or _ID.fullmatch(task) is None:
            return False
        path = self._path(self._folder, task)
        try:
            if comments:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
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

    def _found(self) -> list[str]:
        if self._folder is None:
            return []
        try:
            names = [file.stem for file in self._folder.iterdir() if file.suffix == ".json"]
        except OSError:
            return []  # nothing was ever kept there
        return [name for name in names if _ID.fullmatch(name)]

    @staticmethod
    def _path(folder: Path, task: str) -> Path:
        return folder / f"{task}.json"
