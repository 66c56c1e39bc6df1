"""``inspan tui``: the screens for a person at a terminal; Textual comes with the extra ``tui``."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Final

from inspan.cli import afar, aftercare, exits, reach
from inspan.errors import BadInput, DaemonUnreachable, FolderMissing, InspanError, Unable

if TYPE_CHECKING:
    from inspan.client.address import Address
    from inspan.model.code import CodeSpec
    from inspan.model.task import TaskSpec
    from inspan.tui.dialogs.newgoal import NewGoal
    from inspan.tui.dialogs.newsession import NewSession
    from inspan.tui.dialogs.newtask import NewTask

HELP = "What needs you, what works, what is done: all tasks on one screen, as it happens."
_PRINTED: Final = "`inspan ls` and `inspan top --once` print."
#: Terminals that only print, or of which nothing is known.
_UNABLE: Final = ("", "dumb", "unknown")
_INSTALL: Final = "Install it with: pip install 'inspan[tui]'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    del parser  # it takes none of its own


def run(args: argparse.Namespace) -> int:
    del args
    if find_spec("textual") is None:
        raise Unable("the screens need the package textual, which is not installed", hint=_INSTALL)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise BadInput("inspan tui needs a terminal", hint=_PRINTED)
    if (kind := os.environ.get("TERM", "")) in _UNABLE:
        raise BadInput(f"nothing can be drawn on this terminal (TERM is {kind!r})", hint=_PRINTED)
    reach.ensure()
    _show(reach.address())
    return exits.DONE


def _show(there: Address) -> None:
    import anyio

    from inspan.client.remote import RemoteControl
    from inspan.tui.app import Cockpit
    from inspan.tui.colourless import is_wanted
    from inspan.tui.sweeping import Sweeper

    far = afar.address() is not None
    leave = reach.settings().detach_key

    async def revive() -> None:
        if not far:
            await anyio.to_thread.run_sync(_begin_again)

    async def show() -> None:
        async with RemoteControl.connect(there) as control:
            where = there.url if far else ""
            cockpit = Cockpit(
                control,
                where=where,
                revive=revive,
                leave=leave,
                make=_made,
                make_session=_session_made,
                make_goal=_goal_made,
                write=_written,
                colourless=is_wanted(os.environ),
                sweep=Sweeper().sweep,
                unsent=reach.places().reviews,
            )
            await cockpit.run_async()

    with aftercare.restored(sys.stdout.fileno()), logged(reach.places().logs / "tui.log"):
        anyio.run(show)


@contextmanager
def logged(file: Path) -> Iterator[None]:
    """What is logged goes there: beside the screens there is no place to print it."""
    handler = RotatingFileHandler(file, maxBytes=1 << 20, backupCount=1, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    log = logging.getLogger("inspan")
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()


def _made(new: NewTask) -> TaskSpec:
    """What `inspan add` would make of it. Raises what that raises."""
    from inspan.cli import asking
    from inspan.cli.parsing import Parser
    from inspan.cli.run import terminal_of
    from inspan.telling.phrases import SHELL

    parser = Parser(prog="inspan add")
    asking.add_arguments(parser)
    given = {"--agent": new.agent, "--cwd": new.folder, "--after": new.after, "--name": new.name}
    given["--setup"] = new.setup
    words = [f"{flag}={text}" for flag, text in given.items() if text]
    if new.workspace.value != "here":
        words.append(f"--{new.workspace.value}")
    args = parser.parse_args(words)
    args.verb, args.spoken = "add", []
    if new.agent and new.agent != "shell":
        # A dash alone would be read from our standard input, which is the terminal.
        args.prompt = "- " if new.what == "-" else new.what
    else:
        args.command = [*SHELL, new.what]
    terminal = terminal_of(None, attended=False)
    return asking.spec_of(args, reach.settings(), os.environ, terminal, foreground=False)


def _goal_made(new: NewGoal) -> TaskSpec:
    """What `inspan goal` would make of it. Raises what that raises."""
    from inspan.cli import goal
    from inspan.cli.parsing import Parser

    parser = Parser(prog="inspan goal")
    goal.add_arguments(parser)
    given = {
        "--cwd": new.folder,
        "--planner": new.planner,
        "--reviewer": new.reviewer,
        "--check": new.check,
    }
    words = [f"{flag}={text}" for flag, text in given.items() if text]
    words += [f"--agent={name}" for name in new.workers.replace(",", " ").split()]
    words += ["--yes"] if new.unattended else []
    args = parser.parse_args(words)
    # A dash alone would be read from our standard input, which is the terminal.
    args.goal = "- " if new.goal == "-" else new.goal
    return goal.spec_of(args, reach.settings(), None)


def _written(text: str) -> str:
    """What a person makes of it in their editor; where that fails, it stays in a file."""
    from inspan.settings import editing, planfile

    handle, name = tempfile.mkstemp(prefix="inspan-plan-", suffix=".yaml")
    path = Path(name)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    try:
        editing.edit(path)
        found, _ = planfile.text_of(name)
    except InspanError as error:
        if path.read_bytes() == text.encode():
            path.unlink()
            raise
        raise Unable(f"{error.message}; what you wrote is in {name}", hint=error.hint) from error
    path.unlink()
    return found


def _session_made(new: NewSession) -> CodeSpec:
    """What `inspan py --session` would make of it. Raises what that raises."""
    from inspan.cli import py
    from inspan.cli.parsing import Parser
    from inspan.cli.py_open import wanted

    parser = Parser(prog="inspan py")
    py.add_arguments(parser)
    words = [f"--grant={word}" for word in _split(new.ask.replace(",", " "))]
    for flag, text in (("--read", new.read), ("--write", new.write)):
        words += [f"{flag}={Path(word).expanduser()}" for word in _split(text)]
    given = {"--session": new.name, "--python": new.python, "--memory": new.memory}
    words += [f"{flag}={text}" for flag, text in given.items() if text]
    sandbox = {"require": "--require-sandbox", "off": "--no-sandbox"}.get(new.sandbox.value)
    words += [flag for flag in (sandbox, "--net" if new.net else "") if flag]
    folder = new.folder
    if afar.address() is None:
        path = Path(new.folder or ".").expanduser().absolute()
        if not path.is_dir():
            raise FolderMissing(f"the folder {new.folder} does not exist")
        folder = str(path)
    return wanted(parser.parse_args(words), folder)


def _split(text: str) -> list[str]:
    """Words as a shell has them."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise BadInput(f"{text!r}: {error}") from None


def _begin_again() -> None:
    """Start a daemon where the last was killed; where it was told to stop, none is wanted."""
    if reach.places().daemon_socket.exists():
        with suppress(DaemonUnreachable):
            reach.ensure()
