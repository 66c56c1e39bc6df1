"""A provider whose runs do what the test says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio

from inspan.engine.ports import Asks, Finished, Grew, Lost, Observation, Order, Started
from inspan.errors import InspanError
from inspan.model.task import Exit, Needs, TaskSpec


class FakeRun:
    """``ports.Run``: observations are fed in, and what was asked of it is kept in ``asked``."""

    def __init__(self, order: Order, pid: int, *, yields_to: str = "interrupt") -> None:
        self.order = order
        self.asked: list[str] = []
        self.typed = b""
        self.left = 0
        self._yields_to = yields_to
        self._size = 0
        self._said: list[Observation] = [Started(pid)]
        self._news = anyio.Event()

    def say(self, seen: Observation) -> None:
        """The engine is told ``seen``."""
        self._said.append(seen)
        self._news.set()

    def print(self, count: int = 1) -> None:
        """It prints ``count`` bytes."""
        self._size += count
        self.say(Grew(self._size))

    def ask(self, question: str) -> None:
        """It waits for a person."""
        self.say(Asks(Needs("question", question)))

    def finish(self, code: int | None = 0, *, signal: int | None = None) -> None:
        """The process ends."""
        self.say(Finished(Exit(code, signal), self._size))

    def lose(self) -> None:
        """The keeper dies."""
        self.say(Lost("the keeper is gone"))

    async def observations(self) -> AsyncIterator[Observation]:
        told = 0
        while True:
            while told < len(self._said):
                told += 1
                yield self._said[told - 1]
                if isinstance(self._said[told - 1], Finished | Lost):
                    return
            self._news = anyio.Event()
            await self._news.wait()

    @property
    def ended(self) -> bool:
        return isinstance(self._said[-1], Finished | Lost)

    async def write(self, data: bytes) -> None:
        self.typed += data

    async def answer(self, needs: Needs, text: str) -> None:
        self.asked.append(f"answer {needs.question}")
        self.typed += text.encode() + (b"\r" if self.order.terminal.pty else b"\n")

    async def resize(self, cols: int, rows: int) -> None:
        self.asked.append(f"resize {cols}x{rows}")

    async def attend(self, on: bool, *, shown: int | None = None) -> int | None:
        self.asked.append(f"attend {on}" if shown is None else f"attend {on} {shown}")
        return (shown or 0) if on else None

    async def interrupt(self) -> None:
        self._told("interrupt")

    async def terminate(self) -> None:
        self._told("terminate")

    async def kill(self) -> int:
        self._told("kill")
        return self.left

    async def close(self) -> None:
        self.asked.append("close")

    def _told(self, what: str) -> None:
        self.asked.append(what)
        if not self.ended and what in (self._yields_to, "kill"):
            self.finish(None, signal=9 if what == "kill" else 2)


class FakeProvider:
    """``ports.Provider``: ``runs`` by session, newest last; ``auto`` ends each run at once."""

    def __init__(self, name: str = "shell", *, auto: Exit | None = None) -> None:
        self.name = name
        self.auto = auto
        self.runs: dict[str, FakeRun] = {}
        self.refuses: InspanError | None = None
        self.fails: InspanError | None = None
        self.yields_to = "interrupt"

    def check(self, spec: TaskSpec) -> None:
        if self.refuses is not None:
            raise self.refuses

    async def open(self, order: Order) -> FakeRun:
        if self.fails is not None:
            raise self.fails
        if order.session in self.runs:
            raise AssertionError(f"{order.session} was spawned twice")
        run = FakeRun(order, 4000 + len(self.runs), yields_to=self.yields_to)
        self.runs[order.session] = run
        if self.auto is not None:
            run.finish(self.auto.code, signal=self.auto.signal)
        return run

    async def adopt(self, order: Order) -> FakeRun | None:
        return self.runs.get(order.session)
