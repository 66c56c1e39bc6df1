"""A terminal's output through keeper, recording and client, beside a bare asyncio reader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.bench.measure import Found, Row, Series, alternate, columns, digits, in_a_child

LINE = b"0123456789abcdef" * 4 + b" a line like others\n"
#: Seconds between two keys, as of somebody who types very fast; and none, as of a program.
TYPING = 0.01


def run(folder: Path, *, quick: bool) -> Found:
    megabytes, rounds, tries = (8, 2, 200) if quick else (48, 7, 1000)
    source = folder / "lines"
    source.write_bytes(LINE * (megabytes * 1_000_000 // len(LINE)))
    floods = floods_of(folder, source, rounds)
    typed = echoes(folder, tries, TYPING, 2 if quick else 3)
    driven = echoes(folder, tries, 0.0, 2 if quick else 3)
    return Found(
        rows=(*floods, *echo_rows("typed", typed), *echo_rows("without a pause", driven)),
        notes=(
            f"`cat` of {megabytes} MB in lines of {len(LINE)} bytes on a terminal, {rounds} rounds;"
            " timed from the start of the program until the last byte has come.",
            f"Echo: {tries} bytes a round into `cat` on a raw terminal, one every"
            f" {TYPING * 1e3:g} ms or each as soon as the one before has come back. The bare reader"
            " is of asyncio and keeps nothing; ours has the byte in its recording before it is told"
            " of. The rows without a goal are beside the same reader where it logs, too.",
        ),
    )


def floods_of(folder: Path, source: Path, rounds: int) -> tuple[Row, ...]:
    size = source.stat().st_size + source.read_bytes().count(b"\n")

    def rate(module: str, *words: str) -> float:
        told = in_a_child(module, "flood", folder, source, *words)
        if told["size"] != size:
            raise RuntimeError(f"{module} saw {told['size']} bytes of {size}")
        return size / float(told["seconds"]) / 1e6

    found = list(
        alternate(
            rounds,
            lambda: rate("pty_keeper"),
            lambda: rate("pty_bare", "log"),
            lambda: rate("pty_bare", "read"),
        )
    )
    ours, logs, reads = (Series.of(column) for column in zip(*found, strict=True))
    return (
        flood_row("keeper → recording → client : reader that logs", ours, logs, 0.5),
        flood_row("keeper → recording → client : reader that only reads", ours, reads, 0.33),
    )


def flood_row(what: str, ours: Series, peer: Series, goal: float) -> Row:
    times = ours.over(peer)
    return Row(
        what=what,
        ours=ours.text(" MB/s"),
        peer=peer.text(" MB/s"),
        ratio=times.text("×"),
        goal=f"≥ {digits(goal)}×",
        met=times.median >= goal,
    )


def echoes(
    folder: Path, tries: int, pause: float, rounds: int
) -> tuple[tuple[Series, Series, Series], ...]:
    """For each round what ours, the bare reader and the one that logs took."""

    def echo(module: str, *words: str) -> Series:
        told: dict[str, Any] = in_a_child(module, "echo", folder, tries, pause, *words)
        return Series.of(told["seconds"][len(told["seconds"]) // 20 :])  # the rest warms up

    return tuple(
        (ours, reads, logs)
        for ours, reads, logs in alternate(
            rounds,
            lambda: echo("pty_keeper"),
            lambda: echo("pty_bare", "read"),
            lambda: echo("pty_bare", "log"),
        )
    )


def echo_rows(how: str, found: tuple[tuple[Series, Series, Series], ...]) -> tuple[Row, ...]:
    rows = []
    for name, part, goal in (("p50", 0.5, 5.0), ("p99", 0.99, 6.0)):
        ours, reads, logs = columns([[one.share(part) for one in taken] for taken in found])
        times = ours.over(reads)
        strict = echo_row(f"echo {name}, {how} : bare reader", ours, reads)
        rows.append(replace(strict, goal=f"≤ {digits(goal)}×", met=times.median <= goal))
        rows.append(echo_row(f"echo {name}, {how} : bare reader that logs", ours, logs))
    return tuple(rows)


def echo_row(what: str, ours: Series, peer: Series) -> Row:
    return Row(
        what=what,
        ours=ours.text(" µs", 1e6),
        peer=peer.text(" µs", 1e6),
        ratio=ours.over(peer).text("×"),
    )
