"""Runs the benchmarks: ``python -m tools.bench [--only NAME]... [--quick]``.

A full run writes docs/benchmarks.md. What a run with --only measured replaces its part of the
figures that the document is made from; a quick run is only printed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from tools.bench import report
from tools.bench.measure import ROOT, Found

SUBJECTS = (
    "submit_to_start",
    "noop_tasks",
    "pty_throughput",
    "startup",
    "idle",
    "concurrency",
    "sessions",
    "durable",
    "code_sessions",
    "agent_sessions",
    "server_streams",
    "server_submits",
    "tui",
    "queen",
)
#: On the file system of the checkout, which is what a user works on.
CACHE = ROOT / ".cache"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--only", action="append", choices=SUBJECTS, metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="few rounds, nothing written")
    args = parser.parse_args()
    # Told to stop, it leaves no daemon behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=CACHE) as folder:
        failed = [
            name
            for name in args.only or SUBJECTS
            if not measured(name, Path(folder), quick=args.quick)
        ]
    return 1 if failed else 0


def measured(name: str, folder: Path, *, quick: bool) -> bool:
    """Measure one subject and tell; False where that failed, and why is printed."""
    began = time.monotonic()
    print(f"── {name}", flush=True)
    try:
        found: Found = import_module(f"tools.bench.{name}").run(folder, quick=quick)
    except Exception as error:  # noqa: BLE001 - the other subjects are worth knowing
        print(f"   could not be measured: {type(error).__name__}: {error}\n", flush=True)
        return False
    print(report.plain(found), f"   ({time.monotonic() - began:.0f} s)\n", sep="\n", flush=True)
    if not quick:
        report.keep(name, found, SUBJECTS)
    return True


if __name__ == "__main__":
    sys.exit(main())
