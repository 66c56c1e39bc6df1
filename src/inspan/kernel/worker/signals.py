"""Signals without the enumerations that ``signal`` makes of them at its import."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, Final

_signal: Final[Any] = sys.modules["_signal"]  # part of every Python, and known to no type checker

INT: Final[int] = _signal.SIGINT
KILL: Final[int] = _signal.SIGKILL
ALL: Final[frozenset[int]] = frozenset(_signal.valid_signals())
IGNORE: Final[int] = _signal.SIG_IGN
BLOCK: Final[int] = _signal.SIG_BLOCK
UNBLOCK: Final[int] = _signal.SIG_UNBLOCK
SET: Final[int] = _signal.SIG_SETMASK

#: ``signal.signal``, ``getsignal`` and ``pthread_sigmask``.
handle: Final[Callable[[int, Any], object]] = _signal.signal
handler: Final[Callable[[int], object]] = _signal.getsignal
mask: Final[Callable[[int, Iterable[int]], set[int]]] = _signal.pthread_sigmask
#: Raises KeyboardInterrupt.
interrupt: Final[Callable[..., object]] = _signal.default_int_handler
