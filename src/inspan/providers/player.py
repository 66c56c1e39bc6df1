"""Plays a script as a real process: ``python -m inspan.providers.player FILE``.

It is the child, on the far side of the terminal: it knows no task, no keeper and no loop, writes
with ``os.write`` so that what it says is out when it goes on, and leaves SIGINT at its default so
that Ctrl-C ends it as it ends any program.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Final, NoReturn

from inspan.errors import BadInput
from inspan.providers import steps as do
from inspan.providers.script import load, parse
from inspan.terminal.announce import Waiting, Working, encode

_PATTERN: Final = b"".join(b"%063d\n" % number for number in range(1024))
#: After so many answers that are no option the player gives up.
_ANSWERS_MOST: Final = 100
_LINE_MOST: Final = 1 << 16
#: How often a file that is waited for is looked up, in seconds.
_LOOK: Final = 0.02
USAGE: Final = 64  # sysexits.h, EX_USAGE
BAD_SCRIPT: Final = 65  # sysexits.h, EX_DATAERR


class Player:
    """Plays steps one after the other; ``answer`` is the last one that was given."""

    def __init__(self) -> None:
        self.answer = ""
        self._typed = bytearray()

    def play(self, steps: tuple[do.Step, ...]) -> None:  # noqa: C901, PLR0912 - a case per step of a closed union
        """Do them all, unless one of them ends the process."""
        for step in steps:
            match step:
                case do.Say():
                    self._say(step)
                case do.Stream():
                    self._stream(step)
                case do.Ask():
                    self._ask(step)
                case do.Write():
                    self._write(step)
                case do.Wait(seconds):
                    time.sleep(seconds)
                case do.Until():
                    _until(step)
                case do.When(exists, then, otherwise):
                    self.play(then if Path(exists).exists() else otherwise)
                case do.Fail(message, code):
                    _fail(self._filled(message), code)
                case do.Exit(code):
                    sys.exit(code)
                case do.Hang():
                    _hang(step)
                case do.Spawn():
                    _spawn(step)
                case do.Flood(size):
                    _flood(size)
                case do.Spin(seconds):
                    _spin(seconds)
                case do.Title(text):
                    _print(f"\x1b]0;{text}\x07")
                case do.Crash(number):
                    _crash(number)

    def _filled(self, text: str) -> str:
        return text.replace("{answer}", self.answer)

    def _say(self, step: do.Say) -> None:
        text = self._filled(step.text) + ("\n" if step.newline else "")
        if not step.delay:
            _print(text)
            return
        for character in text:
            _print(character)
            time.sleep(step.delay)

    def _stream(self, step: do.Stream) -> None:
        text = self._filled(step.text)
        for number in range(1, step.lines + 1):
            _print(text.replace("{n}", str(number)) + "\n")
            time.sleep(step.every)

    def _write(self, step: do.Write) -> None:
        path = Path(step.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if step.append else "w", encoding="utf-8") as file:
            file.write(self._filled(step.content))

    # ── questions ─────────────────────────────────────────────────────────────

    def _ask(self, step: do.Ask) -> None:
        question = self._filled(step.question)
        choice = f" [{'/'.join(step.options)}]" if step.options else ""
        _print(f"{question}{choice} ")
        _out(1, encode(Waiting(step.kind, question, step.options)))
        self.answer = self._read_answer(step)
        _out(1, encode(Working()))
        self.play(step.on.get(self.answer.casefold(), step.otherwise))

    def _read_answer(self, step: do.Ask) -> str:
        allowed = {option.strip().casefold() for option in step.options} | set(step.on)
        for _ in range(_ANSWERS_MOST):
            line = self._read_line()
            if line is None:
                break
            answer = line.strip()
            if not step.options or step.otherwise or answer.casefold() in allowed:
                return answer
            _print(f"Please answer one of: {', '.join(step.options)}. ")
        return _fail("no answer came that is an option", 1)

    def _read_line(self) -> str | None:
        """The next line that is typed; ``None`` at the end of input."""
        while b"\n" not in self._typed and len(self._typed) < _LINE_MOST:
            more = os.read(sys.stdin.fileno(), 4096)
            if not more:
                break
            self._typed += more
        line, found, rest = self._typed.partition(b"\n")
        self._typed = rest
        return line.decode("utf-8", "replace") if found or line else None


def _print(text: str) -> None:
    _out(1, text.encode("utf-8", "replace"))


def _out(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _fail(message: str, code: int) -> NoReturn:
    _out(2, f"{message}\n".encode("utf-8", "replace"))
    sys.exit(code)


def _until(step: do.Until) -> None:
    end = time.monotonic() + step.at_most
    while not Path(step.exists).exists():
        if time.monotonic() >= end:
            _fail(f"{step.exists} did not come within {step.at_most:g} s", 1)
        time.sleep(_LOOK)


def _deaf() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _hang(step: do.Hang) -> None:
    if step.stubborn:
        _deaf()
    if step.text:
        _print(f"{step.text}\n")
    time.sleep(step.seconds)


def _flood(size: int) -> None:
    block = _PATTERN
    while size > 0:
        _out(1, block if size >= len(block) else block[:size])
        size -= len(block)


def _spin(seconds: float) -> None:
    end = time.monotonic() + seconds
    number = 1
    while time.monotonic() < end:
        number = number * 1103515245 + 12345 & 0x7FFFFFFF


def _crash(number: int) -> NoReturn:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # leave no core file in the user's folder
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    _fail(f"signal {number} did not end the player", 1)


# ── processes that stay behind ────────────────────────────────────────────────


def _spawn(step: do.Spawn) -> None:
    """Start a ``sleep`` that outlives us; returns when it is what it is meant to be.

    It tells its pid through a pipe that closes when it becomes ``sleep``, so by then it has left
    its session, ignores what it should, and the pidfile can be written.
    """
    sleep = shutil.which("sleep") or "/bin/sleep"
    heard, told = os.pipe()  # both ends close on exec
    child = os.fork()
    if child == 0:
        _leave(step, sleep, told)
    os.close(told)
    number = _drain(heard)
    if step.how == "double-fork":
        os.waitpid(child, 0)
    if not number:
        _fail("the process that was to stay behind could not be started", 1)
    if step.pidfile:
        path = Path(step.pidfile)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(number + b"\n")
        part.rename(path)


def _drain(descriptor: int) -> bytes:
    data = bytearray()
    while more := os.read(descriptor, 64):
        data += more
    os.close(descriptor)
    return bytes(data)


def _leave(step: do.Spawn, sleep: str, told: int) -> NoReturn:
    """In the forked child: become the process that stays behind. Never returns to the script."""
    try:
        if step.how != "nohup":
            os.setsid()
        if step.how == "double-fork" and os.fork():
            os._exit(0)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if step.stubborn:
            _deaf()
        if not step.hold:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(nowhere, descriptor)
        os.write(told, str(os.getpid()).encode())
        environment = {} if step.bare else dict(os.environ)
        os.execve(sleep, [sleep, repr(step.seconds)], environment)  # noqa: S606 - no shell wanted
    finally:
        os._exit(1)


def main(arguments: list[str]) -> int:
    """Play the script that is named; the exit status."""
    for number in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    if not arguments or len(arguments) > 2 or (len(arguments) == 2 and arguments[0] != "--inline"):
        _out(2, b"usage: python -m inspan.providers.player FILE | --inline TEXT\n")
        return USAGE
    try:
        script = parse(arguments[1]) if len(arguments) == 2 else load(Path(arguments[0]))
    except BadInput as error:
        _out(2, f"{error.message}\n{error.hint}\n".encode("utf-8", "replace"))
        return BAD_SCRIPT
    try:
        Player().play(script.steps)
    except BadInput as error:  # a question that an answer made too long to announce
        _fail(error.message, 1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror}", 1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
