"""The names of a session, and the history that a person expects of a REPL.

The namespace is the dict of a real ``__main__`` module and is only ever merged into. Code may
assign to the names of the history; the truth is kept here, and the names say it again before the
next cell. It knows neither messages nor how a cell runs.
"""

from __future__ import annotations

import sys
import types
from typing import Any, Final

#: Names that belong to the session, whatever code assigns to them.
INTERNAL: Final = frozenset(
    {"_", "__", "___", "_i", "_ii", "_iii", "In", "Out", "_oh", "_ih", "_exit_code", "_exception"}
)
#: Results that ``Out`` holds; the oldest go, so that a long session does not hold all it ever made.
MOST_OUT: Final = 1000
#: Inputs that ``In`` holds; older ones are emptied, so that its numbers stay true.
MOST_IN: Final = 10_000

_KINDS: Final = (types.FunctionType, types.BuiltinFunctionType, type)


class Namespace:
    """``names`` is what cells see as their globals."""

    def __init__(self, given: dict[str, Any]) -> None:
        """``given`` is what a session has from the start, such as ``display``."""
        self.module = types.ModuleType("__main__")
        self.names: dict[str, Any] = self.module.__dict__
        self.names["__builtins__"] = sys.modules["builtins"]
        self.names.update(given)
        self._given = {**self.names}
        self._own = frozenset(self.names) | INTERNAL
        self._inputs: list[str] = [""]
        self._outputs: dict[int, Any] = {}
        self._in: list[str] = [""]
        self._out: dict[int, Any] = {}
        self._last: list[Any] = ["", "", ""]
        self._exit_code = 0
        self._exception: BaseException | None = None
        self.reinstall()

    def install(self) -> None:
        """Become ``__main__``, so that pickle, inspect and child processes find what cells make."""
        sys.modules["__main__"] = self.module

    @property
    def count(self) -> int:
        """The number of the last cell that left a trace."""
        return len(self._inputs) - 1

    @property
    def size(self) -> int:
        """How many names the session's code has made."""
        return len([name for name in tuple(self.names) if name not in self._own])

    def begin(self, code: str, *, silent: bool) -> int:
        """A cell begins: what names it finds, and its number. Silent ones have the last one's."""
        sys.modules["__main__"] = self.module
        if not silent:
            self._inputs.append(code)
            self._in.append(code)
            if len(self._inputs) > MOST_IN:
                self._inputs[-MOST_IN] = self._in[-MOST_IN] = ""
        self._tell()
        return self.count

    def end(self, value: Any, error: BaseException | None) -> None:
        """A cell that is not silent ended with this value, or this error."""
        self._exception = error
        self._exit_code = 0 if error is None else exit_code(error)
        self._mend()
        if value is not None:
            number = self.count
            self._outputs[number] = self._out[number] = value
            if len(self._outputs) > MOST_OUT:
                oldest = next(iter(self._outputs))
                del self._outputs[oldest]
                self._out.pop(oldest, None)
            self._last = [value, *self._last[:2]]
        self._tell()

    def reinstall(self) -> None:
        """Let the names of the history say the truth again, and bring back what was deleted."""
        self._mend()
        self._tell()

    def _mend(self) -> None:
        if self._in != self._inputs:
            self._in = [*self._inputs]
        self._mend_outputs()
        for name, value in self._given.items():
            self.names.setdefault(name, value)

    def _tell(self) -> None:
        before = [*reversed(self._inputs[-4:-1]), "", "", ""]
        self.names.update(
            {
                "In": self._in,
                "_ih": self._in,
                "Out": self._out,
                "_oh": self._out,
                "_": self._last[0],
                "__": self._last[1],
                "___": self._last[2],
                "_i": before[0],
                "_ii": before[1],
                "_iii": before[2],
                "_exit_code": self._exit_code,
                "_exception": self._exception,
            }
        )

    def _mend_outputs(self) -> None:
        if _same(self._out, self._outputs):
            return
        # Who deletes from ``Out`` wants the memory back, and gets it.
        gone = self._outputs.keys() - self._out.keys()
        if gone:
            freed = [self._outputs.pop(number) for number in gone]
            self._last = ["" if _among(one, freed) else one for one in self._last]
        self._out = {**self._outputs}

    def resolve(self, name: str) -> str | None:
        """The dotted name of the module, function or class that a name stands for.

        Asks no object of the user's: that could run their code.
        """
        value = self.names.get(name)
        if type(value) is types.ModuleType:
            return value.__name__
        if type(value) in _KINDS:
            return f"{getattr(value, '__module__', '')}.{getattr(value, '__name__', '')}"
        return None


def exit_code(error: BaseException) -> int:
    """What a program would exit with that this error ends."""
    if not isinstance(error, SystemExit):
        return 1
    if error.code is None:
        return 0
    return error.code if isinstance(error.code, int) else 1


def _among(value: Any, freed: list[Any]) -> bool:
    return any(value is one for one in freed)


def _same(one: dict[int, Any], other: dict[int, Any]) -> bool:
    # What is the same object is not asked whether it is equal.
    try:
        return one == other
    except Exception:  # noqa: BLE001 - an equality of the user's
        return False
