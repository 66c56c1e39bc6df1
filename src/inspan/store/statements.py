"""The named statements of ``queries.sql``; it knows names and text, never what they are for."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def statement(name: str) -> str:
    """The SQL under ``-- name: <name>``. Raises KeyError for a name that is not there."""
    return _all()[name]


@cache
def statement_of(name: str, rows: int) -> str:
    """An ``INSERT`` of one row as one of so many. Raises KeyError, and ValueError for any other."""
    into, values, row = statement(name).partition("VALUES")
    if not into.startswith("INSERT") or not values:
        raise ValueError(f"{name} inserts no row")
    return f"{into}{values}{','.join([row.rstrip(';')] * rows)};"


@cache
def _all() -> dict[str, str]:
    text = Path(__file__).with_name("queries.sql").read_text(encoding="utf-8")
    _, *pieces = _NAME.split(text)
    return {
        name: "\n".join(line for line in body.splitlines() if not line.startswith("--")).strip()
        for name, body in zip(pieces[::2], pieces[1::2], strict=True)
    }
