"""``inspan up``: start the daemon, or replace it while everything runs on."""

from __future__ import annotations

import argparse

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json
from inspan.cli.say import clean, json, note, out
from inspan.errors import BadInput

HELP = """\
Start the daemon; other commands do it by themselves when they need it.
--restart replaces it with the installed version: what runs, runs on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--restart", action="store_true", help="replace the running daemon")
    how.add_argument("--foreground", action="store_true", help="be the daemon, until a signal")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    where = reach.places()
    if args.foreground:
        return _be_the_daemon(args)
    running = reach.answers(where.daemon_socket)
    if running and args.restart:
        from inspan.cli.down import stop_daemon

        stop_daemon(where)
    with reach.control() as control:
        health = control.health()
    if args.json:
        json(health)
        return exits.DONE
    word = "runs already" if running and not args.restart else "runs"
    out(f"the daemon {word}: pid {health.daemon.pid}, inspan {clean(health.daemon.version)}")
    out(f"state in {clean(health.state_dir)}")
    return exits.DONE


def _be_the_daemon(args: argparse.Namespace) -> int:
    where = reach.places()
    if args.json:
        raise BadInput("--foreground prints no JSON")
    from inspan.app import main as daemon

    note(f"the daemon listens on {where.daemon_socket}; Ctrl-C stops it")
    return daemon(["serve"])
