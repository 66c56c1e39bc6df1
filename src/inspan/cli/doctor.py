"""``inspan doctor``: looks at what inspan stands on, and says what to do about what is amiss."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from inspan.cli import entrances, exits, keeperdoor, machine, reach
from inspan.cli.finding import FAIL, OK, WARN, Finding, failed, tell
from inspan.cli.parsing import add_json
from inspan.cli.say import json
from inspan.errors import InspanError, ProviderBroken

if TYPE_CHECKING:
    from inspan.settings import Places

HELP = "Look for what is amiss, and say what to do. Exit status 1: inspan cannot work like this."
_PYTHON: Final = (3, 11)
#: Below this many file descriptors a hundred sessions do not fit.
_FILES: Final = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    where = reach.places()
    findings = [_safely(name, look, where) for name, look in _LOOKS.items()]
    if args.json:
        json(findings)
    else:
        tell(findings)
    return exits.FAILED if failed(findings) else exits.DONE


def _safely(name: str, look: Callable[[Places], tuple[str, ...]], where: Places) -> Finding:
    try:
        return Finding(name, *look(where))
    except InspanError as error:
        return Finding(name, FAIL, error.message, error.hint)
    except OSError as error:
        return Finding(name, FAIL, str(error))


def _python(_: Places) -> tuple[str, ...]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _PYTHON:
        return FAIL, f"Python {version} is too old", "Install Python 3.11 or newer."
    return OK, f"{version} at {sys.executable}"


def _platform(_: Places) -> tuple[str, ...]:
    name = os.uname()
    shown = f"{name.sysname} {name.release} {name.machine}"
    if sys.platform not in ("linux", "darwin"):
        return FAIL, f"{shown} is not supported", "Use Linux or macOS; on Windows use WSL."
    return OK, shown


def _state(where: Places) -> tuple[str, ...]:
    where.prepare()
    if not os.access(where.state_dir, os.W_OK | os.X_OK):
        return FAIL, f"{where.state_dir} is not writable", "Set INSPAN_HOME to a folder of yours."
    return OK, f"{where.state_dir}, mode 0700"


def _database(where: Places) -> tuple[str, ...]:
    import sqlite3

    from inspan.store.migrate import newest

    if not where.database.exists():
        return OK, "none yet; it is made with the first task"
    try:
        link = sqlite3.connect(f"{where.database.as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            version = link.execute("PRAGMA user_version").fetchone()[0]
            link.execute("SELECT count(*) FROM sqlite_schema")
        finally:
            link.close()
    except sqlite3.Error as error:
        return FAIL, f"it cannot be read: {error}", "`inspan db verify` says more."
    if version > newest():
        return FAIL, f"schema version {version} is newer than ours, {newest()}", "Upgrade inspan."
    log = where.database.with_name(f"{where.database.name}-wal")
    if version < newest() and log.exists() and log.stat().st_size:
        return OK, "in use; what was written last is in its write-ahead log"
    if version < newest():
        return OK, f"schema version {version}; the next start brings it to {newest()}"
    return OK, f"schema version {version}"


def _settings(where: Places) -> tuple[str, ...]:
    reach.settings()
    paths = (where.config, where.timeouts)
    return OK, ", ".join(str(it) if it.exists() else f"defaults ({it} is absent)" for it in paths)


def _daemon(where: Places) -> tuple[str, ...]:
    from inspan.client.sync import SyncControl

    if not reach.answers(where.daemon_socket):
        return OK, "not running; it starts when it is needed"
    with SyncControl(where.daemon_socket) as client:
        health = client.health()
    if health.warnings:
        return WARN, "; ".join(health.warnings)
    return OK, f"pid {health.daemon.pid}, inspan {health.daemon.version}"


def _keeper(where: Places) -> tuple[str, ...]:
    hello = keeperdoor.ask(where.keeper_socket, "hello")
    if hello is None:
        return OK, "not running; it starts when it is needed"
    return OK, f"pid {hello.get('pid')}, wire {hello.get('version')}"


def _git(_: Places) -> tuple[str, ...]:
    import shutil
    import subprocess

    path = shutil.which("git")
    if path is None:
        return WARN, "git is not installed", "Worktrees (--worktree, diff, accept) need it."
    version = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10)  # noqa: PLW1510 - a failing git shows as an empty version
    return OK, version.stdout.strip() or f"{path} does not tell its version"


def _terminals(_: Places) -> tuple[str, ...]:
    try:
        one, other = os.openpty()
    except OSError as error:
        return FAIL, f"the system gives out no terminal: {error}", "Raise kernel.pty.max."
    os.close(one)
    os.close(other)
    return OK, f"can be had; TERM is {os.environ.get('TERM') or 'not set'}"


def _screens(_: Places) -> tuple[str, ...]:
    from inspan.terminal.screen import BLIND, backend

    best = backend()
    if best is BLIND:
        return (
            WARN,
            "no terminal emulator: of what agents show, only titles and progress are read",
            "`pip install 'inspan[agents]'` brings one.",
        )
    return OK, f"read with {best.name} {best.version}"


def _sandbox(_: Places) -> tuple[str, ...]:
    from inspan.errors import NotConfined
    from inspan.providers.bubblewrap import prove

    try:
        program, version = prove()
    except NotConfined as error:
        return WARN, f"none can be had, and --sandbox is refused: {error.message}", error.hint
    return OK, f"bubblewrap {version} at {program}"


def _files(_: Places) -> tuple[str, ...]:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = "no limit" if hard == resource.RLIM_INFINITY else str(hard)
    if hard != resource.RLIM_INFINITY and hard < _FILES:
        return WARN, f"at most {most} open files", "Raise the limit: `ulimit -Hn 65536`."
    return OK, f"{soft} now, {most} at most"


def _providers(_: Places) -> tuple[str, ...]:
    from inspan.providers.installed import find, offers
    from inspan.providers.registry import names

    own = (*names(), *reach.settings().declared)
    more = [offer.name for offer in offers() if offer.name not in own]
    broken = []
    for name in more:
        try:
            find(name)
        except ProviderBroken as error:
            broken.append(error.message)
    if broken:
        return WARN, " ".join(broken), "Uninstall what is broken; the others can be used."
    return OK, ", ".join((*own, *more))


def _agents(_: Places) -> tuple[str, ...]:
    from inspan.cli.agents import installed, logged_in

    found = installed()
    if not found:
        hint = "`inspan agents` tells what installs one; any other program runs without."
        return WARN, "no agent is installed", hint
    shown = ", ".join(f"{dialect.name} {version or '?'}" for dialect, version in found)
    out_of = [f"{name} ({hint})" for dialect, _ in found for name, hint in logged_in(dialect)]
    if out_of:
        return WARN, f"{shown}; not logged in: {', '.join(out_of)}", "Log in where it says so."
    return OK, shown


def _looks() -> Iterator[tuple[str, Callable[[Places], tuple[str, ...]]]]:
    """In the order in which they are told: below, inspan's own, what it stands beside."""
    for look in (
        _python,
        _platform,
        _state,
        *machine.LOOKS,
        _database,
        _settings,
        *entrances.LOOKS,
        _daemon,
        _keeper,
        _git,
        _terminals,
        _screens,
        _sandbox,
        _files,
        _providers,
        _agents,
    ):
        yield look.__name__.lstrip("_"), look


_LOOKS: Final = dict(_looks())
