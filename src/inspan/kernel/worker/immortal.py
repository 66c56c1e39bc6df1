"""Makes all objects immortal, so that whoever is forked from here shares the memory they are in.

Python counts references in the object itself, so that a mere look at one writes into its page, and
the page is the fork's own from then on. References to immortal objects are not counted. Nothing of
what is here can be freed any more: it must never be called in a process that has a session.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from types import CodeType


def keep() -> bool:
    """Do so, from Python 3.13 on; whether that could be done."""
    if hasattr(sys, "gettotalrefcount"):
        return False  # a debug build, which sees whether counts add up
    kind = ctypes.PYFUNCTYPE(None, ctypes.py_object, ctypes.c_ssize_t)
    try:
        # Part of the stable interface since Python 3.13.
        count = kind(("_Py_SetRefcnt", ctypes.pythonapi))
    except AttributeError:
        return False
    immortal = sys.getrefcount(None)
    for tracked in gc.get_objects():
        # The collector knows texts and numbers only by what refers to them.
        for one in (tracked, *gc.get_referents(tracked)):
            for part in _parts(one) if isinstance(one, CodeType) else (one,):
                if sys.getrefcount(part) != immortal:
                    count(part, immortal)
    return True


def _parts(code: CodeType) -> Iterator[object]:
    """The code and its constants, of which the collector knows nothing."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)
        else:
            yield constant
