"""``inspan py``: Python in a session, from a line, a file, or a prompt.

Without a name the session is this program's and ends with it; with ``--session`` it is the daemon's
and stays. What runs there can be interrupted, and what it prints comes as it is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from inspan.cli import afar, reach
from inspan.cli.parsing import add_json
from inspan.cli.py_flags import add_flags, chosen_python, grants, limits
from inspan.cli.say import note
from inspan.errors import BadInput
from inspan.settings import load, locate

if TYPE_CHECKING:
    from inspan.cli.cells import Runner
    from inspan.cli.cellview import View
    from inspan.cli.named import Named

HELP = """\
Run Python in a session: a process that remembers, awaits at the top level, and can be interrupted.
Without code or a file it asks for cells at a prompt, or reads them from a pipe.
It reads this folder, writes in one of its own, and has no network, unless it is granted more.

  inspan py                           a prompt; the session ends with it
  inspan py -c CODE | FILE [ARG ...]  run that, and end
  inspan py --session NAME [...]      any of these in a session that stays:
                                      the next command, from any terminal,
                                      goes on with all its names
  inspan py ls                        the sessions that stay
  inspan py log NAME                  what was run in one, and what came of it
                                      (-f: and what comes)
  inspan py interrupt NAME            interrupt the cell that runs
  inspan py checkpoint NAME           save its names
  inspan py restore NAME              give them back, to a new process where
                                      the last one died
  inspan py close NAME                end it

Exit status: 0, 1 where the code raised, its own after sys.exit, 130 where it was interrupted,
2 where nothing was run, for the words or the file were wrong."""
#: A file of such a name is run as ``./ls``.
SESSION_VERBS: Final = ("ls", "log", "interrupt", "checkpoint", "restore", "close")
#: What ``python -c`` and ``python FILE`` put there.
_ARGV: Final = "import sys; sys.argv = {argv!r}; sys.path[0] = {first!r}"
_FILE_NAMED: Final = "; __file__ = {file!r}"
_FILE: Final = "Name a file of Python, or write `inspan py -c CODE`; - reads standard input."
_TEXT: Final = "Write it as UTF-8."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", dest="code", metavar="CODE", help="run this and print its last value")
    parser.add_argument("--session", metavar="NAME", help="in the session NAME, which stays")
    parser.add_argument("--python", metavar="PATH", help="another Python, from 3.11 on")
    add_flags(parser)
    parser.add_argument("file", nargs="?", metavar="FILE", help="run this file; - for a pipe")
    parser.add_argument("args", nargs=argparse.REMAINDER, metavar="ARG", help="for sys.argv")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    if args.code is None and args.session is None and args.file in SESSION_VERBS:
        from inspan.cli.py_sessions import run as run_verb

        return run_verb(args.file, args.args, args)
    words = [*([args.file] if args.code is not None and args.file else []), *args.args]
    if args.code is None and args.file is None and sys.stdin.isatty():
        if args.json:
            raise BadInput("`--json` needs code: `inspan py --json -c CODE`")
        return asyncio.run(_prompt(args))
    return asyncio.run(_once(args, _source(args), words))


class _Source(NamedTuple):
    """What is to be run: its text, its name in ``sys.argv``, and the file that it is of."""

    code: str
    name: str
    file: Path | None = None

    def prelude(self, words: list[str]) -> str:
        """What prepares the session for it."""
        first = str(self.file.parent) if self.file else ""
        named = _FILE_NAMED.format(file=str(self.file)) if self.file else ""
        return _ARGV.format(argv=[self.name, *words], first=first) + named


def _source(args: argparse.Namespace) -> _Source:
    if args.code is not None:
        return _Source(args.code, "-c")
    piped = args.file in (None, "-")
    path = Path(args.file or "")
    told = "standard input" if piped else args.file or "''"
    try:
        raw = sys.stdin.buffer.read() if piped else path.read_bytes()
        code = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise BadInput(f"{told} is no UTF-8 text: {error.reason}", hint=_TEXT) from None
    except OSError as error:
        raise BadInput(f"cannot read {told}: {error.strerror}", hint=_FILE) from None
    return _Source(code, "-") if piped else _Source(code, args.file, path.absolute())


async def _once(args: argparse.Namespace, source: _Source, words: list[str]) -> int:
    async with _runner(args, shown=args.code is not None) as runner:
        if args.session is None or source.file or words:
            await runner.silently(source.prelude(words))
        return await runner.run(source.code, str(source.file) if source.file else None)


async def _prompt(args: argparse.Namespace) -> int:
    from inspan.cli.prompt import ask_cells

    async with _runner(args, shown=True) as runner:
        return await ask_cells(runner)


@asynccontextmanager
async def _runner(args: argparse.Namespace, *, shown: bool) -> AsyncIterator[Runner | Named]:
    from inspan.cli.cellview import View

    view = View(shown=shown, as_json=args.json)
    async with _own(args, view) if args.session is None else _named(args, view) as runner:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, runner.interrupt)
        try:
            yield runner
        finally:
            loop.remove_signal_handler(signal.SIGINT)


@asynccontextmanager
async def _own(args: argparse.Namespace, view: View) -> AsyncIterator[Runner]:
    """In a session of this program's, which is confined as the flags say."""
    afar.refuse("a session without a name is this process's own", "Name one: --session NAME.")
    from inspan import app
    from inspan.cli.cells import Runner
    from inspan.kernel.host.confinement import sentence

    places = locate(os.environ)
    allowed, _ = load(places.config, places.state).env.split(os.environ)
    async with app.code(
        places,
        cwd=Path.cwd(),
        env=allowed,
        python=chosen_python(args.python),
        grants=grants(args),
        limits=limits(args),
        asked_by="command",
        answer=app.alone(args.grant, partial(view.line, password=False)),
    ) as session:
        if words := sentence(session.confined):
            note(words)
        runner = Runner(session, view)
        try:
            yield runner
        finally:
            await runner.settled()


@asynccontextmanager
async def _named(args: argparse.Namespace, view: View) -> AsyncIterator[Named]:
    """In the session of that name, opened where there is none."""
    from inspan.cli.named import Named
    from inspan.cli.py_open import opened
    from inspan.client.remote import RemoteControl

    with reach.connect() as control:
        session = opened(control.code, args)
    async with RemoteControl.connect(reach.address()) as remote:
        yield Named(remote.code, session, view)
