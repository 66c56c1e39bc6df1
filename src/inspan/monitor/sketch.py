"""How large figures were, in little room: a quantile of it is within 1 %, however many there were.

Figures are counted in classes whose bounds grow by 2 % (the idea is that of DDSketch, Masson and
others, 2019), so that two sketches are joined by adding counts. It knows no unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Self

from inspan.model.metrics import Spread

_WITHIN: Final = 0.01
_GROWTH: Final = (1 + _WITHIN) / (1 - _WITHIN)
_PER_E: Final = 1 / math.log(_GROWTH)
#: What is smaller counts as this: 10 nanoseconds, where figures are seconds.
_LEAST: Final = 1e-8


class Sketch:
    """Counts of figures, which are not negative."""

    __slots__ = ("_classes", "count", "least", "most", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.least = math.inf
        self.most = 0.0
        self._classes: dict[int, int] = {}

    def add(self, figure: float) -> None:
        """Count one."""
        self.count += 1
        self.total += figure
        # Comparisons, since `min` and `max` take ten times as long, and this counts every task.
        self.least = min(self.least, figure)
        self.most = max(self.most, figure)
        place = math.ceil(math.log(max(_LEAST, figure)) * _PER_E)
        self._classes[place] = self._classes.get(place, 0) + 1

    def join(self, other: Sketch) -> None:
        """Count all that ``other`` has counted."""
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)
        for place, count in other._classes.items():
            self._classes[place] = self._classes.get(place, 0) + count

    def quantile(self, share: float) -> float | None:
        """What ``share`` of the figures do not exceed."""
        left = math.ceil(share * self.count)
        for place in sorted(self._classes):
            left -= self._classes[place]
            if left <= 0:
                middle = 2 * _GROWTH**place / (_GROWTH + 1)
                return min(self.most, max(self.least, middle))
        return None

    def spread(self) -> Spread:
        """It in a few figures."""
        if not self.count:
            return Spread()
        return Spread(self.count, self.total, self.quantile(0.5), self.quantile(0.95), self.most)

    def plain(self) -> list[Any]:
        """It as JSON has it; ``of`` makes it again."""
        if not self.count:
            return []
        counts = {str(place): count for place, count in self._classes.items()}
        return [self.total, self.least, self.most, counts]

    @classmethod
    def of(cls, plain: list[Any]) -> Self:
        """What ``plain`` was made from."""
        sketch = cls()
        if plain:
            counts: Mapping[str, int]
            sketch.total, sketch.least, sketch.most, counts = plain
            sketch._classes = {int(place): count for place, count in counts.items()}
            sketch.count = sum(counts.values())
        return sketch
