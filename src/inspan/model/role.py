"""A role: what kind of worker a task asks for, and how many may work at once."""

from __future__ import annotations

from dataclasses import dataclass

#: Two at once per role unless the settings say otherwise (the user's own figure).
DEFAULT_LIMIT = 2


@dataclass(frozen=True, slots=True)
class Role:
    """A name and the number of slots it has."""

    name: str
    limit: int = DEFAULT_LIMIT
