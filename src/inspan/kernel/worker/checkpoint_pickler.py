"""Pickles a namespace name by name with one memo, so that objects shared between names stay shared.

A name that fails is taken back as if it had never been tried: the bytes and the memo are cut to
where it began. The others need not be pickled again, and never refer to what was cut off.
"""

from __future__ import annotations

import enum
import functools
import importlib
import importlib.util
import io
import os
import pickle
import sys
import types
import typing
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from . import checkpoint_rebuild as rebuild
from .boot import CLOUDPICKLE_VARIABLE
from .checkpoint_kinds import Handler, handlers, importable, once
from .checkpoint_refusal import Refused, kind_of

#: The name under which that package is loaded: the session's own imports stay as they are.
CLOUDPICKLE_PRIVATE: Final = "_inspan_cloudpickle"
_USED: Final = ("Pickler", "_make_skeleton_class", "_should_pickle_by_reference", "_class_reduce")
REMEDY: Final = "code defined in the session needs cloudpickle: pip install 'cloudpickle>=3'"
REASON_MOST: Final = 300
_OURS: Final = __name__.rpartition(".")[0]
_UNSEEN: Final = object()


class _Full(Exception):  # noqa: N818 - it is named by what happened
    """The checkpoint would be larger than its bound."""


class _Session:
    """Stands for the live namespace in the payload."""


class _Sink(io.BytesIO):
    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, data: Any, /) -> int:
        written = super().write(data)
        if self.tell() > self._most:
            raise _Full
        return written


def find_cloudpickle() -> types.ModuleType | None:
    """The module ``cloudpickle.cloudpickle`` of the session's Python, else the one handed over."""
    try:
        found = importlib.import_module("cloudpickle.cloudpickle")
    except Exception:  # noqa: BLE001 - one that does not load is as good as none
        return _handed_over()
    # An older one, below 3.0, names its parts otherwise.
    return found if all(hasattr(found, name) for name in _USED) else _handed_over()


