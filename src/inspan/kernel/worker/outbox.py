"""What a worker says: numbered from 1, and kept until a host has acknowledged it.

It holds at most ``most`` bytes of frames. Beyond that output is dropped, and the next output of its
stream says how much; nothing else is ever dropped. It knows no thread and no socket but the one it
is given to write to; who uses it holds its lock.
"""

from __future__ import annotations

import threading
from collections import deque
from itertools import islice
from typing import Final, Protocol

from ..frames import Message, encode  # noqa: TID252 - the package has a private name here

MOST: Final = 64 << 20
#: Frames that go out in one call of the system.
_TOGETHER: Final = 64
_ENDS: Final = frozenset({"result", "error"})


class Writer(Protocol):
    """A socket that does not block."""

    def sendmsg(self, buffers: list[bytes | memoryview], /) -> int: ...


class Outbox:
    """The frames that no host has acknowledged, in their order."""

    def __init__(self, most: int = MOST) -> None:
        #: Held by whoever puts, writes or acknowledges.
        self.lock = threading.Lock()
        #: Released with each acknowledgement.
        self.room = threading.Condition(self.lock)
        self._most = most
        self._acked = 0
        # The number of a frame is its place, so that no interrupt leaves a gap: one append is all.
        self._unacked: deque[bytes] = deque()
        self._unsent: deque[bytes] = deque()
        self._begun = 0
        self._held: Message | None = None
        self._size = 0
        self._dropped: dict[str, int] = {}

    @property
    def seq(self) -> int:
        """The number of the last frame."""
        return self._acked + len(self._unacked) + len(self._unsent)

    @property
    def full(self) -> bool:
        return self._size > self._most

    def hold(self, started: Message) -> None:
        """Let it go with what is said next: in one message, if that is its cell's end."""
        self.release()
        self._held = started

    def release(self) -> None:
        """Keep what is held as a message of its own."""
        held, self._held = self._held, None
        if held is not None:
            self._append(held, b"")

    def put(self, message: Message, body: bytes = b"") -> None:
        """Number a message and keep it; output may be dropped. Raises FrameError, TypeError."""
        kind = message["type"]
        held = self._held
        if held is not None:
            if (
                kind in _ENDS
                and held["execution_id"] == message["execution_id"]
                and not self._dropped
            ):
                began = {"number": held["number"], "mode": held["mode"]}
                self._append({**message, "began": began}, body)
                self._held = None
                return
            self.release()
        if kind == "output":
            stream = message["stream"]
            if self.full:
                missing = message.get("dropped", 0) + len(body)
                self._dropped[stream] = self._dropped.get(stream, 0) + missing
                return
            if self._dropped:
                message["dropped"] = message.get("dropped", 0) + self._dropped.pop(stream, 0)
        elif self._dropped and kind in _ENDS:
            self._confess(message["execution_id"])
        self._append(message, body)

    def _confess(self, execution_id: str) -> None:
        """Say before a cell's end what is missing of its output."""
        for stream in [*self._dropped]:
            dropped = self._dropped.pop(stream)
            head = {"type": "output", "execution_id": execution_id, "stream": stream}
            self._append({**head, "dropped": dropped}, b"")

    def _append(self, message: Message, body: bytes) -> None:
        message["seq"] = self.seq + 1
        frame = _encoded(message, body)
        self._size += len(frame)
        self._unsent.append(frame)

    def acknowledge(self, seq: int) -> None:
        """Forget everything up to ``seq``."""
        full = self.full
        while self._acked < seq and self._unacked:
            self._size -= len(self._unacked.popleft())
            self._acked += 1
        if full:  # nobody waits for room else
            self.room.notify_all()

    def rewind(self, last: int) -> None:
        """A host came that has everything up to ``last``; the rest is unsent again."""
        self._unsent.extendleft(reversed(self._unacked))
        self._unacked.clear()
        self._begun = 0
        for _ in range(min(last - self._acked, len(self._unsent))):
            self._unacked.append(self._unsent.popleft())

    def write(self, writer: Writer) -> bool:
        """Write as much as it takes, and say whether all is written. Raises OSError."""
        unsent = self._unsent
        while unsent:
            buffers: list[bytes | memoryview] = [*islice(unsent, _TOGETHER)]
            if self._begun:
                buffers[0] = memoryview(unsent[0])[self._begun :]
            try:
                written = writer.sendmsg(buffers)
            except BlockingIOError:
                return False
            self._begun += written
            while unsent and self._begun >= len(unsent[0]):
                self._begun -= len(unsent[0])
                self._unacked.append(unsent.popleft())
        return True

    def begun(self) -> bytes:
        """The rest of a frame of which a part is written."""
        return self._unsent[0][self._begun :] if self._begun else b""


def _encoded(message: Message, body: bytes) -> bytes:
    frame = encode(message, body)
    if b"\\ud" not in frame:
        return frame
    # Half of a surrogate pair is a character to Python and none to those who read this.
    return encode(_whole(message), body)


def _whole(value: object) -> Message:
    return _clean(value)  # type: ignore[return-value]  # a dict gives a dict


def _clean(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value
