"""What starting costs: the command line, the client library, the daemon, the first task."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from tools.bench.homes import INSPAN, Home, home
from tools.bench.measure import Found, Row, Series, alternate

PYTHON = sys.executable


def run(folder: Path, *, quick: bool) -> Found:
    tries, starts = (5, 2) if quick else (40, 12)
    return Found(
        rows=(*light(tries), *first_need(folder, starts), warm(folder, tries)),
        notes=(
            f"`python -c pass` is the interpreter of the environment: {PYTHON_FLAVOUR}.",
            "Best of all tries where it says so: what other programs add is never negative.",
            "`daemon ready` is from its launcher's call until it says that it listens; `first byte`"
            " from the start of `inspan run -- echo hi`, with neither daemon nor keeper nor state"
            " directory, until its output can be read.",
        ),
    )


PYTHON_FLAVOUR = f"{sys.version_info.major}.{sys.version_info.minor}, in a virtual environment"


def timed(*command: str, env: dict[str, str] | None = None) -> float:
    """Seconds that a command takes; it must succeed."""
    began = perf_counter()
    subprocess.run(command, check=True, env=env, capture_output=True, stdin=subprocess.DEVNULL)
    return perf_counter() - began


def light(tries: int) -> tuple[Row, ...]:
    found = alternate(
        tries,
        lambda: timed(INSPAN, "--help"),
        lambda: timed(INSPAN, "run", "--help"),
        lambda: timed(PYTHON, "-c", "import inspan.client.sync"),
        lambda: timed(PYTHON, "-c", "pass"),
    )
    top, verb, client, bare = (Series.of(column) for column in zip(*found, strict=True))
    return (
        difference("`inspan --help` − `python -c pass`", top, bare, 0.060),
        difference("`inspan run --help`, with argparse − `python -c pass`", verb, bare, 0.060),
        difference("`import inspan.client.sync` − `python -c pass`", client, bare, 0.040),
    )


def difference(what: str, ours: Series, peer: Series, goal: float) -> Row:
    """The best of ours by the best of theirs."""
    more = min(ours.values) - min(peer.values)
    return Row(
        what=f"{what}, best of {len(ours.values)}",
        ours=ours.text(" ms", 1e3),
        peer=peer.text(" ms", 1e3),
        ratio=f"+{more * 1e3:.0f} ms (medians +{(ours.median - peer.median) * 1e3:.0f} ms)",
        goal=f"< {goal * 1e3:.0f} ms",
        met=more < goal,
    )


def first_need(folder: Path, tries: int) -> tuple[Row, ...]:
    found = alternate(
        tries,
        lambda: from_nothing(folder, ready),
        lambda: from_nothing(folder, first_byte),
        lambda: timed(PYTHON, "-c", "pass"),
    )
    daemon, byte, bare = (Series.of(column) for column in zip(*found, strict=True))
    return (
        times("daemon ready : `python -c pass`", daemon, bare, 40.0),
        times("from nothing to the first byte of `inspan run` : the same", byte, bare, 60.0),
    )


def times(what: str, ours: Series, peer: Series, goal: float) -> Row:
    ratio = ours.over(peer)
    return Row(
        what=what,
        ours=ours.text(" ms", 1e3),
        peer=peer.text(" ms", 1e3),
        ratio=ratio.text("×"),
        goal=f"≤ {goal:.0f}×",
        met=ratio.median <= goal,
    )


def from_nothing(folder: Path, measure: Callable[[Home], float]) -> float:
    with home(folder) as made:
        return measure(made)


def ready(made: Home) -> float:
    began = perf_counter()
    made.start()
    return perf_counter() - began


def first_byte(made: Home) -> float:
    began = perf_counter()
    with subprocess.Popen(
        [INSPAN, "run", "--", "echo", "hi"],
        env=made.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        first = os.read(process.stdout.fileno(), 1)
        took = perf_counter() - began
    if first != b"h" or process.returncode:
        raise RuntimeError(f"`inspan run` ended with {process.returncode}")
    return took


def warm(folder: Path, tries: int) -> Row:
    """A trivial command, while the daemon runs, beside the command itself."""
    with home(folder) as made:
        made.start()

        def ours() -> float:
            return timed(INSPAN, "run", "--", "true", env=made.env)

        ours()
        found = alternate(tries, ours, lambda: timed("true"))
        run, bare = (Series.of(column) for column in zip(*found, strict=True))
    more = run.minus(bare)
    return Row(
        what="`inspan run -- true` − `true`, the daemon up",
        ours=run.text(" ms", 1e3),
        peer=bare.text(" ms", 1e3),
        ratio=more.text(" ms", 1e3),
        goal="< 100 ms",
        met=more.median < 0.1,
    )
