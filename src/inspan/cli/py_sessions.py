"""``inspan py ls | log | interrupt | checkpoint | restore | close``: sessions that stay."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence
from threading import Timer
from typing import TYPE_CHECKING, Final

from inspan.cli import exits, reach
from inspan.cli.main import add_where, go_where
from inspan.cli.parsing import Parser, add_json
from inspan.cli.py_open import alive, ended
from inspan.cli.py_which import called, which
from inspan.cli.say import clean, json, note, out, table
from inspan.errors import NotFound
from inspan.model.code import CellState
from inspan.model.ids import short
from inspan.settings.figures import duration, show_duration, show_size

if TYPE_CHECKING:
    from inspan.client.synccode import SyncCode
    from inspan.model.code import CodeSession, LostName

_HEAD: Final = ("NAME", "STATE", "ID", "AGE", "CELLS", "MEMORY", "FOLDER")
_STYLES: Final = {"ready": "green", "busy": "yellow", "died": "red"}
#: By the code of its reason: how a session is over that nobody closed, and that did not die.
_OVER: Final = {"idle": "idle"}
#: How a cell may end that is interrupted, where one word does not say it.
_ENDS: Final = {
    CellState.LOST: "lost: its process was killed, and all names are gone",
    CellState.WAITING: "waits: what runs before it does not listen",
    CellState.RUNNING: "runs on",
}
#: Seconds after which it is said that a cell does not listen.
_PATIENCE: Final = 1.0
#: Seconds that closing may take at most.
_LONGEST: Final = 3600.0
_Do = Callable[["SyncCode", argparse.Namespace], int]


def run(verb: str, words: Sequence[str], before: argparse.Namespace) -> int:
    """One of ``VERBS``, with what was said before it; the exit status."""
    parser, do = parser_of(verb)
    args = parser.parse_args([*words])
    args.json = args.json or before.json
    go_where(args)
    with reach.connect() as control:
        return do(control.code, args)


def parser_of(verb: str) -> tuple[argparse.ArgumentParser, _Do]:
    """What a verb takes, and what does it."""
    summary, do = VERBS[verb]
    parser = Parser(prog=f"inspan py {verb}", description=summary)
    if verb == "ls":
        parser.add_argument("--all", "-a", action="store_true", help="those that are over, too")
    else:
        parser.add_argument(
            "session", metavar="NAME", help="a session; its id, a short id or `last` will do"
        )
    if verb == "log":
        parser.add_argument("--follow", "-f", action="store_true", help="go on until it ends")
    if verb == "checkpoint":
        parser.add_argument(
            "checkpoint", nargs="?", default="", metavar="CHECKPOINT", help="its name"
        )
    if verb == "restore":
        parser.add_argument(
            "checkpoint", nargs="?", default="", metavar="CHECKPOINT", help="the newest by default"
        )
    if verb == "interrupt":
        parser.add_argument(
            "--kill-after", metavar="TIME", help="end its process, and all names, if it goes on"
        )
    if verb == "close":
        parser.add_argument(
            "--kill-after", metavar="TIME", default="5s", help="for a cell that runs (5s)"
        )
    add_json(parser)
    add_where(parser)
    return parser, do


def _ls(code: SyncCode, args: argparse.Namespace) -> int:
    found = code.list(ended=args.all)
    if args.json:
        json({"sessions": found})
    elif found:
        states = [_state(session) for session in found]
        rows = [_row(session, state) for session, state in zip(found, states, strict=True)]
        table(_HEAD, rows, [_STYLES.get(state, "dim") for state in states])
    elif not args.all and code.list(ended=True):
        out("no session is open; `inspan py ls --all` lists those that are over, too")
    else:
        out("there are no sessions; `inspan py --session NAME` opens one")
    return exits.DONE


def _state(session: CodeSession) -> str:
    if session.open:
        return session.state.value
    if session.closed:
        return "closed"
    return "died" if session.reason is None else _OVER.get(session.reason.code, "died")


def _row(session: CodeSession, state: str) -> tuple[str, ...]:
    why = "" if session.reason is None or session.closed else f": {session.reason.message}"
    memory = "-" if session.pulse is None else show_size(session.pulse.memory_bytes)
    age = max(0.0, (session.ended_at or time.time()) - session.created_at)
    return (
        clean(session.spec.name or "-"),
        state,
        short(session.id),
        show_duration(math.floor(age)),
        str(session.cells),
        memory,
        clean(f"{session.spec.cwd}{why}"),
    )


def _log(code: SyncCode, args: argparse.Namespace) -> int:
    from inspan.cli.py_log import follow, show

    session = which(code, args.session)
    (follow if args.follow else show)(code, session.id, as_json=args.json)
    return exits.DONE


def _interrupt(code: SyncCode, args: argparse.Namespace) -> int:
    within = math.inf if args.kill_after is None else _seconds(args.kill_after)
    session = alive(code, args.session)
    reminder = Timer(_PATIENCE, note, ["it does not listen yet; `--kill-after` ends its process"])
    reminder.daemon = True
    reminder.start()
    try:
        cell = code.interrupt(session.id, deadline=within)
    finally:
        reminder.cancel()
    if args.json:
        json({"cell": cell})
    elif cell is None:
        note("no cell was running")
    else:
        out(f"cell {cell.number} {_ENDS.get(cell.state, cell.state.value)}")
    return exits.DONE


def _checkpoint(code: SyncCode, args: argparse.Namespace) -> int:
    session = alive(code, args.session)
    saved = code.checkpoint(session.id, args.checkpoint)
    if args.json:
        json(saved)
        return exits.DONE
    out(f"{clean(saved.name)}: {_count(saved.names)}, {show_size(saved.size)}")
    _tell_lost("not saved", saved.lost)
    return exits.DONE


def _restore(code: SyncCode, args: argparse.Namespace) -> int:
    session = which(code, args.session)
    name = called(session)
    saved = code.checkpoints(session.id)
    known = [one.name for one in saved]
    if not saved:
        raise NotFound(
            f"there is nothing to restore: the session {name} has no checkpoint",
            hint=f"`inspan py checkpoint {name}` makes one while the session is open.",
        )
    if args.checkpoint and args.checkpoint not in known:
        raise NotFound(
            f"the session {name} has no checkpoint {args.checkpoint!r}",
            hint=f"It has {', '.join(known[-10:])}.",
        )
    restored = code.restore(session.id, args.checkpoint)
    if args.json:
        json(restored)
        return exits.DONE
    where = "" if session.open else f", in a new process of {clean(name)}"
    out(f"{clean(restored.name)}: {_count(restored.names)}{where}")
    _tell_lost("not restored", restored.lost)
    return exits.DONE


def _count(names: Sequence[str]) -> str:
    return f"{len(names)} name{'' if len(names) == 1 else 's'}"


def _tell_lost(what: str, lost: Sequence[LostName]) -> None:
    for name in lost:
        note(f"{what}: {name.name} ({name.kind}): {name.reason}")


def _close(code: SyncCode, args: argparse.Namespace) -> int:
    session = which(code, args.session)
    if session.closed:
        raise ended(session, code.checkpoints(session.id))
    within = min(_seconds(args.kill_after), _LONGEST)
    session = code.close(session.id, deadline=within)
    if args.json:
        json(session)
    else:
        out(f"{clean(called(session))} is closed")
    return exits.DONE


def _seconds(text: str) -> float:
    seconds = duration(text)
    return math.inf if seconds is None else seconds


#: The word behind ``inspan py`` → what it does.
VERBS: Final[dict[str, tuple[str, _Do]]] = {
    "ls": ("List the sessions that are open, oldest first.", _ls),
    "log": (
        "What was run in a session, and what came of it. Nothing in it can steer your terminal.",
        _log,
    ),
    "interrupt": ("Interrupt the cell that runs. The session and its names stay.", _interrupt),
    "checkpoint": ("Save the names of a session, and say which could not be saved.", _checkpoint),
    "restore": (
        "Give a session the names of a checkpoint, and a new process where it has none.",
        _restore,
    ),
    "close": ("End a session: a cell that runs is interrupted, and the name is free.", _close),
}
