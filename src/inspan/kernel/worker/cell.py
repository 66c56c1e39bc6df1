"""One cell: its source compiled, and what became of it. It knows neither the loop nor the wire."""

from __future__ import annotations
import __future__

import ast
from dataclasses import dataclass, field
from inspect import CO_COROUTINE
from types import CodeType
from typing import Any, Final

from . import tracebacks
from .router import TOP_LEVEL_AWAIT, UNKNOWN, Resolve, Route, route

_AWAIT: Final = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
#: What ``from __future__`` in a cell's body means for its last expression. It ends with the cell.
_FUTURES: Final = {name: getattr(__future__, name) for name in __future__.all_feature_names}


@dataclass(slots=True, eq=False)
class Cell:
    """A cell that was asked for; ``number`` counts those of the session from 1."""

    execution_id: str
    code: str
    number: int
    mode: str = "auto"
    threaded: bool = False
    silent: bool = False
    store: bool = True
    allow_stdin: bool = True
    #: The host asked for its cooperative end.
    cancelled: bool = False
    # Where it runs; see ``interrupt.Running``.
    thread: int = 0
    on_stack: bool = False
    over: bool = False
    count: int = 0
    begun: float = 0.0
    way: Route = field(default_factory=lambda: Route(UNKNOWN))
    body: CodeType | None = None
    last: CodeType | None = None

    @property
    def kept(self) -> bool:
        """Whether it leaves a trace in the history."""
        return self.store and not self.silent

    @property
    def awaits(self) -> bool:
        """Whether it has to run as a task."""
        codes = (self.body, self.last)
        return self.way.mode == TOP_LEVEL_AWAIT or any(map(is_coroutine, filter(None, codes)))


@dataclass(frozen=True, slots=True)
class Shown:
    """The value of a last expression, and what is said of it."""

    value: Any = None
    repr: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)


def is_coroutine(code: CodeType) -> bool:
    return bool(code.co_flags & CO_COROUTINE)


def prepare(cell: Cell, resolve: Resolve) -> None:
    """Compile a cell, and decide how it runs.

    Raises what compile raises: SyntaxError, ValueError, RecursionError, MemoryError, OverflowError.
    """
    filename = tracebacks.remember(cell.execution_id, cell.code)
    tree = compile(cell.code, filename, "exec", flags=ast.PyCF_ONLY_AST | _AWAIT, dont_inherit=True)
    cell.way = route(tree, resolve)
    if cell.mode not in {"auto", UNKNOWN}:
        cell.way = Route(cell.mode, cell.way.runs_loop, cell.way.uses_loop)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    flags = _AWAIT
    if tree.body:
        cell.body = compile(tree, filename, "exec", flags=flags, dont_inherit=True)
        tracebacks.watch(filename, cell.body)
        for feature in _FUTURES.values():
            flags |= cell.body.co_flags & feature.compiler_flag
    if last is not None:
        expression = ast.Expression(last.value)
        cell.last = compile(expression, filename, "eval", flags=flags, dont_inherit=True)
        tracebacks.watch(filename, cell.last)
