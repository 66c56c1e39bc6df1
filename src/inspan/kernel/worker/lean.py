"""Imports asyncio without what few sessions need of it: TLS, subprocesses, the reading of code.

asyncio asks for these modules when it is imported, and uses them later, if at all. A stand-in is
where each would be in asyncio, and loads it once something of it is wanted; who imports such a
module itself gets the module. It must never be called in a process that is not a session's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

#: Each with what asyncio takes from it while it is imported; a test holds that against the module.
_NEEDED_LATER: Final[dict[str, dict[str, int]]] = {
    "inspect": {},
    "subprocess": {"PIPE": -1, "STDOUT": -2, "DEVNULL": -3},
}
#: asyncio does without it where there is none, so that there is none is what it is told.
_SSL: Final = "ssl"


class _Later:
    """Stands in for a module."""

    #: The import system asks whether what it finds is whole: it is, as far as it goes.
    __spec__ = None

    def __init__(self, name: str, known: dict[str, int]) -> None:
        self.__dict__.update(known, __name__=name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        own = self.__name__
        if sys.modules.get(own) is self:  # type: ignore[comparison-overlap]  # while asyncio is imported
            del sys.modules[own]
        module = __import__(own)
        for user in _users():
            if user.__dict__.get(own) is self:
                user.__dict__[own] = module
        if own == _SSL:
            # As ``sslproto`` does it.
            errors = (module.SSLWantReadError, module.SSLSyscallError)
            sys.modules["asyncio.sslproto"].SSLAgainErrors = errors  # type: ignore[attr-defined]  # no part of its interface
        return getattr(module, name)


def import_asyncio() -> None:
    """To be called before anything else that needs asyncio; where that is too late it does nothing.

    Raises ImportError as asyncio does.
    """
    if "asyncio" in sys.modules:
        return
    later: dict[str, Any] = {name: _Later(name, known) for name, known in _NEEDED_LATER.items()}
    with _in_place({**later, _SSL: None}):
        import asyncio  # noqa: F401, PLC0415  # what this is for
    tls = _Later(_SSL, {})
    for user in _users():
        if user.__dict__.get(_SSL, tls) is None:
            user.__dict__[_SSL] = tls


@contextmanager
def _in_place(standing: dict[str, Any]) -> Iterator[None]:
    """Have these for modules that are not loaded yet; who asks for one meanwhile keeps it."""
    mine = {name: one for name, one in standing.items() if name not in sys.modules}
    sys.modules.update(mine)
    try:
        yield
    finally:
        for name, one in mine.items():
            if sys.modules.get(name, standing) is one:
                del sys.modules[name]


def _users() -> list[ModuleType]:
    return [module for name, module in sys.modules.items() if name.startswith("asyncio.")]
