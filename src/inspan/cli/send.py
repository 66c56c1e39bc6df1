"""``inspan send``: a prompt for a running agent, or a line for any other program."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json, add_task
from inspan.cli.say import clean, json, note, out
from inspan.errors import BadInput

if TYPE_CHECKING:
    from inspan.model.receipt import Receipt
    from inspan.model.task import Task

HELP = """\
Hand a prompt to a running agent, or type a line into any other program. `-` takes the text from
standard input.

Of an agent it waits until a turn has the prompt, and says how far it got. Exit status: 0 a turn has
it, 1 it was lost, 2 it was refused, 3 it is on its way (--no-wait), 4 it is after --timeout."""

#: Seconds; a turn that goes on may take much longer, and then it says so.
_TIMEOUT: Final = "30"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser)
    parser.add_argument("text", nargs="+", metavar="TEXT", help="what to send; - reads it")
    parser.add_argument(
        "--enter",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="press Enter after it; without it the keys are typed as they are, into an agent too",
    )
    parser.add_argument("--key", metavar="KEY", help="the same key again sends nothing twice")
    parser.add_argument("--no-wait", action="store_true", help="do not wait for a turn to begin")
    parser.add_argument(
        "--timeout", metavar="TIME", default=_TIMEOUT, help="wait no longer than this (30)"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    data = sys.stdin.buffer.read() if args.text == ["-"] else " ".join(args.text).encode()
    with reach.control() as control:
        task = control.get(args.task)
        if args.enter and (args.key is not None or _is_agent(task)):
            text, seconds = _text(data, args), 0.0 if args.no_wait else _seconds(args.timeout)
            receipt = control.prompt(task.id, text, key=args.key, wait=seconds)
            return _tell(task, receipt, args)
        if args.enter:
            # A terminal's Enter is a carriage return; a program on a pipe reads lines.
            data += b"\r" if task.spec.terminal.pty else b"\n"
        if not data:
            raise BadInput("there is nothing to type")
        stage = control.send(task.id, data)
    if args.json:
        json({"task": task.id, "bytes": len(data), "stage": stage})
    else:
        out(stage.value)
    return exits.DONE


def _is_agent(task: Task) -> bool:
    from inspan.model.agent import is_agent

    return is_agent(task.spec.provider)


def _text(data: bytes, args: argparse.Namespace) -> str:
    """As it is, but for the end of the last line that a pipe ends with. Raises BadInput."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise BadInput("the prompt is no UTF-8", hint="--no-enter types any bytes.") from error
    return text.removesuffix("\n") if args.text == ["-"] else text


def _seconds(text: str) -> float:
    from inspan.settings.figures import duration

    found = duration(text)
    if found is None:
        raise BadInput("a prompt is waited for some seconds", hint="Such as --timeout 1m.")
    return found


def _tell(task: Task, receipt: Receipt, args: argparse.Namespace) -> int:
    from inspan.model.ids import short
    from inspan.model.plain import dump

    if args.json:
        json({"task": task.id, "arrived": receipt.arrived, "receipt": dump(receipt)})
    else:
        out(f"{receipt.stage}: {clean(_sentence(receipt))}")
        if receipt.lost:
            note("it was not taken up; `inspan show " + short(task.id) + "` tells what it does now")
    if receipt.arrived:
        return exits.DONE
    if receipt.lost:
        return exits.FAILED
    return exits.PENDING if args.no_wait else exits.TIMED_OUT


def _sentence(receipt: Receipt) -> str:
    from inspan.model.receipt import Stage

    if receipt.lost:
        return f"lost, since {receipt.why}" if receipt.why else "lost"
    told = {
        Stage.QUEUED: "it waits",
        Stage.WRITTEN: "it was written"
        if receipt.arrived
        else "it was written, and no turn has it yet",
        Stage.ECHOED: "its terminal shows it, and it is not submitted yet",
        Stage.SUBMITTED: "it was submitted, and no turn has begun yet",
        Stage.STARTED: "a turn has it",
    }[receipt.stage]
    return f"{told}: {receipt.why}" if receipt.why else told
