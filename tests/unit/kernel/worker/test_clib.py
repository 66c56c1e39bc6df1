"""The C library's buffer, where there is none that is known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inspan.kernel.worker import clib


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    clib._stdout.cache_clear()
    yield
    clib._stdout.cache_clear()


def test_a_library_that_calls_its_buffer_otherwise_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clib, "_STDOUT", "no_such_symbol")
    assert clib._stdout() is None
    clib.by_lines()
    clib.flush()


def test_without_a_library_nothing_is_flushed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise OSError("no such library")

    monkeypatch.setattr(clib, "library", missing)
    assert clib._stdout() is None
    clib.flush()
