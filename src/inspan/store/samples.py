"""What the monitor has measured, as rows; it does not know what they say."""

from __future__ import annotations

import sqlite3

from inspan.store.connection import transaction
from inspan.store.statements import statement


def put(connection: sqlite3.Connection, at: float, span: float, body: str, keep: float) -> None:
    """Write the span that ends ``at``, and let go of those that end before ``keep``."""
    with transaction(connection):
        connection.execute(statement("put_sample"), (at, span, body))
        connection.execute(statement("delete_samples"), (keep,))


def get(connection: sqlite3.Connection, since: float, until: float) -> tuple[str, ...]:
    """The spans that end after ``since`` and begin before ``until``, oldest first."""
    asked = {"since": since, "until": until}
    return tuple(body for (body,) in connection.execute(statement("get_samples"), asked))
