"""How a cell is to run, by its syntax tree and the names it uses; never by substrings.

It runs nothing. What a name is that an earlier cell made, it asks ``resolve``.
"""

from __future__ import annotations

import _ast as ast  # ast itself has more than is used here, at a price
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

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


class Route(NamedTuple):
    """What the tree says: the mode, and what a cell needs of the session's loop."""

    mode: str
    #: It runs a loop of its own, so the session's must not be running.
    runs_loop: bool = False
    #: It speaks to asyncio, so it must not run in another thread.
    uses_loop: bool = False


def route(tree: ast.Module, resolve: Resolve) -> Route:
    """Decide. Code in a function's body counts as if it ran: cells call what they define."""
    # One walk, for a short cell spends most of its preparation here.
    nodes = list(_nodes(tree))
    seen = _Seen(resolve)
    for node, _ in nodes:
        seen.imports(node)
    awaits = defines = blocks = False
    for node, place in nodes:
        kind = type(node)
        if kind is ast.Name or kind is ast.Attribute:
            # A coroutine function that blocks is to blame itself.
            blocks |= seen.named(node) and bool(place & _OWN)
        elif kind is ast.Call:
            seen.called(node)
        elif kind is ast.AsyncFunctionDef:
            defines = True
        elif place & _TOP and _awaits(node):
            awaits = True
    if awaits:
        return Route(TOP_LEVEL_AWAIT, uses_loop=True)
    mode = BLOCKING_SYNC if blocks else ASYNC_DEF if defines else SIMPLE_SYNC
    return Route(mode, runs_loop=seen.runs_loop, uses_loop=seen.uses_loop or defines)


class _Seen:
    """What the names of a cell stand for, and what it does with the loop."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._names: dict[str, str] = {}
        self.runs_loop = self.uses_loop = False

    def imports(self, node: ast.AST) -> None:
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

    def called(self, node: ast.AST) -> None:
        func = getattr(node, "func", node)
        if self.dotted(func) in LOOP_CALLS or (
            isinstance(func, ast.Attribute) and func.attr in _LOOP_METHODS
        ):
            self.runs_loop = True

    def named(self, node: ast.AST) -> bool:
        """Look at a name; whether it is read and stands for what blocks."""
        name = self.dotted(node)
        if name is None:
            return False
        if name.partition(".")[0] in {"asyncio", "anyio"}:
            self.uses_loop = True
        reads = isinstance(getattr(node, "ctx", None), ast.Load)
        if not reads or name.startswith(_HARMLESS):
            return False
        return name in BLOCKING_CALLS or _of_blocking(name)


def _of_blocking(name: str) -> bool:
    head, dot, rest = name.partition(".")
    # ``urllib`` alone is the name on the way to ``urllib.parse``.
    return head in BLOCKING_MODULES and bool(dot and rest) and f"{head}.{rest}" not in _PACKAGES


_PACKAGES: Final = frozenset({"urllib.parse", "urllib.error", "http.cookies"})

#: Where code stands: outside of every function; outside of every coroutine function.
_TOP: Final = 1
_OWN: Final = 2
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
#: What the body of a node is outside of no more.
_ENDS: Final[dict[type[ast.AST], int]] = {
    ast.FunctionDef: _TOP,
    ast.Lambda: _TOP,
    ast.GeneratorExp: _TOP,
    ast.AsyncFunctionDef: _TOP | _OWN,
}


def _awaits(node: ast.AST) -> bool:
    if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith):
        return True
    return isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp) and any(
        part.is_async for part in node.generators
    )


def _nodes(tree: ast.AST) -> Iterator[tuple[ast.AST, int]]:
    """Every node once, but for those that hold nothing, and where it stands."""
    waiting = [(tree, _TOP | _OWN)]
    while waiting:
        node, place = waiting.pop()
        yield node, place
        ends = _ENDS.get(type(node))
        if ends is None:
            waiting += [(child, place) for child in _children(node)]
            continue
        before, within = _parts(node)
        waiting += [(child, place) for child in before]
        waiting += [(child, place & ~ends) for child in within]


def _children(node: ast.AST) -> list[ast.AST]:
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST) and value._fields:
            found.append(value)
    return found


def _parts(node: ast.AST) -> tuple[list[ast.AST], list[ast.AST]]:
    """What of a function or generator is evaluated where it stands, and what is its body."""
    before: list[ast.AST] = []
    within = _children(node)
    if isinstance(node, ast.GeneratorExp):
        first = node.generators[0]
        before = [first.iter]
        within = [node.elt, first.target, *first.ifs, *node.generators[1:]]
    elif isinstance(node, _FUNCTIONS):
        args = node.args
        before = [*args.defaults, *filter(None, args.kw_defaults)]
        within = [part for part in within if part is not args] + _children(args)
        before += getattr(node, "decorator_list", ())
    early = set(map(id, before))
    return before, [part for part in within if id(part) not in early]
