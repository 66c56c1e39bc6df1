"""Saves a session's namespace to a file and merges one back; what is restored is restored truly.

What cannot be kept is left out and listed by name, kind and reason. Loading a checkpoint runs code
that the checkpoint holds, so only a worker does it, after the file's MAC has been checked; this
module must never be called by the host. It imports the standard library only.
"""

from __future__ import annotations

import time
import types
from collections.abc import Collection
from typing import Any, Final

from .checkpoint_file import CheckpointError, pack, python_minor, read, unpack, write
from .checkpoint_kinds import once
from .checkpoint_pickler import dump, explain
from .checkpoint_reader import read as read_payload
from .namespace import INTERNAL

__all__ = ["CheckpointError", "load", "save"]

#: The largest checkpoint, in bytes, where nobody says otherwise.
MOST: Final = 1 << 30
_OURS: Final = __name__.rpartition(".")[0]


def save(
    namespace: dict[str, Any],
    path: str,
    key: bytes,
    *,
    folder: str | None = None,
    most: int = MOST,
    only: Collection[str] | None = None,
) -> dict[str, Any]:
    """Save what can be saved: ``{"size", "saved": [name], "lost": [{"name", "kind", "reason"}]}``.

    ``only`` these names, where that is said. ``path`` is a plain name in ``folder``, or a path
    whose last part is the name. A name that would make the payload larger than ``most`` bytes is
    lost. Raises CheckpointError; whatever happens, the file is the old one or the new one.
    """
    values = [
        (name, value)
        for name, value in list(namespace.items())
        if (only is None or name in only) and _is_of_user(name, value)
    ]
    payload, saved, lost, version = dump(values, namespace, most)
    kept = set(saved)
    manifest = {
        "python": python_minor(),
        "cloudpickle": version,
        "package": _OURS,
        "created": time.time(),
        "names": saved,
        "kinds": {name: type(value).__qualname__ for name, value in values if name in kept},
        "lost": lost,
    }
    data = pack(manifest, payload, key)
    write(path, folder, data)
    return {"size": len(data), "saved": saved, "lost": lost}


def load(
    namespace: dict[str, Any],
    path: str,
    key: bytes,
    *,
    folder: str | None = None,
    most: int = 2 * MOST,
) -> dict[str, Any]:
    """Merge a checkpoint into ``namespace``: ``{"restored": [name], "lost": [...]}``.

    ``lost`` lists what the checkpoint could not keep and what could not be made again here. Names
    that the checkpoint does not hold stay as they are. Raises CheckpointError with the namespace
    unchanged, and with nothing unpickled where the file itself is not to be trusted.
    """
    manifest, payload = unpack(read(path, folder, most), key)
    try:
        values, lost = read_payload(payload, manifest["names"], manifest["package"], namespace)
    except Exception as error:
        raise CheckpointError(f"the checkpoint cannot be read: {explain(error, None)}") from error
    values = {name: value for name, value in values.items() if _is_of_user(name, value)}
    namespace.update(values)
    return {"restored": list(values), "lost": [*manifest["lost"], *lost]}


def _is_of_user(name: str, value: object) -> bool:
    """Not what the session put there, such as ``display``; a standard stream by a name is."""
    special = name.startswith("__") and name.endswith("__")
    of_whom = value.__self__ if isinstance(value, types.MethodType) else value
    named = isinstance(of_whom, type | types.FunctionType)
    of = of_whom.__module__ if named else type(of_whom).__module__
    part = isinstance(of, str) and of.startswith(f"{_OURS}.")
    return not special and name not in INTERNAL and (not part or once(value) is not None)
