"""Of many errors at once, one is told."""

from __future__ import annotations

from inspan.errors import DiskFull, StoreLocked
from inspan.leaving import first


def test_the_first_of_many_errors_is_found_however_deep_it_lies() -> None:
    locked = StoreLocked()
    inner = ExceptionGroup("inner", [locked, DiskFull()])
    assert first(ExceptionGroup("", [inner, DiskFull()])) is locked
