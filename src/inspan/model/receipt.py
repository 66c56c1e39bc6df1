"""The receipt of a prompt: how far it has got on its way to an agent, and how that is known.

Values only. Success is claimed at one stage alone, the last that its way has; which way an agent
has is told by whoever runs it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from inspan.model.value import named_value, value

#: The longest key, in characters.
KEY_MOST: Final = 200


class Stage(StrEnum):
    """How far it has got; each stage includes those before it."""

    QUEUED = "queued"  #: inspan has it
    WRITTEN = "written"  #: the keeper has it, and writes it to the program as that reads
    ECHOED = "echoed"  #: the terminal shows it where one types
    SUBMITTED = "submitted"  #: the terminal shows it there no more
    STARTED = "started"  #: a turn of the agent has it


class Way(StrEnum):
    """How it goes in, and with that which stages it can be seen to reach."""

    TYPED = "typed"  #: to a program that tells nothing of turns
    LINES = "lines"  #: by the agent's own protocol, which echoes nothing
    SCREEN = "screen"  #: by typing, watched on the terminal


#: way → its stages, in their order; the last is the one that counts.
STAGES: Final[dict[Way, tuple[Stage, ...]]] = {
    Way.TYPED: (Stage.QUEUED, Stage.WRITTEN),
    Way.LINES: (Stage.QUEUED, Stage.WRITTEN, Stage.STARTED),
    Way.SCREEN: tuple(Stage),
}


@value
class Arrival:
    """Where a prompt stands. ``lost``: it will get no further, for the reason ``why``."""

    stage: Stage
    lost: bool = False
    why: str = ""


@named_value
class Receipt:
    """What is known of one prompt."""

    #: By which the same prompt is known again.
    key: str
    way: Way
    stage: Stage
    at: float  #: when it reached that stage, seconds since the epoch
    lost: bool = False
    why: str = ""  #: of what is lost, or waits

    @property
    def arrived(self) -> bool:
        """True where it is where it was to go."""
        return self.stage is STAGES[self.way][-1]

    @property
    def settled(self) -> bool:
        """True where nothing more will be known of it."""
        return self.arrived or self.lost
