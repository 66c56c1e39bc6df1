"""One cell: its source compiled, and what became of it. It knows neither the loop nor the wire."""

from __future__ import annotations
import __future__

import _ast as ast  # ast itself has more than is used here, at a price
from types import CodeType
from typing import Any, Final, NamedTuple

from . import tracebacks
from .router import TOP_LEVEL_AWAIT, UNKNOWN, Resolve, Route, route

#: Cells of up to so many characters are kept compiled, and so many of them.
SHORT: Final = 1000
KNOWN_MOST: Final = 200
#: ``inspect.CO_COROUTINE``: that module costs more than all of ours.
_COROUTINE: Final = 0x80
_AWAIT: Final = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
#: What ``from __future__`` in a cell's body means for its last expression. It ends with the cell.
_FUTURES: Final = {name: getattr(__future__, name) for name in __future__.all_feature_names}


class Cell:
    """A cell that was asked for; ``number`` counts those of the session from 1."""

    def __init__(
        self,
        execution_id: str,
        code: str,
        number: int,
        *,
        mode: str = "auto",
        threaded: bool = False,
        silent: bool = False,
        store: bool = True,
        allow_stdin: bool = True,
        file: str | None = None,
    ) -> None:
        self.execution_id, self.code, self.number = execution_id, code, number
        self.mode, self.threaded = mode, threaded
        self.silent, self.store, self.allow_stdin = silent, store, allow_stdin
        #: The file that its code is of; one of none is named by its number.
        self.file = file
        #: The host asked for its cooperative end.
        self.cancelled = False
        # Where it runs; see ``interrupt.Running``.
        self.thread = 0
        self.on_stack = self.over = False
        self.count = 0
        self.begun = 0.0
        self.way = Route(UNKNOWN)
        self.body: CodeType | None = None
        self.last: CodeType | None = None

    @property
    def kept(self) -> bool:
        """Whether it leaves a trace in the history."""
        return self.store and not self.silent

    @property
    def awaits(self) -> bool:
        """Whether it has to run as a task."""
        codes = (self.body, self.last)
        return self.way.mode == TOP_LEVEL_AWAIT or any(map(is_coroutine, filter(None, codes)))


class Shown(NamedTuple):
    """The value of a last expression, and what is said of it."""

    value: Any = None
    repr: str | None = None
    data: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None


def is_coroutine(code: CodeType) -> bool:
    return bool(code.co_flags & _COROUTINE)


class Compiler:
    """Compiles cells and decides how they run.

    A short cell that comes again is not compiled again, as long as its names stand for the same;
    it keeps the name of the file that it had at first, whose lines are the same. What is of a file
    of its own is compiled each time.
    """

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        # KNOWN_MOST of them; who was not used for longest goes.
        self._known: dict[str, _Compiled] = {}

    def prepare(self, cell: Cell) -> None:
        """Fill in how a cell runs, and its code.

        Raises what compile raises: SyntaxError, ValueError, RecursionError, MemoryError,
        OverflowError.
        """
        found = None if cell.file else self._known.pop(cell.code, None)
        if found is None or not self._holds(found):
            found = self._compiled(cell)
        if len(cell.code) <= SHORT and not cell.file:
            self._known[cell.code] = found
            if len(self._known) > KNOWN_MOST:
                del self._known[next(iter(self._known))]
        cell.body, cell.last, cell.way = found.body, found.last, found.way
        if cell.mode not in {"auto", UNKNOWN}:
            cell.way = Route(cell.mode, cell.way.runs_loop, cell.way.uses_loop)

    def _holds(self, found: _Compiled) -> bool:
        if tracebacks.execution_of(found.filename) is None:
            return False
        return all(self._resolve(name) == answer for name, answer in found.asked.items())

    def _compiled(self, cell: Cell) -> _Compiled:
        asked: dict[str, str | None] = {}

        def resolve(name: str) -> str | None:
            answer = asked[name] = self._resolve(name)
            return answer

        filename = tracebacks.remember(
            cell.execution_id, cell.code, silent=cell.silent, file=cell.file
        )
        flags = _AWAIT | ast.PyCF_ONLY_AST
        tree = compile(cell.code, filename, "exec", flags=flags, dont_inherit=True)
        way = route(tree, resolve)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        flags = _AWAIT
        body = value = None
        if tree.body:
            body = compile(tree, filename, "exec", flags=flags, dont_inherit=True)
            tracebacks.watch(filename, body)
            for feature in _FUTURES.values():
                flags |= body.co_flags & feature.compiler_flag
        if last is not None:
            expression = ast.Expression(last.value)
            value = compile(expression, filename, "eval", flags=flags, dont_inherit=True)
            tracebacks.watch(filename, value)
        return _Compiled(filename, way, body, value, asked)


class _Compiled(NamedTuple):
    filename: str
    way: Route
    body: CodeType | None
    last: CodeType | None
    #: The names that the route depends on, and what they stood for.
    asked: dict[str, str | None]
