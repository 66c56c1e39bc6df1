"""Runs an agent's program by plain subprocess, to its end or a deadline, and keeps what it said.

It is the measure that inspan is held against, so it uses nothing of inspan.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.agents.agent import Dialogue, Json

#: Names every process of a run, however far it has moved from its parent.
MARK = "INSPAN_AGENT_RUN"
#: In seconds, between looks at what no file descriptor tells.
LOOK = 0.05
#: In seconds, from the end of standard input or a signal of ours to the next, harder one.
GRACE = 20.0
#: In seconds: by then a program has begun, on a machine that has other things to do as well.
BEGIN = 180.0


@dataclass(frozen=True)
class Act:
    """Something we do in the middle: a signal, or an interrupt in the protocol's own words."""

    when: Callable[[], bool]
    signal: signal.Signals | None


@dataclass
class Transcript:
    """All that went in and out, and how it ended."""

    stdin: bytes = b""
    stdout: bytes = b""
    stderr: bytes = b""
    #: How many whole lines of stdout had been read when each message of a dialogue was written.
    writes: list[int] = field(default_factory=list)
    #: As `subprocess` has it: negative for a signal.
    status: int | None = None
    #: What we sent, in order; SIGTERM and SIGKILL after the deadline too.
    signals: list[str] = field(default_factory=list)
    late: bool = False
    #: The command lines of processes that outlived the program; they were killed.
    left: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[Json]:
        """Those of stdout that are JSON objects."""
        return list(objects(self.stdout))


def objects(data: bytes) -> Iterable[Json]:
    for line in data.splitlines():
        with suppress(ValueError):
            if isinstance(message := json.loads(line), dict):
                yield message


@dataclass
class _Running:
    process: subprocess.Popen[bytes]
    kept: Transcript
    dialogue: Dialogue | None
    partial: bytes = b""

    def write(self, messages: Iterable[Json]) -> None:
        for message in messages:
            read = self.kept.stdout.count(b"\n")
            if self.feed(json.dumps(message, separators=(",", ":")).encode() + b"\n"):
                self.kept.writes.append(read)

    def feed(self, data: bytes) -> bool:
        """Whether standard input was still open on our side."""
        pipe = self.process.stdin
        if pipe is None or pipe.closed:
            return False
        self.kept.stdin += data
        with suppress(BrokenPipeError):
            pipe.write(data)
            pipe.flush()
        return True

    def close(self) -> None:
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()

    def hear(self, data: bytes) -> None:
        self.kept.stdout += data
        if self.dialogue is None:
            return
        *lines, self.partial = (self.partial + data).split(b"\n")
        for message in objects(b"\n".join(lines)):
            self.write(self.dialogue.hear(message))
        if self.dialogue.over:
            self.close()

    def send(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            self.kept.signals.append(number.name)
            self.process.send_signal(number)


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    stdin: bytes | Dialogue,
    act: Act | None = None,
    deadline: float = 60.0,
    begun: Callable[[], bool] = lambda: True,
) -> Transcript:
    """To the end of the program and of its output; nothing it started is left afterwards.

    ``deadline`` counts from when it has ``begun``: how long that takes is the machine's affair.
    """
    kept = Transcript()
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        cwd=cwd,
        start_new_session=True,
    )
    dialogue = None if isinstance(stdin, bytes) else stdin
    running = _Running(process, kept, dialogue)
    try:
        if isinstance(stdin, bytes):
            running.feed(stdin)
            running.close()
        else:
            running.write(stdin.open())
        _follow(running, act, deadline, begun)
        kept.left = _left(env[MARK])
    finally:
        end_all(env[MARK])
        kept.status = process.wait()
        running.close()
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()
    return kept


def _follow(running: _Running, act: Act | None, deadline: float, begun: Callable[[], bool]) -> None:
    """Read to the end of both streams, with signals of ours where it does not end by itself."""
    process, kept = running.process, running.kept
    until, waits = time.monotonic() + BEGIN, True
    harder = [signal.SIGTERM, signal.SIGKILL]
    with selectors.DefaultSelector() as selector:
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map() or process.poll() is None:
            for key, _ in selector.select(LOOK):
                _read(key.fileobj, running, selector)  # type: ignore[arg-type]  # pipes are files
            if waits and begun():
                until, waits = time.monotonic() + deadline, False
            if act is not None and act.when():
                _do(act, running)
                act = None
                until = min(until, time.monotonic() + 2 * GRACE)
            if process.poll() is not None:
                # What a killed program left behind keeps its pipes open.
                until = min(until, time.monotonic() + 1.0)
            if time.monotonic() > until:
                kept.late |= process.poll() is None
                if not harder or process.poll() is not None:
                    return
                running.send(harder.pop(0))
                until = time.monotonic() + GRACE


def _read(pipe: IO[bytes], running: _Running, selector: selectors.BaseSelector) -> None:
    data = os.read(pipe.fileno(), 1 << 16)
    if not data:
        selector.unregister(pipe)
    elif pipe is running.process.stdout:
        running.hear(data)
    else:
        running.kept.stderr += data


def _do(act: Act, running: _Running) -> None:
    if act.signal is not None:
        running.send(act.signal)
    elif running.dialogue is not None:
        running.write(running.dialogue.interrupt())


def marked(mark: str) -> dict[int, str]:
    """The processes of a run that are alive, with their command lines."""
    found = {}
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                found[int(folder.name)] = b" ".join(words).decode(errors="replace").strip()
    return found


def _left(mark: str) -> list[str]:
    """What is there a moment after the end: a child that is just ending is not left behind."""
    until = time.monotonic() + 1.0
    while (found := marked(mark)) and time.monotonic() < until:
        time.sleep(LOOK)
    return sorted(found.values())


def end_all(mark: str) -> None:
    """Kill what is left of a run; raises TimeoutError where something stays."""
    until = time.monotonic() + 30
    while found := marked(mark):
        if time.monotonic() > until:
            raise TimeoutError(f"these do not end: {found}")
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(LOOK)
