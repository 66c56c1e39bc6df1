"""Code sessions beside ipykernel: start, round trip, output and memory, in one run."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Final

from tools.bench.measure import Found, Row, Series, alternate, digits, in_a_child

#: What, the figure of ours, the figure of theirs, unit, scale, and the most that the ratio may be.
ROWS: Final = (
    ("spawned: start to first result", "start", "start", " ms", 1e3, 0.08),
    ("from a warm pool: start to first result", "warm", "start", " ms", 1e3, 0.01),
    ("100,000 printed lines", "lines", "lines", " ms", 1e3, 0.5),
    ("20,000 flushed prints", "flushed", "flushed", " ms", 1e3, 0.08),
    ("idle session, PSS, spawned", "pss", "pss", " MB", 1e-6, 0.25),
)


def run(folder: Path, *, quick: bool) -> Found:
    rounds, trips = (2, 200) if quick else (5, 1000)
    found = alternate(
        rounds,
        lambda: in_a_child("code_ours", folder, trips),
        lambda: in_a_child("code_ipykernel", trips),
    )
    ours, theirs = zip(*found, strict=True)
    rows = []
    for share, name, most in ((0.5, "p50", 0.06), (0.99, "p99", 0.10)):
        mine = Series.of(Series.of(one["trips"]).share(share) for one in ours)
        peer = Series.of(Series.of(one["trips"]).share(share) for one in theirs)
        rows.append(_row(f"round trip of `1+1`, {name}", mine, peer, " µs", 1e6, most))
    for what, key, their_key, unit, scale, most in ROWS:
        mine = Series.of(one[key] for one in ours)
        peer = Series.of(one[their_key] for one in theirs)
        rows.append(_row(f"{what} : ipykernel", mine, peer, unit, scale, most))
    return Found(
        rows=tuple(rows),
        notes=(
            f"{rounds} rounds, {trips} trips a round. ipykernel {version('ipykernel')} by"
            f" jupyter_client {version('jupyter_client')}, timed until its reply; ours through the"
            " host, until the end of the cell, without a sandbox: there is none yet.",
            "What both print is compared byte for byte; a lost or displaced one fails the run.",
        ),
    )


def _row(what: str, ours: Series, peer: Series, unit: str, scale: float, most: float) -> Row:
    ratio = ours.over(peer)
    return Row(
        what=what,
        ours=ours.text(unit, scale),
        peer=peer.text(unit, scale),
        ratio=ratio.text("×"),
        goal=f"≤ {digits(most)}×",
        met=ratio.median <= most,
    )
