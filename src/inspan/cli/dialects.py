"""Who the agent of a task that is to be shown is; one that can no longer be had is none."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from inspan.errors import InspanError
from inspan.model.agent import is_agent

if TYPE_CHECKING:
    from inspan.agents.dialect import Dialect


def dialect_of(provider: str) -> Dialect | None:
    """The agent of that name; what one printed that is no longer known is shown as it is."""
    if not is_agent(provider):
        return None
    from inspan.agents.registry import find

    if (own := find(provider)) is not None:
        return own
    from inspan.cli import reach
    from inspan.settings import passing

    with suppress(InspanError):
        return passing.dialect_of(provider, reach.settings())
    return None
