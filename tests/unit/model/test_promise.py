from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.errors import BadInput, InspanError, NotStorable, PromiseExists, PromiseSettled
from inspan.model.promise import (
    LEADS_TO,
    TABLE,
    TIMER,
    Promise,
    PromiseState,
    Verb,
    at,
    checked,
    create,
    plain,
    settle,
)

pytestmark = pytest.mark.requirement("D6")

keys = st.sampled_from([None, "a", "b"])
states = st.sampled_from(list(PromiseState))
settling = st.sampled_from(list(LEADS_TO))
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@st.composite
def promises(draw: st.DrawFn) -> Promise:
    state = draw(states)
    pending = state is PromiseState.PENDING
    ended_by_somebody = state in LEADS_TO.values()
    return Promise(
        id="p",
        state=state,
        value=None if pending else draw(st.integers()),
        timeout_at=draw(st.none() | st.floats(0, 100)),
        create_key=draw(keys),
        complete_key=draw(keys) if ended_by_somebody else None,
        tags=draw(st.sampled_from([{}, {TIMER: "true"}])),
        created_at=0.0,
        completed_at=None if pending else 1.0,
    )


def refused(found: Promise, verb: Verb, key: str | None, strict: bool) -> bool:
    """The rules once more, as sentences."""
    first = found.create_key if verb is Verb.CREATE else found.complete_key
    same = key is not None and key == first
    if verb is Verb.CREATE:
        return not same or (strict and found.state is not PromiseState.PENDING)
    if found.state is PromiseState.PENDING:
        return False
    if found.state is PromiseState.TIMEDOUT:
        return strict
    return not same or (strict and LEADS_TO[verb] is not found.state)


def test_the_table_has_an_answer_for_everything() -> None:
    assert set(TABLE) == set(PromiseState)
    assert all(set(row) == set(Verb) for row in TABLE.values())


@given(promises(), keys, st.booleans())
def test_creating_it_again_gives_the_one_that_is_there_or_is_refused(
    found: Promise, key: str | None, strict: bool
) -> None:
    wanted = Promise(id="p", param="other", create_key=key, created_at=5.0)
    if refused(found, Verb.CREATE, key, strict):
        with pytest.raises(PromiseExists, match=str(found.state)):
            create(found, wanted, strict=strict)
    else:
        assert create(found, wanted, strict=strict) is found
    assert create(None, wanted, strict=strict) is wanted


@given(promises(), settling, keys, st.booleans())
def test_settling_is_once_and_for_all(
    found: Promise, verb: Verb, key: str | None, strict: bool
) -> None:
    if refused(found, verb, key, strict):
        with pytest.raises(PromiseSettled, match=str(found.state)):
            settle(found, verb, "v", 2.0, key=key, strict=strict)
        return
    after = settle(found, verb, "v", 2.0, key=key, strict=strict)
    if found.settled:
        assert after is found
    else:
        assert after == replace(
            found, state=LEADS_TO[verb], value="v", complete_key=key, completed_at=2.0
        )


@given(promises(), st.floats(0, 200))
def test_time_settles_what_is_pending_and_nothing_else(found: Promise, now: float) -> None:
    after = at(found, now)
    due = found.timeout_at is not None and now >= found.timeout_at
    if found.settled or not due:
        assert after is found
        return
    timer = TIMER in found.tags
    assert after.state is (PromiseState.RESOLVED if timer else PromiseState.TIMEDOUT)
    assert after.completed_at == found.timeout_at
    assert at(after, now + 1) is after


requests = st.tuples(settling, st.integers(), keys, st.booleans(), st.floats(0, 3))


@given(st.none() | st.floats(0, 20), st.lists(requests, max_size=12))
def test_whatever_is_asked_in_whatever_order_one_settlement_wins(
    timeout_at: float | None, asked: list[tuple[Verb, int, str | None, bool, float]]
) -> None:
    promise, now, seen = Promise(id="p", timeout_at=timeout_at, created_at=0.0), 0.0, set[Any]()
    for verb, value, key, strict, passes in asked:
        now += passes
        promise = at(promise, now)
        before = promise
        try:
            promise = settle(before, verb, value, now, key=key, strict=strict)
        except InspanError:
            promise = before
        if promise.settled:
            seen.add((promise.state, promise.value, promise.complete_key, promise.completed_at))
        assert before is promise or not before.settled
    assert len(seen) <= 1


def test_a_time_that_had_passed_when_it_was_made_ends_it_when_it_was_made() -> None:
    late = at(Promise(id="p", timeout_at=5.0, created_at=9.0), 9.0)
    assert (late.state, late.completed_at) == (PromiseState.TIMEDOUT, 9.0)


@given(json)
def test_json_stays_what_it_is(value: Any) -> None:
    assert plain(value, "it") == value


def test_what_json_does_not_have_is_made_plain_or_refused() -> None:
    assert plain((1, (2,)), "it") == [1, [2]]
    deep: list[Any] = []
    deep.append(deep)
    for value in (float("nan"), float("inf"), {1}, object(), b"", deep, 1j):
        with pytest.raises(NotStorable, match="the value of x cannot be stored"):
            plain(value, "the value of x")


def test_ids_and_keys_are_short_and_printable() -> None:
    assert checked("order-1/ü ☃") == "order-1/ü ☃"
    for name in ("", "x" * 513, "a\nb", "\x1b[0m", "\udcff", "\x00"):
        with pytest.raises(BadInput):
            checked(name)
