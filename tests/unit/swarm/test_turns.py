"""Whose result is merged next, and that everybody's is."""

from __future__ import annotations

from collections.abc import Collection

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.swarm.turns import Pair, Turns, next_of

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A3")]


def pairs(*names: str) -> frozenset[Pair]:
    """``ab``: a and b do not go together."""
    return frozenset(map(frozenset, names))


def test_the_one_with_the_fewest_clashes_is_next_and_else_who_came_first() -> None:
    turns = Turns(tuple)
    waiting = [turns.of(name) for name in "abcd"]
    assert next_of(waiting, ()).name == "a"
    assert next_of(waiting, pairs("ab", "ac", "bc")).name == "d"
    assert next_of(waiting[:3], pairs("ab", "ac")).name == "b"
    assert next_of(waiting[:2], pairs("ab", "az", "ax")).name == "b"


class Line:
    """Those who wait; each tells when it is its turn, and then holds it until it is let."""

    def __init__(self, clashes: Collection[Pair] = ()) -> None:
        self.turns = Turns(lambda: clashes)
        self.order: list[str] = []
        self.let = anyio.Event()

    async def one(self, name: str) -> None:
        async with self.turns.of(name) as turn:
            await turn.come()
            await turn.come()  # it is its turn already
            self.order.append(name)
            await self.let.wait()


async def test_one_is_merged_at_a_time_and_what_fits_best_goes_first() -> None:
    line = Line(pairs("ab", "bc", "bd"))
    async with anyio.create_task_group() as group:
        for name in "abcd":
            group.start_soon(line.one, name)
        await anyio.wait_all_tasks_blocked()
        assert line.order == ["a"]
        line.let.set()
    assert line.order == ["a", "c", "d", "b"]


async def test_who_waits_no_more_or_fails_holds_nobody_up() -> None:
    line = Line()
    async with anyio.create_task_group() as group:
        scopes = {name: anyio.CancelScope() for name in "abc"}

        async def within(name: str) -> None:
            with scopes[name]:
                await line.one(name)

        for name in "abc":
            group.start_soon(within, name)
        await anyio.wait_all_tasks_blocked()
        scopes["b"].cancel()
        scopes["a"].cancel()
        await anyio.wait_all_tasks_blocked()
        assert line.order == ["a", "c"]
        line.let.set()


async def test_a_turn_that_was_given_back_can_be_had_again() -> None:
    turns = Turns(tuple)
    async with turns.of("a") as turn, turns.of("b") as other:
        await turn.come()
        turn.leave()
        await other.come()
        with anyio.move_on_after(0):
            await turn.come()
        assert not turn.came.is_set()
        other.leave()
        await turn.come()


@given(st.integers(0, 11), st.integers(1, 5))
def test_nobody_waits_for_ever(clashes: int, others: int) -> None:
    """However many come later that go together with everybody."""
    known = pairs(*(f"x{number}" for number in "abcdefghijk"[:clashes]))
    turns = Turns(lambda: known)
    first, last = turns.of("0"), turns.of("x")
    for turn in (first, last):
        turns.enter(turn)
    rounds = 0
    while not last.came.is_set():
        for _ in range(others):
            turns.enter(turns.of("0"))
        turns.leave(turns.now or first)
        rounds += 1
        assert rounds <= clashes + 1
