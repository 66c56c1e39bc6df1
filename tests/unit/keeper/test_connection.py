"""A connection turn by turn: when the reply to a key leaves, and what goes with it."""

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import cast

import pytest

from inspan.keeper import connection
from inspan.keeper.connection import Connection
from inspan.keeper.loop import READ, Loop
from inspan.keeper.session import Session
from inspan.keeper.wire import Decoder, Message
from inspan.keeper.writer import CAP_LEAST, Writer


@dataclass
class Program:
    """A session as a connection sees it; it prints when the test says so."""

    name: str
    writer: Writer
    pty: bool = True
    over: bool = False

    @property
    def size(self) -> int:
        return self.writer.size


class Wire:
    """A connection, its other side, and the turns between them."""

    def __init__(self, folder: Path) -> None:
        self.loop = Loop()
        ours, self.socket = socket.socketpair()
        self.socket.setblocking(False)
        self.connection = Connection(
            ours,
            self.loop,
            on_frame=lambda *_: None,
            on_keys=lambda *_: False,
            on_lost=lambda _: None,
            on_room=lambda _: None,
        )
        self._folder = folder
        self._number = 0

    def close(self) -> None:
        self.connection.close()
        self.socket.close()
        self.loop.close()

    def program(self, name: str = "some", *, pty: bool = True) -> Session:
        """A session that this client watches."""
        writer = Writer(str(self._folder / name), cap=CAP_LEAST, size=None, typed=False)
        session = cast("Session", Program(name, writer, pty))
        self.connection.watch(session, inline=True)
        return session

    def type(self, session: Session) -> None:
        self._number += 1
        self.connection.typed(session, b"%d" % self._number, 0)

    def print(self, session: Session) -> None:
        session.writer.output(b"x", "o")
        self.connection.touch(session)

    def turn(self) -> list[str]:
        """What has been sent when it ends: replies and pushes."""
        self.connection.flush()
        try:
            return [_what(frame) for frame, _ in Decoder().feed(self.socket.recv(1 << 16))]
        except BlockingIOError:
            return []


def _what(frame: Message) -> str:
    return str(frame.get("push", "reply"))


@pytest.fixture
def wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    monkeypatch.setattr(connection, "_ECHO", inf)  # the test says when a turn is
    with closing(Wire(tmp_path)) as made:
        yield made


def test_a_reply_and_the_echo_leave_together(wire: Wire) -> None:
    session = wire.program()
    for _ in range(3):
        wire.type(session)
        assert wire.turn() == []
        wire.print(session)
        assert wire.turn() == ["reply", "grew"]


def test_a_reply_waits_for_one_turn_and_no_longer(wire: Wire) -> None:
    session = wire.program()
    wire.type(session)
    assert wire.turn() == []
    assert wire.turn() == ["reply"]
    wire.print(session)
    assert wire.turn() == ["grew"]


def test_nothing_waits_for_a_program_that_does_not_echo_until_it_does(wire: Wire) -> None:
    session = wire.program()
    wire.type(session)
    wire.turn()
    assert wire.turn() == ["reply"]
    wire.type(session)
    assert wire.turn() == ["reply"]
    wire.print(session)  # a moment later
    assert wire.turn() == ["grew"]
    wire.type(session)
    assert wire.turn() == []


def test_a_reply_waits_only_where_a_terminal_is_watched(wire: Wire) -> None:
    pipe = wire.program("pipe", pty=False)
    wire.type(pipe)
    assert wire.turn() == ["reply"]
    session = wire.program()
    wire.connection.unwatch(session.name)
    wire.type(session)
    assert wire.turn() == ["reply"]


def test_nothing_is_remembered_of_what_is_watched_no_more(wire: Wire) -> None:
    session = wire.program()
    wire.type(session)
    assert wire.turn() == []
    wire.connection.unwatch(session.name)
    assert wire.turn() == ["reply"]
    wire.connection.watch(session, inline=True)
    wire.type(session)
    assert wire.turn() == [], "as of a session that is watched for the first time"


def test_a_reply_does_not_wait_where_there_is_more_to_send(wire: Wire) -> None:
    session, other = wire.program(), wire.program("other")
    wire.type(session)
    wire.connection.send({"id": 9, "ok": True})
    assert wire.turn() == ["reply", "reply"]
    wire.type(session)
    wire.print(other)
    assert wire.turn() == ["reply", "grew"]
    wire.type(session)
    assert wire.turn() == [], "that it echoes was not in question"
    wire.type(session)
    assert wire.turn() == ["reply", "reply"]


def test_a_wake_up_for_nothing_is_no_hanging_up(wire: Wire) -> None:
    wire.connection._ready(READ)
    assert not wire.connection.closed
    session = wire.program()
    wire.type(session)
    assert wire.turn() == []
    assert wire.turn() == ["reply"]


def test_who_is_gone_or_sends_rubbish_is_hung_up_on(wire: Wire) -> None:
    wire.socket.sendall(b"\xff" * 64)
    wire.connection._ready(READ)
    assert wire.connection.closed
