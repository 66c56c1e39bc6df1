"""``inspan py``: Python in a session of its own, from a line, a file, or a prompt.

The session is this program's: it ends with it. What runs there can be interrupted, and what it
prints comes as it is printed. Where the system can, it is confined: to reading the working
directory and writing in a folder of its own, without a network.
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
from inspan.cli.say import note
from inspan.errors import BadInput
from inspan.settings import load, locate

if TYPE_CHECKING:
    from inspan.cli.cells import Runner
    from inspan.model.code import CodeLimits, Grants

HELP = """\
Run Python in a session: a process that remembers, awaits at the top level, and can be interrupted.
Without code or a file it asks for cells at a prompt, or reads them from a pipe.
It reads this folder, writes in one of its own, and has no network, unless it is granted more.
Exit status: 0, 1 where the code raised, its own after sys.exit, 130 where it was interrupted."""
#: What ``python -c`` and ``python FILE`` put there.
_ARGV: Final = "import sys; sys.argv = {argv!r}; sys.path[0] = {first!r}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", dest="code", metavar="CODE", help="run this and print its last value")
    parser.add_argument("--python", metavar="PATH", help="another Python, from 3.11 on")
    _add_grants(parser)
    parser.add_argument("file", nargs="?", metavar="FILE", help="run this file; - for a pipe")
    parser.add_argument("args", nargs=argparse.REMAINDER, metavar="ARG", help="for sys.argv")
    add_json(parser)


def _add_grants(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what the session may do").add_argument
    add("--read", metavar="PATH", action="append", default=[], help="read PATH, too")
    add("--write", metavar="PATH", action="append", default=[], help="read and write PATH")
    add("--net", action="store_true", help="use the network")
    add("--no-sandbox", action="store_true", help="do all that you may do")
    add("--require-sandbox", action="store_true", help="run only where it is confined in full")
    add("--memory", metavar="SIZE", help="of each process, as 2G; half the machine's by default")
    add("--cpu", metavar="TIME", help="CPU time of each process, as 60s")
    add("--files", metavar="N", type=int, help="files open at a time")


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
    from inspan import app
    from inspan.cli.cells import Runner
    from inspan.cli.cellview import View
    from inspan.kernel.host.confinement import sentence

    places = locate(os.environ)
    allowed, _ = load(places.config).env.split(os.environ)
    async with app.code(
        places,
        cwd=Path.cwd(),
        env=allowed,
        python=chosen_python(args.python),
        grants=_grants(args),
        limits=_limits(args),
        asked_by="command",
    ) as session:
        if words := sentence(session.confined):
            note(words)
        runner = Runner(session, View(shown=shown, as_json=args.json))
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, runner.interrupt)
        try:
            yield runner
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            await runner.settled()


def _grants(args: argparse.Namespace) -> Grants:
    from inspan.library import granted

    if args.no_sandbox and args.require_sandbox:
        raise BadInput("`--no-sandbox` and `--require-sandbox` exclude each other")
    # A program may import what lies beside it.
    beside = [Path(args.file).parent] if args.code is None and args.file not in (None, "-") else []
    private = Path.home()
    beside = [one for one in beside if not private.is_relative_to(one.absolute())]
    return granted(
        read=[*args.read, *beside],
        write=args.write,
        net=args.net,
        sandbox="require" if args.require_sandbox else not args.no_sandbox,
    )


def _limits(args: argparse.Namespace) -> CodeLimits:
    from inspan.model.code import CodeLimits
    from inspan.settings.figures import duration, size

    return CodeLimits(
        memory=None if args.memory is None else size(args.memory),
        cpu=None if args.cpu is None else duration(args.cpu),
        files=args.files,
    )


def chosen_python(wanted: str | None) -> str:
    """The Python that was named, else that of the active environment, else our own."""
    if wanted is not None:
        return wanted
    active = os.environ.get("VIRTUAL_ENV")
    python = Path(active, "bin", "python") if active else None
    return str(python) if python is not None and python.exists() else sys.executable
