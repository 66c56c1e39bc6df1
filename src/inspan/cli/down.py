"""``inspan down``: stop the daemon; what runs, runs on, unless the keeper is to stop too."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from inspan.cli import afar, exits, keeperdoor, reach
from inspan.cli.parsing import add_json
from inspan.cli.say import json, out
from inspan.errors import BadInput, Conflict, DaemonUnreachable, InspanError, KeeperLost, Unable
from inspan.keeper.processes import lives

if TYPE_CHECKING:
    from inspan.cli.reach import Reached
    from inspan.client.address import Address
    from inspan.settings import Places

HELP = """\
Stop the daemon. What runs goes on under the keeper, and the next daemon takes it up.
--keeper stops the keeper too; it refuses while something runs, unless --force kills that."""
#: Seconds for the daemon to close its store and leave.
_PATIENCE: Final = 20.0
_STEP: Final = 0.02


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keeper", action="store_true", help="stop the keeper too")
    parser.add_argument("--force", action="store_true", help="with --keeper: kill what still runs")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    if (there := afar.address()) is not None:
        return _down_there(there, args)
    where = reach.places()
    if args.force and not args.keeper:
        raise BadInput(
            "--force is for the keeper",
            hint="`inspan down --keeper --force` kills what runs; `inspan down` leaves it.",
        )
    if args.keeper:
        _interrupt_all(where) if args.force else _refuse_while_busy(where)
    daemon = stop_daemon(where)
    keeper = args.keeper and stop_keeper(where, force=args.force)
    if args.json:
        json({"daemon": "stopped" if daemon else "absent", "keeper": _keeper_word(args, keeper)})
        return exits.DONE
    out(("the daemon has stopped" if daemon else "there was no daemon") + _running_on(where))
    if args.keeper:
        out("the keeper has stopped" if keeper else "there was no keeper")
    return exits.DONE


def _down_there(there: Address, args: argparse.Namespace) -> int:
    """Stop a daemon elsewhere, where the token may; its keeper is not to be reached."""
    from inspan.client.sync import SyncControl

    if args.keeper:
        raise BadInput("--keeper is about one machine", hint="`ssh HOST inspan down --keeper`.")
    with SyncControl(there) as control:
        control.shutdown()
    if args.json:
        json({"daemon": "stopped", "keeper": "left"})
    else:
        out(f"the daemon at {there.url} is stopping; nothing starts it from here")
    return exits.DONE


def _keeper_word(args: argparse.Namespace, stopped: bool) -> str:
    if not args.keeper:
        return "left"
    return "stopped" if stopped else "absent"


def _running_on(where: Places) -> str:
    """How many programs go on without a daemon."""
    with suppress(InspanError):
        hello = keeperdoor.ask(where.keeper_socket, "hello") or {}
        number = _count(hello.get("sessions") or 0)
        if number:
            return f"; {number} {'program runs' if number == 1 else 'programs run'} on"
    return ""


def _refuse_while_busy(where: Places) -> None:
    hello = keeperdoor.ask(where.keeper_socket, "hello")
    if hello is not None and hello.get("sessions"):
        number = _count(hello["sessions"])
        raise Conflict(
            f"the keeper holds {number} {'session' if number == 1 else 'sessions'}",
            hint="Let them end, interrupt tasks, `inspan py close` code; or kill all with --force.",
        )


def _interrupt_all(where: Places) -> None:
    """Interrupt what runs, so that it can be resumed; a bare kill would look like a failure.

    What waits for a slot goes first, or it would start in the room that becomes free.
    """
    if keeperdoor.ask(where.keeper_socket, "hello") is None:
        return
    from concurrent.futures import ThreadPoolExecutor

    from inspan.control import TaskQuery
    from inspan.model.task import ACTIVE, TaskState

    with suppress(InspanError), reach.control() as control:
        for states in ((TaskState.QUEUED,), tuple(ACTIVE)):
            page = control.list(TaskQuery(states=states, limit=1000))
            while page.tasks:
                ids = [task.id for task in page.tasks]
                with ThreadPoolExecutor(max_workers=16) as pool:
                    list(pool.map(lambda task_id: _interrupt(control, task_id), ids))
                if page.next is None:
                    break
                page = control.list(TaskQuery(states=states, limit=1000, before=page.next))


def _interrupt(control: Reached, task_id: str) -> None:
    with suppress(InspanError):  # it may have ended by itself
        control.interrupt(task_id, reason="inspan down --keeper --force", force=True)


def _count(sessions: object) -> int:
    return len(sessions) if isinstance(sessions, list) else int(str(sessions))


def stop_daemon(where: Places) -> bool:
    """Stop the daemon and see it gone; false where there was none. Raises Unable."""
    from inspan.client.sync import SyncControl

    client = SyncControl(where.daemon_socket)
    try:
        pid = client.health().daemon.pid
        client.shutdown()
    except DaemonUnreachable:
        if reach.answers(where.daemon_socket):
            client.shutdown()  # of another version: it does not tell its pid, and can be stopped
            pid = 0
        else:
            return False
    if not _gone(lambda: not reach.answers(where.daemon_socket) and not (pid and lives(pid))):
        raise Unable(f"the daemon (pid {pid}) has not stopped within {_PATIENCE:.0f} s")
    return True


def stop_keeper(where: Places, *, force: bool) -> bool:
    """Stop the keeper and see it gone; false where there was none. Raises Unable."""
    hello = keeperdoor.ask(where.keeper_socket, "hello")
    if hello is None:
        return False
    with suppress(KeeperLost):  # it may leave without a word; that it left is looked at below
        keeperdoor.ask(where.keeper_socket, "shutdown", force=force)
    if not _gone(lambda: not lives(hello["pid"])):
        raise Unable(f"the keeper (pid {hello['pid']}) has not stopped")
    return True


def _gone(is_gone: Callable[[], bool]) -> bool:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if is_gone():
            return True
        time.sleep(_STEP)
    return False
