"""Terminals by WebSocket: one reader, many, those that never read, and what is typed beside all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from time import sleep

from inspan.model.session import Output
from tools.bench import processes
from tools.bench.homes import Home, home
from tools.bench.measure import ROOT, Found, Row, Series, alternate, digits, in_a_child
from tools.bench.pty_throughput import LINE
from tools.bench.server_streams_side import submitted

READERS = 100
MUTE = 5
PAUSE = 0.01
MB = 1e6
YES = ("yes", "a line like others " * 4)
#: Some 6 MB/s: what leaves the machine to what is measured beside it.
PACED = (
    sys.executable,
    "-c",
    "import os, time\nwhile os.write(1, b'x' * 65536): time.sleep(0.01)",
)


def run(folder: Path, *, quick: bool) -> Found:
    rounds, tries = (2, 100) if quick else (5, 300)
    large, small = lines(folder, 8 if quick else 32), lines(folder, 2)
    with home(folder) as here:
        here.start()
        rows = [
            *one_reader(here, folder, large, rounds),
            *many_readers(here, small, rounds),
            *typed(here, tries, rounds),
            *never_reading(here, large, tries, rounds),
        ]
        peak = processes.peak(here.pids()[0])
    rows.append(
        Row(
            what="the most that the daemon has had, RSS",
            ours=f"{digits(peak / 2**20)} MB",
            goal="< 100 MB",
            met=peak < 100 * 2**20,
        )
    )
    return Found(
        rows=tuple(rows),
        notes=(
            f"`cat` of {large.stat().st_size / MB:.0f} MB in lines of {len(LINE)} bytes on a"
            " terminal, from its submission to a daemon until a client in another process has the"
            " last byte; by the Unix socket. The keeper's own: as in pty_throughput, without daemon"
            " or WebSocket.",
            f"{READERS} readers, in one process: {small.stat().st_size / MB:.0f} MB to each; the"
            " peer is one reader of as much.",
            f"{tries} keys a round, one every {PAUSE * 1e3:g} ms, into `cat` on a raw terminal,"
            " until they are back. The flood is a `yes` that another process reads.",
            f"Memory: of {MUTE} clients that follow a `yes` and never read; the daemon's RSS after"
            " two seconds of that, less what it was before, by their number. What they cost others:"
            " while they follow a program that prints some 6 MB/s, which it also does without"
            " them; a rate is the median of three.",
        ),
    )


def lines(folder: Path, megabytes: int) -> Path:
    source = folder / f"lines-{megabytes}"
    source.write_bytes(LINE * (megabytes * 1_000_000 // len(LINE)))
    return source


def flooded(here: Home, source: Path, readers: int = 1) -> list[tuple[float, int]]:
    """Seconds and bytes of each reader, who all have the same."""
    socket = here.places.daemon_socket
    told = in_a_child("server_streams_side", "flood", socket, source, readers)
    size = source.stat().st_size + source.read_bytes().count(b"\n")
    if wrong := [got for _, got in told if got != size]:
        raise RuntimeError(f"{len(wrong)} readers saw {wrong[0]} bytes of {size}")
    return [(seconds, got) for seconds, got in told]


def rate(here: Home, source: Path) -> float:
    seconds, size = flooded(here, source)[0]
    return size / seconds / MB


def echoes(here: Home, tries: int) -> Series:
    socket = here.places.daemon_socket
    told = in_a_child("server_streams_side", "echo", socket, tries, PAUSE)
    return Series.of(told[tries // 20 :])  # the rest warms up


def one_reader(here: Home, folder: Path, source: Path, rounds: int) -> tuple[Row, ...]:
    def keepers() -> float:
        told = in_a_child("pty_keeper", "flood", folder, source)
        return float(told["size"] / told["seconds"]) / MB

    found = alternate(rounds, lambda: rate(here, source), keepers)
    ours, peer = (Series.of(column) for column in zip(*found, strict=True))
    times = ours.over(peer)
    row = Row(
        what="terminal → WebSocket, one reader : keeper → recording → client",
        ours=ours.text(" MB/s"),
        peer=peer.text(" MB/s"),
        ratio=times.text("×"),
        goal="≥ 50 MB/s or ≥ 0.50×",
        met=ours.median >= 50 or times.median >= 0.5,
    )
    return (row,)


def many_readers(here: Home, source: Path, rounds: int) -> tuple[Row, ...]:
    spreads = []

    def all_of_them() -> float:
        told = flooded(here, source, READERS)
        seconds = [one for one, _ in told]
        spreads.append(max(seconds) / median(seconds))
        return sum(size for _, size in told) / max(seconds) / MB

    found = alternate(rounds, all_of_them, lambda: rate(here, source))
    ours, peer = (Series.of(column) for column in zip(*found, strict=True))
    times, spread = ours.over(peer), Series.of(spreads)
    return (
        Row(
            what=f"{READERS} readers of one terminal, together : one reader",
            ours=ours.text(" MB/s"),
            peer=peer.text(" MB/s"),
            ratio=times.text("×"),
            goal="≥ 1×",
            met=times.median >= 1,
        ),
        Row(
            what="the slowest of them : the one in the middle",
            ours=spread.text("×"),
            goal="≤ 2×",
            met=spread.median <= 2,
        ),
    )


def typed(here: Home, tries: int, rounds: int) -> tuple[Row, ...]:
    def beside() -> Series:
        with printing(here, *YES) as task, drained(here, task):
            return echoes(here, tries)

    found = list(alternate(rounds, lambda: echoes(here, tries), beside))
    rows = []
    for place, (what, most) in enumerate((("idle", 0.02), ("beside a flood", 0.1))):
        p95 = Series.of(pair[place].share(0.95) for pair in found)
        p50 = Series.of(pair[place].median for pair in found)
        rows.append(
            Row(
                what=f"echo through WebSocket, {what}, p95",
                ours=p95.text(" ms", 1e3),
                ratio=f"p50 {p50.text(' ms', 1e3)}",
                goal=f"< {most * 1e3:g} ms",
                met=p95.median < most,
            )
        )
    return tuple(rows)


def never_reading(here: Home, source: Path, tries: int, rounds: int) -> tuple[Row, ...]:
    daemon = here.pids()[0]
    memory: list[float] = []

    def others() -> tuple[float, float]:
        several = median(rate(here, source) for _ in range(3))
        return several, echoes(here, tries).share(0.95)

    # Not between the rates: the disk is at work on what `yes` has printed for a while after it.
    for _ in range(rounds):
        with printing(here, *YES) as task:
            before = processes.memory([daemon]).rss
            with mute(here, task):
                sleep(2)
                memory.append((processes.memory([daemon]).rss - before) / MUTE)

    def beside_them() -> tuple[float, float]:
        with printing(here, *PACED) as task, mute(here, task):
            return others()

    def without() -> tuple[float, float]:
        with printing(here, *PACED):
            return others()

    found = list(alternate(rounds, beside_them, without))
    rates = [Series.of(pair[place][0] for pair in found) for place in (0, 1)]
    lates = [Series.of(pair[place][1] for pair in found) for place in (0, 1)]
    cost, kept, later = Series.of(memory), rates[0].over(rates[1]), lates[0].over(lates[1])
    most = max(cost.values)
    return (
        Row(
            what="memory of a client that never reads",
            ours=cost.text(" MB", 2**-20),
            goal="< 32 MB, the most",
            met=most < 32 * 2**20,
        ),
        Row(
            what=f"one reader of another terminal, beside {MUTE} that never read : without them",
            ours=rates[0].text(" MB/s"),
            peer=rates[1].text(" MB/s"),
            ratio=kept.text("×"),
            goal="≥ 0.90×",
            met=kept.median >= 0.9,
        ),
        Row(
            what=f"echo, p95, beside {MUTE} that never read : without them",
            ours=lates[0].text(" ms", 1e3),
            peer=lates[1].text(" ms", 1e3),
            ratio=later.text("×"),
            goal="≤ 1.25×",
            met=later.median <= 1.25,
        ),
    )


@contextmanager
def printing(here: Home, *command: str) -> Iterator[str]:
    """A terminal on which that prints without end."""
    with here.control() as control:
        task = submitted(control, *command)
        try:
            with control.attach(task.id) as terminal:
                while not isinstance(terminal.recv(), Output):
                    pass
            yield task.id
        finally:
            control.cancel(task.id, force=True)


@contextmanager
def mute(here: Home, task: str) -> Iterator[None]:
    """Clients that follow it and never read."""
    with here.control() as control, ExitStack() as clients:
        for _ in range(MUTE):
            clients.enter_context(control.attach(task))
        yield


@contextmanager
def drained(here: Home, task: str) -> Iterator[None]:
    """Another process reads all that it prints."""
    words = ["drain", str(here.places.daemon_socket), task]
    command = [sys.executable, "-m", "tools.bench.server_streams_side", *words]
    with subprocess.Popen(command, cwd=ROOT) as reader:
        try:
            sleep(0.5)  # it has begun
            yield
        finally:
            reader.kill()
