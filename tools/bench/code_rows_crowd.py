"""Rows of the table on code sessions: memory, many at once, and the floors. Nothing is measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tools.bench.code_rows import BOTH, CALLED, THEIRS, Rounds, row
from tools.bench.measure import Row, Series, digits

MEGA: Final = 1e6
#: Less than this is written as 0.0.
_NO_PERCENT: Final = 0.05
#: What in the memory of a crowd is of a session, and not of a process that serves all.
_EACH: Final = ("each", "most")


def memory(plain: Rounds, crowds: dict[str, Any]) -> Iterator[Row]:
    for key, name, most in (("pss", "spawned", 0.25), ("forked_pss", "forked, the only one", None)):
        for side in BOTH:
            ours = Series.of(one[key] for one in plain[side])
            theirs = Series.of(one["pss"] for one in plain[THEIRS])
            what = f"idle session, PSS, {name}{CALLED[side]}"
            yield row(what, ours, theirs, " MB", 1 / MEGA, most)
    for side in BOTH:
        crowd = crowds[side]
        count = crowd["count"]
        zygotes = sum(size for name, size in crowd["pss"].items() if name.startswith("zygote"))
        yield row(
            f"idle session, PSS, forked, one of {count}{CALLED[side]}",
            Series.of([crowd["pss"]["each"] + zygotes / count]),
            Series.of([crowds[THEIRS]["pss"]["each"]]),
            " MB",
            1 / MEGA,
            0.08,
        )


def crowd(crowds: dict[str, Any]) -> Iterator[Row]:
    count = crowds[THEIRS]["count"]
    for side in BOTH:
        yield row(
            f"{count} sessions started, 8 at a time{CALLED[side]}",
            Series.of(crowds[side]["starts"]),
            Series.of(crowds[THEIRS]["starts"]),
            " s",
            1,
            0.01,
        )
    for side in BOTH:
        if crowds[side]["stocked"]:
            yield row(
                f"{count} sessions taken from a pool that holds {count}, 8 at a time{CALLED[side]}",
                Series.of(crowds[side]["stocked"]),
                Series.of(crowds[THEIRS]["starts"]),
                " s",
                1,
                0.01,
            )
    for side in BOTH:
        used = sum(crowds[side]["cpu"].values()) * 100
        yield Row(
            what=f"CPU of {count} idle sessions and what serves them{CALLED[side]}",
            ours=f"{used:.2f} % ({_parts(crowds[side]['cpu'], 100, '.2f')})",
            peer=f"{sum(crowds[THEIRS]['cpu'].values()) * 100:.2f} %",
            goal="0.0 %",
            met=used < _NO_PERCENT,
        )
    for side in BOTH:
        helpers = {name: size for name, size in crowds[side]["pss"].items() if name not in _EACH}
        yield Row(
            what=f"PSS of what serves them{CALLED[side]}",
            ours=f"{digits(sum(helpers.values()) / MEGA)} MB ({_parts(helpers, 1 / MEGA, '.1f')})",
        )


def floors(plain: Rounds, crowds: dict[str, Any]) -> Iterator[Row]:
    """Bounds that hold whatever the peer does; each for the worst that was seen of both sides."""
    trips = max(Series.of(one["trips"]).share(0.99) for side in BOTH for one in plain[side])
    forked = max(seconds for side in BOTH for one in plain[side] for seconds in one["forked"])
    delays = Series.of(delay for side in BOTH for one in plain[side] for delay in one["delays"])
    most = max(
        *(one["pss"] for side in BOTH for one in plain[side]),
        *(crowds[side]["all"]["pss"]["most"] for side in BOTH),
    )
    yield _floor("a simple expression, the worst p99 of a round", trips, 1e3, " ms", 5)
    yield _floor("a warm session, the slowest", forked, 1e3, " ms", 100)
    yield _floor("from a print to its reader, p99", delays.share(0.99), 1e3, " ms", 10)
    yield _floor("PSS of a session, the most", most, 1 / MEGA, " MB", 50)
    for side in BOTH:
        there = crowds[side]["all"]
        yield Row(
            what=f"sessions alive that all answered at once{CALLED[side]}",
            ours=f"{there['count']} in {digits(there['seconds'] * 1e3)} ms,"
            f" {digits(there['pss']['each'] / MEGA)} MB each",
            goal="100",
            met=there["count"] >= 100,
        )


def _floor(what: str, value: float, scale: float, unit: str, below: float) -> Row:
    return Row(
        what=what,
        ours=f"{digits(value * scale)}{unit}",
        goal=f"< {below}{unit}",
        met=value * scale < below,
    )


def _parts(found: dict[str, float], scale: float, form: str) -> str:
    return ", ".join(f"{name} {value * scale:{form}}" for name, value in found.items())
