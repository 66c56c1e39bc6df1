"""What one run has done, position by position; it knows rows of promises, never what they are for.

A position is taken when the function asks for something, and the row under it says what was asked
then. Where another thing is asked after a restart, the code has changed or chance was at work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio

from inspan.engine.ports import Clock
from inspan.engine.promises import Promises
from inspan.errors import InspanError, NotDeterministic, NotStorable
from inspan.model.promise import Promise, PromiseState, plain


class Journal:
    """The rows of one run, in memory and in the store."""

    def __init__(
        self, run: str, stored: Iterable[Promise], promises: Promises, clock: Clock
    ) -> None:
        self.run = run
        self.promises = promises
        self.clock = clock
        #: What went wrong on our side, or in how the function was written. The run is then not
        #: settled, whatever the function makes of the error: it can go on when that is mended.
        self.fault: InspanError | None = None
        self._before = {promise.id: promise for promise in stored}
        self._stored = dict(self._before)
        #: Values that were given and are not stored; they are before anything can depend on them.
        self._given: list[Promise] = []
        self._storing = anyio.Lock()

    def found(self, position: str, what: list[str]) -> Promise | None:
        """The row of ``position``, where there is one. Raises NotDeterministic."""
        stored = self._stored.get(position)
        if stored is not None and stored.param != what:
            raise self.at_fault(
                NotDeterministic(
                    f"the run {self.run!r} asks for {' '.join(what)!r} at {position!r},"
                    f" where {' '.join(stored.param)!r} is stored"
                )
            )
        return stored

    def refuse_beyond(self, scope: str, taken: int) -> None:
        """Raises NotDeterministic where a row says that the function once went on behind there."""
        for position, found in self._before.items():
            head, _, number = position.rpartition("/")
            if head == scope and int(number) > taken:
                raise self.at_fault(
                    NotDeterministic(
                        f"the run {self.run!r} ends before {position!r},"
                        f" where {' '.join(found.param)!r} is stored"
                    )
                )

    def at_fault(self, error: InspanError) -> InspanError:
        """``error``, which keeps the run from being settled."""
        self.fault = self.fault or error
        return error

    def plain(self, value: Any, what: str) -> Any:
        """``value`` as JSON has it. Raises NotStorable, naming ``what``."""
        try:
            return plain(value, f"the value of {what} in the run {self.run!r}")
        except NotStorable as error:
            self.at_fault(error)
            raise

    def row(self, position: str, what: list[str], state: PromiseState, value: Any) -> Promise:
        """A row that is settled when it is made; ``value`` is plain."""
        now = self.clock.now()
        return Promise(
            id=position, state=state, param=what, value=value, created_at=now, completed_at=now
        )

    def give(self, position: str, what: list[str], value: Any) -> Any:
        """``value``, or the one that was given here before; stored before anything else is."""
        stored = self.found(position, what)
        if stored is None:
            stored = self.row(position, what, PromiseState.RESOLVED, value)
            self._stored[position] = stored
            self._given.append(stored)
        return stored.value

    async def settle_given(self) -> None:
        """Store what was given; whoever comes meanwhile waits for it too. Raises StoreFailed."""
        if self._given or self._storing.locked():
            async with self._storing:
                rows, self._given = self._given, []
                if rows:
                    await self._add(*rows)

    async def add(self, *rows: Promise) -> None:
        """Store ``rows`` together, after what was given before. Raises StoreFailed."""
        await self.settle_given()
        await self._add(*rows)

    async def _add(self, *rows: Promise) -> None:
        with self.ours():
            await self.promises.add(*rows)
        self._stored.update((row.id, row) for row in rows)

    @contextmanager
    def ours(self) -> Iterator[None]:
        """What is raised inside is no result of the function."""
        try:
            yield
        except InspanError as error:
            self.at_fault(error)
            raise
