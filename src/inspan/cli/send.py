"""``inspan send``: type a line into a running task."""

from __future__ import annotations

import argparse
import sys

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json, add_task
from inspan.cli.say import json, out
from inspan.errors import BadInput

HELP = "Type a text, and Enter, into a running task. `-` takes the text from standard input."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser)
    parser.add_argument("text", nargs="+", metavar="TEXT", help="what to type; - reads it")
    parser.add_argument(
        "--enter", action=argparse.BooleanOptionalAction, default=True, help="press Enter after it"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    data = sys.stdin.buffer.read() if args.text == ["-"] else " ".join(args.text).encode()
    with reach.control() as control:
        task = control.get(args.task)
        if args.enter:
            # A terminal's Enter is a carriage return; a program on a pipe reads lines.
            data += b"\r" if task.spec.terminal.pty else b"\n"
        if not data:
            raise BadInput("there is nothing to type")
        receipt = control.send(task.id, data)
    if args.json:
        json({"task": task.id, "bytes": len(data), "receipt": receipt})
    else:
        out(receipt.value)
    return exits.DONE
