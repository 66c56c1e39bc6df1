"""Python's search for what nobody holds any more, made while nobody types.

By itself it begins in the middle of anything and looks at all there is: a tenth of a second, in
which a key waits. What is there from the start stays to the end, so that it is never looked at
again; the rest is swept in a moment's rest. And what is large never lies among the rest of the C
library's memory, but by itself, to be given back when it goes: otherwise, once one long recording
was read, the next ones lie there, with more room between them each time. To have the library give
back what lies free was tried: it is taken again, and then more grows in ten minutes than without.
All of it is of the whole process, so this is for the program alone and for nothing that is only a
part of one.
"""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress
from typing import Final

#: As many that stayed as begin a search by themselves, however much somebody types.
_MOST: Final = (5_000, 10, 100)
#: Fewer than these are not worth a look.
_FEWEST: Final = 2_000
#: Bytes that are large; it is what the C library begins with, until something large has gone.
_LARGE: Final = 1 << 17
#: What the C library calls that, which grows by itself where it is not set.
_M_MMAP_THRESHOLD: Final = -3
#: So many rests pass until the next sweep: it takes 20 ms.
_RESTS: Final = 15


class Sweeper:
    """That of one process."""

    def __init__(self) -> None:
        self._begun = False
        self._rests = 0
        _set_large_apart()
        gc.freeze()
        gc.set_threshold(*_MOST)

    def sweep(self) -> None:
        """Now nobody is kept waiting."""
        self._rests += 1
        if self._begun and (self._rests < _RESTS or sum(gc.get_count()) < _FEWEST):
            return
        self._rests = 0
        gc.collect()
        if not self._begun:  # what the first screen is made of stays, too
            self._begun = True
            gc.freeze()


def _set_large_apart() -> None:
    """What is large is from now on given back by itself when it goes."""
    with suppress(AttributeError, OSError, TypeError):  # only the C library of GNU has it
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)
