"""``inspan logs``: what a task printed; cleaned for the eye, exact with ``--raw``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from inspan.cli import exits, reach
from inspan.cli.following import Follower
from inspan.cli.parsing import add_task
from inspan.cli.pump import write_all
from inspan.cli.say import colours, note
from inspan.errors import BadInput, FellBehind, SessionNotFound
from inspan.model.agent import is_agent
from inspan.model.ids import COMMANDS_MOST, attempt_of, command_id, session_id, short
from inspan.model.session import Chunk, Ended, Gap, Output

if TYPE_CHECKING:
    from inspan.cli.reach import Reached
    from inspan.cli.speech import Speech
    from inspan.model.task import Task

HELP = "What a task printed. Nothing in it can steer your terminal, unless you ask for --raw."
_PAGE = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser)
    parser.add_argument("--follow", "-f", action="store_true", help="go on until it ends")
    parser.add_argument("--raw", action="store_true", help="the bytes as they were written")
    parser.add_argument("--attempt", type=int, metavar="N", help="of this attempt (the newest)")
    parser.add_argument(
        "--command", type=int, metavar="N", help="of the Nth command that its agent had inspan run"
    )
    parser.add_argument("--setup", action="store_true", help="of what set its workspace up")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--stdout", action="store_true", help="without what went to stderr")
    only.add_argument("--stderr", action="store_true", help="only what went to stderr")


def run(args: argparse.Namespace) -> int:
    with reach.control() as control:
        task = control.get(args.task)
        if args.setup:
            from inspan.cli.setuplog import steps

            for step in steps(control, task, args.attempt, follow=args.follow):
                note(f"{step.command}:")
                _show(control, task, step.session, args)
            return exits.DONE
        session = _session(control, task, args)
        if session is None:
            note(f"{short(task.id)} has not started; it is {task.state.value}")
            return exits.DONE
        _show(control, task, session, args)
    return exits.DONE


def _show(control: Reached, task: Task, session: str, args: argparse.Namespace) -> None:
    chunks = followed(control, session) if args.follow else recorded(control, session)
    printer = _printer(task, session, args)
    try:
        for chunk in chunks:
            _print(chunk, args, printer)
    except SessionNotFound:
        what = f"attempt {attempt_of(session)} of {short(task.id)}"
        if args.command is not None:
            what = f"command {args.command} in {what}"
        more = f"; --setup shows what set {short(task.id)} up" if task.setup else ""
        note(f"nothing of {what} is recorded{'' if args.setup else more}")
    finally:
        printer.close()


def _session(control: Reached, task: Task, args: argparse.Namespace) -> str | None:
    session = _attempt(control, task, args)
    if args.command is None or session is None:
        return session
    if not 1 <= args.command <= COMMANDS_MOST:
        raise BadInput(f"commands are counted from 1, and there are {COMMANDS_MOST} at most")
    return command_id(session, args.command)


def _attempt(control: Reached, task: Task, args: argparse.Namespace) -> str | None:
    if args.attempt is not None:
        if args.attempt < 1:
            raise BadInput("attempts are counted from 1")
        return session_id(task.id, args.attempt)
    if task.session is None and args.follow and not task.done:
        return _first_session(control, task)
    return task.session


def _first_session(control: Reached, task: Task) -> str | None:
    """The session, once the task has one."""
    with Follower(control, task.seq, task.id) as follower:
        while task.session is None and not task.done:
            follower.next(1.0)
            task = control.get(task.id)
    return task.session


def recorded(control: Reached, session: str) -> Iterator[Chunk]:
    """What is there now."""
    offset = 0
    while True:
        chunks = control.read(session, offset, _PAGE)
        yield from chunks
        ends = [end for end in map(_end, chunks) if end is not None]
        if not ends or any(isinstance(chunk, Ended) for chunk in chunks):
            return
        offset = ends[-1]


def followed(control: Reached, session: str) -> Iterator[Chunk]:
    """What is there and what comes, also when the daemon is lost in between."""
    control, offset = reach.lasting(control), 0
    while True:
        try:
            with control.attach(session, offset=offset) as attached:
                for chunk in attached:
                    offset = _end(chunk) or offset
                    yield chunk
        except FellBehind:
            continue
        else:
            return


def _end(chunk: Chunk) -> int | None:
    if isinstance(chunk, Output):
        return chunk.offset + len(chunk.data)
    return chunk.end if isinstance(chunk, Gap) else None


def _printer(task: Task, session: str, args: argparse.Namespace) -> _Printer | Speech:
    """An agent's lines are told as text; with a flag that asks for bytes they are bytes."""
    as_bytes = args.raw or args.stdout or args.stderr or args.setup or args.command is not None
    if not as_bytes and is_agent(task.spec.provider):
        from inspan.cli.speech import of

        if (speech := of(task, session=session)) is not None:
            return speech
    return _Printer(raw=args.raw)


def _print(chunk: Chunk, args: argparse.Namespace, printer: _Printer | Speech) -> None:
    if isinstance(chunk, Gap):
        note(f"{chunk.end - chunk.start} bytes are no longer kept")
    elif isinstance(chunk, Output):
        if args.stdout and chunk.stream == "err":
            return
        if args.stderr and chunk.stream != "err":
            return
        printer.feed(chunk)


class _Printer:
    """Standard output, exact or cleaned."""

    def __init__(self, *, raw: bool) -> None:
        from inspan.terminal.sanitize import Cleaner

        self._cleaner = None if raw else Cleaner(colours=colours())

    def feed(self, chunk: Output) -> None:
        """Print what is certain of it."""
        data = chunk.data
        if self._cleaner is None:
            sys.stdout.flush()
            write_all(1, data)
        else:
            sys.stdout.write(self._cleaner.feed(data))
            sys.stdout.flush()

    def close(self) -> None:
        """Print what was held back."""
        if self._cleaner is not None:
            sys.stdout.write(self._cleaner.close())
            sys.stdout.flush()
