"""What an attached terminal has told so far, without I/O; both clients keep one.

It knows the frames of ``model.wire`` and no connection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from inspan.client.calls import error_of
from inspan.errors import IllegalTransition, InspanError
from inspan.model import wire
from inspan.model.session import Chunk, Ended, Gap, Output, Resized


class Attachment:
    """Frames in, chunks and acknowledgements out."""

    def __init__(self, offset: int, answers_from: int | None = None) -> None:
        self.answers_from = answers_from
        #: Where to attach again so that not one byte is missed or told twice.
        self.offset = offset
        self.ended = False
        #: Chunks not taken yet. They gather only while a write waits for its acknowledgement,
        #: so they are no more than the connection held before it.
        self._chunks: deque[Chunk] = deque()
        #: New sizes taken at ``offset``: whoever attaches there again is told them again.
        self._sizes = 0
        self._known = 0
        self._sent = 0
        self._acked = 0
        self._refusal: InspanError | None = None

    def again(self) -> Attachment:
        """The same after a connection was lost: what is told again from ``offset`` is left out."""
        other = Attachment(self.offset, self.answers_from)
        other._sizes = other._known = self._sizes
        other._chunks = self._chunks
        return other

    def feed(self, message: bytes) -> None:
        """Take in one message. Raises what the daemon says went wrong."""
        opcode, number, payload = wire.opened(message)
        if opcode == wire.FAILED:
            raise error_of(payload)
        if opcode == wire.ACK:
            self._acked = number
            self._refusal = error_of(payload) if payload else None
        else:
            chunk = wire.decode(opcode, number, payload)
            self.ended = isinstance(chunk, Ended)
            if isinstance(chunk, Resized) and self._known and chunk.offset == self.offset:
                self._known -= 1
            else:
                self._chunks.append(chunk)

    def take(self) -> Chunk | None:
        """The next chunk that has come."""
        if not self._chunks:
            return None
        chunk = self._chunks.popleft()
        match chunk:
            case Output(start, data):
                self.offset, self._sizes, self._known = start + len(data), 0, 0
            case Gap(_, end):
                self.offset, self._sizes, self._known = end, 0, 0
            case Resized():
                self._sizes += 1
            case Ended():
                pass
        return chunk

    def typed(self, data: bytes) -> Iterator[bytes]:
        """``data`` as messages, each to be sent and acknowledged before the next.

        Raises IllegalTransition after the end.
        """
        for start in range(0, len(data) or 1, wire.FRAME_MOST):
            yield self._message(wire.INPUT, data[start : start + wire.FRAME_MOST])

    def resized(self, cols: int, rows: int) -> bytes:
        """A new size as a message, to be sent and acknowledged. Raises BadInput."""
        return self._message(wire.RESIZE, wire.size(cols, rows))

    def left(self, shown: int) -> bytes:
        """That nothing more is typed, as a message, to be sent and acknowledged."""
        return self._message(wire.LEAVE, wire.long(shown))

    def pending(self) -> bool:
        """True where ``take`` has something."""
        return bool(self._chunks)

    def settled(self) -> bool:
        """True where the last message was acknowledged, one way or the other."""
        return self._acked == self._sent

    def acknowledged(self, *, done: bool) -> bool:
        """True once the last message is done; ``done`` says that the stream is over.

        Raises what the daemon refused it with; IllegalTransition where the session ended before.
        """
        if self.settled():
            refusal, self._refusal = self._refusal, None
            if refusal is not None:
                raise refusal
            return True
        if done:
            raise _over()
        return False

    def _message(self, opcode: int, payload: bytes) -> bytes:
        if self.ended:
            raise _over()
        self._sent += 1
        return wire.frame(opcode, self._sent, payload)


def _over() -> IllegalTransition:
    return IllegalTransition("the session has ended")
