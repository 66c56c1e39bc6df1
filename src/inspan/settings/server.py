"""Where the daemon listens, as people write it: in the settings, or beside ``up --listen``.

A mistake here is refused with its line, and the daemon does not start: a door that was meant to be
narrower than it came out is worse than none.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from inspan.errors import BadInput, InspanError, SettingsInvalid
from inspan.model.listen import Listen, listen_at, refuse_unsafe
from inspan.settings import fields

if TYPE_CHECKING:
    from inspan.settings.lined import Lined
    from inspan.settings.values import Settings

_PORT: Final = r"(:[0-9]{1,5})?"
_NAME: Final = r"(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)"
_HOST: Final = re.compile(_NAME + _PORT, re.ASCII)
_ORIGIN: Final = re.compile(r"https?://" + _NAME + _PORT, re.ASCII)
_KNOWN: Final = ("listen", "hosts", "origins", "tls")


def listen(document: Lined, path: tuple[str, ...], value: Any) -> Listen | None:
    """The section at ``path``; ``None`` where it names no address. Raises SettingsInvalid."""
    given = fields.section(document, path, value, _KNOWN)
    if given.get("listen") is None:
        return None
    tls = fields.section(document, (*path, "tls"), given.get("tls") or {}, ("cert", "key"))
    try:
        at = listen_at(str(given["listen"]))
        made = Listen(
            host=at.host,
            port=at.port,
            hosts=_each(given.get("hosts"), _HOST, "hosts: NAME or NAME:PORT, in small letters"),
            origins=_each(given.get("origins"), _ORIGIN, "origins: https://NAME, and no more"),
            cert=None if tls.get("cert") is None else str(tls["cert"]),
            key=None if tls.get("key") is None else str(tls["key"]),
        )
        refuse_unsafe(made)
    except InspanError as error:
        raise SettingsInvalid(f"{document.at(*path)}: {error.message}", hint=error.hint) from error
    return made


def listening_at(settings: Settings, text: str) -> Settings:
    """The settings with another address; names and certificate stay. Raises BadInput."""
    at = listen_at(text)
    made = replace(settings.listen, host=at.host, port=at.port) if settings.listen else at
    refuse_unsafe(made)
    return replace(settings, listen=made)


def _each(given: Any, pattern: re.Pattern[str], what: str) -> tuple[str, ...]:
    items = [] if given is None else given
    if not isinstance(items, list) or not all(
        isinstance(item, str) and pattern.fullmatch(item) for item in items
    ):
        raise BadInput(f"not a list of {what}")
    return tuple(items)
