"""How far each run's script is, and what the run has asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.agents.endpoint.scenario import Turn, turn

#: How many requests are kept of each run, the first ones, however many it makes.
KEPT = 200
#: In seconds, how long is waited for what is still being answered.
SETTLING = 5.0


@dataclass
class Request:
    """One request as it came, and how it went. Times are of the monotonic clock, in seconds."""

    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    side: bool = False
    #: The name of the turn that it got, where it took one.
    turn: str | None = None
    status: int | None = None
    #: When the client was seen to have closed before the answer was whole.
    client_closed: float | None = None
    #: When all of the answer had been sent, or nothing more could be.
    ended: float | None = None


@dataclass
class _Played:
    """How far a run's script is."""

    turns: int = 0
    #: In the place of the scenario's.
    script: tuple[Turn, ...] = ()
    asked: int = 0
    requests: list[Request] = field(default_factory=list)


class Runs:
    """Of all instances. It is used from the thread of each connection."""

    def __init__(self) -> None:
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._played: dict[str, _Played] = {}

    def requests(self, instance: str) -> list[Request]:
        with self._lock:
            played = self._played.get(instance)
            return list(played.requests) if played else []

    def settled(self, instance: str) -> list[Request]:
        until = time.monotonic() + SETTLING
        while time.monotonic() < until:
            asked = self.requests(instance)
            if all(each.status or each.client_closed for each in asked):
                return asked
            time.sleep(0.02)
        return self.requests(instance)

    def note(self, instance: str, request: Request) -> int:
        """Keep a request; gives its number in the run, from 1."""
        with self._lock:
            played = self._played.setdefault(instance, _Played())
            played.asked += 1
            if len(played.requests) < KEPT:
                played.requests.append(request)
            return played.asked

    def advance(self, scenario: str, instance: str) -> Turn:
        with self._lock:
            played = self._played.setdefault(instance, _Played())
            played.turns += 1
            if played.script:
                return played.script[min(played.turns, len(played.script)) - 1]
            return turn(scenario, played.turns - 1)

    def script(self, instance: str, turns: tuple[Turn, ...]) -> None:
        """From now on these, in the place of the scenario's; the last is played again."""
        with self._lock:
            played = self._played.setdefault(instance, _Played())
            played.script, played.turns = turns, 0
