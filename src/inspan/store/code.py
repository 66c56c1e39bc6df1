"""Code sessions as rows and back, and the same in memory; it knows neither processes nor cells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from inspan.engine.ports import Change
from inspan.errors import StoreFailed
from inspan.model.code import CodeSession
from inspan.model.plain import dump, load
from inspan.model.session import CodeState
from inspan.store.rows import text

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


def keys(change: Change, tasks: frozenset[str]) -> Mapping[str, tuple[str, str]]:
    """The keys of ``change`` that made one of its sessions: id → (key, digest).

    Raises StoreFailed where one belongs to neither a session nor one of ``tasks``.
    """
    made = {session.id for session in change.code}
    found: dict[str, tuple[str, str]] = {}
    for key, (owner, digest) in change.keys.items():
        if owner in made:
            found[owner] = (key, digest)
        elif owner not in tasks:
            raise StoreFailed(f"the key {key!r} belongs to nothing of its change")
    return found


# ── in memory ─────────────────────────────────────────────────────────────────


class MemoryCode:
    """Rows in a dictionary: what is read is never the object that was written."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}

    def write(self, change: Change) -> None:
        """Each as it is now."""
        for session in change.code:
            self._rows[session.id] = row(session)

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
