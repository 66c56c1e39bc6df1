"""``store.get`` and ``store.put``: what code keeps with its host, under a key.

The grant ``store`` is a space of the session's own, which is forgotten with it; ``store=NAME`` is a
space that sessions share who are granted the same name, and that outlives them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from inspan.engine.code.asks import Ask
from inspan.engine.code.ports import CodeStore, Room
from inspan.errors import BadInput, InputFull
from inspan.model.value import value

#: Of a value, in bytes of ASCII JSON.
VALUE_MOST: Final = 1 << 16
#: Of a space.
ROOM: Final = Room(keys=1000, size=4 << 20)
#: Of a key, in characters.
_KEY_MOST: Final = 256
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@value(frozen=True)
class _Keeping:
    """What both have."""

    store: CodeStore
    grant: ClassVar[str] = "store"
    word: ClassVar[str] = "store"

    def check(self, given: Sequence[str]) -> None:
        """One space. Raises BadInput."""
        if len(given) > 1:
            raise BadInput("'store' is granted once: for the session alone, or by a name")
        for name in given:
            if name and not _NAME.fullmatch(name):
                raise BadInput(
                    f"'store={name:.100}': letters, digits, '.', '_' and '-' make a name"
                )


class Get(_Keeping):
    """``store.get``: ``key``."""

    name: ClassVar[str] = "store.get"

    async def asked(self, ask: Ask) -> Any:
        """What was put there last; ``None`` where nothing is."""
        value = await self.store.value(_space(ask), _key(ask.fields(("key",))))
        return None if value is None else json.loads(value)


class Put(_Keeping):
    """``store.put``: ``key`` and ``value``; ``None`` takes away what is there."""

    name: ClassVar[str] = "store.put"

    async def asked(self, ask: Ask) -> Any:
        """Nothing. Raises InputFull."""
        said = ask.fields(("key", "value"))
        key = _key(said)
        value = None if said.get("value") is None else json.dumps(said["value"])
        if value is not None and len(value) > VALUE_MOST:
            raise BadInput(f"'value' has {len(value)} bytes, and {VALUE_MOST} are the most")
        if not await self.store.put_value(_space(ask), key, value, ROOM):
            raise InputFull(f"No room: {ROOM.keys} keys and {ROOM.size >> 20} MiB are the most.")


def _space(ask: Ask) -> str:
    (name,) = ask.given
    return f"shared:{name}" if name else ask.place.session.id


def _key(said: dict[str, Any]) -> str:
    key = said.get("key")
    if not isinstance(key, str) or not 0 < len(key) <= _KEY_MOST:
        raise BadInput(f"'key' is text of 1 to {_KEY_MOST} characters")
    return key
