"""A provider of code sessions without a process: statements run here, between turns of the loop.

What a cell may be: plain statements, ``print``, ``display``, ``NAME = input("...")``,
``time.sleep(...)``, which lasts until it is interrupted, and ``os._exit(...)``.
"""

from __future__ import annotations

import ast
import asyncio
import json
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from inspan.engine.code.ports import CodeAsked, CodeOrder, CodeSeen, CodeSink, CodeWithdrawn
from inspan.errors import BadInput, CheckpointFailed, InputFull, InspanError, SessionDied
from inspan.kernel.frames import HEAD_MOST
from inspan.model.code import (
    Cell,
    CellBegan,
    CellEnd,
    CellEnded,
    CellError,
    CellOptions,
    CellState,
    Climbed,
    Completion,
    Opened,
    Printed,
    Restored,
    RunEnded,
    Saved,
    Shown,
    Wanted,
)
from inspan.model.task import Reason

#: Cells that may wait.
MOST = 256


@dataclass(slots=True)
class _Cell:
    id: str
    code: str
    steps: Generator[str, str | None, None] | None = None
    #: What its last expression was.
    value: Any = None
    begun: bool = False


@dataclass
class FakeCodeRun:
    """``ports.CodeRun``; ``asked`` keeps what it was told."""

    order: CodeOrder
    sink: CodeSink
    saved: dict[str, tuple[Saved, dict[str, Any]]]
    pid: int
    names: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    #: Set: the sink hears nothing for now, and later all of it.
    quiet: bool = False
    gone: bool = False
    told: list[CodeSeen] = field(default_factory=list)
    heard: int = 0
    cells: deque[_Cell] = field(default_factory=deque)
    count: int = 0

    @property
    def number(self) -> int:
        return int(self.order.name.rpartition("-")[2])

    def say(self, *seen: CodeSeen) -> None:
        """It tells its sink, by marks that count."""
        self.told += seen
        while self.heard < len(self.told) and not self.quiet:
            self.heard += 1
            self.sink(self.told[self.heard - 1], str(self.heard))

    def ask(self, capability: str, payload: object = None, promise: str = "promise-1") -> None:
        """Its code asks for something."""
        self.say(CodeAsked(None, promise, capability, payload or {}, 60.0))

    def withdraw(self, promise: str = "promise-1") -> None:
        """Its code was interrupted while it waited for that."""
        self.say(CodeWithdrawn(promise))

    def die(self, why: str = "It was killed by SIGKILL.") -> None:
        """The process ends."""
        self.gone = True
        self.cells.clear()
        self.say(RunEnded(self.number, Reason("session-died", why)))

    # ── the port ──────────────────────────────────────────────────────────────

    async def execute(
        self, cell: str, code: str, options: CellOptions, entered: Callable[[], None]
    ) -> None:
        del options
        self._alive()
        if len(self.cells) >= MOST:
            raise InputFull
        entered()
        self.cells.append(_Cell(cell, code))
        asyncio.get_running_loop().call_soon(self._go)

    async def interrupt(self, cell: str | None, deadline: float) -> None:
        self._alive()
        self.asked.append(f"interrupt {cell} {deadline:g}")
        for one in [one for one in self.cells if cell in (None, one.id)]:
            self.say(Climbed(one.id, "signal", 0.0))
            self._ends(one, CellState.INTERRUPTED, CellError("KeyboardInterrupt", ""))
        self._go()

    async def answer(self, request: str, text: str | None) -> None:
        self._alive()
        self.asked.append(f"answer {request} {text}")
        self._go(text or "")

    async def settle(
        self, promise: str, *, value: object = None, error: InspanError | None = None
    ) -> None:
        if len(json.dumps(value)) > HEAD_MOST:
            raise BadInput(f"More than {HEAD_MOST >> 20} MiB cannot be said to a session.")
        self.asked.append(f"settle {promise} {value} {error}")

    async def checkpoint(self, name: str) -> Saved:
        self._alive()
        if "unsavable" in self.names:
            raise CheckpointFailed("nothing can be saved")
        saved = Saved(name=name, at=float(len(self.saved)), size=1, names=tuple(self.names))
        self.saved[name] = saved, dict(self.names)
        return saved

    async def restore(self, name: str) -> Restored:
        self._alive()
        _, names = self.saved[name]
        self.names |= names
        return Restored(name=name, names=tuple(names))

    async def complete(self, code: str, cursor: int) -> Completion:
        self._alive()
        word = code[:cursor]
        return Completion(tuple(one for one in self.names if one.startswith(word)), 0, cursor)

    async def inspect(self, code: str, cursor: int) -> dict[str, str]:
        del cursor
        self._alive()
        return {"text/plain": repr(self.names[code])} if code in self.names else {}

    async def close(self, deadline: float) -> None:
        del deadline
        if not self.gone:
            self.gone = True
            self.cells.clear()
            self.say(RunEnded(self.number, Reason("session-ended", "The session was closed.")))

    async def abandon(self) -> None:
        self.quiet = True

    # ── running code ──────────────────────────────────────────────────────────

    def _alive(self) -> None:
        if self.gone:
            raise SessionDied

    def _go(self, line: str | None = None) -> None:
        """Run the first cell as far as it goes, and the ones behind it."""
        while self.cells:
            cell = self.cells[0]
            try:
                if cell.steps is None:
                    cell.steps = self._steps(cell)
                    step = next(cell.steps)
                elif line is not None:
                    step, line = cell.steps.send(line), None
                else:
                    return
            except StopIteration:
                self._ends(cell, CellState.DONE)
            except Exception as error:  # noqa: BLE001 - it is the cell's
                told = CellError(type(error).__name__, str(error), (f"Traceback: {error}",))
                self._ends(cell, CellState.FAILED, told)
            else:
                if step == "exit":
                    self.die("It ended with status 3.")
                return

    def _steps(self, cell: _Cell) -> Generator[str, str | None, None]:
        self.say(CellBegan(cell.id, "simple_sync"))
        self.names["print"] = lambda *words: self.say(
            Printed(cell.id, "stdout", " ".join(map(str, words)) + "\n")
        )
        self.names["display"] = lambda data: self.say(Shown(cell.id, data))
        try:
            for statement in ast.parse(cell.code).body:
                cell.value = None
                words = ast.unparse(statement)
                if words.startswith("time.sleep"):
                    yield "sleep"
                elif words.startswith("os._exit"):
                    yield "exit"
                elif isinstance(statement, ast.Assign) and "input(" in words:
                    prompt = ast.literal_eval(statement.value.args[0])  # type: ignore[attr-defined]
                    self.say(Wanted(cell.id, f"{cell.id}-in", prompt))
                    self.names[words.partition(" =")[0]] = yield "input"
                elif isinstance(statement, ast.Expr):
                    cell.value = eval(words, self.names)
                else:
                    exec(words, self.names)
        finally:
            for name in ("print", "display", "__builtins__"):
                self.names.pop(name, None)

    def _ends(self, cell: _Cell, state: CellState, error: CellError | None = None) -> None:
        self.count += 1
        self.cells.remove(cell)
        value = cell.value if isinstance(cell.value, str | int | float | bool) else None
        shown = None if cell.value is None or error else repr(cell.value)
        end = CellEnd(state=state, count=self.count, value=value, repr=shown, error=error)
        self.say(CellEnded(cell.id, end))