def _handed_over() -> types.ModuleType | None:
    inner = f"{CLOUDPICKLE_PRIVATE}.cloudpickle"
    if inner in sys.modules:
        return sys.modules[inner]
    given = os.environ.get(CLOUDPICKLE_VARIABLE)
    if not given:
        return None
    folder = Path(given) / "cloudpickle"
    start = folder / "__init__.py"
    if not start.is_file():
        return None
    spec = importlib.util.spec_from_file_location(
        CLOUDPICKLE_PRIVATE, start, submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        return None
    package = importlib.util.module_from_spec(spec)
    sys.modules[CLOUDPICKLE_PRIVATE] = package
    try:
        spec.loader.exec_module(package)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, plain data can still be saved
        for name in (CLOUDPICKLE_PRIVATE, inner):
            sys.modules.pop(name, None)
        return None
    return sys.modules.get(inner)


def dump(
    values: Iterable[tuple[str, Any]], namespace: dict[str, Any], most: int
) -> tuple[bytes, list[str], list[dict[str, str]], str]:
    """Payload, names saved, names lost, and the version of cloudpickle (empty without)."""
    code = find_cloudpickle()
    sink = _Sink(most)
    pickler = make_pickler(sink, namespace, code)
    saved: list[str] = []
    lost: list[dict[str, str]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, value in values:
            reason = _dump_one(pickler, sink, name, value)
            if reason:
                lost.append({"name": name, "kind": kind_of(value), "reason": reason})
            else:
                saved.append(name)
    package = sys.modules.get(code.__name__.rpartition(".")[0]) if code else None
    return sink.getvalue(), saved, lost, getattr(package, "__version__", "")


def _dump_one(pickler: Any, sink: _Sink, name: str, value: Any) -> str:
    """Add one name; the reason why it could not be, and then nothing is left of the attempt."""
    start = sink.tell()
    mark = [name]
    try:
        pickler.dump(mark)
        pickler.dump(value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - code of the session raises what it likes
        sink.seek(start)
        sink.truncate()
        memo = pickler.memo.copy()
        first = memo[id(mark)][0] if id(mark) in memo else len(memo)
        pickler.memo = {key: entry for key, entry in memo.items() if entry[0] < first}
        return explain(error, value)
    return ""


def explain(error: BaseException, value: Any) -> str:
    """One line for a person."""
    if isinstance(error, Refused):
        kind = kind_of(value)
        return error.reason if error.kind == kind else f"it holds a {error.kind}: {error.reason}"
    if isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, _Full):
        return "the checkpoint would be larger than its bound"
    first = str(error).strip().partition("\n")[0] or type(error).__name__
    return first[:REASON_MOST]


def make_pickler(
    sink: io.BytesIO,
    namespace: dict[str, Any],
    code: types.ModuleType | None,
    check: Callable[[Any], object] = id,
) -> Any:
    """A pickler to which ``namespace`` is known: it is referred to and never gone through.

    ``check`` sees every object but the plainest and may raise ``Refused``.
    """
    base = pickle.Pickler if code is None else code.Pickler
    reduce_rest = _without_cloudpickle if code is None else _with_cloudpickle(code, namespace)
    stands_for = _Session()
    known = handlers()
    cache: dict[type, Handler | None] = {}

    class Pickler(base):  # type: ignore[misc, valid-type]
        def reducer_override(self, value: Any) -> Any:
            check(value)
            kind = type(value)
            handler: Any = cache.get(kind, _UNSEEN)
            if handler is _UNSEEN:
                handler = cache[kind] = _handler(kind, known)
            if handler is not None and (reduced := handler(value)) is not NotImplemented:
                return reduced
            if value is stands_for:
                return rebuild.session, ()
            reduced = reduce_rest(value)
            if reduced is NotImplemented and code is not None:
                return super().reducer_override(value)
            return reduced

    pickler: Any = Pickler(sink, protocol=5)
    pickler.dump(stands_for)
    memo = pickler.memo.copy()
    memo[id(namespace)] = (memo.pop(id(stands_for))[0], namespace)
    pickler.memo = memo
    return pickler


def _handler(kind: type, known: list[tuple[type, Handler]]) -> Handler | None:
    special = [(base, handler) for base, handler in known if issubclass(kind, base)]
    names = {type(getattr(sys, name, None)) for name in ("stdin", "stdout", "stderr")}
    if kind in names or kind is type(os.environ):
        return functools.partial(_once_or, special[0][1] if special else None)
    if special:
        return special[0][1]
    if kind.__module__.startswith(f"{_OURS}.") and kind is not _Session:
        return _session_part
    return None


def _once_or(otherwise: Handler | None, value: Any) -> Any:
    return once(value) or (otherwise(value) if otherwise else NotImplemented)


def _session_part(value: Any) -> Any:
    raise Refused(kind_of(value), "it is a part of the session itself")


def _without_cloudpickle(value: Any) -> Any:
    code = isinstance(value, type | types.FunctionType)
    builtin = isinstance(value, type) and value.__module__ == "builtins"
    if code and not builtin and not importable(value):
        raise Refused(kind_of(value), REMEDY)
    if isinstance(value, types.CellType | types.CodeType | property | staticmethod | classmethod):
        raise Refused(kind_of(value), REMEDY)
    return NotImplemented


def _with_cloudpickle(code: Any, namespace: Mapping[str, Any]) -> Callable[[Any], Any]:
    """What cloudpickle would not bring back as it was: globals, slots, members of enumerations."""

    def reduce(value: Any) -> Any:
        if isinstance(value, types.FunctionType):
            elsewhere = value.__globals__ is not namespace
            if elsewhere or code._should_pickle_by_reference(value):  # noqa: SLF001 - theirs
                return NotImplemented
            return _function(value, code)
        if not isinstance(value, type):
            return NotImplemented
        reduced = code._class_reduce(value)  # noqa: SLF001 - theirs
        if reduced is NotImplemented or len(reduced) < 6:
            return reduced
        return (
            _enumeration(value, reduced)
            if isinstance(value, enum.EnumType)
            else _slots(value, reduced)
        )

    return reduce


def _function(value: types.FunctionType, code: Any) -> tuple[Any, ...]:
    own, slots = code._function_getstate(value)  # noqa: SLF001 - theirs
    # What its globals hold is saved under their own names.
    del slots["__globals__"]
    if parameters := getattr(value, "__type_params__", ()):
        slots["__type_params__"] = parameters
    cells = value.__closure__
    empty = None if cells is None else tuple(types.CellType() for _ in cells)
    made = (value.__code__, value.__globals__, empty)
    return rebuild.function, made, (own, slots), None, None, rebuild.function_state


def _slots(value: type, reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    # The class that typing makes of a NamedTuple has its own slots, and takes no others.
    if "__slots__" not in value.__dict__ or typing.NamedTuple in _bases(value):
        return reduced
    make, (constructor, name, bases, content, *rest), *others = reduced
    content = {**content, "__slots__": value.__dict__["__slots__"]}
    return make, (constructor, name, bases, content, *rest), *others


def _bases(value: type) -> tuple[Any, ...]:
    return tuple(value.__dict__.get("__orig_bases__", ()))


def _enumeration(value: enum.EnumType, reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    make, (bases, name, qualname, _, *rest), (content, slots), *between, apply = reduced
    named: dict[str, Any] = dict(value.__members__)  # unlike the class itself, with its aliases
    values = {key: member.value for key, member in named.items()}
    content = {key: item for key, item in content.items() if key not in named}
    usual = {"_name_", "_value_", "_sort_order_", "__objclass__"}
    extras = {
        key: {own: item for own, item in vars(member).items() if own not in usual}
        for key, member in named.items()
    }
    made = (bases, name, qualname, values, *rest)
    return make, made, (apply, (content, slots), extras), *between, rebuild.members
