"""A message for a program of this machine: one for a desktop, or one of the user's own.

No shell reads anything. What a program starts ends with it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, Final

import anyio

from inspan.errors import Unable
from inspan.notices.reaching import Clock
from inspan.notices.wording import Message
from inspan.terminal.sanitize import one_line

if TYPE_CHECKING:
    from anyio.abc import Process

#: Seconds for a program to end.
PATIENCE: Final = 10.0
#: Of what a program complains of, in bytes.
_COMPLAINT: Final = 4096


def desktop(env: Mapping[str, str], platform: str = sys.platform) -> tuple[str, ...]:
    """The program that shows a notice, and its first words. Raises Unable."""
    name = "osascript" if platform == "darwin" else "notify-send"
    program = shutil.which(name, path=env.get("PATH"))
    if program is None:
        raise Unable(
            f"{name} is not here, which shows notices on a desktop",
            hint="Debian and Ubuntu have it in libnotify-bin." if name == "notify-send" else None,
        )
    if name == "osascript":
        script = "display notification (item 2 of argv) with title (item 1 of argv)"
        return (program, "-e", "on run argv", "-e", script, "-e", "end run", "--")
    return (program, "--app-name=inspan", "--")


class Showing:
    """On a desktop."""

    def __init__(self, program: tuple[str, ...], env: Mapping[str, str]) -> None:
        self._program = program
        self._env = env

    async def deliver(self, message: Message) -> None:
        # Servers of notices read some HTML in a text, and none in a title; scripts read none.
        marked = not self._program[0].endswith("osascript")
        text = escape(message.text, quote=False) if marked else message.text
        await _called((*self._program, message.title, text), b"", self._env)


class Calling:
    """A program of the user's own, which gets the facts."""

    def __init__(self, argv: tuple[str, ...], clock: Clock, env: Mapping[str, str]) -> None:
        self._argv = argv
        self._clock = clock
        self._env = env

    async def deliver(self, message: Message) -> None:
        facts = json.dumps(message.facts(self._clock.now())).encode()
        tasks = " ".join(notice.task for notice in message.notices)
        env = {**self._env, "INSPAN_TASK": tasks, "INSPAN_NOTICE": message.title}
        await _called(self._argv, facts, env)


async def _called(argv: tuple[str, ...], said: bytes, env: Mapping[str, str]) -> None:
    """Run it to its end, which is its whole session's. Raises Unable."""
    name = argv[0].rpartition("/")[2]
    try:
        # Cancelled while it starts, it alone would be killed, and not what it has started by then.
        with anyio.CancelScope(shield=True):
            process = await anyio.open_process(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=env,
                cwd="/",
                start_new_session=True,
            )
    except OSError as error:
        raise Unable(f"{name} cannot be started: {error.strerror or error}") from None
    complaint = bytearray()
    try:
        with anyio.move_on_after(PATIENCE) as patience:
            async with anyio.create_task_group() as group:
                group.start_soon(_say, process, said)
                group.start_soon(_hear, process, complaint)
                await process.wait()
                # What it left behind may hold its error output open.
                group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)
    if patience.cancelled_caught:
        raise Unable(f"{name} has not ended within {PATIENCE:g} s, and was killed")
    if process.returncode:
        why = one_line(bytes(complaint).decode(errors="replace"), 100)
        raise Unable(f"{name} ended with status {process.returncode}{': ' * bool(why)}{why}")


async def _say(process: Process, said: bytes) -> None:
    if process.stdin is not None:
        # It may not want to hear it.
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            await process.stdin.send(said)
        with suppress(OSError):
            await process.stdin.aclose()


async def _hear(process: Process, complaint: bytearray) -> None:
    if process.stderr is not None:
        async for piece in process.stderr:
            complaint += piece[: _COMPLAINT - len(complaint)]


async def _end(process: Process) -> None:
    """Leave nothing of it behind."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    await process.aclose()
