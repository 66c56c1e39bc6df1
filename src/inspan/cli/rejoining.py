"""A daemon elsewhere that was lost: it is tried again, never started."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Final

from inspan.client.sync import SyncControl
from inspan.errors import DaemonUnreachable

if TYPE_CHECKING:
    from inspan.client.address import Address

#: How often in a row, where somebody waits for one answer.
_TRIES: Final = 12
#: What chance adds to a delay, at most: many clients must not come back at the same moment.
_JITTER: Final = 0.2
#: Before the first try, at most, in seconds: mostly the connection alone was lost.
_MOMENT: Final = 0.5


def rejoined(there: Address, *, patient: bool = False) -> SyncControl:
    """A client of it, once it takes connections again; ``patient``: however long that takes.

    Raises DaemonUnreachable.
    """
    every = _every()
    client = SyncControl(there)
    time.sleep(_MOMENT * _chance())
    tries = 1
    while not client.reach():
        if not patient and tries >= _TRIES:
            raise DaemonUnreachable(f"the connection to {there.url} is lost", hint=_HINT)
        if patient and tries == 1:
            _say(f"the connection to {there.url} is lost; trying again every {every:g} s")
        tries += 1
        time.sleep(every * (1 + _JITTER * _chance()))
    if patient and tries > 1:
        _say(f"connected to {there.url} again")
    return client


_HINT: Final = "What runs there runs on; ask again when it can be reached."


def _every() -> float:
    from inspan.settings.places import locate
    from inspan.settings.values import load

    where = locate(os.environ)
    return load(where.settings, where.state).timeouts.reconnect


def _chance() -> float:
    return os.urandom(1)[0] / 255


def _say(text: str) -> None:
    """On a line of its own, whatever a terminal that is raw now does with the end of one."""
    end = "\r\n" if sys.stderr.isatty() else "\n"
    print(f"inspan: {text}", file=sys.stderr, end=end, flush=True)
