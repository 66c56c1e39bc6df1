"""``inspan up``: start the daemon, or replace it while everything runs on."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json
from inspan.cli.say import clean, json, note, out
from inspan.errors import BadInput, Conflict

if TYPE_CHECKING:
    from inspan.control import Health

HELP = """\
Start the daemon; other commands do it by themselves when they need it.
--restart replaces it with the installed version: what runs, runs on.
--listen serves the network too, to whoever shows a token (`inspan token`), until this daemon
stops; `server: {listen: 127.0.0.1:7433}` in the settings makes it last."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--restart", action="store_true", help="replace the running daemon")
    how.add_argument("--foreground", action="store_true", help="be the daemon, until a signal")
    parser.add_argument("--listen", metavar="ADDRESS:PORT", help="serve the network there too")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    flags = _flags(args)
    where = reach.places()
    if args.foreground:
        return _be_the_daemon(args, flags)
    running = reach.answers(where.daemon_socket)
    if running and args.restart:
        from inspan.cli.down import stop_daemon

        stop_daemon(where)
    with reach.control(flags=flags) as control:
        health = control.health()
    if running and not args.restart:
        _refuse_elsewhere(args.listen, health)
    if args.json:
        json(health)
        return exits.DONE
    word = "runs already" if running and not args.restart else "runs"
    out(f"the daemon {word}: pid {health.daemon.pid}, inspan {clean(health.daemon.version)}")
    if health.url:
        out(f"it listens at {clean(health.url)}; `inspan token new NAME` lets somebody in")
    out(f"state in {clean(health.state_dir)}")
    return exits.DONE


def _flags(args: argparse.Namespace) -> list[str]:
    """What the daemon is to be told; refused here, before one that runs is stopped."""
    if args.listen is None:
        return []
    from inspan.settings.server import listening_at

    listening_at(reach.settings(), args.listen)
    return ["--listen", args.listen]


def _refuse_elsewhere(wanted: str | None, health: Health) -> None:
    if wanted is not None and not (health.url or "").endswith(f"//{wanted}"):
        at = f"listens at {health.url}" if health.url else "does not serve the network"
        raise Conflict(
            f"the daemon runs already, and {at}",
            hint=f"`inspan up --restart --listen {wanted}` replaces it; what runs, runs on.",
        )


def _be_the_daemon(args: argparse.Namespace, flags: list[str]) -> int:
    where = reach.places()
    if args.json:
        raise BadInput("--foreground prints no JSON")
    from inspan.daemon import main as daemon

    note(f"the daemon listens on {where.daemon_socket}; Ctrl-C stops it")
    return daemon(flags)
