import pytest

from inspan.agents.tally import Tally
from inspan.model.agent import Usage

pytestmark = pytest.mark.requirement("C5")


def test_a_turn_that_was_broken_off_tells_less_than_its_messages_did() -> None:
    tally = Tally()
    tally.turn(Usage(read=10, written=5, turns=1, cost=0.1))
    assert tally.message("a", Usage(read=100))
    assert tally.message("b", Usage(read=200))
    assert not tally.message("b", Usage(read=200))
    assert not tally.message("c", Usage())
    assert tally.used == Usage(read=310, written=5, turns=3, cost=0.1)
    tally.turn(Usage(cost=0.4))
    assert tally.used == Usage(read=310, written=5, turns=3, cost=0.4)


def test_a_turn_that_ended_tells_all_of_it() -> None:
    tally = Tally()
    tally.message("a", Usage(read=100, written=1))
    tally.turn(Usage(read=100, written=40, turns=1, cost=0.4))
    assert tally.used == Usage(read=100, written=40, turns=1, cost=0.4)
