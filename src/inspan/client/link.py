"""Connections to the daemon's socket, blocking, and those that rest between two verbs.

A connection carries questions and their answers, or it is a WebSocket. Here the bytes are moved
that ``wire`` makes and reads; no verb is known.
"""

from __future__ import annotations

import os
import select
import time
from abc import abstractmethod
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self, TypeVar

from inspan.client import calls, wire
from inspan.client.address import Address, place
from inspan.errors import DaemonUnreachable, InspanError

if TYPE_CHECKING:
    import _socket as sockets
    from os import PathLike
    from types import TracebackType

T = TypeVar("T")

#: Bytes asked of the socket at once.
READ: Final = 1 << 16


def gone(error: Exception | None) -> DaemonUnreachable:
    """The error for a connection that ended under us."""
    why = f": {getattr(error, 'strerror', None) or error}" if error else ""
    return DaemonUnreachable(f"the daemon went away{why}")


def readable(link: sockets.socket, seconds: float | None) -> bool:
    """True once there is something to read, or the end; false after ``seconds``."""
    poll = select.poll()
    poll.register(link, select.POLLIN)
    return bool(poll.poll(None if seconds is None else seconds * 1000))


class Connections:
    """Makes connections when they are needed, and keeps those that may be used again.

    Whoever needs one takes it out, so that threads do not meet on it.
    """

    def __init__(self, at: Address | str | PathLike[str]) -> None:
        self.address = place(at)
        self._idle: list[sockets.socket] = []
        self._talks: list[Channel] = []

    def close(self) -> None:
        """Let go of what is at rest; the next verb makes a new one."""
        while self._idle:
            self._idle.pop().close()
        while self._talks:
            self._talks.pop().close()

    def reach(self) -> bool:
        """Make a connection ahead of its need; false where nobody takes it."""
        try:
            self._idle.append(self.address.connect())
        except DaemonUnreachable:
            return False
        return True

    def ask(self, call: calls.Call[T]) -> T:
        """One question and its answer. Raises what the daemon says, or DaemonUnreachable."""
        while True:
            kept = self._rested()
            link = kept or self.address.connect()
            try:
                reply, _ = exchange(link, self.address.dressed(call.raw))
            except DaemonUnreachable as error:
                link.close()
                self.address.explain(error)
                # A connection at rest may have been closed just now; a new one tells the truth.
                if kept is None or not call.again:
                    raise
                continue
            except BaseException:
                link.close()
                raise
            if reply.kept and len(self._idle) < calls.IDLE_MOST:
                self._idle.append(link)
            else:
                link.close()
            try:
                return call.answered(reply)
            except InspanError as error:
                self.address.explain(error)
                raise

    def upgrade(self, target: str) -> tuple[Channel, wire.Response]:
        """A new WebSocket, and how the daemon agreed to it."""
        raw, key = calls.upgrade(target, far=self.address.far)
        link = self.address.connect()
        try:
            reply, rest = exchange(link, self.address.dressed(raw))
            calls.raise_for(reply)
            calls.check_version(reply)
            wire.check_upgrade(reply, key)
        except InspanError as error:
            link.close()
            self.address.explain(error)
            raise
        except BaseException:
            link.close()
            raise
        return Channel(link, rest), reply

    def talk(self) -> Channel:
        """A WebSocket for cells on which nothing is being said."""
        while self._talks:
            channel = self._talks.pop()
            if channel.quiet:
                return channel
            channel.close()
        return self.upgrade(calls.CELLS)[0]

    def leave(self, channel: Channel, *, over: bool) -> None:
        """Give back what ``talk`` gave: it is kept where the last word on it was said."""
        if over and len(self._talks) < calls.IDLE_MOST:
            self._talks.append(channel)
        else:
            channel.close()

    def _rested(self) -> sockets.socket | None:
        while self._idle:
            link = self._idle.pop()
            if not readable(link, 0):
                return link
            link.close()  # readable while nothing was asked: the daemon has closed it
        return None


class Channel:
    """A WebSocket: whole messages in and out."""

    def __init__(self, link: sockets.socket, rest: bytes) -> None:
        self._link = link
        self._frames = wire.Frames()
        #: Messages that came together; no more than one read of the socket holds.
        self._come: deque[tuple[int, bytes]] = deque(self._frames.feed(rest))

    def fileno(self) -> int:
        return self._link.fileno()

    def close(self) -> None:
        self._link.close()

    @property
    def quiet(self) -> bool:
        """True where it is open and nothing has come that was not taken."""
        return (
            not self._come
            and not self._frames.begun
            and self._frames.closed is None
            and not readable(self._link, 0)
        )

    @property
    def done(self) -> bool:
        """True once the daemon has said that nothing more comes."""
        return not self._come and self._frames.closed is not None

    def take(self, timeout: float | None = None) -> bytes | None:
        """The next message; ``None`` after ``timeout`` seconds, or when the stream is done.

        Raises DaemonUnreachable where it ended otherwise.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while not self._come and self._frames.closed is None:
            left = None if end is None else max(0.0, end - time.monotonic())
            if not readable(self._link, left):
                return None
            self._receive()
        if self._come:
            return self._come.popleft()[1]
        self._frames.check_done()
        return None

    def send(self, opcode: int, payload: bytes) -> None:
        """Send one message. Raises DaemonUnreachable."""
        self._push(wire.masked(opcode, payload, os.urandom(4)))

    def _receive(self) -> None:
        try:
            data = self._link.recv(READ)
        except OSError as error:
            raise gone(error) from error
        if not data:
            raise gone(None)
        self._come.extend(self._frames.feed(data))
        due, self._frames.due = self._frames.due, b""
        if due and self._frames.closed is None:
            self._push(due)

    def _push(self, raw: bytes) -> None:
        try:
            self._link.sendall(raw)
        except OSError as error:
            raise gone(error) from error


class Closing:
    """What is closed at the end of a ``with``."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Let go of what it has."""
        raise NotImplementedError


class Stream(Closing):
    """What all that comes on a channel has in common: it owns the channel and lets go of it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def fileno(self) -> int:
        """For ``select``; ask ``recv(0)`` until it gives ``None`` first."""
        return self._channel.fileno()

    def close(self) -> None:
        """Leave the stream."""
        self._channel.close()


def exchange(link: sockets.socket, raw: bytes) -> tuple[wire.Response, bytes]:
    """Ask, and read one answer and what follows it."""
    answer = wire.Answer()
    try:
        # A refusal may come before all of a large body is taken, so the answer is read anyway.
        with suppress(BrokenPipeError):
            link.sendall(raw)
        while True:
            data = link.recv(READ)
            reply = answer.feed(data) if data else answer.end()
            if reply is not None:
                return reply, answer.rest
    except OSError as error:
        raise gone(error) from error
