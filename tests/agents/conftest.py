"""The daemon and the guide of tests that run agents under inspan."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.guides import Guide, guiding
from tests.real.daemon import Daemon


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon() as daemon:
        yield daemon


@pytest.fixture
def guide(daemon: Daemon, tmp_path: Path) -> Iterator[Guide]:
    with guiding(daemon, tmp_path) as guide:
        yield guide
