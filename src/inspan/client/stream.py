"""The two streams of the blocking client: a watch over events and an attached terminal.

Each owns one connection that was upgraded to a WebSocket, and belongs to one thread at a time. With
a ``Way`` it finds back where that is lost. Whoever selects on ``fileno`` asks ``recv(0)`` until it
gives ``None`` first, since what has been read already is not seen by the system, and takes a
stream without a way back.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from inspan.client import calls, wire
from inspan.client.attachment import Attachment
from inspan.client.link import Channel, Stream
from inspan.errors import DaemonUnreachable
from inspan.model import plain

if TYPE_CHECKING:
    from inspan.client.rejoin import Way
    from inspan.model.event import Event
    from inspan.model.session import Chunk


class Watch(Stream):
    """Events as they are stored."""

    def __init__(
        self,
        opened: Callable[[int | None], Channel],
        since: int | None,
        way: Way | None = None,
    ) -> None:
        super().__init__(opened(since))
        self._opened = opened
        #: The last that was seen, or after which it began.
        self._since = since
        self._way = way

    def __iter__(self) -> Iterator[Event]:
        while (event := self.recv()) is not None:
            yield event

    def recv(self, timeout: float | None = None) -> Event | None:
        """The next event; ``None`` when none came within ``timeout`` seconds.

        Raises FellBehind where this reader was too slow: watch again from the last ``seq``; and
        DaemonUnreachable where the daemon is lost, or cannot be found again.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                message = self._channel.take(_left(end))
            except DaemonUnreachable as lost:
                if not self._back(lost, end):
                    return None
                continue
            if message is None:
                return None
            told = json.loads(message)
            if "fact" not in told:
                raise calls.error_of(message)
            event = plain.load_event(told)
            self._since = event.seq
            if self._way is not None:
                self._way.well()
            return event

    def _back(self, lost: DaemonUnreachable, end: float | None) -> bool:
        """False where it is ``end`` before the daemon is found again."""
        if self._way is None:
            raise lost
        if self._since is None:
            from inspan.client.rejoin import unknown  # noqa: PLC0415  only then

            unknown(lost)
        return self._way.back(lost, self._anew, end)

    def _anew(self) -> None:
        channel = self._opened(self._since)
        self._channel.close()
        self._channel = channel


class Terminal(Stream):
    """An attached session: its recording from ``offset``, and then what comes."""

    def __init__(
        self,
        channel: Channel,
        offset: int,
        answers_from: int | None = None,
        *,
        opened: Callable[[int], Channel] | None = None,
        way: Way | None = None,
    ) -> None:
        """``opened`` makes a new connection from an offset on, for the ``way`` back."""
        super().__init__(channel)
        self._told = Attachment(offset, answers_from)
        self._opened = opened
        self._way = way

    @property
    def offset(self) -> int:
        """Where to attach again so that not one byte is missed or told twice."""
        return self._told.offset

    @property
    def answers_from(self) -> int | None:
        """The offset behind which the writer's own terminal answers; ``None``: it never does."""
        return self._told.answers_from

    @property
    def ended(self) -> bool:
        """True once the last chunk, an ``Ended``, has been taken."""
        return self._told.ended and not self._told.pending()

    def __iter__(self) -> Iterator[Chunk]:
        while (chunk := self.recv()) is not None:
            yield chunk

    def recv(self, timeout: float | None = None) -> Chunk | None:
        """The next chunk; ``None`` when none came within ``timeout`` seconds, or after the end.

        The last chunk is an ``Ended``; a stream that stops without one raises.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while (chunk := self._told.take()) is None:
            if self._told.ended:
                return None
            try:
                message = self._channel.take(_left(end))
            except DaemonUnreachable as lost:
                if self._way is None or not self._way.back(lost, self._anew, end):
                    if self._way is None:
                        raise
                    return None
                continue
            if message is None:
                return None
            self._told.feed(message)
            if self._way is not None:
                self._way.well()
        return chunk

    def write(self, data: bytes) -> None:
        """Type; returns when inspan has it. Empty ``data`` is the end of the input.

        Raises WriterTaken on a read-only attachment, InputFull, IllegalTransition after the end.
        """
        for message in self._told.typed(data):
            self._say(message)

    def resize(self, cols: int, rows: int) -> None:
        """Change the size of the terminal; returns when it is changed."""
        self._say(self._told.resized(cols, rows))

    def leave(self, shown: int) -> None:
        """Be a reader from now on. What is asked behind ``shown`` bytes inspan answers again."""
        self._say(self._told.left(shown))

    def _anew(self) -> None:
        assert self._opened is not None
        channel = self._opened(self._told.offset)
        self._channel.close()
        self._channel, self._told = channel, self._told.again()

    def _say(self, message: bytes) -> None:
        self._channel.send(wire.BINARY, message)
        while not self._told.acknowledged(done=self._channel.done):
            come = self._channel.take()
            if come is not None:
                self._told.feed(come)


def _left(end: float | None) -> float | None:
    return None if end is None else max(0.0, end - time.monotonic())
