"""What every test shares: one event loop library."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
