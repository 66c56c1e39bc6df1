"""The prompts of one session that wait to be typed, in a file beside its recording.

They outlive whoever took them. What is about to be typed is taken out first: it is typed once, or
it is not known whether it was. It knows no terminal and no agent.
"""

from __future__ import annotations

import errno
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import anyio.to_thread

from inspan.errors import DiskFull, StoreFailed

log = logging.getLogger(__name__)

NAME: Final = "prompts"
_NEW: Final = NAME + ".new"


class KeptPrompts:
    """Keys and texts, in their order, in the folder of a recording."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> tuple[tuple[str, str], ...]:
        """Those that an earlier engine left; nothing where it left none."""
        try:
            found = json.loads((self._folder / NAME).read_bytes())
            return tuple((str(key), str(text)) for key, text in found)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError) as error:
            log.warning("what waited for its turn cannot be read: %s", error)
            return ()

    async def save(self, prompts: Sequence[tuple[str, str]]) -> None:
        """These wait now, and no others. Raises StoreFailed, DiskFull."""
        try:
            await anyio.to_thread.run_sync(self._save, prompts)
        except OSError as error:
            kind = DiskFull if error.errno == errno.ENOSPC else StoreFailed
            raise kind(f"what waits for its turn cannot be kept: {error.strerror}") from error

    def _save(self, prompts: Sequence[tuple[str, str]]) -> None:
        """As a whole, or not at all."""
        if not prompts:
            (self._folder / NAME).unlink(missing_ok=True)
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(self._folder / _NEW, flags, 0o600), "wb") as file:
            file.write(json.dumps(prompts).encode())
            file.flush()
            os.fsync(file.fileno())
        (self._folder / _NEW).replace(self._folder / NAME)
