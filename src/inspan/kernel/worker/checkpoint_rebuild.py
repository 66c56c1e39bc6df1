"""What a checkpoint's payload calls when it is loaded: each function makes one object truly again.

The payload names these functions, so a rename here needs a new version of the file. None of them
may write, create or connect to anything; where the true object cannot be had, they raise.
"""

from __future__ import annotations

import functools
import importlib
import io
import os
import stat
import sys
import types
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any


def session() -> dict[str, Any]:
    """The live namespace. The reader puts its own function in the place of this one."""
    raise LookupError("a payload is read by load() only")


def function(
    code: types.CodeType, scope: dict[str, Any], closure: tuple[types.CellType, ...] | None
) -> types.FunctionType:
    """A function over ``scope`` itself, which is left as it is."""
    return types.FunctionType(code, scope, None, None, closure)


def function_state(made: types.FunctionType, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Fill a function that may already be referred to by its own closure."""
    own, slots = state
    # They were imported by being read, for code that says `a.b` where only `a` is bound.
    slots.pop("_cloudpickle_submodules", None)
    made.__dict__.update(own)
    for cell, source in zip(made.__closure__ or (), slots.pop("__closure__") or (), strict=True):
        try:
            cell.cell_contents = source.cell_contents
        except ValueError:  # the cell was empty when it was saved
            continue
    for name, value in slots.items():
        setattr(made, name, value)


def members(enumeration: Any, state: tuple[Any, Any, dict[str, dict[str, Any]]]) -> None:
    """Fill an enumeration, and what its ``__init__`` or ``__new__`` had given each member."""
    apply, inner, extras = state
    apply(enumeration, inner)
    for name, extra in extras.items():
        enumeration[name].__dict__.update(extra)


def module(name: str, inner: tuple[str, ...]) -> types.ModuleType:
    """An import, made again, with the inner modules that had been imported too."""
    made = importlib.import_module(name)
    for other in inner:
        if other not in sys.modules:
            # Some are made by code and are no files, or are there on one machine only.
            with suppress(ImportError):
                importlib.import_module(other)
    return made


def attribute(of: str, name: str) -> Any:
    """What every process has once, such as ``sys.stdout``."""
    return getattr(sys.modules.get(of) or importlib.import_module(of), name)


def cached(
    wrapped: Callable[..., Any], most: int | None, typed: bool
) -> functools._lru_cache_wrapper[Any]:
    """A function with an empty cache of the same size."""
    return functools.lru_cache(most, typed)(wrapped)


def view(of: Any, form: str, shape: tuple[int, ...], readonly: bool) -> memoryview:
    """A view of the whole of ``of``, sharing its bytes."""
    made = memoryview(of)
    if (made.format, made.shape) != (form, shape):
        made = made.cast("B").cast(form, shape)  # type: ignore[call-overload]
    return made.toreadonly() if readonly and not made.readonly else made


def entries(of: dict[Any, Any], name: str) -> Any:
    """The keys, values or items of ``of``, which follow it."""
    return getattr(of, name)()


def array(
    root: Any, at: int, shape: tuple[int, ...], strides: tuple[int, ...], kind: Any, writes: bool
) -> Any:
    """An array of numpy over the memory of ``root``, from ``at`` bytes on."""
    whole = root if root.flags.c_contiguous else root.T
    made = type(root)(shape, kind, whole, at, strides)
    made.flags.writeable = writes
    return made


def exception(kind: type[BaseException], arguments: tuple[Any, ...]) -> BaseException:
    """An exception, without its ``__init__`` in Python, which may want other arguments."""
    made = kind.__new__(kind, *arguments)
    plain = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    plain.__init__(made, *arguments)  # type: ignore[misc]
    return made


def exception_state(made: BaseException, state: tuple[Any, ...]) -> None:
    """The chain and the attributes of an exception; its traceback ended with its process."""
    own, cause, context, suppressed = state
    made.__dict__.update(own)
    made.__cause__, made.__context__, made.__suppress_context__ = cause, context, suppressed


def raw_file(path: str, name: Any, size: int, changed: int, position: int) -> io.FileIO:
    """A file opened for reading as it was. Raises where the file is not what it was."""
    if not stat.S_ISREG(Path(path).stat().st_mode):
        raise ValueError(f"{path} is no regular file any more")
    made = io.FileIO(path, "rb")
    about = os.fstat(made.fileno())
    if (about.st_size, about.st_mtime_ns) != (size, changed):
        made.close()
        raise ValueError(f"{path} has changed since the checkpoint")
    made.name = name
    made.seek(position)
    return made


def buffered_file(raw: io.FileIO, position: int) -> io.BufferedReader:
    made: io.BufferedReader = io.BufferedReader(raw)
    made.seek(position)
    return made


def text_file(
    buffer: io.BufferedReader, encoding: str, errors: str, mode: str, position: int
) -> io.TextIOWrapper:
    made = io.TextIOWrapper(buffer, encoding, errors)
    made.mode = mode  # type: ignore[misc]
    made.seek(position)
    return made
