"""A person at a terminal, one for each file of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real.console import Console
from tests.real.tmux import Pane, Tmux


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console() as console:
        yield console


@pytest.fixture(scope="module")
def tmux(console: Console) -> Iterator[Tmux]:
    with Tmux(console) as tmux:
        yield tmux


@pytest.fixture
def pane(tmux: Tmux) -> Pane:
    return tmux.pane()
