"""What code keeps with its host, as rows and in memory; it knows neither who asks nor what for."""

from __future__ import annotations

import sqlite3

from inspan.engine.code.ports import Room
from inspan.store.connection import transaction
from inspan.store.rows import text
from inspan.store.statements import statement


def get(connection: sqlite3.Connection, space: str, key: str) -> str | None:
    """The JSON under a key."""
    for (value,) in connection.execute(statement("get_value"), (space, text(key))):
        found: str = value
        return found
    return None


def put(
    connection: sqlite3.Connection, space: str, key: str, value: str | None, room: Room
) -> bool:
    """Write it, or take it away; False where there is no room. Looks and writes in one piece."""
    with transaction(connection):
        if value is None:
            connection.execute(statement("delete_value"), (space, text(key)))
            return True
        beside = connection.execute(statement("values_beside"), (space, text(key))).fetchone()
        fits = room.fits(beside[0] + 1, beside[1] + len(text(key)) + len(value))
        if fits:
            connection.execute(statement("put_value"), (space, text(key), value))
        return fits


class MemoryValues:
    """The same in dictionaries."""

    def __init__(self) -> None:
        self._spaces: dict[str, dict[str, str]] = {}

    def get(self, space: str, key: str) -> str | None:
        """The JSON under a key."""
        return self._spaces.get(space, {}).get(text(key))

    def put(self, space: str, key: str, value: str | None, room: Room) -> bool:
        """Write it, or take it away; False where there is no room."""
        kept = self._spaces.setdefault(space, {})
        rest = {name: json for name, json in kept.items() if name != text(key)}
        if value is not None:
            rest[text(key)] = value
            if not room.fits(len(rest), sum(len(name) + len(json) for name, json in rest.items())):
                return False
        self._spaces[space] = rest
        return True

    def forget(self, space: str) -> None:
        """All of a session's own."""
        self._spaces.pop(space, None)
