"""The source of cells, kept where ``linecache`` finds it for as long as code of the cell lives.

So tracebacks show the lines of a cell, and ``inspect.getsource`` knows its functions and classes.
"""

from __future__ import annotations

import _ast
import io
import itertools
import linecache
import sys
import types
from _weakref import ref  # weakref has it, with classes that a loop needs first
from collections.abc import Iterator
from typing import Any, Final

#: The most cells and characters of source that are kept; beyond these the oldest go.
MOST_CELLS: Final = 10_000
MOST_SOURCE: Final = 32 << 20
_INSPECT: Final = "inspect"
#: Cells of which no code lives may be asked for yet: a class without methods has no code.
MOST_SPARE: Final = 100


class _Cell:
    __slots__ = ("code", "execution_id", "lines", "living")

    def __init__(self, execution_id: str, code: str) -> None:
        self.execution_id, self.code = execution_id, code
        lines = list(io.StringIO(code, newline=None))
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        self.lines = lines
        #: Weak references to the code objects of the cell, by their ids.
        self.living: dict[int, ref[types.CodeType]] = {}


class Sources:
    """The cells whose source is known."""

    def __init__(self) -> None:
        self._cells: dict[str, _Cell] = {}
        self._numbers, self._silent = itertools.count(1), itertools.count(1)
        self._size = 0
        #: The cells of which no code is known to live, oldest first.
        self._spare: dict[str, None] = {}
        self._teacher = _Teacher(self)

    def remember(
        self, execution_id: str, code: str, *, silent: bool = False, file: str | None = None
    ) -> str:
        """Keep the source of a cell, and give the file name under which to compile it.

        It is kept while code given to ``watch`` lives, and then for some cells more. Silent cells
        are counted apart: nobody who counts cells has seen them. The code of a ``file`` has its
        name, and takes the place of what the file had before.
        """
        filename = file or (
            f"<silent cell {next(self._silent)}>" if silent else f"<cell {next(self._numbers)}>"
        )
        self._drop(filename)
        self._cells[filename] = cell = _Cell(execution_id, code)
        self._size += len(code)
        _publish(filename, cell)
        self._spare[filename] = None
        self._bound()
        self._teacher.begin()
        return filename

    def watch(self, filename: str, code: types.CodeType) -> None:
        """Keep the source of a cell just as long as a code object of it lives."""
        cell = self._cells.get(filename)
        if cell is None:
            return
        for part in _parts(code):
            key = id(part)

            def gone(_: object, key: int = key) -> None:
                cell.living.pop(key, None)
                if not cell.living and self._cells.get(filename) is cell:
                    self._spare[filename] = None

            self._spare.pop(filename, None)
            cell.living[key] = ref(part, gone)

    def forget(self, filename: str) -> None:
        """Let go of a source at once, unless code of it is watched and lives."""
        cell = self._cells.get(filename)
        if cell is not None and not cell.living:
            self._drop(filename)

    def execution_of(self, filename: str) -> str | None:
        """The cell that was compiled under this name."""
        cell = self._cells.get(filename)
        return cell.execution_id if cell else None

    def republish(self) -> None:
        """Tell ``linecache`` again, in case the user's code cleared it."""
        for filename, cell in list(self._cells.items()):
            if filename not in linecache.cache:
                _publish(filename, cell)

    def home(self, kind: type) -> str | None:
        """The file name of the cell that defines a class."""
        for value in list(vars(kind).values()):
            code = _code_of(value)
            if (
                code is not None
                and code.co_filename in self._cells
                and code.co_qualname.startswith(f"{kind.__qualname__}.")
            ):
                return code.co_filename
        for filename, cell in reversed(list(self._cells.items())):
            if f"class {kind.__name__}" in cell.code and _defines(cell.code, kind):
                return filename
        return None

    def _bound(self) -> None:
        while len(self._spare) > MOST_SPARE:
            self._drop(next(iter(self._spare)))
        while len(self._cells) > MOST_CELLS or (self._size > MOST_SOURCE and len(self._cells) > 1):
            self._drop(next(iter(self._cells)))

    def _drop(self, filename: str) -> None:
        cell = self._cells.pop(filename, None)
        self._spare.pop(filename, None)
        if cell is not None:
            self._size -= len(cell.code)
            linecache.cache.pop(filename, None)


def _publish(filename: str, cell: _Cell) -> None:
    # No time of change: so `linecache.checkcache` leaves it alone.
    linecache.cache[filename] = (len(cell.code), None, cell.lines, filename)


def _parts(code: types.CodeType) -> Iterator[types.CodeType]:
    waiting = [code]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += [const for const in part.co_consts if isinstance(const, types.CodeType)]


def _code_of(value: Any) -> types.CodeType | None:
    if isinstance(value, staticmethod | classmethod):
        value = value.__func__
    elif isinstance(value, property):
        value = value.fget
    return value.__code__ if isinstance(value, types.FunctionType) else None


def _defines(code: str, kind: type) -> bool:
    """Whether the source has a class of this name in this place, as far as the class knows."""
    import ast  # noqa: PLC0415  # inspect, which asks, has it

    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    line = vars(kind).get("__firstlineno__")
    path = [part for part in kind.__qualname__.split(".") if part != "<locals>"]
    found: list[ast.AST] = [tree]
    for name in path:
        found = [node for top in found for node in _named(top, name)]
    starts = {
        min([node.lineno, *(d.lineno for d in node.decorator_list)])
        for node in found
        if isinstance(node, ast.ClassDef)
    }
    return bool(starts) and (line is None or line in starts)


def _named(top: _ast.AST, name: str) -> Iterator[_ast.AST]:
    import ast  # noqa: PLC0415  # the same

    kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(top):
        if node is not top and isinstance(node, kinds) and node.name == name:
            yield node


class _Teacher:
    """Lets ``inspect`` find the classes of cells: Python looks for a class in its module's file.

    Few sessions load it. In those it is taught as soon as it is loaded.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._waits = False

    def begin(self) -> None:
        """Teach it, now or later. To be called before each cell: a cell may undo it."""
        module = sys.modules.get(_INSPECT)
        if module is not None:
            self._teach(module)
        elif not self._waits:
            self._waits = True
            sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """As the import system asks it: what the others find, to be taught once it is loaded."""
        if name != _INSPECT:
            return None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        self._waits = False
        found = (finder.find_spec(name, path, target) for finder in sys.meta_path)
        spec = next(filter(None, found), None)
        loader: Any = spec and spec.loader
        if loader is None:
            return spec

        def exec_module(module: types.ModuleType) -> None:
            del loader.exec_module
            loader.exec_module(module)
            self._teach(module)

        loader.exec_module = exec_module
        return spec

    def _teach(self, module: Any) -> None:
        former = getattr(module, "getfile", None)
        if former is None or hasattr(former, "knows_cells"):
            return

        def getfile(object: Any) -> str:  # noqa: A002  # the name of the original
            if isinstance(object, type) and object.__module__ == "__main__":
                found = self._sources.home(object)
                if found is not None:
                    self._sources.republish()
                    return found
            original: str = former(object)
            return original

        getfile.__doc__ = former.__doc__
        getfile.knows_cells = True  # type: ignore[attr-defined]  # our mark on our function
        module.getfile = getfile
