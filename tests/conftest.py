"""What every test shares: one event loop library, and the rows of requirements it shows."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Write each test's requirement rows into the report that tools/requirements.py reads."""
    for item in items:
        rows = {row for mark in item.iter_markers("requirement") for row in mark.args}
        item.user_properties.extend(("requirement", row) for row in sorted(rows))
