"""Tries an installed inspan: every module can be imported, and a command runs to its end.

Uses the standard library only, since the environment it runs in has no development tools.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path

import inspan

#: What needs a package of an extra, and that package.
EXTRAS = {
    "inspan.jupyter": "zmq",
    "inspan.tracing.sdk": "opentelemetry",
    "inspan.terminal.emulators.ghostty": "pyghostty",
    "inspan.terminal.emulators.pyte": "pyte",
    "inspan.tui": "textual",
}
#: Seconds; a cold start on a busy machine takes a few.
PATIENCE = 60


def modules() -> list[str]:
    """The name of every module of inspan."""
    found = pkgutil.walk_packages(inspan.__path__, "inspan.")
    return ["inspan", *(info.name for info in found if not info.name.endswith("__main__"))]


def run(home: str, *words: str) -> subprocess.CompletedProcess[str]:
    """``inspan`` with ``words``, its state under ``home``."""
    program = Path(sys.executable).with_name("inspan")
    return subprocess.run(
        [str(program), *words],
        env={**os.environ, "INSPAN_HOME": home},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def main() -> int:
    """1 where something went wrong, after saying what."""
    names = modules()
    for part, package in EXTRAS.items():
        if importlib.util.find_spec(package) is None:
            names = [name for name in names if not name.startswith(part)]
            print(f"left out: {part}, which needs {package}")
    for name in names:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="inspan-smoke-") as home:
        for words, wanted in (
            (("run", "--here", "--", "sh", "-c", "echo smoke; exit 7"), 7),
            (("down", "--keeper"), 0),
        ):
            done = run(home, *words)
            if done.returncode != wanted:
                print(f"inspan {' '.join(words)}: exit {done.returncode}, {wanted} was expected")
                print(done.stdout, done.stderr, sep="\n")
                return 1
    version = sys.version.split(maxsplit=1)[0]
    print(f"Python {version}: {len(names)} modules imported, two commands run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
