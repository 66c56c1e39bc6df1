"""``python -m inspan.jupyter -f FILE``: the process that a Jupyter client starts for a kernel."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import anyio

from inspan.errors import InspanError
from inspan.jupyter import parent
from inspan.jupyter.connection import Connection, read
from inspan.jupyter.kernel import Kernel
from inspan.jupyter.sockets import bound
from inspan.leaving import first
from inspan.library import code

#: What a session says of its Python; it leaves no trace in it.
_VERSION: Final = "__import__('platform').python_version()"


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Serve one client's kernel; the exit status."""
    parser = argparse.ArgumentParser(prog="inspan.jupyter", allow_abbrev=False)
    parser.add_argument("-f", dest="file", metavar="FILE", required=True, help="connection file")
    parser.add_argument("--python", metavar="PATH", default=sys.executable)
    parser.add_argument("--sandbox", action="store_true", help="as `inspan py` confines it")
    parser.add_argument("--no-sandbox", action="store_true", help="not confined")
    args = parser.parse_args(argv)
    status = 1
    try:
        connection = read(Path(args.file))
        status = asyncio.run(_serve(connection, args, parent.named(environ)))
    except* InspanError as group:
        error = first(group)
        sys.stderr.write(f"inspan: {error.message}\nhint: {error.hint}\n")
    return status


async def _serve(connection: Connection, args: argparse.Namespace, owner: int | None) -> int:
    # A notebook writes beside itself and fetches what it needs, unless it is told otherwise.
    write, net = ([], False) if args.sandbox else ([Path.cwd()], True)
    with bound(connection) as sockets:
        async with anyio.create_task_group() as group:
            group.start_soon(sockets.beat)
            group.start_soon(sockets.welcome)
            await sockets.publish("status", {"execution_state": "starting"})
            async with code(
                python=args.python, write=write, net=net, sandbox=not args.no_sandbox
            ) as session:
                asked = await session.execute(_VERSION, store=False)
                version = getattr(await asked.outcome(), "value", None)
                status = await Kernel(sockets, session, str(version)).serve(owner)
            group.cancel_scope.cancel()
    return status


if __name__ == "__main__":
    sys.exit(main())
