"""The search for a daemon that was lost, by a clock that a test holds in its hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from inspan.client.address import Address, parse
from inspan.client.attachment import Attachment
from inspan.client.rejoin import AsyncWay, Rejoin, Way
from inspan.errors import DaemonMismatch, DaemonUnreachable
from inspan.model import wire
from inspan.model.session import Chunk, Output, Resized

pytestmark = pytest.mark.requirement("A9", "C3")

LOST = DaemonUnreachable("the daemon went away")
FAR = parse("http://127.0.0.1:7433", token="x")


class Hand:
    """A clock that moves on at once, and tells by how much."""

    def __init__(self, luck: float = 0.0) -> None:
        self.luck = luck
        self.at = 100.0
        self.waited: list[float] = []

    def monotonic(self) -> float:
        return self.at

    def chance(self) -> float:
        return self.luck

    async def sleep(self, seconds: float) -> None:
        self.pause(seconds)

    def pause(self, seconds: float) -> None:
        self.at += seconds
        self.waited.append(round(seconds, 3))


def after(tries: int) -> Callable[[], None]:
    """A daemon that is there at that try."""
    left = [tries]

    def again() -> None:
        left[0] -= 1
        if left[0]:
            raise DaemonUnreachable("no daemon answers")

    return again


@pytest.mark.parametrize(
    ("luck", "waited"), [(0.0, [0.0, 5.0, 5.0, 5.0]), (0.5, [0.25, 5.5, 5.5, 5.5])]
)
def test_it_is_tried_at_once_and_then_every_few_seconds_by_chance(
    luck: float, waited: list[float]
) -> None:
    hand, said = Hand(luck), list[str]()
    way = Way(Rejoin(clock=hand, say=said.append), FAR)
    assert way.back(LOST, after(4))
    assert hand.waited == waited
    assert said == [
        "the connection to http://127.0.0.1:7433 is lost; trying again every 5 s",
        "connected to http://127.0.0.1:7433 again",
    ]


def test_it_is_given_up_after_so_many_tries_and_the_error_says_what_to_do() -> None:
    hand = Hand()
    way = Way(Rejoin(tries=3, clock=hand), FAR)
    with pytest.raises(DaemonUnreachable, match="7433 is lost") as raised:
        way.back(LOST, after(4))
    assert hand.waited == [0.0, 5.0, 5.0]
    assert raised.value.hint == "What runs there runs on; ask again when it can be reached."


def test_losses_in_a_row_are_one_search_and_whatever_came_or_stood_ends_it() -> None:
    hand = Hand()
    way = Way(Rejoin(tries=2, clock=hand), FAR)
    for _ in range(2):
        assert way.back(LOST, after(1))
    with pytest.raises(DaemonUnreachable):
        way.back(LOST, after(1))
    way.well()
    assert way.back(LOST, after(2))
    hand.at += 5.0  # silent, and yet it stood
    assert way.back(LOST, after(2))


def test_one_who_waits_only_so_long_goes_on_with_the_same_search() -> None:
    hand = Hand()
    way, again = Way(Rejoin(clock=hand), FAR), after(2)
    assert not way.back(LOST, again, hand.at + 1.5)
    assert not way.back(LOST, again, hand.at + 1.5)
    assert way.back(LOST, again, hand.at + 2.5)
    assert hand.at == 105.0


def test_another_version_is_no_daemon_of_ours_and_not_tried_again() -> None:
    def other() -> None:
        raise DaemonMismatch("the daemon is inspan 9")

    hand = Hand()
    with pytest.raises(DaemonMismatch):
        Way(Rejoin(clock=hand), FAR).back(LOST, other)
    assert hand.waited == [0.0]


def test_ones_own_is_started_unless_somebody_told_it_to_stop(tmp_path: Path) -> None:
    hand, started = Hand(), list[int]()
    own = Address("unix://x", path=str(tmp_path / "d.sock"), far=False)
    rejoin = Rejoin(clock=hand, start=lambda: started.append(1))
    with pytest.raises(DaemonUnreachable, match="was stopped"):
        Way(rejoin, own).back(LOST, after(1))
    assert 5.0 <= hand.at - 100.0 < 5.2
    assert not started
    (tmp_path / "d.sock").touch()  # what a daemon leaves that was killed
    assert Way(rejoin, own).back(LOST, after(1))
    assert started == [1]


@pytest.mark.anyio
async def test_with_a_loop_it_is_the_same() -> None:
    hand, again = Hand(), after(3)

    async def opened() -> None:
        again()

    await AsyncWay(Rejoin(clock=hand), FAR).back(LOST, opened)
    assert hand.waited == [0.0, 5.0, 5.0]
    with pytest.raises(DaemonUnreachable):
        await AsyncWay(Rejoin(tries=1, clock=hand), FAR).back(LOST, never)


async def never() -> None:
    raise DaemonUnreachable("no daemon answers")


def test_what_is_told_again_where_it_broke_off_is_left_out() -> None:
    """A new size before a byte is told again to who attaches at that byte; the next is new."""

    def frames(*chunks: Chunk) -> list[bytes]:
        return [frame for chunk in chunks for frame in wire.encode(chunk)]

    first: list[Chunk] = [Output(0, b"abc", "out"), Resized(3, 80, 24), Resized(3, 90, 30)]
    told = Attachment(0)
    for frame in frames(*first):
        told.feed(frame)
    assert [told.take(), told.take(), told.take()] == first
    again = told.again()
    rest: list[Chunk] = [Output(3, b"d", "out"), Resized(4, 80, 24), Output(4, b"e", "out")]
    for frame in frames(Resized(3, 80, 24), Resized(3, 90, 30), *rest):
        again.feed(frame)
    assert [again.take(), again.take(), again.take(), again.take()] == [*rest, None]


def test_a_loss_by_another_version_is_not_searched_after() -> None:
    hand = Hand()
    with pytest.raises(DaemonMismatch, match="inspan 9"):
        Way(Rejoin(clock=hand), FAR).back(DaemonMismatch("the daemon is inspan 9"), after(1))
    assert hand.waited == []


@pytest.mark.anyio
async def test_with_a_loop_another_version_is_not_tried_again() -> None:
    async def other() -> None:
        raise DaemonMismatch("the daemon is inspan 9")

    hand = Hand()
    with pytest.raises(DaemonMismatch, match="inspan 9"):
        await AsyncWay(Rejoin(clock=hand), FAR).back(LOST, other)
    assert hand.waited == [0.0]
