"""Reads the payload of a checkpoint into values, without touching the live namespace.

The first reading is the fast one. Where it fails, a patient second one puts a placeholder where an
object could not be had, and every name from which a placeholder can be reached is reported lost.
"""

from __future__ import annotations

import io
import pickle
import types
import warnings
from collections.abc import Callable
from typing import Any, ClassVar, Final, Self

from . import checkpoint_rebuild as rebuild
from .checkpoint_kinds import importable
from .checkpoint_pickler import (
    CLOUDPICKLE_PRIVATE,
    REMEDY,
    explain,
    find_cloudpickle,
    make_pickler,
)
from .checkpoint_refusal import Refused, kind_of

#: The one in Python, since the one in C cannot go on after an error.
_Slow: Any = pickle._Unpickler  # noqa: SLF001 - as documented by its name in the module
_OURS: Final = __name__.rpartition(".")[0]
_CODE: Final = ("cloudpickle.cloudpickle", f"{CLOUDPICKLE_PRIVATE}.cloudpickle")
#: These would give back, and then change, a class that lives in this process already.
_TRACKED: Final = ("_make_skeleton_class", "_make_skeleton_enum")


class Absent:
    """Where an object could not be had. It takes whatever a payload does to it."""

    reason = ""

    def __new__(cls, *_given: Any, **_named: Any) -> Self:
        return super().__new__(cls)

    def __init__(self, *_given: Any, **_named: Any) -> None:
        """Whatever the true object would have been made of."""

    def __init_subclass__(cls, **_named: Any) -> None:
        super().__init_subclass__()

    def __class_getitem__(cls, _item: Any) -> type[Absent]:
        return cls

    def __call__(self, *_given: Any, **_named: Any) -> Self:
        return self

    def _take(self, *_given: Any) -> None:
        """Items and states are gone with their object."""

    __setstate__ = append = extend = add = __setitem__ = _take


def read(
    payload: bytes, names: list[str], package: str, namespace: dict[str, Any]
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The values by name, and the names lost. Raises what reading raises if nothing can be read."""
    find = _Finder(package, namespace)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _segments(_Swift(io.BytesIO(payload), find), len(names)), []
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001 - code of the session raises what it likes
            patient = _Patient(io.BytesIO(payload), find)
            values = _segments(patient, len(names))
            return _sift(values, patient.broken, namespace)


def _segments(unpickler: Any, count: int) -> dict[str, Any]:
    unpickler.load()  # the namespace itself, so that others can refer to it
    values: dict[str, Any] = {}
    for _ in range(count):
        (name,) = unpickler.load()
        values[name] = unpickler.load()
    return values


class _Finder:
    """Finds what a payload names: our own parts wherever they were loaded, and cloudpickle's."""

    def __init__(self, package: str, namespace: dict[str, Any]) -> None:
        self._package = package
        self._namespace = namespace

    def __call__(self, module: str, name: str, usual: Callable[[str, str], Any]) -> Any:
        if module.startswith(f"{self._package}."):
            module = _OURS + module[len(self._package) :]
        if (module, name) == (rebuild.__name__, rebuild.session.__name__):
            return lambda: self._namespace
        if module not in _CODE:
            return usual(module, name)
        code = find_cloudpickle()
        if code is None:
            raise ImportError(REMEDY)
        found = getattr(code, name)
        return _untracked(found) if name in _TRACKED else found


def _untracked(make: Callable[..., Any]) -> Callable[..., Any]:
    def made(*given: Any) -> Any:
        *before, _tracker, extra = given
        return make(*before, None, extra)

    return made


class _Swift(pickle.Unpickler):
    def __init__(self, source: io.BytesIO, find: _Finder) -> None:
        super().__init__(source)
        self._find = find

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        return self._find(module_name, global_name, super().find_class)


class _Patient(_Slow):  # type: ignore[misc]
    """Goes on after an error: ``broken`` holds what may be half made."""

    def __init__(self, source: io.BytesIO, find: _Finder) -> None:
        super().__init__(source)
        self._find = find
        self.broken: dict[int, tuple[Any, str]] = {}

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._find(module, name, super().find_class)
        except Exception as error:  # noqa: BLE001 - importing runs any code
            return type(name.rpartition(".")[2], (Absent,), {"reason": explain(error, None)})

    def _made(self, error: Exception, *parts: Any) -> Absent:
        """A placeholder, with the reason of an earlier one among ``parts`` if there is one."""
        earlier = next((part.reason for part in parts if _absent(part)), "")
        made = Absent()
        made.reason = earlier or explain(error, None)
        return made

    def load_reduce(self) -> None:
        given = self.stack.pop()
        call = self.stack[-1]
        try:
            self.stack[-1] = call(*given)
        except Exception as error:  # noqa: BLE001 - code of the session raises what it likes
            lost = self.stack[-1] = self._made(error, call, *given)
            # What sets a state takes the object first, and may have stopped half way.
            if given and _may_be_half_made(given[0]):
                self.broken[id(given[0])] = (given[0], lost.reason)

    def load_newobj(self) -> None:
        given = self.stack.pop()
        kind = self.stack.pop()
        self._new(kind, given, {})

    def load_newobj_ex(self) -> None:
        named = self.stack.pop()
        given = self.stack.pop()
        kind = self.stack.pop()
        self._new(kind, given, named)

    def _new(self, kind: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        try:
            self.append(kind.__new__(kind, *given, **named))
        except Exception as error:  # noqa: BLE001 - code of the session raises what it likes
            self.append(self._made(error, kind))

    def load_build(self) -> None:
        depth = len(self.stack)
        made = self.stack[-2]
        try:
            super().load_build()
        except Exception as error:  # noqa: BLE001 - code of the session raises what it likes
            del self.stack[depth - 1 :]
            self.broken[id(made)] = (made, self._made(error, made).reason)

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **_Slow.dispatch,
        pickle.REDUCE[0]: load_reduce,
        pickle.NEWOBJ[0]: load_newobj,
        pickle.NEWOBJ_EX[0]: load_newobj_ex,
        pickle.BUILD[0]: load_build,
    }


def _may_be_half_made(value: Any) -> bool:
    if isinstance(value, type | types.FunctionType):
        return not importable(value)
    return not isinstance(value, types.ModuleType | str | int)


def _absent(value: Any) -> bool:
    return isinstance(value, Absent) or (isinstance(value, type) and issubclass(value, Absent))


def _sift(
    values: dict[str, Any], broken: dict[int, tuple[Any, str]], namespace: dict[str, Any]
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Leave out every name from which what is absent or broken can be reached."""

    def check(value: Any) -> None:
        if _absent(value):
            raise Refused("", value.reason)
        if id(value) in broken:
            raise Refused("", broken[id(value)][1])

    lost: list[dict[str, str]] = []
    code = find_cloudpickle()
    for name, value in list(values.items()):
        try:
            make_pickler(io.BytesIO(), namespace, code, check).dump(value)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - code of the session raises what it likes
            reason = error.reason if isinstance(error, Refused) else explain(error, value)
            lost.append({"name": name, "kind": kind_of(value), "reason": reason})
            del values[name]
    return values, lost
