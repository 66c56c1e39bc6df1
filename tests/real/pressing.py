"""Somebody who goes round in ``inspan tui``: keys, and what shows that each has been heeded.

Each step is timed from its key to the change on the screen that only this key can have made:
what twenty busy programs draw meanwhile is not taken for it.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.real.cockpit import Cockpit, Rows, Sees

ESCAPE, ENTER, LEAVE = b"\x1b", b"\r", b"\x1c"
DOWN, UP, PAGE_UP, PAGE_DOWN = b"\x1b[B", b"\x1b[A", b"\x1b[5~", b"\x1b[6~"
#: Between two keys, in seconds.
PACE: Final = 0.25
_LENGTH: Final = re.compile(r"\d / \d+:\d\d")
_HEARD: Final = re.compile(r"heard (\d+) keys")


def on_the_list(rows: Rows) -> bool:
    return "n New" in rows[-1]


def elsewhere(rows: Rows) -> bool:
    return "n New" not in rows[-1]


def selected(rows: Rows) -> str:
    """The row of the list that is selected, without how long it took."""
    return next((row[:40] for row in rows if row.startswith("▌")), "")


def another_than(before: str) -> Sees:
    return lambda rows: selected(rows) not in ("", before)


def says(word: str) -> Sees:
    return lambda rows: any(word in row for row in rows)


def helps(rows: Rows) -> bool:
    """Whether the keys are told, over whatever there is."""
    return any("dark or light" in row for row in rows)


def plays(rows: Rows) -> bool:
    """Whether a recording is there, and how long it is."""
    return any("Esc back" in row and _LENGTH.search(row) for row in rows)


def heard(rows: Rows) -> int:
    """How many keys the program on the screen says it has had."""
    return max((int(found) for row in rows for found in _HEARD.findall(row)), default=0)


def more_than(had: int) -> Sees:
    return lambda rows: heard(rows) > had


@dataclass
class Rounds:
    """Rounds through all of it. ``took`` has the seconds of each kind of key."""

    cockpit: Cockpit
    took: dict[str, list[float]] = field(default_factory=dict)
    rounds: int = 0

    def go(self, seconds: float) -> Iterator[None]:
        """Go round for so long; between two keys others have their turn."""
        end = time.monotonic() + seconds
        chance = random.Random(17)
        while True:
            for step in (self._list, self._one, self._screens, self._terminal, self._recording):
                for _ in step(chance):
                    self.cockpit.look(PACE)
                    yield
                    if time.monotonic() > end:
                        return
            self.rounds += 1

    def all(self) -> list[float]:
        """The seconds of every key."""
        return [one for some in self.took.values() for one in some]

    def home(self) -> None:
        """Back to the list, from wherever a round was broken off."""
        for _ in range(10):
            for key in (LEAVE, ESCAPE):
                rows = self.cockpit.rows()
                if on_the_list(rows) and not helps(rows):
                    return
                self.cockpit.press(key)
                self.cockpit.look(1.0)
        raise AssertionError("\n".join(self.cockpit.rows()))

    def press(self, kind: str, keys: bytes, wanted: Sees) -> None:
        self.took.setdefault(kind, []).append(self.cockpit.timed(keys, wanted))

    # ── parts of a round ──────────────────────────────────────────────────────

    def _list(self, chance: random.Random) -> Iterator[None]:
        self.cockpit.press(b"\x1b[H")
        yield
        for _ in range(chance.randint(3, 15)):
            self.press("a step", DOWN, another_than(selected(self.cockpit.rows())))
            yield
        self.press("a step", UP, another_than(selected(self.cockpit.rows())))
        yield

    def _one(self, _chance: random.Random) -> Iterator[None]:
        yield from self._there_and_back("one task", ENTER, elsewhere)

    def _screens(self, _chance: random.Random) -> Iterator[None]:
        yield from self._there_and_back("load", b"p", says("  database "))
        yield from self._there_and_back("graph", b"g", elsewhere)
        yield from self._there_and_back("log", b"L", elsewhere)
        yield from self._there_and_back("help", b"?", helps)

    def _there_and_back(self, kind: str, key: bytes, there: Sees) -> Iterator[None]:
        self.press(kind, key, there)
        for _ in range(4):
            yield
        self.press("back", ESCAPE, lambda rows: on_the_list(rows) and not there(rows))
        yield

    def _terminal(self, _chance: random.Random) -> Iterator[None]:
        self.press("terminal", b"t", says("a types into it"))
        for _ in range(12):
            yield
        self.press("attach", b"a", says("Every key goes"))
        yield
        for key in b"hello":
            had = heard(self.cockpit.rows())
            self.press("typed", bytes([key]), more_than(had))
            yield
        self.press("leave", LEAVE, says("a types into it"))
        yield
        self.cockpit.press(PAGE_UP)
        yield
        self.cockpit.press(PAGE_DOWN)
        yield
        self.press("back", ESCAPE, on_the_list)
        yield

    def _recording(self, _chance: random.Random) -> Iterator[None]:
        self.press("recording", b"r", plays)
        yield
        self.cockpit.press(b" ")
        for _ in range(12):
            yield
        self.press("back", ESCAPE, on_the_list)
        yield
