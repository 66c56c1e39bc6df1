"""Which objects a checkpoint saves in its own way, and which it refuses because they would lie.

A handler takes an object and returns what a pickler's reducer returns, or raises ``Refused``. It
must not change the object, and must never let through what would come back as less than it seems.
"""

from __future__ import annotations

import _thread
import collections
import functools
import gc
import logging
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Final

from . import checkpoint_rebuild as rebuild
from .checkpoint_refusal import Refused, kind_of
from .checkpoint_streams import FILES

Handler = Callable[[Any], Any]

_ENDS: Final = "it ends with its process"
_LOOP: Final = "it belongs to this session's event loop"
_OUTSIDE: Final = "it is a connection to something outside of this process"
_RUN: Final = "it is code that is under way"
_MEMORY: Final = "it stands for memory of this process"
#: Module, name and reason. A module that is not loaded has no objects; it is not imported for this.
REFUSED: Final = (
    ("threading", "Thread", _ENDS),
    ("threading", "local", "its values belong to threads"),
    ("subprocess", "Popen", _ENDS),
    ("multiprocessing.process", "BaseProcess", _ENDS),
    ("multiprocessing.pool", "Pool", _ENDS),
    ("multiprocessing.managers", "BaseManager", _ENDS),
    ("multiprocessing.managers", "BaseProxy", _OUTSIDE),
    ("multiprocessing.connection", "_ConnectionBase", _OUTSIDE),
    ("multiprocessing.connection", "Listener", _OUTSIDE),
    ("multiprocessing.shared_memory", "SharedMemory", _MEMORY),
    ("concurrent.futures", "Executor", _ENDS),
    ("asyncio", "Future", _LOOP),
    ("asyncio", "AbstractEventLoop", _LOOP),
    ("asyncio", "Handle", _LOOP),
    ("asyncio", "BaseTransport", _OUTSIDE),
    ("_asyncio", "Future", _LOOP),
    ("socket", "socket", _OUTSIDE),
    ("sqlite3", "Connection", _OUTSIDE),
    ("sqlite3", "Cursor", _OUTSIDE),
    ("selectors", "BaseSelector", _OUTSIDE),
    ("contextvars", "ContextVar", "its identity and its values belong to this process"),
    ("contextvars", "Context", "it belongs to this process"),
    ("contextvars", "Token", "it belongs to this process"),
    ("weakref", "ref", "what it refers to may be gone"),
    ("weakref", "ProxyType", "what it refers to may be gone"),
    ("weakref", "CallableProxyType", "what it refers to may be gone"),
    ("weakref", "finalize", "what it waits for belongs to this process"),
    ("tempfile", "_TemporaryFileWrapper", "its file is removed with it"),
    ("tempfile", "TemporaryDirectory", "its folder is removed with it"),
    ("mmap", "mmap", _MEMORY),
    ("numpy", "memmap", _MEMORY),
    ("ctypes", "CDLL", _MEMORY),
    ("types", "GeneratorType", _RUN),
    ("types", "CoroutineType", _RUN),
    ("types", "AsyncGeneratorType", _RUN),
    ("types", "FrameType", _RUN),
    ("types", "TracebackType", _RUN),
)
#: What every process has once: saved as what it is called, not as what it holds.
ONCE: Final = (
    ("sys", "stdin"),
    ("sys", "stdout"),
    ("sys", "stderr"),
    ("sys", "__stdin__"),
    ("sys", "__stdout__"),
    ("sys", "__stderr__"),
    ("os", "environ"),
    ("os", "environb"),
)


def handlers() -> list[tuple[type, Handler]]:
    """Pairs of a type and its handler; the first whose type is a base of the object's counts."""
    found: list[tuple[type, Handler]] = []
    for module, name, reason in REFUSED:
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type):
            found.append((kind, functools.partial(_refuse, reason)))
    found += _OWN
    for module, name, handler in _LATE:
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type):
            found.append((kind, handler))
    return found


def once(value: object) -> tuple[Any, ...] | None:
    """How to name ``value`` if every process has it once."""
    for module, name in ONCE:
        if getattr(sys.modules.get(module), name, None) is value:
            return rebuild.attribute, (module, name)
    return None


def importable(value: Any) -> bool:
    """Whether a function or class can be had by importing its module."""
    module = sys.modules.get(getattr(value, "__module__", None) or "")
    if module is None or module.__name__ == "__main__":
        return False
    found: Any = module
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is value


def _refuse(reason: str, value: Any) -> Any:
    raise Refused(kind_of(value), reason)


def _lock(value: Any) -> Any:
    if value.locked():
        raise Refused(kind_of(value), "it is held")
    return _thread.allocate_lock, ()


def _rlock(value: Any) -> Any:
    if type(value) is not type(threading.RLock()):
        raise Refused(kind_of(value), "it is more than a lock")
    if value._is_owned() or not value.acquire(blocking=False):  # noqa: SLF001 - 3.14 has locked()
        raise Refused(kind_of(value), "it is held")
    value.release()
    return threading.RLock, ()


