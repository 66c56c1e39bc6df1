"""Quantiles are as near as they are said to be, also of sketches that were joined or stored."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.model.metrics import Spread
from inspan.monitor.sketch import Sketch

pytestmark = pytest.mark.requirement("A8")

FIGURES = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=200)


def sketch(figures: list[float]) -> Sketch:
    made = Sketch()
    for figure in figures:
        made.add(figure)
    return made


@given(FIGURES, FIGURES)
def test_a_quantile_is_within_one_percent(one: list[float], other: list[float]) -> None:
    whole = Sketch.of(json.loads(json.dumps(sketch(one).plain())))
    whole.join(sketch(other))
    figures = sorted(one + other)
    for share in (0.5, 0.95, 1.0):
        real = figures[math.ceil(share * len(figures)) - 1]
        assert whole.quantile(share) == pytest.approx(real, rel=0.0101)
    told = whole.spread()
    assert (told.count, told.most) == (len(figures), max(figures))
    assert told.total == pytest.approx(sum(figures))


def test_of_nothing_nothing_is_known() -> None:
    assert Sketch().spread() == Sketch.of(Sketch().plain()).spread() == Spread()
    assert sketch([0.0, 0.0]).spread() == Spread(2, 0.0, 0.0, 0.0, 0.0)
