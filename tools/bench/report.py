"""What was measured, as docs/benchmarks.md has it; it measures nothing."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tools.bench.measure import ROOT, Found, file_system

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


def keep(name: str, found: Found, subjects: Sequence[str], document: Path = DOCUMENT) -> None:
    """Put what was found in the place of that subject's part; all other parts stay as they are."""
    parts = _parts(document)
    parts[name] = "\n".join(_section(name, found))
    text = [parts[subject] for subject in subjects if subject in parts]
    document.write_text("\n".join([_HEAD, *text]))


def _parts(document: Path) -> dict[str, str]:
    """The parts of the document, by their subjects."""
    _, *parts = re.split(r"^(?=## )", document.read_text(), flags=re.MULTILINE)
    return {part.partition("\n")[0].removeprefix("## "): part.rstrip("\n") + "\n" for part in parts}


def machine() -> str:
    """What the figures depend on, in a line."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GB,"
        f" {platform.system()} {platform.release()}, {file_system(ROOT)},"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def _section(name: str, found: Found) -> Iterator[str]:
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    yield f"## {name}\n"
    yield f"`make bench ARGS='--only {name}'`, {at}, at {_commit()}."
    yield f"{machine()}.\n"
    yield "| what | ours | peer | ratio | goal | met |"
    yield "|---|---|---|---|---|---|"
    for row in found.rows:
        met = "" if row.met is None else "yes" if row.met else "**no**"
        cells = (row.what, row.ours, row.peer, row.ratio, row.goal, met)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""
    for note in found.notes:
        yield f"- {note}"
    yield ""


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
