from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.model.activity import (
    AGES,
    CALM,
    FLAPS_MOST,
    FLAPS_WITHIN,
    KNOWING,
    Activity,
    Confidence,
    Doing,
    Reading,
    Source,
    Steady,
    judge,
    stale_at,
)
from inspan.model.task import Needs

pytestmark = pytest.mark.requirement("B4")

RANK = list(Source)
times = st.floats(0, 1000, allow_nan=False)
readings = st.builds(
    Reading,
    doing=st.sampled_from(Doing),
    source=st.sampled_from(Source),
    at=times,
    rule=st.sampled_from(["a", "b"]),
    confidence=st.sampled_from(Confidence),
    holds=st.none() | st.floats(0, 200, allow_nan=False),
)


def reading(doing: Doing, source: Source, at: float = 0.0) -> Reading:
    return Reading(doing, source, at, rule=f"{source}/{doing}")


def test_the_ladder_in_its_order() -> None:
    said = [reading(Doing.IDLE, source) for source in reversed(Source)]
    for source in Source:
        assert judge(said, 0.0).source is source
        said = [item for item in said if item.source is not source]
    assert judge(said, 7.0) == Activity(Doing.UNKNOWN, 7.0)


def test_a_source_with_nothing_to_say_leaves_the_word_to_a_weaker_one() -> None:
    screen = reading(Doing.WORKING, Source.SCREEN)
    assert judge([reading(Doing.UNKNOWN, Source.PROTOCOL), screen], 0.0).source is Source.SCREEN
    silent = Reading(Doing.UNKNOWN, Source.SILENCE, 0.0, evidence="nothing for 60 s")
    assert judge([silent], 0.0).evidence == "nothing for 60 s"


def test_what_is_too_old_does_not_count() -> None:
    hook = reading(Doing.WORKING, Source.HOOK, at=10.0)
    title = reading(Doing.IDLE, Source.TITLE, at=0.0)
    limit = 10.0 + AGES[Source.HOOK]
    assert stale_at([hook, title], 11.0) == limit
    assert judge([hook, title], limit - 0.1).doing is Doing.WORKING
    assert judge([hook, title], limit).doing is Doing.IDLE
    assert judge([replace(hook, holds=inf), title], limit).doing is Doing.WORKING
    assert stale_at([hook, title], limit) == inf


def test_it_began_when_it_became_so() -> None:
    began = judge([reading(Doing.WORKING, Source.SCREEN)], 5.0)
    later = judge([reading(Doing.WORKING, Source.TITLE)], 9.0, began)
    assert (later.since, later.source) == (5.0, Source.TITLE)
    asks = Reading(Doing.WAITING, Source.SCREEN, 10.0, needs=Needs("question", "Which?"))
    first = judge([asks], 10.0, later)
    assert first.since == 10.0
    other = replace(asks, needs=Needs("question", "Where?"))
    assert judge([other], 12.0, first).since == 12.0, "another question is news"


@given(st.lists(readings, max_size=12), times)
def test_nothing_fresh_and_stronger_says_otherwise(said: list[Reading], now: float) -> None:
    found = judge(said, now)
    newest = {
        source: max(item.at for item in said if item.source is source)
        for source in Source
        if any(item.source is source for item in said)
    }
    fresh = [item for item in said if item.at == newest[item.source] and now < item.until]
    if (found.doing, found.source) == (Doing.UNKNOWN, Source.PROCESS):
        return  # it was stopped, or nobody else says anything
    if found.doing is Doing.UNKNOWN:
        by_source = {item.source: item for item in said if item.at == newest[item.source]}
        assert all(item.doing is Doing.UNKNOWN or now >= item.until for item in by_source.values())
        return
    assert found.source is not None
    assert any(item.source is found.source and item.doing is found.doing for item in fresh)
    latest = {item.source: item for item in said if item.at == newest[item.source]}
    counts = {source: item for source, item in latest.items() if now < item.until}
    asked = {source for source, item in counts.items() if item.doing is Doing.WAITING}
    above = RANK[: RANK.index(found.source)]
    stronger = {source for source in above if source in counts and source not in asked}
    assert not asked & set(above)
    for source in stronger - {Source.PROCESS}:
        outranked = found.doing is Doing.WAITING and source is not Source.PROTOCOL
        assert counts[source].doing is Doing.UNKNOWN or outranked
    if asked and found.doing is not Doing.WAITING:
        assert found.source is Source.PROTOCOL


def test_what_was_stopped_does_nothing_whatever_it_shows() -> None:
    stopped = reading(Doing.UNKNOWN, Source.PROCESS)
    for source in (Source.HOOK, Source.TITLE, Source.SCREEN):
        for doing in (Doing.WORKING, Doing.IDLE):
            assert judge([reading(doing, source), stopped], 1.0).source is Source.PROCESS
        asks = reading(Doing.WAITING, source)
        assert judge([asks, stopped], 1.0).doing is Doing.WAITING


