"""What starting costs: the command line, the client library, the daemon, the first task."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from tools.bench.homes import PATIENCE, Home, home
from tools.bench.interpreters import Clean
from tools.bench.measure import Found, Row, Series, alternate

#: As the command line does where no daemon runs; prints the seconds.
LAUNCH = """
import os
from time import perf_counter
from inspan.client.launch import launch
from inspan.settings.places import locate
places = locate(os.environ)
places.prepare()
began = perf_counter()
launch(places.daemon_socket, places.state_dir, places.logs)
print(perf_counter() - began)
"""


def run(folder: Path, *, quick: bool) -> Found:
    tries, starts = (5, 2) if quick else (40, 12)
    clean = Clean(folder)
    return Found(
        rows=(
            *light(clean, tries),
            *first_need(clean, folder, starts),
            warm(clean, folder, tries),
        ),
        notes=(
            f"Python {sys.version_info.major}.{sys.version_info.minor} in a virtual environment"
            " with inspan and what it needs; byte code is there.",
            "Best of all tries where it says so: what other programs add is never negative.",
            "`daemon ready` is from its launcher's call until it says that it listens; `first byte`"
            " from the start of `inspan run -- echo hi`, with neither daemon nor keeper nor state,"
            " until its output can be read.",
        ),
    )


def timed(*command: str, env: dict[str, str] | None = None) -> float:
    """Seconds that a command takes; it must succeed."""
    began = perf_counter()
    subprocess.run(command, check=True, env=env, capture_output=True, stdin=subprocess.DEVNULL)
    return perf_counter() - began


def light(clean: Clean, tries: int) -> tuple[Row, ...]:
    found = alternate(
        tries,
        lambda: timed(clean.inspan, "--help"),
        lambda: timed(clean.inspan, "run", "--help"),
        lambda: timed(clean.python, "-c", "import inspan.client.sync"),
        lambda: timed(clean.python, "-c", "pass"),
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


def first_need(clean: Clean, folder: Path, tries: int) -> tuple[Row, ...]:
    found = alternate(
        tries,
        lambda: from_nothing(clean, folder, ready),
        lambda: from_nothing(clean, folder, first_byte),
        lambda: timed(clean.python, "-c", "pass"),
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


def from_nothing(clean: Clean, folder: Path, measure: Callable[[Clean, Home], float]) -> float:
    with home(folder) as made:
        return measure(clean, made)


def ready(clean: Clean, made: Home) -> float:
    told = subprocess.run(
        [clean.python, "-c", LAUNCH], env=made.env, check=True, capture_output=True, text=True
    )
    return float(told.stdout)


def first_byte(clean: Clean, made: Home) -> float:
    began = perf_counter()
    with subprocess.Popen(
        [clean.inspan, "run", "--", "echo", "hi"],
        env=made.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        if not select.select([process.stdout], [], [], PATIENCE)[0]:
            process.kill()
        first = os.read(process.stdout.fileno(), 1)
        took = perf_counter() - began
    if first != b"h" or process.returncode:
        raise RuntimeError(f"`inspan run` ended with {process.returncode}")
    return took


def warm(clean: Clean, folder: Path, tries: int) -> Row:
    """A trivial command, while the daemon runs, beside the command itself."""
    with home(folder) as made:
        ready(clean, made)

        def ours() -> float:
            return timed(clean.inspan, "run", "--", "true", env=made.env)

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
