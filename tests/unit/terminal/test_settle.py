from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.terminal.settle import FRAME_MOST, LATEST, PAUSE, QUIET, Unsettled

pytestmark = pytest.mark.requirement("B4")


def plain(*times: float) -> Unsettled:
    state = Unsettled()
    for at in times:
        state = state.drawn(at, frame=False, begun=False)
    return state


def test_a_look_waits_until_nothing_comes() -> None:
    assert Unsettled().due() == inf
    assert plain(1.0).due() == pytest.approx(1.0 + QUIET)
    assert plain(1.0, 1.01).due() == pytest.approx(1.01 + QUIET)
    assert plain(1.0, 1.01, 1.02, 1.03, 1.04).due() == pytest.approx(1.0 + LATEST)


def test_after_a_look_there_is_a_pause() -> None:
    seen = plain(1.0).seen(1.016)
    assert seen.due() == inf
    assert seen.drawn(1.02, frame=False, begun=False).due() == pytest.approx(1.016 + PAUSE)
    assert seen.drawn(9.0, frame=False, begun=False).due() == pytest.approx(9.0 + QUIET)


def test_a_frame_is_waited_for() -> None:
    begun = Unsettled().drawn(1.0, frame=True, begun=True)
    assert begun.due() == pytest.approx(1.0 + FRAME_MOST)
    more = begun.drawn(1.5, frame=True, begun=False)
    assert more.due() == pytest.approx(1.0 + FRAME_MOST)
    ended = more.drawn(1.6, frame=False, begun=False)
    assert ended.due() < 1.6, "it is complete, and looked at now"


def test_a_frame_that_never_ends_is_seen_all_the_same() -> None:
    begun = Unsettled().drawn(1.0, frame=True, begun=True)
    seen = begun.seen(begun.due())
    assert seen.drawn(5.0, frame=True, begun=False).due() == pytest.approx(5.0 + QUIET)


steps = st.tuples(st.floats(0, 0.5, allow_nan=False), st.booleans(), st.booleans())


@given(st.lists(steps, max_size=60))
def test_what_is_drawn_is_seen_within_a_bound(taken: list[tuple[float, bool, bool]]) -> None:
    state, now, oldest = Unsettled(), 0.0, inf
    for pause, frame, begun in taken:
        now += pause
        due = state.due()
        if due <= now:
            assert oldest <= due <= oldest + FRAME_MOST + PAUSE
            state, oldest = state.seen(due), inf
        state = state.drawn(now, frame=frame, begun=frame and begun)
        oldest = min(oldest, now)
    assert (state.due() == inf) == (oldest == inf)
    assert state.due() == inf or state.due() <= oldest + FRAME_MOST + PAUSE
