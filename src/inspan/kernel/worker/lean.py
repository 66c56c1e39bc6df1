"""Imports asyncio without ``ssl``, which only TLS needs: 2 MB and 7 ms of every session.

asyncio asks for ssl when it is imported, and does without where there is none. So there is none
just then; afterwards a stand-in is where ssl would be, and loads it once something of it is wanted.
It must never be called in a process that is not a session's.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Final

_SSL: Final = "ssl"
#: Those of asyncio that ask for it.
_USERS: Final = ("base_events", "selector_events", "sslproto")


class _Later:
    """Stands in for ssl."""

    def __getattr__(self, name: str) -> Any:
        import ssl  # noqa: PLC0415  # what this is for

        users = _users()
        # As ``sslproto`` does it.
        users["sslproto"].SSLAgainErrors = (ssl.SSLWantReadError, ssl.SSLSyscallError)  # type: ignore[attr-defined]  # no part of its interface
        for user in users.values():
            if user.__dict__.get(_SSL) is self:
                user.__dict__[_SSL] = ssl
        return getattr(ssl, name)


def import_asyncio() -> None:
    """To be called before anything else that needs asyncio; where that is too late it does nothing.

    Raises ImportError as asyncio does.
    """
    if "asyncio" in sys.modules or _SSL in sys.modules:
        return
    sys.modules[_SSL] = None  # type: ignore[assignment]  # to the import system: there is none
    try:
        import asyncio  # noqa: F401, PLC0415  # what this is for
    finally:
        del sys.modules[_SSL]
    later = _Later()
    for user in _users().values():
        if user.__dict__.get(_SSL, later) is None:
            user.__dict__[_SSL] = later


def _users() -> dict[str, ModuleType]:
    return {name: sys.modules[f"asyncio.{name}"] for name in _USERS}
