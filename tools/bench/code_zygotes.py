"""What a session of ours is started in, whether by Control or without: environment and zygote."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from inspan.keeper.client import KeeperClient
from inspan.kernel.host.forking import forker
from tools.bench.processes import children


def environment(apart: int) -> dict[str, str]:
    """What begins so is read once, when a Python starts: another value is another zygote."""
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "LC_BENCH": str(apart)}


async def ready(keeper: KeeperClient, apart: int) -> None:
    """Return when such sessions are forked."""
    known = forker(sys.executable, environment(apart))
    if known is None or not await known.ready(keeper):
        raise RuntimeError("there is no zygote")


def helpers(keeper: int, guardians: Iterable[int], sessions: Iterable[int]) -> dict[str, int]:
    """The keeper, and of its children what is no session; ``guardians`` were there before any."""
    guardians = set(guardians)
    found = {"keeper": keeper}
    for pid in sorted(set(children(keeper)) - set(sessions)):
        name = "guardian" if pid in guardians else "zygote"
        number = sum(known.startswith(name) for known in found)
        found[f"{name} {number + 1}" if number else name] = pid
    return found
