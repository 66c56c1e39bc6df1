"""Whose result is merged next: one at a time, and first what goes together with most of the rest.

Who does not fit needs an agent to bring two sides together, and all others would wait for it. It
moves no branch, and does not know what a step is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Self, TypeAlias

import anyio

#: Two names that do not go together.
Pair: TypeAlias = frozenset[str]


class Turn:
    """That of one, by its name: it has ``come``, or waits; it ends with its ``async with``."""

    def __init__(self, turns: Turns, name: str) -> None:
        self._turns = turns
        self.name = name
        #: How often another was taken that came later.
        self.passed = 0
        self.came = anyio.Event()

    async def come(self) -> None:
        """Wait until it is this one's turn; at once where it is already."""
        if not self.came.is_set():
            self._turns.enter(self)
            await self.came.wait()

    def leave(self) -> None:
        """It is over, or is waited for no more; it may come again."""
        self._turns.leave(self)
        self.came = anyio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.leave()


def next_of(waiting: Sequence[Turn], clashes: Collection[Pair]) -> Turn:
    """Who of them, in the order in which they came, is next.

    Each time that one who came later was taken counts as a clash less: at most as often as it has
    clashes somebody is passed over, so that nobody waits for ever.
    """
    return min(waiting, key=lambda one: sum(one.name in pair for pair in clashes) - one.passed)


class Turns:
    """``clashes`` tells which names are known not to go together."""

    def __init__(self, clashes: Callable[[], Collection[Pair]]) -> None:
        self._clashes = clashes
        #: Whose turn it is.
        self.now: Turn | None = None
        self._waiting: list[Turn] = []

    def of(self, name: str) -> Turn:
        """A turn for whoever is called so, for one ``async with``."""
        return Turn(self, name)

    def enter(self, turn: Turn) -> None:
        """It waits from now on, or it is its turn."""
        self._waiting.append(turn)
        if self.now is None:
            self._next()

    def leave(self, turn: Turn) -> None:
        """It is over, or is waited for no more."""
        if turn in self._waiting:
            self._waiting.remove(turn)
        if turn is self.now:
            self._next()

    def _next(self) -> None:
        self.now = next_of(self._waiting, self._clashes()) if self._waiting else None
        if self.now is not None:
            place = self._waiting.index(self.now)
            for turn in self._waiting[:place]:
                turn.passed += 1
            del self._waiting[place]
            self.now.came.set()
