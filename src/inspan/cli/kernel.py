"""``inspan kernel``: tells Jupyter's clients of a kernel that is a session, or that it is gone.

A kernel is known by a folder with a file ``kernel.json`` in one of Jupyter's places.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from inspan.cli import exits
from inspan.cli.parsing import add_json
from inspan.cli.plainly import full
from inspan.cli.py_flags import chosen_python
from inspan.cli.say import clean, json, out
from inspan.errors import BadInput, Unable

HELP = """\
Install a kernel, so that Jupyter's notebooks and consoles run their cells in a session of inspan,
or remove it. It is installed for the user, if no other place is named."""

#: What Jupyter takes for the name of a kernel.
_NAME: Final = re.compile(r"[a-z0-9._-]{1,100}", re.ASCII | re.IGNORECASE)
_MODULE: Final = "inspan.jupyter"
_FILE: Final = "kernel.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("install", "remove"))
    places = parser.add_mutually_exclusive_group()
    places.add_argument("--user", action="store_true", help="for this user (default)")
    places.add_argument("--prefix", metavar="PATH", help="under PATH/share/jupyter/kernels")
    places.add_argument("--sys-prefix", action="store_true", help="into inspan's own environment")
    parser.add_argument("--name", default="inspan", help="the kernel's name (default: inspan)")
    parser.add_argument("--python", metavar="PATH", help="the Python of the cells, from 3.11 on")
    confined = parser.add_mutually_exclusive_group()
    confined.add_argument(
        "--sandbox", action="store_true", help="nothing to write in but its own, and no network"
    )
    confined.add_argument("--no-sandbox", action="store_true", help="confined in nothing")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    if not _NAME.fullmatch(args.name):
        raise BadInput(f"a kernel's name is of letters, digits, '.', '_' and '-': {args.name!r}")
    folder = _kernels(args) / args.name
    file = folder / _FILE
    _refuse_foreign(file)
    spec = None
    if args.what == "install":
        spec = _spec(args)
        _write(file, spec)
    else:
        _remove(file)
    if args.json:
        json({"name": args.name, "path": full(str(folder)), "spec": spec})
    else:
        out(clean(f"{'installed' if spec else 'removed'} {folder}"))
    return exits.DONE


def _kernels(args: argparse.Namespace) -> Path:
    if args.prefix is not None:
        return Path(args.prefix).absolute() / "share" / "jupyter" / "kernels"
    if args.sys_prefix:
        return Path(sys.prefix) / "share" / "jupyter" / "kernels"
    try:
        from jupyter_core.paths import jupyter_data_dir
    except ImportError:
        raise _lacking("jupyter_core") from None
    return Path(jupyter_data_dir()) / "kernels"


def _lacking(name: str) -> Unable:
    return Unable(f"this needs {name}, which is not installed", hint="Install `inspan[jupyter]`.")


def _spec(args: argparse.Namespace) -> dict[str, Any]:
    if find_spec("zmq") is None:
        raise _lacking("pyzmq")
    python = os.path.abspath(chosen_python(args.python))  # noqa: PTH100 - links stay: a venv is one
    if not os.access(python, os.X_OK):
        raise BadInput(f"there is no such Python: {clean(python)}")
    known = args.name == "inspan"
    how = [flag for flag in ("--sandbox", "--no-sandbox") if vars(args)[flag[2:].replace("-", "_")]]
    spec: dict[str, Any] = {
        "argv": [
            sys.executable,
            "-m",
            _MODULE,
            "-f",
            "{connection_file}",
            "--python",
            python,
            *how,
        ],
        "display_name": "Python (inspan)" if known else f"Python (inspan, {args.name})",
        "language": "python",
        # The kernel passes it on to the cell that runs, and to nothing else.
        "interrupt_mode": "message",
        "metadata": {"debugger": False},
    }
    home = os.environ.get("INSPAN_HOME")
    if home:  # where Jupyter is started from may know nothing of it
        spec["env"] = {"INSPAN_HOME": os.path.abspath(home)}  # noqa: PTH100 - as in main
    return spec


def _refuse_foreign(file: Path) -> None:
    """What somebody else installed under that name is theirs."""
    from json import loads

    if not file.exists():
        return
    try:
        ours = _MODULE in loads(file.read_bytes())["argv"]
    except (ValueError, KeyError, TypeError):
        ours = False
    if not ours:
        raise BadInput(
            f"{file.parent} is another program's kernel",
            hint="Choose another name with `--name`.",
        )


def _write(file: Path, spec: dict[str, Any]) -> None:
    from json import dumps

    file.parent.mkdir(parents=True, exist_ok=True)
    # A client that looks meanwhile finds the old one or the new one.
    new = file.with_name(f".{_FILE}.{os.getpid()}")
    new.write_text(dumps(spec, indent=1) + "\n")
    new.replace(file)


def _remove(file: Path) -> None:
    try:
        file.unlink()
    except FileNotFoundError:
        raise BadInput(f"there is no kernel in {file.parent}") from None
    with suppress(OSError):  # what else is there was put there by somebody
        file.parent.rmdir()
