"""Bytes between a session and descriptors where one of them fails."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

from inspan.cli.pump import Pump, Source, write_all
from inspan.errors import InputFull, InspanError, WriterTaken
from inspan.model.session import Chunk, Ended
from inspan.model.task import Exit


class Session:
    """``reach.Attached`` that refuses what is typed so often, and then ends."""

    def __init__(self, *refusals: InspanError) -> None:
        self._refusals = list(refusals)
        self._hear, self._tell = os.pipe()
        self.typed = b""

    def __iter__(self) -> Iterator[Chunk]:
        while (chunk := self.recv()) is not None:
            yield chunk

    def recv(self, timeout: float | None = None) -> Chunk | None:
        return Ended(0, Exit(0)) if self.typed else None

    def write(self, data: bytes) -> None:
        if self._refusals:
            raise self._refusals.pop(0)
        self.typed += data

    def resize(self, cols: int, rows: int) -> None:
        raise AssertionError("a pipe has no size")

    def leave(self, shown: int) -> None:
        raise AssertionError(f"nobody leaves after {shown} bytes")

    @property
    def answers_from(self) -> int | None:
        return None

    def fileno(self) -> int:
        return self._hear

    def close(self) -> None:
        os.close(self._hear)
        os.close(self._tell)


def _pumped(session: Session, typed: bytes) -> Pump:
    given, gives = os.pipe()
    wake, waker = os.pipe()
    os.write(gives, typed)
    pump = Pump(Source(given), wake, screen=False, resizes=False)
    try:
        pump.run(session, lambda: None)
    finally:
        session.close()
        for fd in (given, gives, wake, waker):
            os.close(fd)
    return pump


def test_what_finds_no_room_is_typed_later_and_once() -> None:
    session = Session(InputFull(), InputFull())
    assert not _pumped(session, b"word").robbed
    assert session.typed == b"word"


def test_it_ends_where_somebody_else_types() -> None:
    session = Session(WriterTaken())
    assert _pumped(session, b"word").robbed
    assert session.typed == b""


def test_a_descriptor_that_is_closed_has_ended() -> None:
    hear, tell = os.pipe()
    os.close(tell)
    os.close(hear)
    source = Source(hear)
    assert not source.usable
    assert source.read() == b""
    assert not source.tty


def test_all_is_written_where_the_descriptor_does_not_block() -> None:
    hear, tell = os.pipe()
    os.set_blocking(tell, False)
    data = os.urandom(1 << 20)
    heard = bytearray()

    def listen() -> None:
        while piece := os.read(hear, 1 << 16):
            heard.extend(piece)

    listener = threading.Thread(target=listen)
    os.write(tell, data[: 1 << 10])
    listener.start()
    write_all(tell, data[1 << 10 :])
    os.close(tell)
    listener.join()
    os.close(hear)
    assert bytes(heard) == data
