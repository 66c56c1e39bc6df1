"""How a cell is to run, by its syntax tree and the names it uses; never by substrings.

It runs nothing. What a name is that an earlier cell made, it asks ``resolve``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

TOP_LEVEL_AWAIT: Final = "top_level_await"
ASYNC_DEF: Final = "async_def"
BLOCKING_SYNC: Final = "blocking_sync"
SIMPLE_SYNC: Final = "simple_sync"
UNKNOWN: Final = "unknown"

#: Modules whose use waits for something outside of Python.
BLOCKING_MODULES: Final = frozenset(
    {
        *("requests", "urllib", "urllib3", "http", "httplib2", "ftplib", "smtplib", "imaplib"),
        *("socket", "socketserver", "ssl", "select", "selectors", "subprocess", "paramiko"),
        *("sqlite3", "psycopg2", "psycopg", "pymongo", "redis", "pymysql", "MySQLdb", "boto3"),
    }
)
#: Parts of these that only reckon.
_HARMLESS: Final = ("urllib.parse", "urllib.error", "http.HTTPStatus", "http.cookies")
BLOCKING_CALLS: Final = frozenset(
    {
        *("time.sleep", "os.system", "os.popen", "os.wait", "os.waitpid", "os.waitid"),
        *("signal.pause", "signal.sigwait", "posix.system", "posix.waitpid", "nt.system"),
    }
)
#: Calls that run an event loop of their own, which is refused where one runs already.
LOOP_CALLS: Final = frozenset(
    {"asyncio.run", "asyncio.runners.run", "asyncio.Runner", "asyncio.runners.Runner"}
    | {"anyio.run", "trio.run", "uvloop.run", "anyio._core._eventloop.run"}
)
_LOOP_METHODS: Final = frozenset({"run_until_complete", "run_forever"})

#: The dotted name of what a name stands for in the session, if that is known.
Resolve = Callable[[str], "str | None"]


@dataclass(frozen=True, slots=True)
class Route:
    """What the tree says: the mode, and what a cell needs of the session's loop."""

    mode: str
    #: It runs a loop of its own, so the session's must not be running.
    runs_loop: bool = False
    #: It speaks to asyncio, so it must not run in another thread.
    uses_loop: bool = False


def route(tree: ast.Module, resolve: Resolve) -> Route:
    """Decide. Code in a function's body counts as if it ran: cells call what they define."""
    seen = _Seen(resolve)
    seen.imports(tree)
    for node in ast.walk(tree):
        seen.look(node)
    if _awaits(tree):
        return Route(TOP_LEVEL_AWAIT, uses_loop=True)
    defines = any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(tree))
    mode = SIMPLE_SYNC
    if _blocks(tree, seen):
        mode = BLOCKING_SYNC
    elif defines:
        mode = ASYNC_DEF
    return Route(mode, runs_loop=seen.runs_loop, uses_loop=seen.uses_loop or defines)


class _Seen:
    """What the names of a cell stand for, and what it does with the loop."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._names: dict[str, str] = {}
        self.runs_loop = self.uses_loop = False

    def imports(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for one in node.names:
                    bound = one.asname or one.name.partition(".")[0]
                    self._names[bound] = one.name if one.asname else bound
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for one in node.names:
                    self._names[one.asname or one.name] = f"{node.module}.{one.name}"

    def dotted(self, node: ast.AST) -> str | None:
        """``sleep`` after ``from time import sleep`` is ``time.sleep``."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        first = self._names.get(node.id) or self._resolve(node.id)
        return ".".join([first, *reversed(parts)]) if first else None

    def look(self, node: ast.AST) -> None:
        if isinstance(node, ast.Call):
            func = node.func
            if self.dotted(func) in LOOP_CALLS or (
                isinstance(func, ast.Attribute) and func.attr in _LOOP_METHODS
            ):
                self.runs_loop = True
        elif isinstance(node, ast.Name | ast.Attribute):
            name = self.dotted(node)
            if name is not None and name.partition(".")[0] in {"asyncio", "anyio"}:
                self.uses_loop = True


def _blocks(tree: ast.Module, seen: _Seen) -> bool:
    """Whether it uses what blocks, coroutine functions aside: their fault is their own."""
    for node in _outside(tree, (ast.AsyncFunctionDef,)):
        if not isinstance(node, ast.Name | ast.Attribute) or not isinstance(node.ctx, ast.Load):
            continue
        name = seen.dotted(node)
        if name is None or name.startswith(_HARMLESS):
            continue
        if name in BLOCKING_CALLS or _of_blocking(name):
            return True
    return False


def _of_blocking(name: str) -> bool:
    head, dot, rest = name.partition(".")
    # ``urllib`` alone is the name on the way to ``urllib.parse``.
    return head in BLOCKING_MODULES and bool(dot and rest) and f"{head}.{rest}" not in _PACKAGES


_PACKAGES: Final = frozenset({"urllib.parse", "urllib.error", "http.cookies"})

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def _awaits(tree: ast.Module) -> bool:
    """Whether it awaits outside of every function."""
    for node in _outside(tree, (*_FUNCTIONS, ast.GeneratorExp)):
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith):
            return True
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp) and any(
            part.is_async for part in node.generators
        ):
            return True
    return False


def _outside(tree: ast.AST, within: tuple[type[ast.AST], ...]) -> Iterator[ast.AST]:
    """The nodes that are in the body of none of these; decorators and defaults run outside."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, within):
            waiting.extend(ast.iter_child_nodes(node))
        elif isinstance(node, ast.GeneratorExp):
            # Its first iterable is evaluated where it stands.
            waiting.append(node.generators[0].iter)
        elif isinstance(node, _FUNCTIONS):
            defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
            waiting.extend([*getattr(node, "decorator_list", ()), *defaults])
