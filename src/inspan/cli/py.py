"""``inspan py``: Python in a session of its own, from a line, a file, or a prompt.

The session is this program's: it ends with it. What runs there can be interrupted, and what it
prints comes as it is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from inspan.cli.parsing import add_json
from inspan.errors import BadInput

if TYPE_CHECKING:
    from inspan.cli.cells import Runner

HELP = """\
Run Python in a session: a process that remembers, awaits at the top level, and can be interrupted.
Without code or a file it asks for cells at a prompt, or reads them from a pipe.
Exit status: 0, 1 where the code raised, its own after sys.exit, 130 where it was interrupted."""
#: What ``python -c`` and ``python FILE`` put there.
_ARGV: Final = "import sys; sys.argv = {argv!r}; sys.path[0] = {first!r}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", dest="code", metavar="CODE", help="run this and print its last value")
    parser.add_argument("--python", metavar="PATH", help="another Python, from 3.11 on")
    parser.add_argument("file", nargs="?", metavar="FILE", help="run this file; - for a pipe")
    parser.add_argument("args", nargs=argparse.REMAINDER, metavar="ARG", help="for sys.argv")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    words = [*([args.file] if args.code is not None and args.file else []), *args.args]
    if args.code is None and args.file is None and sys.stdin.isatty():
        if args.json:
            raise BadInput("`--json` needs code: `inspan py --json -c CODE`")
        return asyncio.run(_prompt(args))
    return asyncio.run(_once(args, *_source(args), words))


def _source(args: argparse.Namespace) -> tuple[str, str, str, bool]:
    """The code, its name in ``sys.argv``, its folder, and whether its last value is printed."""
    if args.code is not None:
        return args.code, "-c", "", True
    if args.file in (None, "-"):
        return sys.stdin.read(), "-", "", False
    path = Path(args.file)
    try:
        return path.read_text(), args.file, str(path.absolute().parent), False
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no UTF-8 text: {error.reason}") from None


async def _once(
    args: argparse.Namespace, code: str, name: str, folder: str, shown: bool, words: list[str]
) -> int:
    async with _runner(args, shown=shown) as runner:
        await runner.silently(_ARGV.format(argv=[name, *words], first=folder))
        return await runner.run(code)


async def _prompt(args: argparse.Namespace) -> int:
    from inspan.cli.prompt import ask_cells

    async with _runner(args, shown=True) as runner:
        return await ask_cells(runner)


@asynccontextmanager
async def _runner(args: argparse.Namespace, *, shown: bool) -> AsyncIterator[Runner]:
    from inspan.cli.cells import Runner
    from inspan.cli.cellview import View
    from inspan.library import code

    async with code(python=_python(args.python)) as session:
        runner = Runner(session, View(shown=shown, as_json=args.json))
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, runner.interrupt)
        try:
            yield runner
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            await runner.settled()


def _python(wanted: str | None) -> str:
    """The Python that was named, else that of the active environment, else our own."""
    if wanted is not None:
        return wanted
    active = os.environ.get("VIRTUAL_ENV")
    python = Path(active, "bin", "python") if active else None
    return str(python) if python is not None and python.exists() else sys.executable
