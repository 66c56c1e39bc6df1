"""The page on agents has what `make test-agents` holds them to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.play import PLAIN
from tests.agents.promised import ROWS, table

PAGE = Path(__file__).parents[3] / "docs" / "agents.md"


@pytest.mark.requirement("A2")
def test_the_page_has_the_table_that_they_are_held_to() -> None:
    assert "\n".join(table()) in PAGE.read_text(encoding="utf-8")


def test_every_plain_scenario_is_a_row() -> None:
    # What runs a command is shown by the row that asks for it.
    assert set(ROWS) == {*PLAIN, "hang"} - {"run_command"}
