from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.errors import BadInput, CyclicPlan
from inspan.model.plan import Plan, Step, order
from tests.unit.model.samples import SPEC


def step(name: str, *after: str) -> Step:
    return Step(name, SPEC, after)


def names(plan: Plan) -> list[str]:
    return [step.name for step in plan.ordered()]


def test_each_step_comes_after_what_it_waits_for() -> None:
    plan = Plan((step("ship", "test", "lint"), step("test", "build"), step("lint"), step("build")))
    assert names(plan) == ["build", "test", "lint", "ship"]


def test_steps_that_wait_for_nothing_keep_the_order_they_were_written_in() -> None:
    assert names(Plan((step("c"), step("a"), step("b")))) == ["c", "a", "b"]


def test_a_diamond_is_no_circle() -> None:
    assert order({"d": ["b", "c"], "b": ["a"], "c": ["a"], "a": []}) == ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("links", "circle"),
    [
        ({"a": ["a"]}, "a → a"),
        ({"a": ["b"], "b": ["a"]}, "a → b → a"),
        ({"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}, "a → b → c → a"),
    ],
)
def test_a_circle_is_refused_and_spelled_out(links: dict[str, list[str]], circle: str) -> None:
    with pytest.raises(CyclicPlan) as caught:
        order(links)
    assert caught.value.message.endswith(f": {circle}")


def test_a_chain_of_ten_thousand_is_no_deeper_than_one() -> None:
    links = {str(n): [str(n + 1)] if n < 9_999 else [] for n in range(10_000)}
    assert order(links) == tuple(str(n) for n in reversed(range(10_000)))


def test_a_name_that_is_used_twice_is_refused() -> None:
    with pytest.raises(BadInput, match="two steps are called 'a'"):
        Plan((step("a"), step("a"))).ordered()


def test_waiting_for_what_is_not_there_is_refused() -> None:
    with pytest.raises(BadInput, match="'a' waits for 'b', which is not there"):
        Plan((step("a", "b"),)).ordered()


@given(
    st.integers(0, 12).flatmap(
        lambda size: st.lists(
            st.lists(st.integers(0, max(size - 1, 0)), max_size=4), min_size=size, max_size=size
        )
    )
)
def test_any_links_are_ordered_or_are_a_circle(links: list[list[int]]) -> None:
    named = {str(name): [str(wanted) for wanted in after] for name, after in enumerate(links)}
    try:
        ordered = order(named)
    except CyclicPlan as error:
        circle = error.message.split(": ", 1)[1].split(" → ")
        assert circle[0] == circle[-1]
        assert all(wanted in named[name] for name, wanted in pairwise(circle))
        return
    assert sorted(ordered) == sorted(named)
    place = {name: index for index, name in enumerate(ordered)}
    assert all(place[wanted] < place[name] for name, after in named.items() for wanted in after)
