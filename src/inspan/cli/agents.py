"""``inspan agents``: which agents there are, which are here, and what installs the others."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from inspan.cli import exits
from inspan.cli.parsing import add_json
from inspan.cli.say import json, note, table

if TYPE_CHECKING:
    from inspan.agents.dialect import Dialect

HELP = """\
Which agents can be run with `inspan run --agent NAME "PROMPT"`, and which of them are installed.
Each that is here is asked for its version, which takes a moment."""
#: Seconds in which a program must tell its version.
_PATIENCE: Final = 20.0
_VERSION: Final = re.compile(r"\d+(?:\.\d+)+[\w.+-]*")


@dataclass(frozen=True, slots=True)
class _Agent:
    name: str
    path: str | None
    version: str | None
    modes: tuple[str, ...]
    install: str
    #: Where it was declared; nothing for those that come with inspan.
    source: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from inspan.agents.registry import DIALECTS
    from inspan.cli import reach
    from inspan.settings.passing import dialect_of

    settings = reach.settings()
    names = sorted({*DIALECTS, *settings.declared})
    dialects = [dialect for name in names if (dialect := dialect_of(name, settings))]
    with ThreadPoolExecutor(len(dialects)) as threads:
        found = list(threads.map(_look, dialects))
    if args.json:
        json(found)
        return exits.DONE
    table(
        ("AGENT", "VERSION", "MODES", "WHERE"),
        [
            (
                agent.name,
                agent.version or ("?" if agent.path else "-"),
                " ".join(agent.modes),
                agent.path or f"not installed: {agent.install or f'see {agent.source}'}",
            )
            for agent in found
        ],
    )
    if not any(agent.path for agent in found):
        note("no agent is installed; any other program runs as `inspan run -- COMMAND`")
    return exits.DONE


def _look(dialect: Dialect) -> _Agent:
    from inspan.agents.declared import Declared
    from inspan.agents.dialect import TellsVersion

    path = shutil.which(dialect.program)
    ask: tuple[str, ...] = (dialect.program, "--version")
    if isinstance(dialect, TellsVersion):
        ask = dialect.ask_version()
    version = None if path is None or not ask else _version(ask)
    modes = tuple(mode.value for mode in dialect.modes)
    source = dialect.source if isinstance(dialect, Declared) else ""
    return _Agent(dialect.name, path, version, modes, dialect.install, source)


def _version(ask: tuple[str, ...]) -> str | None:
    """What the program says of itself; ``None`` where it says nothing that is a version."""
    found = shutil.which(ask[0])
    if found is None:
        return None
    try:
        told = subprocess.run(
            [found, *ask[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
            cwd=os.path.abspath(os.sep),  # noqa: PTH100 - the root: no project's files are read
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(told[:4096].decode(errors="replace"))
    return match[0] if match else None
