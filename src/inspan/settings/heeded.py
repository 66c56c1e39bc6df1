"""Whether a settings file still says what it said when a process read it.

What is heeded at once, as ``timeouts.yaml`` is, needs nobody who looks here.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path


class Heeded:
    """The file as it was when this was made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = _digest(path)

    @property
    def warning(self) -> str | None:
        """What to tell a person; ``None`` while nothing has changed."""
        if _digest(self._path) == self._text:
            return None
        return (
            f"{self._path} was changed since the daemon started, which heeds it from its next start"
            " on: `inspan up --restart`, and what runs, runs on"
        )


def _digest(path: Path) -> bytes | None:
    try:
        return sha256(path.read_bytes()).digest()
    except OSError:
        return None
