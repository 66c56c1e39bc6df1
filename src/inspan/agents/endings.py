"""Endings that look alike for every agent: the status of its model's service, and silence."""

from __future__ import annotations

import re
import signal
from typing import Final

from inspan.model.agent import Ending, Outcome
from inspan.model.task import Exit

_LOGIN: Final = re.compile(
    r"not logged in|log ?in|unauthorized|authenticat|api[ _-]?key|credential", re.IGNORECASE
)
_COMPLAINT_MOST: Final = 400
#: By these a program is told to go; every other one that ends it is a fault of its own.
_TOLD: Final = frozenset(
    {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL, signal.SIGTERM}
)
#: What a shell around a program adds to the signal that ended it, and many a program by itself.
_BY_SIGNAL: Final = 128


def by_status(status: int, message: str, *, login_hint: str = "") -> Outcome:
    """What an HTTP status of the model's service means (RFC 9110; 429: RFC 6585; 529: overload)."""
    words = message or f"the model's service answered with status {status}"
    if status in (401, 403):
        return Outcome(Ending.LOGIN, words, login_hint)
    if status in (402, 429):
        return Outcome(Ending.QUOTA, words)
    if status == 408 or status >= 500:
        return Outcome(Ending.OVERLOADED, words)
    return Outcome(Ending.FAILED, words)


def by_words(message: str, *, login_hint: str = "") -> Outcome:
    """What a failure means that has nothing but words."""
    if _LOGIN.search(message):
        return Outcome(Ending.LOGIN, message, login_hint)
    return Outcome(Ending.FAILED, message or "it failed and did not say why")


def killed_there(how: Exit) -> Outcome | None:
    """That one on a terminal was killed; ``None`` where it ended by itself.

    Many a program ends with 130 when somebody types ^C, which is their wish; nobody ends with 137.
    """
    if how.signal not in _TOLD and how.status != _BY_SIGNAL + signal.SIGKILL:
        return None
    words = f"it was killed by {signal.Signals(how.status - _BY_SIGNAL).name}"
    return Outcome(Ending.KILLED, words, "`inspan resume ID` begins anew, in the same folder.")


def silent_end(name: str, how: Exit, complaint: str, *, login_hint: str = "") -> Outcome:
    """It has ended and never said how: that is never success, whatever its exit status.

    For one that we did not tell to go ourselves.
    """
    number = how.status - _BY_SIGNAL
    if number in _TOLD:
        return Outcome(Ending.KILLED, f"{name} was killed by {signal.Signals(number).name}")
    last = complaint.strip()[-_COMPLAINT_MOST:]
    status = f"signal {how.signal}" if how.signal else f"status {how.code}"
    words = f"{name} ended with {status} and did not say that it was done"
    if not last:
        return Outcome(Ending.FAILED, words)
    return by_words(f"{words}: {last}", login_hint=login_hint)
