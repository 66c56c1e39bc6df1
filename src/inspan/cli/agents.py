"""``inspan agents``: which agents there are, which are here, and what installs the others."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from inspan.cli import exits
from inspan.cli.parsing import add_json
from inspan.cli.say import json, note, table
from inspan.errors import ProviderBroken

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
    #: Where it was declared, or of which package it is; nothing for those that come with inspan.
    source: str = ""
    #: Why it cannot be used at all.
    trouble: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    dialects, broken = _known()
    with ThreadPoolExecutor(len(dialects)) as threads:
        found = [*threads.map(_look, dialects), *broken]
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
                agent.trouble or agent.path or f"not installed: {_installs(agent)}",
            )
            for agent in found
        ],
    )
    if not any(agent.path for agent in found):
        note("no agent is installed; any other program runs as `inspan run -- COMMAND`")
    return exits.DONE


def installed() -> list[tuple[Dialect, str | None]]:
    """The agents that are here, each with the version that it tells."""
    dialects = _known()[0]
    with ThreadPoolExecutor(len(dialects)) as threads:
        looked = [*threads.map(_look, dialects)]
    return [
        (dialect, agent.version)
        for dialect, agent in zip(dialects, looked, strict=True)
        if agent.path is not None
    ]


def logged_in(dialect: Dialect) -> Iterator[tuple[str, str]]:
    """The agent and what to do, where it can be asked and says that it is not logged in."""
    from inspan.agents.dialect import TellsLogin
    from inspan.model.task import Exit

    if not isinstance(dialect, TellsLogin):
        return
    program, *words = dialect.ask_login()
    try:
        done = subprocess.run(
            [shutil.which(program) or program, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
            cwd=os.path.abspath(os.sep),  # noqa: PTH100 - as below
        )
    except (OSError, subprocess.TimeoutExpired):
        return
    code = done.returncode
    how = Exit(code=code) if code >= 0 else Exit(signal=-code)
    if not dialect.login(how, done.stdout[: 1 << 16]).ok:
        yield dialect.name, dialect.login_hint


def _known() -> tuple[list[Dialect], list[_Agent]]:
    """Ours, those of the settings and those of other packages; and which of these are broken."""
    from inspan.agents.registry import DIALECTS
    from inspan.cli import reach
    from inspan.providers.installed import offers
    from inspan.settings.passing import dialect_of

    settings = reach.settings()
    packages = {offer.name: offer.package for offer in offers()}
    dialects: list[Dialect] = []
    broken: list[_Agent] = []
    for name in sorted({*DIALECTS, *settings.declared, *packages}):
        try:
            dialect = dialect_of(name, settings)
        except ProviderBroken as error:
            source = packages.get(name, "")
            broken.append(_Agent(name, None, None, (), "", source, error.message))
        else:
            dialects += [] if dialect is None else [dialect]
    return dialects, broken


def _installs(agent: _Agent) -> str:
    return agent.install or f"see {agent.source}"


def _look(dialect: Dialect) -> _Agent:
    from inspan.agents.dialect import HasSource, TellsVersion

    path = shutil.which(dialect.program)
    ask: tuple[str, ...] = (dialect.program, "--version")
    if isinstance(dialect, TellsVersion):
        ask = dialect.ask_version()
    version = None
    if path is not None and ask:
        asked = path if ask[0] == dialect.program else shutil.which(ask[0])
        version = None if asked is None else _version(asked, ask[1:])
    modes = tuple(mode.value for mode in dialect.modes)
    source = dialect.source if isinstance(dialect, HasSource) else ""
    return _Agent(dialect.name, path, version, modes, dialect.install, source)


def _version(program: str, words: tuple[str, ...]) -> str | None:
    """What the program says of itself; ``None`` where it says nothing that is a version."""
    try:
        told = subprocess.run(
            [program, *words],
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
