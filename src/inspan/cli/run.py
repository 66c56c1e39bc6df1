"""``inspan run``: a command in the foreground, or the tasks of a file in a live view."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from inspan.cli import asking, exits, rawtty
from inspan.cli.parsing import Parser, add_json
from inspan.cli.say import failure, json, note, out
from inspan.errors import BadInput, InspanError
from inspan.model.task import Task, TaskSpec, TerminalSpec

if TYPE_CHECKING:
    from pathlib import Path

    from inspan.cli.reach import Reached
    from inspan.settings import Settings

TAKES_COMMAND = True
HELP = """\
Run a command and watch it: `inspan run -- pytest -q`. Its output and its exit status are its own;
125 means that inspan itself failed. On a terminal it gets a terminal, in a pipe it gets pipes.
Ctrl-C is the command's own; a SIGTERM to inspan interrupts the task. Where the terminal is closed
or inspan is killed, the task runs on: `inspan attach last`.
Or run the tasks of a file: `inspan run tasks.yaml`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    asking.add_arguments(parser)
    parser.add_argument("--detach", "-d", action="store_true", help="do not watch; print the id")
    parser.add_argument("--here", action="store_true", help="in this process, without a daemon")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    path = _task_file(args)
    if path is not None:
        return _run_file(path, args)
    from inspan.cli import reach

    settings = reach.settings()
    terminal = terminal_of(args.pty, attended=not args.detach and not args.json)
    spec = asking.spec_of(
        args, settings, os.environ, terminal, foreground=not (args.detach or args.json)
    )
    with reach.control(here=args.here) as control:
        task = control.submit(spec, key=args.key)
        if args.detach:
            return tell_submitted(task, settings, as_json=args.json)
        if args.json:
            return _run_quietly(control, task)
        from inspan.cli.foreground import Foreground

        return Foreground(control, reach.connector(control)).run(task)


def terminal_of(pty: bool | None, *, attended: bool) -> TerminalSpec:
    """A terminal of our size where we are on one, else pipes, unless it was said."""
    on_terminal = sys.stdout.isatty()
    cols, rows = rawtty.size(1) if on_terminal else (80, 24)
    answers = attended and on_terminal and sys.stdin is not None and sys.stdin.isatty()
    wanted = pty if pty is not None else on_terminal or not attended
    return TerminalSpec(pty=wanted, cols=cols, rows=rows, attended=answers and wanted)


def tell_submitted(task: Task, settings: Settings, *, as_json: bool) -> int:
    """The id, and which limits are in force."""
    if as_json:
        json(task)
        return exits.DONE
    from inspan.model.agent import is_agent
    from inspan.settings.figures import show_duration

    usual = settings.timeouts.patience(agent=is_agent(task.spec.provider))
    limits = task.spec.patience or usual
    out(task.id)
    if sys.stderr.isatty():
        note(
            f"deadline {show_duration(limits.deadline)}, idle {show_duration(limits.idle)}"
            " (--timeout and --idle change them)"
        )
    return exits.DONE


def _run_quietly(control: Reached, task: Task) -> int:
    """Wait without watching, and print what became of it."""
    ended = control.wait(task.id)
    json(ended)
    return ended.exit.status if ended.exit is not None else exits.of_task(ended)


def _task_file(args: argparse.Namespace) -> Path | None:
    """The file of tasks that is meant, where one is; flags behind it are read too."""
    words: list[str] = args.command
    if args.dashed or not words:
        return None
    from pathlib import Path

    from inspan.cli.taskfile import SUFFIXES

    path = Path(words[0])
    if path.suffix not in SUFFIXES or os.access(path, os.X_OK):
        return None
    if not path.exists():
        raise BadInput(f"there is no file {words[0]}", hint="A command goes after `--`.")
    parser = Parser(prog="inspan run")
    add_arguments(parser)
    parser.parse_args(words[1:], namespace=args)
    if args.command:
        raise BadInput(f"{args.command[0]!r} after a task file means nothing")
    return path


def _run_file(path: Path, args: argparse.Namespace) -> int:
    """Submit all tasks of a file and watch them. A mistake in the file is usage, not ours."""
    try:
        return _watch_file(path, args)
    except InspanError as error:
        return failure(error, as_json=args.json)


def _watch_file(path: Path, args: argparse.Namespace) -> int:
    from inspan.cli import reach, taskfile

    specs: tuple[TaskSpec, ...] = taskfile.load(
        path, reach.settings(), os.environ, terminal_of(args.pty, attended=False)
    )
    with reach.control(here=args.here) as control:
        tasks = control.submit_all(specs, key=args.key)
        if args.detach:
            return _tell_all(tasks, as_json=args.json)
        from inspan.cli.live import watch

        return watch(reach.connector(control), tasks, as_json=args.json)


def _tell_all(tasks: tuple[Task, ...], *, as_json: bool) -> int:
    if as_json:
        json(tasks)
    else:
        for task in tasks:
            out(task.id)
    return exits.DONE
