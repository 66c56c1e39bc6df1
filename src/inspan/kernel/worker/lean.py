"""Imports a session's modules without what few sessions need: TLS, subprocesses, logging, typing.

asyncio and our own modules ask for these when they are imported, and use them later, if at all. A
stand-in is where each would be in them, and loads it once something of it is wanted; who imports
such a module itself gets the module. It must never be called in a process that is not a session's.
"""

from __future__ import annotations

import sys
from collections import namedtuple
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: asyncio does without it where there is none, so that there is none is what it is told.
_SSL = "ssl"
_LOGGING = "logging"


class _Later:
    """Stands in for a module."""

    #: The import system asks whether what it finds is whole: it is, as far as it goes.
    __spec__ = None

    def __init__(self, name: str, known: dict[str, Any]) -> None:
        self.__dict__.update(known, __name__=name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        own: str = self.__name__
        if sys.modules.get(own) is self:  # type: ignore[comparison-overlap]  # while asyncio is imported
            del sys.modules[own]
        __import__(own)
        module = sys.modules[own]
        _replace(self, module)
        return getattr(module, name)


class _Logger:
    """Stands in for a logger."""

    def __init__(self, name: str) -> None:
        self._name = name

    def debug(self, *what: object) -> None:
        """Nobody wants to know, unless logging was told so."""
        if _LOGGING in sys.modules:
            self.__getattr__("debug")(*what)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        logging = __import__(_LOGGING)
        logger = logging.getLogger(self._name)
        _replace(self, logger)
        return getattr(logger, name)


class _Word:
    """Stands in for what is said of types and never read."""

    def __getitem__(self, _: object) -> _Word:
        return self


class _Optional:
    def __class_getitem__(cls, kind: type) -> object:
        return kind | None


class _Fields(type):
    """Makes a named tuple of the body of a class."""

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
        if not bases:
            return super().__new__(cls, name, bases, body)
        fields: list[str] = [*body["__annotations__"]]
        given = [body[one] for one in fields if one in body]
        return namedtuple(name, fields, defaults=given, module=body["__module__"])  # noqa: PYI024 - the types are known elsewhere


class _NamedTuple(metaclass=_Fields):
    """Stands in for the base of classes that have fields and nothing else."""


def _extract_stack() -> Any:
    """Kept by asyncio's part in C, for its debug mode."""
    return __import__("traceback").extract_stack(sys._getframe().f_back)  # noqa: SLF001 - as that does


#: Each with what is taken from it while modules are imported; a test holds plain values against it.
_NEEDED_LATER: dict[str, dict[str, Any]] = {
    **{name: {} for name in ("asyncio.sslproto", "asyncio.staggered", "binascii")},
    **{name: {} for name in ("inspect", "json", "queue", "warnings")},
    "subprocess": {"PIPE": -1, "STDOUT": -2, "DEVNULL": -3},
    "traceback": {"extract_stack": _extract_stack},
    _LOGGING: {"DEBUG": 10, "getLogger": _Logger},
    "typing": dict.fromkeys(("Any", "Final", "Literal", "NoReturn"), _Word())
    | {"Protocol": object, "NamedTuple": _NamedTuple, "TYPE_CHECKING": False}
    | {"Optional": _Optional, "Type": type, "final": lambda kind: kind},
}


def stand_ins() -> AbstractContextManager[None]:
    """For as long as modules are imported."""
    return _in_place({name: _Later(name, known) for name, known in _NEEDED_LATER.items()})


def import_asyncio() -> None:
    """To be called before anything else that needs asyncio; where that is too late it does nothing.

    Raises ImportError as asyncio does.
    """
    if "asyncio" in sys.modules:
        return
    with _in_place({_SSL: None}):
        import asyncio  # noqa: F401, PLC0415  # what this is for
    tls = _Later(_SSL, {})
    for name, module in sys.modules.items():
        if name.startswith("asyncio.") and vars(module).get(_SSL, tls) is None:
            vars(module)[_SSL] = tls


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
                package, _, part = name.rpartition(".")
                if package in sys.modules:
                    vars(sys.modules[package])[part] = one


def settle() -> None:
    """Have what is loaded in the place of its stand-ins: who is forked then looks for none."""
    for user in _users():
        for name, value in [*user.items()]:
            if type(value) is _Later and value.__name__ in sys.modules:
                user[name] = sys.modules[value.__name__]


def _replace(stand_in: object, real: object) -> None:
    """Let all that have the one have the other.

    That looks at every name of theirs. So a module whose users are none of these has no stand-in:
    it would be looked for each time.
    """
    for user in _users():
        for name in [name for name, value in user.items() if value is stand_in]:
            user[name] = real


def _users() -> list[dict[str, Any]]:
    whose = ("asyncio.", "concurrent.futures.", f"{__package__}.")
    return [vars(module) for name, module in sys.modules.items() if name.startswith(whose)]