def _semaphore(value: Any) -> Any:
    # A permit that was taken has no owner after a restore, so that nobody would give it back.
    least = getattr(value, "_initial_value", getattr(value, "_bound_value", 1))
    if value._value < least:  # noqa: SLF001 - there is no other way to ask
        raise Refused(kind_of(value), "a permit of it is taken")
    return NotImplemented


def _asyncio_lock(value: Any) -> Any:
    if value.locked():
        raise Refused(kind_of(value), "it is held")
    return NotImplemented


def _future(value: Any) -> Any:
    if not value.done():
        raise Refused(kind_of(value), "who would fulfil it ends with this process")
    return NotImplemented


def _module(value: types.ModuleType) -> Any:
    if sys.modules.get(value.__name__) is not value:
        return NotImplemented
    if value.__spec__ is None and value.__name__ != "__main__":
        raise Refused("module", "it was made in this process, and cannot be imported")
    # `import a.b` binds `a` alone, and yet code goes on to say `a.b`.
    inner = f"{value.__name__}."
    return rebuild.module, (value.__name__, tuple(n for n in sys.modules if n.startswith(inner)))


def _cached(value: Any) -> Any:
    if importable(value):
        return NotImplemented
    limits = value.cache_parameters()
    usual = {*functools.WRAPPER_ASSIGNMENTS, "__wrapped__", "cache_parameters"}
    own = {name: item for name, item in value.__dict__.items() if name not in usual}
    return rebuild.cached, (value.__wrapped__, limits["maxsize"], limits["typed"]), own or None


def _view(value: memoryview) -> Any:
    try:
        whole = memoryview(value.obj)
        shape = value.shape or ()
    except (ValueError, TypeError) as error:
        raise Refused("memoryview", "it was released") from error
    plain = isinstance(value.obj, bytes | bytearray)
    if not plain or not value.c_contiguous or value.nbytes != whole.nbytes:
        raise Refused("memoryview", "it is not a view of the whole of some bytes")
    return rebuild.view, (value.obj, value.format, shape, value.readonly)


def _entries(value: Any) -> Any:
    # A view of a dict shows what becomes of it later, so it is made of that dict again.
    of = [found for found in gc.get_referents(value) if isinstance(found, dict)]
    name = type(value).__name__.rpartition("_")[2]
    return (rebuild.entries, (of[0], name)) if len(of) == 1 else NotImplemented


def _array(value: Any) -> Any:
    """An array that shows a part of another shares its memory: it is made of that one again."""
    kind = type(value)
    if kind.__name__ != "ndarray" or type(value.base) is not kind:
        return NotImplemented
    root = value.base
    while type(root.base) is kind:
        root = root.base
    if value.dtype.hasobject or not root.flags.forc:
        return NotImplemented
    at = value.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    writes = value.flags.writeable
    return rebuild.array, (root, at, value.shape, value.strides, value.dtype, writes)


def _weak(value: Any) -> Any:
    pairs: Iterator[tuple[Any, Any]] = iter(list(value.items()))
    return type(value), (), None, None, pairs


def _exception(value: BaseException) -> Any:
    kind = type(value)
    reduced = value.__reduce_ex__(4)
    own = value.__dict__
    chain = (value.__cause__, value.__context__, value.__suppress_context__)
    state = (own, *chain)
    if kind.__reduce__ is BaseException.__reduce__ and isinstance(
        kind.__init__, types.FunctionType
    ):
        return rebuild.exception, (kind, value.args), state, None, None, rebuild.exception_state
    simple = isinstance(reduced, tuple) and len(reduced) <= 3
    if not any(chain) or not simple or kind.__setstate__ is not BaseException.__setstate__:
        return NotImplemented
    return (*reduced[:2], state, None, None, rebuild.exception_state)


def _logger(value: logging.Logger) -> Any:
    root = value is logging.getLogger()
    own = value.handlers or value.filters or value.disabled or not value.propagate
    if not root and (own or value.level != logging.NOTSET):
        raise Refused(
            kind_of(value), "its set-up belongs to the process; run the code that makes it again"
        )
    return logging.getLogger, (() if root else (value.name,))


_EMPTY: Final[tuple[dict[Any, Any], ...]] = ({}, collections.OrderedDict())
_VIEWS: Final = tuple(view() for of in _EMPTY for view in (of.keys, of.values, of.items))
_OWN: Final[list[tuple[type, Handler]]] = [
    (_thread.LockType, _lock),
    (type(threading.RLock()), _rlock),
    (threading.Semaphore, _semaphore),
    (types.ModuleType, _module),
    (type(functools.cache(id)), _cached),
    (memoryview, _view),
    *((type(view), _entries) for view in _VIEWS),
    (weakref.WeakKeyDictionary, _weak),
    (weakref.WeakValueDictionary, _weak),
    (BaseException, _exception),
    (logging.Logger, _logger),
    *FILES,
]
_LATE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("asyncio", "Lock", _asyncio_lock),
    ("asyncio", "Condition", _asyncio_lock),
    ("asyncio", "Semaphore", _semaphore),
    ("concurrent.futures", "Future", _future),
    ("numpy", "ndarray", _array),
)
