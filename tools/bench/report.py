"""What was measured, kept as JSON and written as docs/benchmarks.md; it measures nothing."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tools.bench.measure import ROOT, Found, Row, file_system

FIGURES = ROOT / ".cache" / "bench.json"
DOCUMENT = ROOT / "docs" / "benchmarks.md"

_HEAD = """\
# Benchmarks

Written by `make bench`; do not edit. Each figure of ours stands beside that of its peer, measured
in the same run in alternating rounds: the median, and in brackets the least and the most. A ratio
is taken round for round. Figures of different machines, or of different minutes of this one, say
nothing about each other; the ratios do. What did not reach its goal says so.
"""


def plain(found: Found) -> str:
    """For the terminal."""
    lines = []
    for row in found.rows:
        verdict = "" if row.met is None else "   met" if row.met else "   NOT MET"
        parts = [row.ours, row.peer and f"peer {row.peer}", row.ratio and f"= {row.ratio}"]
        lines.append(f"   {row.what}")
        lines.append(f"      {'   '.join(filter(None, parts))}")
        if row.goal:
            lines.append(f"      goal {row.goal}{verdict}")
    return "\n".join(lines + [f"   - {note}" for note in found.notes])


def keep(name: str, found: Found) -> None:
    """Put what was found in the place of what was known before."""
    known = _known()
    known[name] = {
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "machine": machine(),
        **asdict(found),
    }
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n")


def write(subjects: Sequence[str]) -> None:
    """The document, from all that is known."""
    known = _known()
    parts = ["\n".join(_section(name, known[name])) for name in subjects if name in known]
    DOCUMENT.write_text("\n".join([_HEAD, *parts]))


def machine() -> str:
    """What the figures depend on, in a line."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GB,"
        f" {platform.system()} {platform.release()}, {file_system(ROOT)},"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def _section(name: str, known: dict[str, Any]) -> Iterator[str]:
    yield f"## {name}\n"
    yield f"`make bench ARGS='--only {name}'`, {known['at']}, at {known['commit']}."
    yield f"{known['machine']}.\n"
    yield "| what | ours | peer | ratio | goal | met |"
    yield "|---|---|---|---|---|---|"
    for raw in known["rows"]:
        row = Row(**raw)
        met = "" if row.met is None else "yes" if row.met else "**no**"
        cells = (row.what, row.ours, row.peer, row.ratio, row.goal, met)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""
    for note in known["notes"]:
        yield f"- {note}"
    yield ""


def _known() -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(FIGURES.read_text())
    except FileNotFoundError:
        return {}
    return known


def _commit() -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "an unknown commit"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
