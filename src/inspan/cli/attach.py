"""``inspan attach``: our terminal becomes the task's, until the detach key or its end."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final

from inspan.cli import afar, exits, rawtty, reach
from inspan.cli.parsing import add_task
from inspan.cli.pump import Pump, Source, write_all
from inspan.cli.say import note
from inspan.errors import (
    BadInput,
    DaemonUnreachable,
    FellBehind,
    InspanError,
    SessionNotFound,
)
from inspan.model.ids import short
from inspan.model.session import Answers, Output
from inspan.terminal.history import Modes

if TYPE_CHECKING:
    from inspan.cli.reach import Reached
    from inspan.model.task import Task

HELP = r"""Type into a running task as if it were here. Ctrl-\ (or `keys.detach` of the settings)
leaves it running and gives your terminal back.
A full screen program is drawn anew in the size of your terminal. With --read-only it keeps its
own size, and what was drawn before you came may look torn until it draws again."""
#: How much of what was printed before is shown, in bytes: enough for any screen.
_BEFORE: Final = 1 << 16
#: How much before that is looked through for modes of the terminal, in bytes.
_MODES_BEFORE: Final = 8 << 20
_TRIES: Final = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser)
    parser.add_argument("--read-only", "-r", action="store_true", help="only watch")
    parser.add_argument("--steal", action="store_true", help="take over from whoever types")


def run(args: argparse.Namespace) -> int:
    if not sys.stdout.isatty():
        raise BadInput(
            "attach needs a terminal", hint="`inspan logs -f` follows in a pipe; `send` types."
        )
    detach = reach.settings().detach_key
    with reach.control() as control:
        task = control.get(args.task)
        if task.session is None or task.done:
            raise SessionNotFound(
                f"{short(task.id)} is {task.state.value}: there is nothing to attach to",
                hint=_instead(task),
            )
        note(f"attached to {short(task.id)}; {_key(detach)} leaves it running")
        pump = _attached(control, task.session, args, detach)
    for line in pump.notes:
        note(line)
    name = short(task.id)
    if pump.robbed:
        note(f"somebody else types into {name} now; `inspan attach --read-only {name}` watches")
        return exits.FAILED
    note(f"left {name}; it runs on" if pump.left else f"{name} has ended")
    return exits.DONE


def _instead(task: Task) -> str:
    if task.session is None and not task.done:
        return f"Once it runs there is; `inspan show {short(task.id)}` tells what it waits for."
    return f"`inspan logs {short(task.id)}` shows what it printed."


def _attached(control: Reached, session: str, args: argparse.Namespace, detach: int) -> Pump:
    source = Source(0)
    tries = 0
    with rawtty.wakes(signal.SIGWINCH, signal.SIGTERM) as (wake, came), ExitStack() as stack:
        if source.tty:
            stack.enter_context(rawtty.raw(0))
        pump = Pump(source, wake, screen=True, resizes=not args.read_only, stop_at=detach)
        pump.mute = args.read_only
        pump.shown, pump.modes = _begun(control, session)
        write_all(1, pump.modes.begin())
        stack.callback(_calm, pump)
        # Whoever only watches, or cannot hear what the terminal says, has it asked nothing.
        answers = Answers.NEW if source.tty and not args.read_only else Answers.NONE
        while True:
            try:
                with control.attach(
                    session,
                    offset=pump.shown,
                    writer=not args.read_only,
                    steal=args.steal or tries > 0,
                    answers=answers,
                ) as attached:
                    answers = pump.answer(attached, answers)
                    if not args.read_only:
                        pump.redraw(attached)
                    pump.run(attached, lambda: _leave(came))
                    if pump.left and not args.read_only:
                        with suppress(InspanError):  # it has ended, or the daemon is gone
                            attached.leave(pump.shown)
            except (DaemonUnreachable, FellBehind):
                tries += 1
                if tries > _TRIES:
                    raise
                control = reach.again(control)
            else:
                return pump


def _calm(pump: Pump) -> None:
    """Bring the terminal to rest, from the middle of whatever was drawn."""
    modes = pump.modes
    assert modes is not None
    with suppress(OSError):
        write_all(1, modes.end())
        if not modes.alternate:
            # What is below the cursor was drawn by a program that goes on without us.
            write_all(1, b"\x1b[J" if pump.at_margin else b"\x1b[J\r\n")


def _leave(came: list[int]) -> None:
    while came:
        if came.pop() == signal.SIGTERM:
            raise KeyboardInterrupt


def _begun(control: Reached, session: str) -> tuple[int, Modes]:
    """``_start``, wherever the recording is."""
    return _start(session) if afar.address() is None else (_start_there(control, session), Modes())


def _start(session: str) -> tuple[int, Modes]:
    """The offset from which to show, and what was switched on before it.

    It is what fills a screen, from the start of a line.
    """
    modes = Modes()
    try:
        with (reach.places().recordings / session / "output.raw").open("rb") as file:
            begin = max(0, file.seek(0, os.SEEK_END) - _BEFORE)
            file.seek(begin)
            begin += file.read(4096).find(b"\n") + 1 if begin else 0
            file.seek(max(0, begin - _MODES_BEFORE))
            modes.feed(file.read(min(begin, _MODES_BEFORE)))
            return begin, modes
    except OSError:
        return 0, modes


def _start_there(control: Reached, session: str) -> int:
    """The same where the recording is elsewhere: only what fills a screen is fetched.

    What was switched on earlier is not looked for, since that could be much to send.
    """
    low, high = 0, _BEFORE
    while _read(control, session, high, 1):
        low, high = high, 2 * high
    while high - low > _BEFORE:
        middle = (low + high) // 2
        low, high = (middle, high) if _read(control, session, middle, 1) else (low, middle)
    return low + _read(control, session, low, 4096).find(b"\n") + 1 if low else 0


def _read(control: Reached, session: str, offset: int, most: int) -> bytes:
    chunks = control.read(session, offset, most)
    return b"".join(chunk.data for chunk in chunks if isinstance(chunk, Output))


def _key(byte: int) -> str:
    return f"Ctrl-{chr(byte | 0x40)}"
