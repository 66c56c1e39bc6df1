"""Which forker a session can come from: one for each Python, and each way in which it starts.

A forked session has what its forker read when it was started, so only those share one whose start
would have been the same. It knows neither how a fork is made nor what a session is for.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from inspan.keeper.client import KeeperClient
from inspan.kernel.worker import boot

#: What an interpreter, the C library or the loader reads once, at the start: these, and all that
#: begin so. ``site`` looks for the user's own modules below HOME.
_READ_ONCE: Final = frozenset({"HOME", "LANG", "LANGUAGE", "TZ", "GLIBC_TUNABLES", "OPENSSL_CONF"})
_BEGIN: Final = ("PYTHON", "LC_", "LD_", "MALLOC_")


@dataclass(frozen=True, slots=True)
class Forker:
    """One that the keeper may have, or start."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]

    def want(self, keeper: KeeperClient) -> None:
        """Let the keeper start it where it does not run. Raises KeeperLost."""
        keeper.want_forker(self.name, argv=self.argv, env=self.env)

    async def ready(self, keeper: KeeperClient) -> bool:
        """The same, and wait; whether there is one. Raises what ``KeeperClient.forker`` does."""
        return await keeper.forker(self.name, argv=self.argv, env=self.env)


def forker(python: str, env: Mapping[str, str]) -> Forker | None:
    """The one for sessions of this Python with this environment; ``None`` where none can be.

    What is found by its name, or from the session's folder, may be another for each session.
    """
    if not os.path.isabs(python):  # noqa: PTH117 - a question about a text
        return None
    argv = tuple(boot.forker(python))
    start = {name: value for name, value in env.items() if name in _READ_ONCE or _begins(name)}
    words = json.dumps([argv, sorted(start.items())]).encode()
    return Forker(f"py-{hashlib.sha256(words).hexdigest()[:32]}", argv, start)


def _begins(name: str) -> bool:
    return name.startswith(_BEGIN)
