"""``inspan db``: the database's schema up and down, its health, copies of it and the way back."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json
from inspan.cli.plainly import full
from inspan.cli.say import clean, json, out
from inspan.errors import BadInput, Conflict, StoreFailed, StoreLocked

if TYPE_CHECKING:
    from inspan.settings import Places
    from inspan.store.verify import Verified

HELP = """\
Upgrade, downgrade, verify, back up or restore the database. But for backup the daemon must be
down: it holds the database alone. Before each change of the schema a backup is made beside it.
restore looks through the backup first, and keeps the present database beside it; nothing may run
meanwhile."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("upgrade", "downgrade", "verify", "backup", "restore"))
    parser.add_argument(
        "to", nargs="?", metavar="TO", help="a schema version, or the file of the backup"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    where = reach.places()
    if args.what != "restore" and not where.database.exists():
        raise StoreFailed(
            f"there is no database at {where.database}",
            hint="It is made when the first task is handed in.",
        )
    if args.what != "backup":
        _refuse_beside_a_daemon(where)
    if args.what == "verify":
        return _verify(where, args)
    if args.what == "restore":
        return _restore(where, args)
    told = {"upgrade": _up, "downgrade": _down, "backup": _backup}[args.what](where, args.to)
    if args.json:
        json(told)
    elif args.what == "backup":
        out(clean(f"backed up to {told['backup']}, {told['bytes']} bytes"))
    else:
        out(f"the schema has version {told['version']}")
    return exits.DONE


def _refuse_beside_a_daemon(where: Places) -> None:
    from inspan.client.sync import SyncControl

    if not reach.answers(where.daemon_socket):
        return
    with SyncControl(where.daemon_socket) as control:
        pid = control.health().daemon.pid
    raise StoreLocked(
        f"the daemon (pid {pid}) holds the database",
        hint="`inspan down` stops it; what runs goes on, and the next command starts it again.",
    )


def _up(where: Places, to: str | None) -> dict[str, object]:
    from inspan.store import migrate

    return {"version": migrate.upgrade(where.database, None if to is None else _number(to))}


def _down(where: Places, to: str | None) -> dict[str, object]:
    from inspan.store import migrate

    if to is None:
        raise BadInput("downgrade to which schema version?", hint="`inspan db downgrade 1`")
    return {"version": migrate.downgrade(where.database, _number(to))}


def _backup(where: Places, to: str | None) -> dict[str, object]:
    from inspan.store.snapshot import whole_snapshot

    stamp = time.strftime("%Y%m%d-%H%M%S")
    target = Path(to).absolute() if to else where.database.with_name(f"inspan.{stamp}.backup")
    if target.exists():
        raise BadInput(f"{target} exists already", hint="Name a file that does not.")
    whole_snapshot(where.database, target)
    return {"backup": str(target), "bytes": target.stat().st_size}


def _restore(where: Places, args: argparse.Namespace) -> int:
    from inspan.store.restore import restore

    if args.to is None:
        raise BadInput("restore which backup?", hint="`inspan db restore FILE`")
    _refuse_beside_programs(where)
    where.prepare()
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = where.database.with_name(f"inspan.{stamp}.before-restore")
    done = restore(Path(args.to).absolute(), where.database, aside)
    if args.json:
        json({"aside": None if done.aside is None else str(done.aside), **full(done.found)})
        return exits.DONE
    found = done.found
    out(clean(f"restored: schema version {found.schema}, {_counts(found)}"))
    if done.aside is not None:
        out(clean(f"the database of before is {done.aside}"))
    return exits.DONE


def _refuse_beside_programs(where: Places) -> None:
    """The next daemon ends what the keeper holds and its database does not know."""
    from inspan.cli import keeperdoor

    hello = keeperdoor.ask(where.keeper_socket, "hello") or {}
    if hello.get("sessions"):
        raise Conflict(
            "programs still run, of which the backup may not know",
            hint="Let them end, or `inspan down --keeper --force`.",
        )


def _counts(found: Verified) -> str:
    return (
        f"{found.tasks} tasks, {found.events} events, {found.promises} promises, "
        f"{found.code_sessions} code sessions"
    )


def _verify(where: Places, args: argparse.Namespace) -> int:
    if args.to is not None:
        raise BadInput("verify takes nothing more")
    from inspan.store.verify import verify

    found = verify(where.database)
    if args.json:
        json({"ok": found.ok, **full(found)})
    else:
        for problem in found.problems:
            out(clean(problem))
        verdict = "sound" if found.ok else "NOT sound"
        out(f"{verdict}: schema version {found.schema}, {_counts(found)}")
        if found.gaps:
            out(f"{found.gaps} numbers of events are free, as removed tasks leave them")
    return exits.DONE if found.ok else exits.FAILED


def _number(text: str) -> int:
    if not text.isdecimal():
        raise BadInput(f"{text!r} is no schema version", hint="It is a whole number.")
    return int(text)
