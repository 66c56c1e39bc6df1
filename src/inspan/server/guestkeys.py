"""The tokens of agents that hand in tasks: each is of one task, and lasts as long as that.

Nothing is kept of them: a token is the task's id under a key of the daemon's, which only its owner
can read. Whether the task is still at work is asked by whoever admits.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from inspan.errors import Unable
from inspan.model.ids import TASK_ID, task_of

_PREFIX: Final = "inspan_task_"
_BYTES: Final = 32


class GuestKeys:
    """Those of one daemon. The key is made where there is none. Raises Unable."""

    def __init__(self, path: Path, socket: Path) -> None:
        self._socket = socket
        self._key = _key(path)

    def token(self, task: str) -> str:
        """The token of its agent."""
        return f"{_PREFIX}{task}_{self._sign(task)}"

    def task(self, token: str) -> str | None:
        """Whose token it is; ``None`` where it is none of ours."""
        task, _, shown = token.removeprefix(_PREFIX).partition("_")
        if not token.startswith(_PREFIX) or not TASK_ID.fullmatch(task) or not shown.isascii():
            return None
        return task if hmac.compare_digest(shown, self._sign(task)) else None

    def variables(self, session: str) -> Mapping[str, str]:
        """By which every `inspan` in that session means this door, and says who asks."""
        token = self.token(task_of(session))
        return {"INSPAN_HOST": f"unix://{self._socket}", "INSPAN_TOKEN": token}

    def _sign(self, task: str) -> str:
        return hmac.new(self._key, task.encode(), hashlib.sha256).hexdigest()


def _key(path: Path) -> bytes:
    """Raises Unable where others could have read it."""
    made = os.urandom(_BYTES)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        if not path.exists():
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
                file.write(made)
            # Never over one that is there: tokens of agents at work would be void.
            try:
                os.link(fresh, path)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        with path.open("rb") as file:
            found, key = os.fstat(file.fileno()), file.read(_BYTES + 1)
    except OSError as error:
        raise Unable(f"the key of agents' tokens, {path}: {error.strerror}") from error
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077 or len(key) != _BYTES:
        raise Unable(
            f"the key of agents' tokens, {path}, is not what was made, or open to others",
            hint="Remove it: another is made, and agents at work can hand in no more tasks.",
        )
    return key
