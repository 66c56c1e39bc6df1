"""How much of the machine's memory is left to others: what decides whether one more task starts."""

from __future__ import annotations

from inspan.model.value import value


@value(frozen=True, kw_only=True)
class MemoryRules:
    """In bytes."""

    #: No task starts that would leave less than this; nothing: memory is not looked at.
    keep: int = 256 << 20
    #: What an agent is reckoned to take that has just begun and has not taken it yet.
    start: int = 64 << 20
