"""Prompts on their way into one process of an agent, and how far each has got.

Those that wait for the end of a turn outlive whoever took them: they are in the recording as a line
of ours that the agent passes over, or of a terminal beside it. It knows no agent, and no line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from inspan.errors import InputFull
from inspan.model.receipt import Arrival, Stage

#: How many may wait.
HELD_MOST: Final = 32
#: Why one waits.
TURN_GOES_ON: Final = "its turn before that goes on"


class Handed:
    """The prompts of one conversation, in their order. One without a key is not told of."""

    def __init__(self) -> None:
        self._arrivals: dict[str, Arrival] = {}
        self._held: list[tuple[str, str]] = []
        #: The keys of those that were written, and that no turn has yet.
        self._written: list[str] = []

    @property
    def arrivals(self) -> Mapping[str, Arrival]:
        """Where each with a key stands."""
        return self._arrivals

    @property
    def next(self) -> tuple[str, str] | None:
        """The key and the text of the first that waits for the end of the turn."""
        return self._held[0] if self._held else None

    @property
    def held(self) -> tuple[tuple[str, str], ...]:
        """The keys and the texts of all that wait."""
        return tuple(self._held)

    def check_room(self) -> None:
        """Raises InputFull where as many wait as may."""
        if len(self._held) >= HELD_MOST:
            raise InputFull(
                f"{HELD_MOST} prompts wait for it already",
                hint="Send it once it has taken some; `inspan show ID` tells what it does.",
            )

    def hold(self, key: str, text: str) -> None:
        """It waits for the end of the turn."""
        self._held.append((key, text))
        self.wait(key, TURN_GOES_ON)

    def wait(self, key: str, why: str) -> None:
        """What it waits for."""
        self._note(key, Arrival(Stage.QUEUED, why=why))

    def release(self, key: str) -> None:
        """It waits no more: it is about to be written."""
        self._held = [one for one in self._held if not key or one[0] != key]

    def write(self, key: str) -> None:
        """It was written."""
        self.release(key)
        self._written.append(key)
        self._note(key, Arrival(Stage.WRITTEN))

    def write_next(self) -> None:
        """The first of those that wait was written."""
        self.write(self._held.pop(0)[0] if self._held else "")

    def reach(self, key: str, stage: Stage, why: str = "") -> None:
        """It was written, and has got further than that; ``why`` it gets no further by now."""
        self._note(key, Arrival(stage, why=why))

    def start(self, key: str | None = None) -> None:
        """A turn has all that was written, or the one with ``key``."""
        for one in list(self._written) if key is None else [key]:
            if one in self._written:
                self._written.remove(one)
                self._note(one, Arrival(Stage.STARTED))

    def start_next(self) -> None:
        """A turn has the first of those that were written."""
        if self._written:
            self.start(self._written[0])

    def lose(self, key: str, why: str) -> None:
        """It will get no further."""
        self.release(key)
        if key in self._written:
            self._written.remove(key)
        now = self._arrivals.get(key)
        if now is not None and now.stage is not Stage.STARTED:
            self._note(key, Arrival(now.stage, lost=True, why=why))

    def lose_written(self, why: str) -> None:
        """No turn will have those that were written."""
        for key in list(self._written):
            self.lose(key, why)

    def drop(self, why: str) -> None:
        """None of those that wait is written any more."""
        for key, _ in self._held:
            self.lose(key, why)
        self._held.clear()

    def _note(self, key: str, arrival: Arrival) -> None:
        if key:
            self._arrivals[key] = arrival
