"""Rows of the table on code sessions: round trips, starts, output, interrupts. Nothing is measured.

A figure of ours comes from several sides; each has its row, beside the same figure of ipykernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median
from typing import Any, Final

from tools.bench.code_cells import AWAITED, BLOCKED
from tools.bench.measure import Row, Series, digits

Rounds = dict[str, list[Any]]
#: How each of our sides is called behind the figure's name.
CALLED: Final = {"worker": "", "here": ", Control in process", "daemon": ", Control"}
BOTH: Final = ("worker", "daemon")
THEIRS: Final = "ipykernel"


def trips(plain: Rounds) -> Iterator[Row]:
    for share, name, most in ((0.5, "p50", 0.06), (0.99, "p99", 0.10)):

        def of(one: Any, share: float = share) -> float:
            return Series.of(one["trips"]).share(share)

        for side in CALLED:
            what = f"round trip of `1+1`, {name}{CALLED[side]}"
            yield beside(what, plain[side], plain[THEIRS], of, " µs", 1e6, most)


def starts(plain: Rounds) -> Iterator[Row]:
    kinds = (("spawned", "spawned", 0.08), ("forked", "forked", 0.01), ("pooled", "pool", 0.01))
    for key, name, most in kinds:
        for side in BOTH:
            if not plain[side][0][key]:
                continue
            what = f"{'from a ' if name == 'pool' else ''}{name}: start to first result"
            yield row(
                f"{what}{CALLED[side]}",
                Series.of(median(one[key]) for one in plain[side]),
                Series.of(one["first"] for one in plain[THEIRS]),
                " ms",
                1e3,
                most,
            )
    first = Series.of(one["first"] for one in plain["daemon"])
    yield Row(what="the first session of a new daemon and keeper", ours=first.text(" ms", 1e3))


def output(plain: Rounds) -> Iterator[Row]:
    cells = (("lines", "100,000 printed lines", 0.5), ("flushed", "20,000 flushed prints", 0.08))
    for key, name, most in cells:
        for side in CALLED:

            def of(one: Any, key: str = key) -> float:
                return float(one[key]["seconds"])

            yield beside(f"{name}{CALLED[side]}", plain[side], plain[THEIRS], of, " ms", 1e3, most)
    for side in CALLED:
        yield _amiss(f"bytes of both lost, displaced{CALLED[side]}", plain[side], plain[THEIRS])
    for side in BOTH:
        yield beside(
            f"first byte of 100,000 lines{CALLED[side]}",
            plain[side],
            plain[THEIRS],
            lambda one: float(one["lines"]["first"]),
            " ms",
            1e3,
            0.1,
            within=0.020,
        )
    for side in BOTH:
        yield beside(
            f"from a print to its reader{CALLED[side]}",
            plain[side],
            plain[THEIRS],
            lambda one: median(one["delays"]),
            " ms",
            1e3,
        )


def interrupts(found: Rounds) -> Iterator[Row]:
    for name in (*BLOCKED, *AWAITED):
        for side in BOTH:
            ours, theirs = (
                Series.of(seconds for one in found[which] for seconds in one[name])
                for which in (side, THEIRS)
            )
            what = f"interrupt, {name}{CALLED[side]}"
            yield row(what, ours, theirs, " ms", 1e3, within=0.005)


def beside(
    what: str,
    ours: list[Any],
    theirs: list[Any],
    of: Callable[[Any], float],
    unit: str,
    scale: float,
    most: float | None = None,
    *,
    within: float | None = None,
) -> Row:
    """One figure of each round."""
    mine, peer = (Series.of(map(of, rounds)) for rounds in (ours, theirs))
    return row(what, mine, peer, unit, scale, most, within=within)


def row(
    what: str,
    ours: Series,
    theirs: Series,
    unit: str,
    scale: float,
    most: float | None = None,
    *,
    within: float | None = None,
) -> Row:
    """``most``: what the ratio may be; ``within``: what the figure of ours may be."""
    if len(ours.values) == len(theirs.values):
        ratio = ours.over(theirs)
    else:
        ratio = Series.of([ours.median / theirs.median])
    goals, met = [], True
    if most is not None:
        goals.append(f"≤ {most:.2f}×")
        met = ratio.median <= most
    if within is not None:
        goals.append(f"≤ {digits(within * scale)}{unit}")
        met = met and ours.median <= within
    return Row(
        what=what,
        ours=ours.text(unit, scale),
        peer=theirs.text(unit, scale),
        ratio=ratio.text("×"),
        goal=", ".join(goals),
        met=met if goals else None,
    )


def _amiss(what: str, ours: list[Any], theirs: list[Any]) -> Row:
    def total(rounds: list[Any]) -> tuple[int, int]:
        cells = [one[key] for one in rounds for key in ("lines", "flushed")]
        return sum(cell["lost"] for cell in cells), sum(cell["displaced"] for cell in cells)

    mine = total(ours)
    return Row(
        what=what,
        ours="{}, {}".format(*mine),
        peer="{}, {}".format(*total(theirs)),
        goal="0, 0",
        met=mine == (0, 0),
    )
