"""How many tasks of each provider may run at once: fewer while its service is overloaded.

It counts what runs and remembers what was overloaded; the next engine is told of that by the facts
that it gives. It starts and stops nothing, and records none of them.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from inspan.engine.ports import Clock
from inspan.model.agent import Ending, Outcome
from inspan.model.event import Event, Overloaded
from inspan.model.patience import Room
from inspan.model.task import Task

log = logging.getLogger(__name__)

#: How often in one attempt an agent tells that it will try again before that counts as overload.
_OFTEN: Final = 3
#: What fewer tasks at once may help against.
_TOO_MANY: Final = (Ending.OVERLOADED, Ending.QUOTA)
#: For how long an overload is asked for that an earlier engine met, in seconds: with a minute for
#: each slot, all of sixty are back by then.
RECALLED: Final = 3600.0


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

    def recall(self, events: Iterable[Event]) -> None:
        """What earlier engines met, oldest first; the slots that are back since then are back."""
        now, moment = self._clock.now(), self._clock.monotonic()
        for event in events:
            match event.fact:
                case Overloaded(_, provider, slots, whole):
                    met = moment - max(0.0, now - event.at)
                    room = self._rooms.get(provider) or Room()
                    self._rooms[provider] = room.recalled(slots, whole, met)

    def backs_off(self, task: Task, ending: Ending) -> tuple[Overloaded, ...]:
        """An agent tells that it will try again by itself, since one try ended so."""
        session = task.session
        if ending not in _TOO_MANY or session is None:
            return ()
        self._backed_off[session] += 1
        often = self._backed_off[session] % _OFTEN == 0
        return self._overloaded(task) if often else ()

    def ended(self, task: Task, outcome: Outcome | None) -> tuple[Overloaded, ...]:
        """An attempt of it is over; ``outcome`` is an agent's."""
        self._backed_off.pop(task.session or "", None)
        room = self._rooms.get(task.spec.provider)
        if outcome is not None and outcome.ending is Ending.OVERLOADED:
            return self._overloaded(task)
        if outcome is not None and outcome.ok and room is not None:
            self._rooms[task.spec.provider] = room.succeeded(self._clock.monotonic())
            self._changed()
        return ()

    def _overloaded(self, task: Task) -> tuple[Overloaded, ...]:
        """Its provider could not serve it: the fact, where that is news."""
        provider, now = task.spec.provider, self._clock.monotonic()
        before = self._rooms.get(provider) or Room()
        after = self._rooms[provider] = before.overloaded(now, self._taken[provider])
        if after is before or after.left is None:
            return ()
        figures = {"action": "shrink", "provider": provider, "slots": after.left}
        log.warning("%s is overloaded: %s at once for now", provider, after.left, extra=figures)
        return (Overloaded(task.attempt, provider, after.left, after.whole),)

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
