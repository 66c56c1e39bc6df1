"""What every test shares: one event loop library, and the rows of requirements it shows."""

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, and nothing about the property.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Write each test's requirement rows into the report that tools/requirements.py reads."""
    for item in items:
        rows = {row for mark in item.iter_markers("requirement") for row in mark.args}
        item.user_properties.extend(("requirement", row) for row in sorted(rows))
