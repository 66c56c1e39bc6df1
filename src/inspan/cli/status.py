"""``inspan status``: what runs and where things are kept; starts nothing."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inspan.cli import afar, exits, keeperdoor, reach
from inspan.cli.parsing import add_json
from inspan.cli.plainly import full
from inspan.cli.say import clean, json, out, styled
from inspan.errors import DaemonMismatch, InspanError
from inspan.settings.figures import show_duration, show_size

if TYPE_CHECKING:
    from inspan.client.address import Address
    from inspan.settings import Places

#: What each path is called, and its key.
_PATHS: Final = (
    ("state", "state_dir"),
    ("socket", "socket"),
    ("config", "config"),
    ("timeouts", "timeouts"),
)

HELP = "What runs, and where things are kept. It starts nothing. Exit status 1: no healthy daemon."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from inspan.client.sync import SyncControl

    there = afar.address()
    told = _told(reach.places()) if there is None else _told_of(there)
    try:
        with SyncControl(reach.address()) as client:
            health = full(client.health())
            states = Counter(str(session.state) for session in client.code.list())
        if there is not None:
            told["state_dir"] = health["state_dir"]
        told |= {key: health[key] for key in ("daemon", "sessions", "counts", "url", "warnings")}
        told["code_sessions"] = dict(states)
        told["keeper"] = health["keeper"] or told["keeper"]
        told["sqlite"], told["python"] = health["sqlite"], health["python"]
    except InspanError as error:
        told["problem"] = {"code": error.code, "message": error.message, "hint": error.hint}
        told["mismatch"] = isinstance(error, DaemonMismatch)
    json(told) if args.json else _say(told)
    return exits.DONE if told["daemon"] else exits.FAILED


def _told(where: Places) -> dict[str, Any]:
    """What is known without the daemon."""
    from inspan import __version__

    return {
        "version": __version__,
        "daemon": None,
        "keeper": _keeper(where),
        "state_dir": str(where.state_dir),
        "socket": str(where.daemon_socket),
        "url": None,
        "keeper_socket": str(where.keeper_socket),
        "config": str(where.config),
        "timeouts": str(where.timeouts),
        "logs": str(where.logs),
    }


def _told_of(there: Address) -> dict[str, Any]:
    """The same of a daemon elsewhere, of which nothing is known before it answers."""
    from inspan import __version__

    return {
        "version": __version__,
        "host": there.url,
        "daemon": None,
        "keeper": None,
        "state_dir": None,
        "url": None,
    }


def _keeper(where: Places) -> dict[str, Any] | None:
    try:
        hello = keeperdoor.ask(where.keeper_socket, "hello")
    except InspanError as error:
        return {"healthy": False, "problem": error.message}
    if hello is None:
        return None
    return {
        "pid": hello.get("pid"),
        "version": f"wire {hello.get('version')}",
        "started_at": hello.get("started_at"),
        "rss_bytes": None,
        "healthy": True,
    }


def _say(told: dict[str, Any]) -> None:
    if "host" in told:
        out(f"{styled('host'.ljust(8), 'dim')} {clean(told['host'])}")
    for name in ("daemon", "keeper"):
        out(f"{styled(name.ljust(8), 'dim')} {_process(told[name])}")
    known = "host" in told or Path(told["socket"]).exists()
    if "problem" in told and told["daemon"] is None and known:
        out(f"{'':8} {clean(told['problem']['message'])}")
    for name, key in (pair for pair in _PATHS if told.get(pair[1])):
        out(f"{styled(name.ljust(8), 'dim')} {clean(str(told[key]))}")
    if told["url"]:
        out(f"{styled('network'.ljust(8), 'dim')} {clean(told['url'])}")
    for name, key in (("tasks", "counts"), ("py", "code_sessions")):
        words = ", ".join(f"{n} {state}" for state, n in told.get(key, {}).items() if n)
        if words:
            out(f"{styled(name.ljust(8), 'dim')} {clean(words)}")
    out(f"{styled('version'.ljust(8), 'dim')} inspan {told['version']}{_below(told)}")
    for warning in told.get("warnings", ()):
        out(styled(f"warning  {clean(warning)}", "yellow"))


def _below(told: dict[str, Any]) -> str:
    return f", Python {told['python']}, SQLite {told['sqlite']}" if "python" in told else ""


def _process(process: dict[str, Any] | None) -> str:
    if process is None:
        return styled("not running", "yellow")
    if not process.get("healthy"):
        return styled(clean(f"ill: {process.get('problem', 'no answer')}"), "red")
    size = f", {show_size(process['rss_bytes'])}" if process.get("rss_bytes") else ""
    since = time.time() - (process.get("started_at") or time.time())
    return clean(
        f"running, pid {process['pid']}, {process['version']}, up {show_duration(since)}{size}"
    )
