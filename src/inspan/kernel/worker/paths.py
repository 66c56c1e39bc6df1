"""Paths as the system has them: symbolic links resolved once and kept, for a view made elsewhere.

It looks and changes nothing. It must never know why a path is wanted.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Final

#: Links that are followed for one path, as in Linux.
_LINKS_MOST: Final = 40


class Paths:
    """Each component is looked at once, however many paths go through it."""

    def __init__(self) -> None:
        #: What each link that was met says; and folders and files that were met, by their mode.
        self.links: dict[str, str] = {}
        self._modes: dict[str, int] = {}

    def real(self, path: str) -> str | None:
        """Without links; ``None`` where nothing is there, or it cannot be looked at."""
        rest = path.split("/")[::-1]
        at, followed = "", 0
        while rest:
            part = rest.pop()
            if part in ("", "."):
                continue
            if part == "..":
                at = at.rpartition("/")[0]
                continue
            here = f"{at}/{part}"
            target = self.look(here)
            if target is None:
                at = here
                continue
            followed += 1
            if not target or followed > _LINKS_MOST:
                return None
            if target.startswith("/"):
                at = ""
            rest += target.split("/")[::-1]
        return at or "/"

    def is_folder(self, real: str) -> bool:
        """Of a path that ``real`` returned."""
        return stat.S_ISDIR(self._modes.get(real, stat.S_IFDIR))

    def is_everybodys(self, real: str) -> bool:
        """Whether all may make what they want in this folder, as in ``/tmp``; the same."""
        return bool(self._modes.get(real, 0) & stat.S_ISVTX)

    def look(self, path: str) -> str | None:
        """The target of a link, empty for what is not there, ``None`` for anything else."""
        if path in self._modes:
            return None
        if path not in self.links:
            try:
                mode = os.lstat(path).st_mode
                target = os.readlink(path) if stat.S_ISLNK(mode) else None  # noqa: PTH115 - pathlib would cost start-up
            except OSError:
                return ""
            if target is None:
                self._modes[path] = mode
                return None
            self.links[path] = target
        return self.links[path]


def within(path: str, folder: str) -> bool:
    """Whether ``path`` is ``folder`` or below it."""
    return folder in ("/", path) or path.startswith(f"{folder}/")


def parents(path: str) -> Iterator[str]:
    """The folders that this is in, without itself."""
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        yield path
