"""What a process that multiprocessing spawns finds as ``__main__``: what the cells have defined.

A spawned process runs its parent's program once more to have its functions and classes. A session
has no program, so it is given one that restores them, with what their code names, from a checkpoint
that is written anew whenever a process is started. Nothing of it happens, and nothing is imported,
before ``multiprocessing.spawn`` is.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec

_SPAWN: Final = "multiprocessing.spawn"
_MAIN: Final = "__main__"
_SAVED: Final = "spawned"
#: Bytes of what a spawned process is given; what would be more is not there.
MOST: Final = 64 << 20
_PROGRAM: Final = """\
import sys
package = type(sys)("_inspan_kernel")
package.__path__ = [{kernel!r}]
sys.modules["_inspan_kernel"] = package
from _inspan_kernel.worker.spawned import restore
restore(globals(), {folder!r}, {key!r})
del sys, package, restore
"""
_KERNEL: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib would cost start-up


class Spawning:
    """Waits for the import of multiprocessing's part that spawns."""

    def __init__(self, folder: str, names: dict[str, Any]) -> None:
        """``folder`` is the owner's alone, and made when it is needed."""
        self._folder, self._names = folder, names
        self._key = os.urandom(32)

    def install(self) -> None:
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name != _SPAWN:
            return None
        from importlib.util import find_spec  # noqa: PLC0415  # as above

        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self)  # type: ignore[assignment]  # the same
        return spec

    def prepare(self, data: dict[str, Any]) -> dict[str, Any]:
        """Give a process that is being started a program, where it has none."""
        own = sys.modules.get(_MAIN)
        if own is None or own.__dict__ is not self._names or "init_main_from_path" in data:
            return data
        try:
            return {**data, "init_main_from_path": self._write()}
        except Exception:  # noqa: BLE001 - the user's classes have a part in it
            return data  # it has what any program without a file has

    def _write(self) -> str:
        from . import checkpoint  # noqa: PLC0415  # it imports cloudpickle, which few sessions need

        os.makedirs(self._folder, mode=0o700, exist_ok=True)  # noqa: PTH103 - as above
        only = _needed(self._names)
        checkpoint.save(self._names, _SAVED, self._key, folder=self._folder, most=MOST, only=only)
        path = f"{self._folder}/main.py"
        making = f"{path}.{threading.get_ident()}"
        program = _PROGRAM.format(kernel=_KERNEL, folder=self._folder, key=self._key.hex())
        file = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(file, program.encode())
        finally:
            os.close(file)
        os.replace(making, path)  # noqa: PTH105 - as above
        return path


def restore(names: dict[str, Any], folder: str, key: str) -> None:
    """In the process that was spawned: have what was saved, in its ``__main__``."""
    from . import checkpoint  # noqa: PLC0415  # as above

    sys.modules[_MAIN] = sys.modules.get(names["__name__"], sys.modules[_MAIN])
    checkpoint.load(names, _SAVED, bytes.fromhex(key), folder=folder)


class _Loader:
    """Loads the module as it is, and has it ask us."""

    def __init__(self, loader: Loader, spawning: Spawning) -> None:
        self._loader, self._spawning = loader, spawning

    def create_module(self, spec: ModuleSpec) -> types.ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        self._loader.exec_module(module)
        given, prepare = vars(module)["get_preparation_data"], self._spawning.prepare
        vars(module)["get_preparation_data"] = lambda name: prepare(given(name))


def _needed(names: dict[str, Any]) -> set[str]:
    """The functions and classes of the cells, and what of the session their code names."""
    kinds = (types.FunctionType, type, type(functools.cache(id)))
    own = {
        name: value
        for name, value in list(names.items())
        if isinstance(value, kinds) and value.__module__ == _MAIN
    }
    found = {*own}
    for value in own.values():
        for code in _codes(value):
            found.update(code.co_names)
    return found & names.keys()


def _codes(value: object) -> Iterator[types.CodeType]:
    """All code of a function, or of what a class defines; as far as it can be seen."""
    waiting: list[object] = [value]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, types.CodeType):
            yield one
            waiting.extend(one.co_consts)
        elif isinstance(one, type):
            waiting.extend(vars(one).values())
        elif isinstance(one, property):
            waiting.extend((one.fget, one.fset, one.fdel))
        else:
            inner = getattr(one, "__wrapped__", None) or getattr(one, "__func__", None)
            waiting.extend(filter(None, (inner, getattr(one, "__code__", None))))
