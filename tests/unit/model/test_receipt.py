"""A receipt is where it was to go at the last stage of its way, and nowhere before."""

from __future__ import annotations

import pytest

from inspan.model.receipt import STAGES, Receipt, Stage, Way

pytestmark = pytest.mark.requirement("C4")


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("stage", Stage)
def test_it_has_arrived_only_at_the_end_of_its_way(way: Way, stage: Stage) -> None:
    receipt = Receipt(key="k", way=way, stage=stage, at=1.0)
    assert receipt.arrived is (stage is STAGES[way][-1])
    assert receipt.settled is receipt.arrived


def test_what_is_lost_is_settled_and_has_not_arrived() -> None:
    lost = Receipt(key="k", way=Way.LINES, stage=Stage.WRITTEN, at=1.0, lost=True, why="it ended")
    assert (lost.arrived, lost.settled) == (False, True)


def test_nothing_echoes_over_a_protocol() -> None:
    assert [str(stage) for stage in STAGES[Way.LINES]] == ["queued", "written", "started"]
    assert STAGES[Way.SCREEN] == tuple(Stage)
