"""``inspan web``: the page, in a browser that is let in by an address which is good once."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from inspan.cli import afar, exits, reach
from inspan.cli.parsing import add_json
from inspan.cli.say import clean, json, note, out
from inspan.errors import BadInput
from inspan.settings import private

if TYPE_CHECKING:
    from inspan.control import Health

HELP = """\
Open the page: tasks, what they ask, their terminals, what they changed.
The address that is printed lets one browser in, within a minute; it stays logged in for 30 days,
or until `inspan token revoke` or its own button. A daemon that does not serve the network yet is
replaced by one that does, on this machine alone; what runs, runs on."""

#: No other program is known to want it.
PORT: Final = 7433


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=int, metavar="N", help=f"where, if it is not served yet (default: {PORT})"
    )
    parser.add_argument("--read-only", action="store_true", help="to look, and nothing else")
    parser.add_argument("--no-open", action="store_true", help="only print the address")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    if args.port is not None and not 0 <= args.port <= 65535:
        raise BadInput("--port is a number from 0 to 65535")
    health = _served(PORT if args.port is None else args.port)
    if args.port is not None and not (health.url or "").endswith(f":{args.port}"):
        note(f"it is served at {health.url} already")
    with reach.connect() as control:
        url = control.invite(("read",) if args.read_only else ())
    if args.json:
        json({"url": url})
        return exits.DONE
    out(clean(url))
    if not args.no_open and not _opened(url):
        note("no browser could be opened; paste the address into one on this machine")
    return exits.DONE


def _served(port: int) -> Health:
    """How a daemon is that serves the network; one that does not is replaced."""
    with reach.control() as control:
        health = control.health()
    if health.url is not None:
        return health
    afar.refuse(
        "the daemon does not serve the network, and so no page",
        "`inspan up --restart --listen 127.0.0.1:7433` there has it do so.",
    )
    from inspan.cli.down import stop_daemon

    stop_daemon(reach.places())
    with reach.control(flags=["--listen", f"127.0.0.1:{port}"]) as control:
        health = control.health()
    note(f"the daemon serves {health.url} until it stops; `inspan up --help` says how that lasts")
    return health


def _opened(url: str) -> bool:
    """Whether a browser took it. One in a terminal would take that over.

    It is handed a file that leads there: what a program is started with, every user can read.
    """
    import webbrowser
    from pathlib import Path

    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    if isinstance(browser, webbrowser.GenericBrowser) and not isinstance(
        browser, webbrowser.BackgroundBrowser
    ):
        return False
    leading = Path(reach.places().runtime) / "web.html"
    refresh = f'<!doctype html><meta http-equiv="refresh" content="0; url={url}">'
    private.write(leading, refresh)
    return browser.open(leading.as_uri())
