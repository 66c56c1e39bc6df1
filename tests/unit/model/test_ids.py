import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.model import ids

moments = st.floats(0, 2**48 / 1000 - 1)
randomness = st.binary(min_size=10, max_size=10)


@given(moments, randomness)
def test_an_id_fits_the_pattern_that_guards_paths(now: float, entropy: bytes) -> None:
    made = ids.ulid(now, entropy)
    assert ids.TASK_ID.fullmatch(made)
    assert ids.short(made) == made[-6:]


@given(moments, moments, randomness, randomness)
def test_a_later_millisecond_sorts_later(
    one: float, two: float, first: bytes, second: bytes
) -> None:
    if int(one * 1000) != int(two * 1000):
        assert (ids.ulid(one, first) < ids.ulid(two, second)) == (one < two)
    else:
        assert (ids.ulid(one, first) < ids.ulid(two, second)) == (first < second)


def test_the_example_of_the_specification() -> None:
    # 2016-07-30T23:54:10.259Z, the time part of the example in github.com/ulid/spec.
    assert ids.ulid(1469922850.259, bytes(10)) == "01arz3ndek" + "0" * 16
    assert ids.ulid(0, b"\xff" * 10) == "0" * 10 + "z" * 16


@given(moments, moments, randomness, randomness)
def test_one_made_after_another_sorts_after_it_whatever_the_clock_says(
    one: float, two: float, first: bytes, second: bytes
) -> None:
    maker = ids.Ulids()
    before = maker.next(min(one, 2**40), first)
    made = maker.next(two, second)
    assert ids.TASK_ID.fullmatch(made)
    assert made > before


@pytest.mark.parametrize("size", [0, 9, 11])
def test_any_other_amount_of_randomness_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="ten bytes"):
        ids.ulid(0, bytes(size))


def test_a_session_is_named_by_its_task_and_attempt() -> None:
    task = ids.ulid(1.0, bytes(10))
    session = ids.session_id(task, 12)
    check, command = ids.check_id(session, 0), ids.command_id(session, 1)
    assert (session, check, command) == (f"{task}-12", f"{task}-12-c0", f"{task}-12-t1")
    for name in (session, check, command):
        assert (ids.task_of(name), ids.attempt_of(name)) == (task, 12)
        assert ids.SESSION_ID.fullmatch(name)


@pytest.mark.parametrize("name", ["", "../etc", "a" * 26 + "/1", "i" * 26 + "-1", "0" * 26, " "])
def test_what_is_no_session_does_not_fit(name: str) -> None:
    assert not ids.SESSION_ID.fullmatch(name)
