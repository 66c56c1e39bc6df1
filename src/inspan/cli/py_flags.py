"""What a session of ``inspan py`` is given when it begins: flags as grants, limits and a Python.

It knows no session but as a value: whether an open one has what the flags ask for.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from inspan.errors import BadInput, Conflict

if TYPE_CHECKING:
    from inspan.model.code import CodeLimits, CodeSession, CodeSpec, Grants


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags that a session is begun with."""
    add = parser.add_argument_group("what the session may do, said when it begins").add_argument
    add("--read", metavar="PATH", action="append", default=[], help="read PATH, too")
    add("--write", metavar="PATH", action="append", default=[], help="read and write PATH")
    add("--net", action="store_true", help="use the network")
    add("--no-sandbox", action="store_true", help="do all that you may do")
    add("--require-sandbox", action="store_true", help="run only where it is confined in full")
    add(
        "--grant",
        metavar="WORD",
        action="append",
        default=[],
        help="let it ask its host: human, http=ORIGIN; with --session: tasks, store, store=NAME",
    )
    add("--memory", metavar="SIZE", help="of each process, as 2G; half the machine's by default")
    add("--cpu", metavar="TIME", help="CPU time of each process, as 60s")
    add("--files", metavar="N", type=int, help="files open at a time")


def grants(args: argparse.Namespace) -> Grants:
    """What is granted, and what a program needs that is given as a file."""
    from inspan.library import granted

    if "" in (*args.read, *args.write):
        # A variable that is not set must not grant the working folder.
        raise BadInput("an empty path names nothing to grant", hint="For this folder write `.`.")
    if args.no_sandbox and args.require_sandbox:
        raise BadInput("`--no-sandbox` and `--require-sandbox` exclude each other")
    # A program may import what lies beside it.
    beside = [Path(args.file).parent] if args.code is None and args.file not in (None, "-") else []
    private = Path.home()
    beside = [one for one in beside if not private.is_relative_to(one.absolute())]
    plain = granted(
        read=[*args.read, *beside],
        write=args.write,
        net=args.net,
        sandbox="require" if args.require_sandbox else not args.no_sandbox,
    )
    return replace(plain, capabilities=tuple(args.grant))


def limits(args: argparse.Namespace) -> CodeLimits:
    """Where it ends."""
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
        # A name is looked for in the PATH; a path means what it means here, whoever starts it.
        return str(Path(wanted).absolute()) if "/" in wanted else wanted
    active = os.environ.get("VIRTUAL_ENV")
    python = Path(active, "bin", "python") if active else None
    return str(python) if python is not None and python.exists() else sys.executable


def refuse_others(session: CodeSession, args: argparse.Namespace) -> None:
    """Raise Conflict where flags ask for what ``session`` was not opened with."""
    others = list(_others(session.spec, args))
    if others:
        name = session.spec.name or session.id
        raise Conflict(
            f"the session {name} is open, and was opened without {' '.join(others)}",
            hint="They are said when a session begins: leave that out, take another name, or"
            f" `inspan py close {name}` and open it anew.",
        )


def _others(spec: CodeSpec, args: argparse.Namespace) -> Iterator[str]:
    """The flags that were given and that the session does not have."""
    from inspan.model.code import Sandbox

    has, asked = spec.grants, limits(args)
    for flag, path in [("read", one) for one in args.read] + [("write", one) for one in args.write]:
        if str(Path(path).absolute()) not in getattr(has, flag):
            yield f"--{flag} {path}"
    yield from (f"--grant {word}" for word in args.grant if word not in has.capabilities)
    lacking = {
        "--net": args.net and not has.net,
        "--no-sandbox": args.no_sandbox and has.sandbox is not Sandbox.OFF,
        "--require-sandbox": args.require_sandbox and has.sandbox is not Sandbox.REQUIRE,
    }
    yield from (flag for flag, lacks in lacking.items() if lacks)
    for name in ("memory", "cpu", "files"):
        if getattr(asked, name) not in (None, getattr(spec.limits, name)):
            yield f"--{name} {getattr(args, name)}"
    if args.python is not None and chosen_python(args.python) != spec.python:
        yield f"--python {args.python}"
