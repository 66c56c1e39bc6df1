import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.model.patience import Backoff, Breaker, Circuit, IdleLimit, Room, Waits

seconds = st.floats(0, 1e6)
chance = st.floats(0, 1, exclude_max=True)


def test_delays_double_up_to_the_most() -> None:
    backoff = Backoff(first=1.0, most=30.0, jitter=0.0)
    assert [backoff.delay(tries, 0.5) for tries in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]


def test_jitter_only_adds_and_never_more_than_its_part() -> None:
    backoff = Backoff(first=10.0, most=60.0, jitter=0.2)
    assert backoff.delay(1, 0.0) == 10.0
    assert backoff.delay(1, 0.5) == pytest.approx(11.0)


@given(st.integers(1, 10**9), chance)
def test_a_delay_is_never_below_the_first_nor_beyond_the_most(tries: int, drawn: float) -> None:
    backoff = Backoff()
    assert backoff.first <= backoff.delay(tries, drawn) <= backoff.most * (1 + backoff.jitter)


@pytest.mark.requirement("B4")
def test_too_few_pauses_say_nothing_about_a_rhythm() -> None:
    assert IdleLimit(60.0, 600.0).after([200.0, 200.0]) == 60.0


@pytest.mark.requirement("B4")
def test_the_idle_limit_stretches_with_the_pauses_seen_and_shrinks_again() -> None:
    limit = IdleLimit(base=60.0, ceiling=600.0, stretch=2.0)
    assert limit.after([10.0, 10.0, 10.0]) == 60.0
    assert limit.after([10.0, 100.0, 10.0]) == 200.0
    assert limit.after([10.0, 500.0, 10.0]) == 600.0
    assert limit.after([10.0, 10.0, 10.0]) == 60.0


@pytest.mark.requirement("B4")
@given(seconds, seconds, st.lists(seconds, max_size=40))
def test_the_idle_limit_stays_between_its_bounds(
    base: float, more: float, pauses: list[float]
) -> None:
    assert base <= IdleLimit(base, base + more).after(pauses) <= base + more


def test_a_breaker_opens_rests_probes_and_closes() -> None:
    breaker = Breaker(threshold=2, rest=10.0)
    breaker = breaker.tried(0.0).failed(0.0)
    assert breaker.state(0.0) is Circuit.CLOSED
    assert breaker.allows(0.0)

    breaker = breaker.tried(1.0).failed(1.0)
    assert breaker.state(10.9) is Circuit.OPEN
    assert not breaker.allows(10.9)

    assert breaker.state(11.0) is Circuit.HALF_OPEN
    assert breaker.allows(11.0)
    probing = breaker.tried(11.0)
    assert probing.state(11.0) is Circuit.HALF_OPEN
    assert not probing.allows(11.0)

    assert probing.succeeded() == Breaker(threshold=2, rest=10.0)


def test_a_probe_that_fails_opens_it_again_for_a_whole_rest() -> None:
    opened = Breaker(threshold=1, rest=10.0).tried(0.0).failed(0.0)
    again = opened.tried(10.0).failed(12.0)
    assert again.state(21.9) is Circuit.OPEN
    assert again.state(22.0) is Circuit.HALF_OPEN


def test_a_success_forgets_the_failures_before_it() -> None:
    breaker = Breaker(threshold=2).tried(0.0).failed(0.0).tried(1.0).succeeded().failed(2.0)
    assert breaker.state(2.0) is Circuit.CLOSED


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100)), max_size=50))
def test_a_breaker_allows_a_try_only_when_closed_or_rested(
    tries: list[tuple[bool, float]],
) -> None:
    breaker, now = Breaker(threshold=3, rest=20.0), 0.0
    for good, pause in tries:
        now += pause
        if not breaker.allows(now):
            assert breaker.opened_at is not None
            assert now - breaker.opened_at < breaker.rest
            continue
        assert breaker.opened_at is None or now - breaker.opened_at >= breaker.rest
        begun = breaker.tried(now)
        breaker = begun.succeeded() if good else begun.failed(now)
        assert breaker.failures == 0 if good else breaker.failures >= 1


@given(
    told=st.none() | st.floats(-1e6, 1e6),
    before=st.integers(0, 100),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_a_wait_ends_in_the_future_and_not_before_it_was_told(
    told: float | None, before: int, chance: float
) -> None:
    waits = Waits()
    at = waits.until(told, before, 1000.0, chance)
    assert at > 1000.0
    if told is not None and told > 1000.0:
        assert told <= at <= told + waits.spread
    else:
        assert 60 <= at - 1000.0 <= 3600 * 1.1


def test_an_overload_halves_the_room_and_quiet_gives_it_back() -> None:
    room = Room(most=8, quiet=60, burst=5).overloaded(100, running=8)
    assert room.places(100) == 4
    assert room.overloaded(104, running=8) is room
    room = room.overloaded(110, running=4)
    assert [room.places(at) for at in (110, 169, 170, 230, 290)] == [2, 2, 3, 4, 5]
    assert room.next_place(171) == 230
    assert (room.places(10_000), room.next_place(10_000)) == (8, None)


def test_a_success_gives_one_place_back() -> None:
    room = Room(most=4).overloaded(100, running=4)
    assert room.succeeded(101) is room
    assert room.succeeded(110).places(110) == 3
    whole = room.succeeded(110).succeeded(120)
    assert (whole.places(120), whole.shrunk(120)) == (4, False)


def test_without_a_limit_it_is_halved_from_what_ran_and_lifted_again() -> None:
    room = Room().overloaded(100, running=6)
    assert [room.places(at) for at in (100, 160, 220, 280)] == [3, 4, 5, None]


@given(
    st.none() | st.integers(1, 50),
    st.lists(st.tuples(st.booleans(), st.floats(0, 200), st.integers(0, 60)), max_size=40),
)
def test_a_room_stays_between_one_and_the_most(
    most: int | None, story: list[tuple[bool, float, int]]
) -> None:
    room, now = Room(most=most), 1000.0
    for bad, pause, running in story:
        now += pause
        before = room.places(now)
        room = room.overloaded(now, running) if bad else room.succeeded(now)
        after = room.places(now)
        assert after is None or after >= 1
        assert most is None or (after is not None and after <= most)
        if bad:
            assert after is None or before is None or after <= before
        elif before is not None and after is not None:
            assert before <= after <= before + 1
        assert (room.next_place(now) is not None) == room.shrunk(now)
        assert (room.next_place(now) or now + 1) > now
    assert room.places(now + 60 * 100) == most
