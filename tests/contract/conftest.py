"""What the suites over every Control have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from tests.fakes.hands import CONTROLS, Factory, Hand


@pytest.fixture(params=[factory for _, factory in CONTROLS], ids=[name for name, _ in CONTROLS])
async def hand(request: pytest.FixtureRequest) -> AsyncIterator[Hand]:
    factory: Factory = request.param
    async with factory() as made:
        with anyio.fail_after(20):
            yield made
