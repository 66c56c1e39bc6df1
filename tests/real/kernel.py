"""A real worker of a code session, driven synchronously; every message of it is validated.

with Worker.start(tmp_path) as worker:
    cell = worker.run("print('a'); 1 + 1")
    assert (cell.stdout, cell.result.repr) == ("a\\n", "2")
"""

import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from inspan.kernel.frames import Decoder, Message, encode
from inspan.kernel.protocol import (
    FROM_WORKER,
    VERSION,
    Broken,
    Error,
    FromWorker,
    Output,
    Ready,
    Result,
    Started,
)
from inspan.kernel.worker.boot import TOKEN_VARIABLE, command

#: Seconds that anything may take on a busy machine.
PATIENCE = 30.0
#: Seconds between two of the same signal, as a host sends them.
AGAIN = 0.02

_Kind = TypeVar("_Kind")


class GoneError(Exception):
    """The worker closed the connection."""


class Host:
    """One connection, after its hello. Not for use by two threads."""

    def __init__(
        self, path: Path, session: str, token: str, last_seq: int = 0, *, board: bool = False
    ) -> None:
        self._link = socket.socket(socket.AF_UNIX)
        self._decoder = Decoder()
        self._come: list[tuple[Message, bytes]] = []
        self.last_seq = last_seq
        try:
            self._link.connect(str(path))
        except OSError:
            self._link.close()
            raise
        self.send(
            {
                "type": "hello",
                "version": VERSION,
                "session": session,
                "token": token,
                "last_seq": last_seq,
                "board": board,
            }
        )

    def send(self, message: dict[str, Any]) -> None:
        self.send_bytes(encode(message))

    def send_bytes(self, raw: bytes) -> None:
        try:
            self._link.sendall(raw)
        except OSError as error:
            raise GoneError from error

    def receive(self, seconds: float = PATIENCE) -> tuple[FromWorker, bytes]:
        """The next message, validated. Raises GoneError and TimeoutError."""
        deadline = time.monotonic() + seconds
        while not self._come:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._link], [], [], left)[0]:
                raise TimeoutError("the worker said nothing")
            try:
                data = self._link.recv(1 << 18)
            except ConnectionError as error:
                raise GoneError from error
            if not data:
                raise GoneError
            self._come += self._decoder.feed(data)
        raw, body = self._come.pop(0)
        message = FROM_WORKER.validate_python(raw)
        if not isinstance(message, Ready | Broken):
            assert message.seq == self.last_seq + 1, "a message is missing, or came twice"
            self.last_seq = message.seq
        return message, body

    def wait(self, kind: type[_Kind], seconds: float = PATIENCE) -> _Kind:
        """The next message of one kind; what comes before it is let go."""
        while True:
            message, _ = self.receive(seconds)
            if isinstance(message, kind):
                return message

    def close(self) -> None:
        self._link.close()


@dataclass
class Cell:
    """What came of one cell, in the order in which it came."""

    execution_id: str
    messages: list[FromWorker] = field(default_factory=list)
    stdout: str = ""
    stderr: str = ""
    #: What came through file descriptors 1 and 2.
    fd_stdout: str = ""
    fd_stderr: str = ""

    @property
    def started(self) -> Started:
        first = self.messages[0]
        assert isinstance(first, Started)
        return first

    @property
    def end(self) -> Result | Error:
        last = self.messages[-1]
        assert isinstance(last, Result | Error), f"the cell has not ended: {last}"
        return last

    @property
    def result(self) -> Result:
        assert isinstance(self.end, Result), self.end
        return self.end

    @property
    def error(self) -> Error:
        assert isinstance(self.end, Error), self.end
        return self.end


