"""How many tasks of each provider may run at once: fewer while its service is overloaded.

It counts what runs and remembers what was overloaded, no longer than this engine lives. It starts
and stops nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from inspan.engine.ports import Clock
from inspan.model.agent import Ending, Outcome
from inspan.model.patience import Room

log = logging.getLogger(__name__)

#: How often in one attempt an agent tells that it will try again before that counts as overload.
_OFTEN: Final = 3
#: What fewer tasks at once may help against.
_TOO_MANY: Final = (Ending.OVERLOADED, Ending.QUOTA)


class Crowding:
    """The room of each provider, and who takes it."""

    def __init__(self, clock: Clock, most: Mapping[str, int], changed: Callable[[], None]) -> None:
        """``changed`` is called when there may be room where there was none."""
        self._clock = clock
        self._rooms = {name: Room(most=limit) for name, limit in most.items()}
        self._taken: Counter[str] = Counter()
        #: session → how often it has told that it backs off.
        self._backed_off: Counter[str] = Counter()
        self._changed = changed

    def has_room(self, provider: str) -> bool:
        """Whether one more task of it may start."""
        room = self._rooms.get(provider)
        places = None if room is None else room.places(self._clock.monotonic())
        return places is None or self._taken[provider] < places

    def take(self, provider: str) -> None:
        """A task of it starts, or goes on."""
        self._taken[provider] += 1

    def release(self, provider: str) -> None:
        """A task of it is over."""
        self._taken[provider] -= 1

    def next_place(self) -> float | None:
        """When a place comes back; monotonic seconds."""
        now = self._clock.monotonic()
        moments = [room.next_place(now) for room in self._rooms.values()]
        return min((moment for moment in moments if moment is not None), default=None)

    def backs_off(self, provider: str, session: str, ending: Ending) -> None:
        """An agent tells that it will try again by itself, since one try ended so."""
        if ending not in _TOO_MANY:
            return
        self._backed_off[session] += 1
        if self._backed_off[session] % _OFTEN == 0:
            self.overloaded(provider)

    def overloaded(self, provider: str) -> None:
        """Its service could not serve a task."""
        now = self._clock.monotonic()
        before = self._rooms.get(provider) or Room()
        after = self._rooms[provider] = before.overloaded(now, self._taken[provider])
        if after is not before:
            places = after.places(now)
            figures = {"action": "shrink", "provider": provider, "slots": places}
            log.warning("%s is overloaded: %s at once for now", provider, places, extra=figures)

    def ended(self, provider: str, session: str, outcome: Outcome | None) -> None:
        """An attempt of it is over; ``outcome`` is an agent's."""
        self._backed_off.pop(session, None)
        room = self._rooms.get(provider)
        if outcome is not None and outcome.ending is Ending.OVERLOADED:
            self.overloaded(provider)
        elif outcome is not None and outcome.ok and room is not None:
            self._rooms[provider] = room.succeeded(self._clock.monotonic())
            self._changed()

    def warnings(self) -> Iterator[str]:
        """A sentence for each provider that has less room than it may have."""
        now = self._clock.monotonic()
        for provider, room in self._rooms.items():
            again = room.next_place(now)
            if again is not None:
                usual = f" rather than {room.most}" if room.most else ""
                yield (
                    f"{provider} is overloaded: {room.places(now)} at once{usual},"
                    f" and one more in {again - now:.0f} s"
                )
