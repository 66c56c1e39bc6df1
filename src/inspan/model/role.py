"""A role: what kind of worker a task asks for, and how many may work at once."""

from __future__ import annotations

from inspan.model.value import value

#: Two at once per role unless the settings say otherwise (the user's own figure).
DEFAULT_LIMIT = 2


@value(frozen=True)
class Role:
    """A name and the number of slots it has."""

    name: str
    limit: int = DEFAULT_LIMIT