class Worker:
    """A worker's process and the host that is connected to it."""

    def __init__(self, folder: Path, python: str, env: dict[str, str]) -> None:
        self.session = "task-1"
        self.token = secrets.token_hex(16)
        self.folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)
        # Not in the folder of the test, whose path may be longer than a socket's may be.
        self._runtime = tempfile.TemporaryDirectory(prefix="inspan-")
        self.socket = Path(self._runtime.name) / "worker.sock"
        self.process = subprocess.Popen(
            command(python, session=self.session, socket=str(self.socket), folder=str(self.folder)),
            cwd=folder,
            env={**_unmeasured(), **env, TOKEN_VARIABLE: self.token},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._ids = count(1)
        self._ends = {"out": 0, "err": 0}
        self.host: Host

    @classmethod
    @contextmanager
    def start(
        cls, folder: Path, *, python: str = sys.executable, env: dict[str, str] | None = None
    ) -> Iterator[Self]:
        """A worker with a host connected, killed with its group at the end."""
        worker = cls(folder / "session", python, env or {})
        with worker:
            worker.connect()
            yield worker

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if hasattr(self, "host"):
            self.host.close()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            self.process.poll()
        self.process.wait(PATIENCE)
        self._runtime.cleanup()

    def connect(self, last_seq: int = 0, **wrong: Any) -> Ready:
        """Say hello on a new connection, which replaces the one there was."""
        self.host = self.open(last_seq, **wrong)
        ready, _ = self.host.receive()
        assert isinstance(ready, Ready)
        return ready

    def open(self, last_seq: int = 0, **wrong: Any) -> Host:
        """A connection that has said hello and heard nothing yet."""
        says = {"session": self.session, "token": self.token, **wrong}
        opened = wait_until(lambda: self._try(last_seq, says), "the worker listens")
        assert isinstance(opened, Host)
        return opened

    def _try(self, last_seq: int, says: dict[str, Any]) -> Host | None:
        assert self.process.poll() is None, f"the worker ended: {self.process.returncode}"
        try:
            return Host(self.socket, last_seq=last_seq, **says)
        except (FileNotFoundError, ConnectionRefusedError):
            return None

    def execute(self, code: str, **fields: Any) -> Cell:
        """Ask for a cell and wait for nothing."""
        cell = Cell(str(fields.pop("execution_id", f"cell-{next(self._ids)}")))
        self.host.send(
            {"type": "execute", "execution_id": cell.execution_id, "code": code, **fields}
        )
        return cell

    def begin(self, code: str, **fields: Any) -> Cell:
        """Ask for a cell and wait until it has started."""
        cell = self.execute(code, **fields)
        return self.read(cell, lambda cell: bool(cell.messages))

    def run(self, code: str, **fields: Any) -> Cell:
        """A cell from its beginning to its end."""
        return self.finish(self.execute(code, **fields))

    def finish(self, cell: Cell, seconds: float = PATIENCE) -> Cell:
        """Wait for a cell's end, and read what its descriptors wrote up to there."""
        self.read(cell, ended, seconds)
        cell.fd_stdout = self._captured("out", cell.end.fd.out)
        cell.fd_stderr = self._captured("err", cell.end.fd.err)
        return cell

    def read(self, cell: Cell, until: Callable[[Cell], bool], seconds: float = PATIENCE) -> Cell:
        """Gather what comes for a cell until enough of it is there."""
        deadline = time.monotonic() + seconds
        while not until(cell):
            self.gather(cell, max(0.0, deadline - time.monotonic()))
        return cell

    def gather(self, cell: Cell, seconds: float) -> None:
        """One message more; others' messages are let go."""
        message, body = self.host.receive(seconds)
        if getattr(message, "execution_id", None) != cell.execution_id:
            return
        if isinstance(message, Output):
            text = body.decode()
            cell.stdout += text if message.stream == "stdout" else ""
            cell.stderr += text if message.stream == "stderr" else ""
        if not isinstance(message, Ready):
            cell.messages.append(message)

    def name(self, number: int) -> None:
        """Write which cell an interrupt is for, as a host does before the signal."""
        with (self.folder / "interrupt").open("r+b", buffering=0) as file:
            file.write(number.to_bytes(8, "little"))

    def interrupt(self, cell: Cell, *, seconds: float = PATIENCE) -> Cell:
        """Interrupt a cell that has started, again and again until its end came."""
        self.name(cell.started.number)
        deadline = time.monotonic() + seconds
        for turn in count():
            if turn < 5:
                os.kill(self.process.pid, signal.SIGINT)
            else:
                os.killpg(self.process.pid, signal.SIGINT)
            again = time.monotonic() + AGAIN
            while not ended(cell) and (left := again - time.monotonic()) > 0:
                try:
                    self.gather(cell, left)
                except TimeoutError:
                    break
            if ended(cell):
                return self.finish(cell)
            assert time.monotonic() < deadline, "the cell could not be interrupted"
        raise AssertionError

    def _captured(self, which: str, end: int) -> str:
        with (self.folder / f"{which}.raw").open("rb") as file:
            file.seek(self._ends[which])
            raw = file.read(end - self._ends[which])
        self._ends[which] = end
        return raw.decode(errors="replace")


def _unmeasured() -> dict[str, str]:
    """The environment without the wish of `coverage` to go along: see tools/worker_lines.py."""
    return {name: value for name, value in os.environ.items() if "COVERAGE" not in name}


def ended(cell: Cell) -> bool:
    return bool(cell.messages) and isinstance(cell.messages[-1], Result | Error)


def wait_until(found: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Look again and again until there is something."""
    deadline = time.monotonic() + seconds
    while not (it := found()):
        assert time.monotonic() < deadline, f"never came about: {what}"
        time.sleep(0.002)
    return it
