"""Which agents there are beyond ours, for a process that lives long: the settings are read again.

A person who declares an agent wants to run it, and not to start a daemon anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from inspan.settings.passing import dialect_of
from inspan.settings.values import Settings, load_alone

if TYPE_CHECKING:
    from inspan.agents.dialect import Dialect


class Catalogue:
    """What the settings in ``config`` declare, as they are written now, and what is installed."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._settings = Settings()
        self._seen: tuple[int, ...] | None = None
        self._made: dict[str, Dialect] = {}

    def find(self, name: str) -> Dialect | None:
        """The agent of that name; the same object while nothing changes.

        Raises SettingsInvalid, ProviderBroken.
        """
        self._read()
        found = self._made.get(name) or dialect_of(name, self._settings)
        if found is not None:
            self._made[name] = found
        return found

    def names(self) -> tuple[str, ...]:
        """Those that are named; nothing is loaded. Raises SettingsInvalid."""
        from inspan.providers.installed import offers  # noqa: PLC0415 - few ask for all

        self._read()
        found = (offer.name for offer in offers())
        return tuple(dict.fromkeys((*self._settings.declared, *found)))

    def _read(self) -> None:
        mark = _mark(self._config)
        if mark != self._seen:
            self._settings = load_alone(self._config)
            self._seen = mark
            self._made.clear()


def _mark(path: Path) -> tuple[int, ...]:
    """What changes with the file; nothing where there is none."""
    try:
        about = os.stat(path)  # noqa: PTH116 - asked at each task: no Path is made for it
    except OSError:
        return ()
    return (about.st_ino, about.st_size, about.st_mtime_ns)
