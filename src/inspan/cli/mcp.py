"""``inspan mcp``: the tools of the Model Context Protocol, on standard input and output."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from inspan.cli import reach

if TYPE_CHECKING:
    from inspan.model.task import Task, TaskSpec

HELP = """\
Serve the Model Context Protocol on standard input and output, so that an agent can hand in tasks,
wait for them, and answer them. An agent starts it: `claude mcp add inspan -- inspan mcp`."""
_LOG: Final = logging.getLogger(__name__)
#: argument of the tool → flag of `inspan add`
_FLAGS: Final = {
    "agent": "--agent",
    "prompt": "--prompt",
    "name": "--name",
    "cwd": "--cwd",
    "base": "--base",
    "after": "--after",
    "checks": "--check",
    "timeout": "--timeout",
    "budget": "--budget",
    "retries": "--retries",
}


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


def run(_args: argparse.Namespace) -> int:
    import anyio

    logging.basicConfig(level=logging.WARNING)
    reach.ensure()
    try:
        anyio.run(_serve)
    except* BrokenPipeError:
        _LOG.debug("the client went without a word")
    return 0


async def _serve() -> None:
    import anyio

    from inspan import __version__
    from inspan.cli.dialects import dialect_of
    from inspan.client.remote import RemoteControl
    from inspan.leaving import on_signal
    from inspan.mcp.serving import Server
    from inspan.mcp.tools import INSTRUCTIONS, Tools
    from inspan.swarm.said import words_of
    from inspan.swarm.steady import Steady

    async with RemoteControl.connect(reach.address(), reach.rejoin()) as control:
        steady = Steady(control)

        async def words(task: Task) -> str:
            return await words_of(steady, task, dialect_of)

        tools = Tools(control, spec_of=spec_of, words_of=words, mend=reach.ensure)
        server = Server(tools.all(), _write, version=__version__, instructions=INSTRUCTIONS)
        async with anyio.create_task_group() as group:
            group.start_soon(on_signal, lambda _: group.cancel_scope.cancel())
            await server.run()
            group.cancel_scope.cancel()


async def _write(line: bytes) -> None:
    """Whole, and without a thread that would keep the process from ending."""
    import stat

    import anyio

    view, is_file = memoryview(line), stat.S_ISREG(os.fstat(1).st_mode)
    while view:
        if not is_file:
            await anyio.wait_writable(1)
        # A pipe that takes some takes so much at once without making us wait (POSIX: PIPE_BUF).
        view = view[os.write(1, view[:512]) :]


def spec_of(given: Mapping[str, Any]) -> TaskSpec:
    """The task that the arguments of `submit` describe. Raises InspanError."""
    from inspan.cli import add, asking
    from inspan.cli.parsing import Parser
    from inspan.model.task import TerminalSpec

    words = list(_words(given))
    parser = Parser(prog="submit")
    add.add_arguments(parser)
    args = parser.parse_args(words)
    args.verb, args.spoken, args.command = "submit", [], list(given.get("command", ()))
    settings = reach.settings()
    spec = asking.spec_of(args, settings, os.environ, TerminalSpec(pty=False), foreground=False)
    if "budget" in given or not reach.address().far:
        return spec
    # What is usual is known where it is handed in.
    return replace(spec, budget=None)


def _words(given: Mapping[str, Any]) -> list[str]:
    words: list[str] = []
    for name, flag in _FLAGS.items():
        item = given.get(name)
        several = item if isinstance(item, list) else [] if item is None else [item]
        words += [f"{flag}={each}" for each in several]
    workspace = given.get("workspace", "here")
    words += [f"--{workspace}"] if workspace != "here" else []
    words += ["--mcp"] if given.get("delegates") else []
    return [*words, *(["--review"] if given.get("review") else [])]
