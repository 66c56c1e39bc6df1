"""Code sessions as rows and back, and the same in memory; it knows neither processes nor cells."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from inspan.engine.ports import Change
from inspan.model.code import CodeSession, asked_by
from inspan.model.plain import dump, load
from inspan.model.session import CodeState
from inspan.store.connection import transaction
from inspan.store.rows import text
from inspan.store.statements import statement

Row: TypeAlias = tuple[Any, ...]

_dumps: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_OVER: Final = CodeState.TERMINATED.value
#: Fields that are not stored: what they say is in the transcript, or true for a moment.
_LIVE: Final = ("cells", "pulse")


def row(session: CodeSession) -> Row:
    """The parameters of ``write_code_session``, without its key."""
    plain = dump(session)
    for live in _LIVE:
        plain.pop(live, None)
    name = session.spec.name
    return (
        session.id,
        None if name is None else text(name),
        session.state.value,
        session.created_at,
        session.ended_at,
        _dumps(plain),
    )


def of(body: str) -> CodeSession:
    """The session of a row's body."""
    return load(CodeSession, json.loads(body))


def rows(change: Change) -> list[Row]:
    """The parameters of ``write_code_session`` for each session of ``change``."""
    used = {owner: (text(key), digest) for key, (owner, digest) in change.keys.items()}
    return [(*row(session), *used.get(session.id, (None, None))) for session in change.code]


def strange(change: Change) -> list[str]:
    """Keys of ``change`` that belong to nothing it makes."""
    made = {*change.created, *(session.id for session in change.code)}
    return [key for key, (owner, _) in change.keys.items() if owner not in made]


# ── in the thread ─────────────────────────────────────────────────────────────


def write(connection: sqlite3.Connection, sessions: Sequence[Row]) -> None:
    """Within a transaction. Raises ``sqlite3`` errors."""
    if sessions:
        connection.executemany(statement("write_code_session"), sessions)


def sessions(connection: sqlite3.Connection, ended: bool) -> tuple[CodeSession, ...]:
    """First opened first."""
    name = "code_sessions" if ended else "open_code_sessions"
    return tuple(of(body) for (body,) in connection.execute(statement(name)))


def session(connection: sqlite3.Connection, ref: str) -> CodeSession | None:
    """By its id, or the newest of that name."""
    for name in ("get_code_session", "code_session_named"):
        for (body,) in connection.execute(statement(name), (text(ref),)):
            return of(body)
    return None


def forget(connection: sqlite3.Connection, gone: Sequence[str]) -> None:
    """Delete those of ``gone`` that are over, with what their code asked for and kept."""
    of_them = [
        {"session": one, "under": f"{asked_by(one)}/", "behind": f"{asked_by(one)}0"}
        for one in gone
    ]
    with transaction(connection):
        connection.executemany(statement("delete_promises_of_code"), of_them)
        connection.executemany(statement("delete_values_of_code"), of_them)
        connection.executemany(statement("delete_code_session"), [(one,) for one in gone])


# ── in memory ─────────────────────────────────────────────────────────────────


class MemoryCode:
    """Rows in a dictionary: what is read is never the object that was written."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}

    def write(self, change: Change) -> None:
        """Each as it is now."""
        for session in change.code:
            self._rows[session.id] = row(session)

    def forget(self, gone: Sequence[str]) -> list[str]:
        """Delete those of ``gone`` that are over; these."""
        over = [name for name in gone if name in self._rows and self._rows[name][2] == _OVER]
        for name in over:
            del self._rows[name]
        return over

    def sessions(self, *, ended: bool) -> tuple[CodeSession, ...]:
        """Those that are open, or all, oldest first."""
        return tuple(of(each[-1]) for each in self._in_order() if ended or each[2] != _OVER)

    def session(self, ref: str) -> CodeSession | None:
        """By its id, or the newest of that name."""
        if ref in self._rows:
            return of(self._rows[ref][-1])
        named = [each for each in self._in_order() if each[1] == text(ref)]
        return of(named[-1][-1]) if named else None

    def _in_order(self) -> list[Row]:
        return sorted(self._rows.values(), key=lambda each: (each[3], each[0]))
