"""``inspan export``: a recording as an asciicast (v3), which asciinema plays."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from inspan.cli import exits, reach
from inspan.cli.parsing import add_task
from inspan.cli.say import note
from inspan.errors import BadInput, SessionNotFound
from inspan.model.ids import session_id, short

HELP = "A recording as an asciicast v3: `inspan export last demo.cast`, then `asciinema play`."

_ELSEWHERE = "Name a file that can be written."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser)
    parser.add_argument("file", nargs="?", metavar="FILE", help="where to (standard output)")
    parser.add_argument("--output", "-o", metavar="FILE", help="the same, as a flag")
    parser.add_argument("--attempt", type=int, metavar="N", help="of this attempt (the newest)")
    parser.add_argument("--force", action="store_true", help="write over a file")


def run(args: argparse.Namespace) -> int:
    if args.file is not None and args.output is not None:
        raise BadInput("there are two files: FILE and --output")
    if args.attempt is not None and args.attempt < 1:
        raise BadInput("attempts are counted from 1")
    with reach.control() as control:
        task = control.get(args.task)
    session = session_id(task.id, args.attempt) if args.attempt else task.session
    if session is None:
        raise SessionNotFound(f"{short(task.id)} has not started: nothing is recorded")
    folder = reach.places().recordings / session
    if not folder.is_dir():
        raise SessionNotFound(f"no recording of {session} is kept")
    from inspan.terminal.export import asciicast
    from inspan.terminal.playback import Playback

    lines = asciicast(
        Playback(folder),
        title=task.spec.name,
        command=shlex.join(task.spec.command),
        term=task.spec.env.get("TERM", "xterm-256color"),
    )
    name = args.output if args.file is None else args.file
    if name is None:
        sys.stdout.writelines(lines)
        return exits.DONE
    target = Path(name)
    if target.is_dir():
        raise BadInput(f"{target} is a folder", hint=_ELSEWHERE)
    if target.exists() and not args.force:
        raise BadInput(f"{name} exists already", hint="--force writes over it.")
    try:
        with target.open("w", encoding="utf-8") as file:
            file.writelines(lines)
    except OSError as error:
        raise BadInput(f"cannot write {name}: {error.strerror}", hint=_ELSEWHERE) from error
    note(f"wrote {name}")
    return exits.DONE