def test_a_question_that_is_shown_is_not_outranked_by_what_hooks_say() -> None:
    asks = replace(reading(Doing.WAITING, Source.SCREEN), needs=Needs("question", "Which?"))
    for doing in (Doing.WORKING, Doing.IDLE):
        assert judge([reading(doing, Source.HOOK), asks], 1.0).source is Source.SCREEN
    assert judge([reading(Doing.WORKING, Source.PROTOCOL), asks], 1.0).source is Source.PROTOCOL
    assert judge([reading(Doing.WAITING, Source.HOOK), asks], 1.0).source is Source.HOOK


@given(st.lists(readings, max_size=12, unique_by=lambda item: item.source), times, st.randoms())
def test_the_order_in_which_they_are_handed_in_does_not_matter(
    said: list[Reading], now: float, chance: object
) -> None:
    mixed = list(said)
    chance.shuffle(mixed)  # type: ignore[attr-defined]  # hypothesis' own Random
    assert judge(said, now) == judge(mixed, now)


def shown(steady: Steady) -> Activity:
    assert steady.shown is not None
    return steady.shown


def flap(*seen: tuple[float, Doing], source: Source = Source.SCREEN) -> Steady:
    steady = Steady()
    for at, doing in seen:
        steady = steady.see(judge([reading(doing, source, at)], at, steady.heard), at)
    return steady


W, I = Doing.WORKING, Doing.IDLE  # noqa: E741 - a table reads better with one letter each


def test_changes_are_shown_at_once_until_there_are_too_many() -> None:
    three = flap((0, W), (1, I), (2, W), (3, I))
    assert (shown(three).doing, shown(three).flapping) == (I, False)
    four = flap((0, W), (1, I), (2, W), (3, I), (4, W))
    assert (shown(four).doing, shown(four).flapping) == (I, True)
    assert four.due(4.0) == 4.0 + CALM
    calm = four.see(judge([reading(W, Source.SCREEN)], 9.0, four.heard), 9.0)
    assert (shown(calm).doing, shown(calm).flapping) == (W, True)
    assert calm.due(9.0) == 1.0 + FLAPS_WITHIN
    over = calm.see(judge([reading(W, Source.SCREEN)], 61.0, calm.heard), 61.0)
    assert (shown(over).doing, shown(over).flapping) == (W, False)
    assert over.due(61.0) == inf


def test_what_somebody_brought_about_by_typing_is_no_flapping() -> None:
    steady = flap((0, W), (1, I), (2, W), (3, I)).excused()
    steady = steady.see(judge([reading(W, Source.SCREEN)], 4, steady.heard), 4)
    assert (shown(steady).doing, shown(steady).flapping) == (W, False)
    held = flap((0, W), (1, I), (2, W), (3, I), (4, W))
    assert (shown(held).doing, shown(held.excused()).flapping) == (I, False)
    assert Steady().excused() == Steady()
    assert held.excused().due(4.0) == 4.0 + CALM


def test_the_first_that_is_known_after_typing_is_no_change_however_late() -> None:
    for typed in (True, False):
        steady = flap((0, I))
        steady = steady.excused() if typed else steady
        for at, doing in ((1, Doing.UNKNOWN), (9, W), (10, I), (11, W), (12, I)):
            steady = steady.see(judge([reading(doing, Source.SCREEN)], at, steady.heard), at)
        assert shown(steady).flapping is not typed


def test_what_is_drawn_anew_for_a_new_size_is_no_flapping() -> None:
    counted, pardoned = Steady(), Steady().excused(10.5)
    for step in range(6):
        at, doing = 10 + step / 5, (W, I)[step % 2]
        counted, pardoned = (
            each.see(judge([reading(doing, Source.SCREEN)], at, each.heard), at)
            for each in (counted, pardoned)
        )
    assert (shown(counted).flapping, shown(pardoned).flapping) == (True, False)


def test_who_knows_is_never_held_back() -> None:
    for source in KNOWING:
        steady = flap(*((at, (W, I)[at % 2]) for at in range(20)), source=source)
        assert (shown(steady).doing, shown(steady).flapping) == (I, False)


@given(
    st.lists(
        st.tuples(st.floats(0, 20, allow_nan=False), st.sampled_from(Doing)),
        min_size=1,
        max_size=40,
    )
)
def test_the_guard_shows_few_changes_and_misses_none_that_lasts(
    steps: list[tuple[float, Doing]],
) -> None:
    steady, now, known = Steady(), 0.0, Doing.UNKNOWN
    switched: list[float] = []  # from one that is known to another: unknown contradicts nothing
    for pause, doing in steps:
        now += pause
        steady = steady.see(judge([reading(doing, Source.SCREEN, now)], now, steady.heard), now)
        assert len(steady.changes) <= FLAPS_MOST + 1
        told = shown(steady).doing
        if told is not Doing.UNKNOWN:
            if known not in (told, Doing.UNKNOWN):
                switched.append(now)
            known = told
    # Between two that are shown while it flaps lie CALM seconds.
    for first, last in zip(switched, switched[FLAPS_MOST + 1 :], strict=False):
        assert last - first >= CALM
    asked = now + CALM
    steady = steady.see(judge([reading(steps[-1][1], Source.SCREEN)], asked, steady.heard), asked)
    assert shown(steady).doing is steps[-1][1]
    assert steady.due(asked) > asked or steady.due(asked) == inf
