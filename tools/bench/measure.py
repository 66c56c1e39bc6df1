"""Series of figures, ratios between two of them, and how both are written. It measures nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Series:
    """One figure for each round, or for each of many tries."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Series:
        return cls(tuple(values))

    @property
    def median(self) -> float:
        return median(self.values)

    def share(self, part: float) -> float:
        """The value that ``part`` (0 to 1) of all are not above."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]

    def over(self, other: Series) -> Series:
        """Ours by theirs, round for round."""
        return Series.of(a / b for a, b in zip(self.values, other.values, strict=True))

    def minus(self, other: Series) -> Series:
        """What ours costs more, round for round."""
        return Series.of(a - b for a, b in zip(self.values, other.values, strict=True))

    def text(self, unit: str = "", scale: float = 1.0) -> str:
        """The median, and in brackets the least and the most."""
        low, high = min(self.values) * scale, max(self.values) * scale
        spread = "" if len(self.values) == 1 else f" [{digits(low)}-{digits(high)}]"
        return f"{digits(self.median * scale)}{unit}{spread}"


def digits(value: float) -> str:
    """About three digits."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:.0f}"
    places = 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 3
    return f"{value:.{places}f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. ``met`` is ``None`` where there is no goal."""

    what: str
    ours: str
    peer: str = ""
    ratio: str = ""
    goal: str = ""
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a subject found out, and under which circumstances."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def alternate(rounds: int, *works: Callable[[], Any]) -> Iterator[tuple[Any, ...]]:
    """The results of all ``works``, round for round; every other round in reverse order."""
    for number in range(rounds):
        order = list(range(len(works)))[:: -1 if number % 2 else 1]
        results = {place: works[place]() for place in order}
        yield tuple(results[place] for place in sorted(results))


def in_a_child(module: str, *words: object, seconds: float = 300.0) -> Any:
    """What ``python -m tools.bench.MODULE WORDS...`` prints as its last line, which is JSON.

    Each measurement that leaves garbage, threads or altered modules has a process of its own.
    """
    command = [sys.executable, "-m", f"tools.bench.{module}", *map(str, words)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()[-12:]
        raise RuntimeError(f"{module} {words} failed:\n" + "\n".join(said))
    return json.loads(done.stdout.splitlines()[-1])


def file_system(folder: Path) -> str:
    """The name of the one that holds this folder."""
    told = subprocess.run(
        ["stat", "--file-system", "--format=%T", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "an unknown file system"


def columns(results: Sequence[Sequence[float]]) -> tuple[Series, ...]:
    """Rounds of several figures as one series for each figure."""
    return tuple(Series.of(column) for column in zip(*results, strict=True))
