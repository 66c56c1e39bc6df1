"""Who hears the host: a loop that rests, or somebody in its place."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from inspan.kernel.worker.ear import Ear, StandIn
from tests.real.kernel import wait_until

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def test_a_loop_hears_the_host_before_anything_else(pair: Pair) -> None:
    here, there = pair
    ear = Ear()
    heard: list[str] = []
    with closing(asyncio.SelectorEventLoop(ear)) as loop:

        def hear() -> None:
            there.recv(100)
            heard.append("host")
            loop.call_soon(loop.stop)

        ear.attend(there.fileno(), hear)
        loop.call_later(0, heard.append, "timer")
        here.send(b".")
        loop.run_forever()
        ear.forget()
        ear.forget()
        here.send(b".")
        loop.call_soon(loop.stop)
        loop.run_forever()
    assert heard == ["host", "timer"]


def test_who_sleeps_is_rung_once_when_the_loop_begins_to_work() -> None:
    rung: list[int] = []
    with closing(Ear()) as ear:
        ear.ring = lambda: rung.append(ear.turns)
        ear.select(0)
        ear.watched = False
        ear.select(0)
        ear.select(0)
    assert rung == [2]


def test_the_stand_in_hears_while_the_loop_works_and_sleeps_while_it_rests() -> None:
    with closing(Ear()) as ear:
        stand_in = StandIn(ear)

        def looked(hears: bool) -> bool:
            stand_in.look()
            return stand_in.hears is hears

        assert stand_in.hears
        ear.resting = True
        wait_until(lambda: looked(hears=False), "the loop hears itself")
        wait_until(lambda: looked(hears=False) and not ear.watched, "nobody looks any more")
        assert stand_in.until(1e12) == 1e12
        ear.resting, ear.turns, ear.watched = False, 1, True
        assert looked(hears=False)
        assert stand_in.until(1e12) < 1e12
        wait_until(lambda: looked(hears=True), "somebody hears in the place of the loop")
        ear.resting = True
        assert looked(hears=False)
