"""``inspan upgrade``: would this inspan take over what an older one left, and could it go back?"""

from __future__ import annotations

import argparse
import json as plain_json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inspan.cli import exits, keeperdoor, reach
from inspan.cli.finding import FAIL, OK, WARN, Finding, failed, tell
from inspan.cli.parsing import add_json
from inspan.cli.say import clean, json, note, out
from inspan.errors import InspanError

if TYPE_CHECKING:
    from inspan.settings import Places
    from inspan.store.rehearsal import Rehearsed

HELP = """\
Rehearse the upgrade to the inspan that is installed, and the way back, on a copy of the state;
then replace the daemon by it, while what runs, runs on. Where the rehearsal fails nothing is done.
--check only rehearses: it changes nothing, and works beside a daemon that runs.
Exit status 1: it cannot be done, or not be undone."""
#: How many times the size of the database a rehearsal takes: the copy, its log, two backups.
_COPIES: Final = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="rehearse, and change nothing")
    parser.add_argument(
        "--settings-back", action="store_true", help="only undo what it did to the settings files"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    where = reach.places()
    if args.settings_back:
        from inspan.cli.formed import go_back

        return go_back(where)
    told: dict[str, Any] = {}
    findings = [*_looks(where, told)]
    bad = failed(findings)
    done = not bad and not args.check
    if done:
        from inspan.cli.formed import go_forward

        go_forward(where)
        told["daemon"] = _replace(where)
    if args.json:
        json({"ok": not bad, "findings": findings, "upgraded": done, **told})
    else:
        tell(findings)
        _conclude(args, told, bad=bad)
    return exits.FAILED if bad else exits.DONE


def _conclude(args: argparse.Namespace, told: dict[str, Any], *, bad: bool) -> None:
    if bad:
        out("it cannot be done like this; nothing was changed")
    elif args.check:
        out("it can be done: `inspan upgrade` does it" + _back(told))
    else:
        daemon = told["daemon"]
        out(f"the daemon runs: pid {daemon['pid']}, inspan {clean(daemon['version'])}{_back(told)}")


def _back(told: dict[str, Any]) -> str:
    database: Rehearsed | None = told.get("database")
    if database is None or database.before == database.after:
        return ""
    return (
        f"; the way back is `inspan down`, `inspan db downgrade {database.before}`, "
        "and then the inspan of before"
    )


def _replace(where: Places) -> dict[str, Any]:
    from inspan.cli.down import stop_daemon

    stop_daemon(where)
    with reach.control() as control:
        daemon = control.health().daemon
    return {"pid": daemon.pid, "version": daemon.version}


# ── looks ─────────────────────────────────────────────────────────────────────


def _looks(where: Places, told: dict[str, Any]) -> Iterator[Finding]:
    from inspan import __version__

    told["version"] = __version__
    yield Finding("version", OK, f"inspan {__version__} is installed")
    yield from _settings(where)
    yield _running(where, told)
    yield from _database(where, told)


def _settings(where: Places) -> Iterator[Finding]:
    """Those of an older form are rehearsed; others it never writes: the way back is as they are."""
    from inspan.cli.formed import rehearsed
    from inspan.settings import timeouts, values

    if (found := rehearsed(where)) is not None:
        yield found
        return
    for name, path, load in (
        ("settings", where.config, values.load_alone),
        ("timeouts", where.timeouts, timeouts.load),
    ):
        if not path.exists():
            yield Finding(name, OK, f"{path} is absent: the defaults count")
            continue
        try:
            load(path)
        except InspanError as error:
            yield Finding(name, FAIL, error.message, error.hint)
        else:
            yield Finding(name, OK, f"{path} is valid for this inspan, which never writes it")


def _running(where: Places, told: dict[str, Any]) -> Finding:
    """Whether what runs goes on under the keeper that is there."""
    from inspan.keeper import wire
    from inspan.keeper.processes import lives

    card: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        card = plain_json.loads(where.keeper_file.read_bytes())
    if not card or not lives(int(card["pid"])):
        told["keeper"] = None
        return Finding("keeper", OK, "not running, so nothing runs that could be lost")
    version, sessions = card["version"], _sessions(where)
    speaks = wire.OLDEST <= version <= wire.VERSION
    told["keeper"] = {"pid": card["pid"], "wire": version, "runs_on": speaks, "sessions": sessions}
    what = "nothing" if sessions == 0 else f"{sessions if sessions is not None else 'some'} run"
    if speaks:
        message = f"wire {version}, which this inspan speaks: what runs, runs on ({what} now)"
        return Finding("keeper", OK, message)
    return Finding(
        "keeper",
        FAIL,
        f"wire {version}; this inspan speaks {wire.OLDEST} to {wire.VERSION} ({what} now)",
        "Let what runs end; then `inspan down --keeper` with the inspan of before.",
    )


def _sessions(where: Places) -> int | None:
    with suppress(InspanError):
        hello = keeperdoor.ask(where.keeper_socket, "hello") or {}
        held = hello.get("sessions") or 0
        return len(held) if isinstance(held, list) else int(held)
    return None


def _database(where: Places, told: dict[str, Any]) -> Iterator[Finding]:
    told["database"] = None
    if not where.database.exists():
        yield Finding("database", OK, "none yet; it is made with the first task")
        return
    size = sum(
        each.stat().st_size
        for each in where.state_dir.glob(f"{where.database.name}*")
        if each.is_file() and not each.name.endswith(".backup")
    )
    free = shutil.disk_usage(where.state_dir).free
    room = _room(size, free)
    yield room
    if room.level == FAIL:
        return
    note(f"rehearsing on a copy of {where.database}")
    try:
        with _rehearsing(where) as folder:
            from inspan.store.rehearsal import rehearse

            told["database"] = found = rehearse(where.database, folder)
    except InspanError as error:
        yield Finding("database", FAIL, error.message, error.hint)
        return
    told["disk"] = {"needed": found.needed, "free": free}
    yield from _rehearsed(found)


def _room(size: int, free: int) -> Finding:
    from inspan.settings.figures import show_size

    wanted = _COPIES * size
    shown = f"{show_size(free)} free, the rehearsal takes up to {show_size(wanted)}"
    if free < wanted:
        return Finding("disk", FAIL, shown, "`inspan prune` makes room.")
    return Finding("disk", OK, shown)


@contextmanager
def _rehearsing(where: Places) -> Iterator[Path]:
    """A folder of its own beside the database: on the same disk, and mode 0700."""
    with tempfile.TemporaryDirectory(prefix="rehearsal-", dir=where.state_dir) as folder:
        yield Path(folder)


def _rehearsed(found: Rehearsed) -> Iterator[Finding]:
    from inspan.settings.figures import show_size

    what = f"{found.tasks} tasks, {found.events} events"
    if not found.ok:
        for problem in found.problems:
            yield Finding("database", FAIL, problem, "`inspan db verify` looks at the real one.")
        return
    if found.before == found.after:
        yield Finding("database", OK, f"sound, schema version {found.before} as now: {what}")
        return
    steps = ", ".join(found.steps)
    yield Finding("database", OK, f"sound, schema version {found.before}: {what}")
    yield Finding("upgrade", OK, f"to version {found.after} by {steps}: done, sound")
    yield Finding("way back", OK, f"to version {found.before}: done, sound, and nothing differs")
    yield Finding("again", OK, f"to version {found.after}: the same as the first time")
    more = f"takes up to {show_size(found.needed)}, a backup of version {found.before} included"
    yield Finding("room", WARN if found.needed > (1 << 30) else OK, more)