class FakeCodeProvider:
    """``ports.CodeProvider``: ``runs`` by name, newest last."""

    def __init__(self) -> None:
        self.runs: dict[str, FakeCodeRun] = {}
        self.saved: dict[str, dict[str, tuple[Saved, dict[str, Any]]]] = {}
        self.fails: InspanError | None = None
        self.removed: list[str] = []
        #: Where it is there: who is to be adopted and has died is told of, and tidied up after.
        self.tidied: asyncio.Event | None = None

    async def open(self, order: CodeOrder, sink: CodeSink) -> FakeCodeRun:
        if self.fails is not None:
            raise self.fails
        if order.name in self.runs:
            raise AssertionError(f"{order.name} was started twice")
        saved = self.saved.setdefault(order.session, {})
        run = FakeCodeRun(order, sink, saved, 7000 + len(self.runs))
        self.runs[order.name] = run
        run.say(Opened(run.number, run.pid, "3.13.0"))
        return run

    async def adopt(
        self, order: CodeOrder, sink: CodeSink, mark: str, cells: Sequence[Cell]
    ) -> FakeCodeRun | None:
        if self.fails is not None:
            raise self.fails
        run = self.runs.get(order.name)
        if run is not None and run.gone and self.tidied is not None:
            sink(RunEnded(run.number, Reason("session-died", "It was killed.", "")), "")
            await self.tidied.wait()
        if run is None or run.gone:
            return None
        run.sink, run.quiet, run.heard = sink, False, int(mark or 0)
        run.say()
        ended = {seen.cell for seen in run.told if isinstance(seen, CellEnded)}
        known = ended | {one.id for one in run.cells}
        run.cells += [_Cell(cell.id, cell.code) for cell in cells if cell.id not in known]
        asyncio.get_running_loop().call_soon(run._go)
        return run

    async def checkpoints(self, session: str) -> tuple[Saved, ...]:
        return tuple(saved for saved, _ in self.saved.get(session, {}).values())

    async def size(self, session: str) -> int:
        return sum(saved.size for saved, _ in self.saved.get(session, {}).values())

    async def remove(self, session: str) -> None:
        self.saved.pop(session, None)
        self.removed.append(session)
