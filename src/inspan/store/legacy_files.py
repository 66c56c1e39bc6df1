"""Records out of files of other programs: JSON, JSON lines, CSV, SQLite.

It knows formats; what a column means is another's business. A file is opened for reading only.
"""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from inspan.errors import BadInput
from inspan.store.legacy_words import FIELDS, plain

_SQLITE: Final = b"SQLite format 3\0"
#: A text file is read as a whole; beyond this size, in bytes, it is better cut up first.
_LARGEST: Final = 256 << 20
#: Where an object holds the list of tasks.
_LISTS: Final = ("tasks", "jobs", "items", "todos", "data", "results", "records", "queue", "runs")
_SUFFIXES: Final = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One task as another program wrote it, and where it stands, as in ``line 3``."""

    where: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Records:
    """What a file holds. ``left_out`` names tables that do not look like tasks."""

    format: str
    records: tuple[Record, ...]
    left_out: tuple[str, ...] = ()


def read(path: Path) -> Records:
    """The records in ``path``, whose format is told by its content or its suffix.

    Raises:
        BadInput: it cannot be read, or is not valid; the line is named where there are lines.
    """
    try:
        with path.open("rb") as file:
            head = file.read(len(_SQLITE))
            if head == _SQLITE:
                return _sqlite(path)
            data = head + file.read(_LARGEST + 1 - len(head))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise BadInput(f"{path} is larger than {_LARGEST >> 20} MB; cut it up and import the parts")
    text = _decoded(path, data)
    match _SUFFIXES.get(path.suffix.lower()) or _guessed(text):
        case "json":
            return Records("JSON", tuple(_json(path, text)))
        case "jsonl":
            return Records("JSON lines", tuple(_json_lines(path, text)))
        case _:
            return Records("CSV", tuple(_csv(path, text)))


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{path}, line {line}: this is not UTF-8") from error


def _guessed(text: str) -> str:
    start = text.lstrip()[:1]
    if start == "[":
        return "json"
    if start != "{":
        return "csv"
    first, _, rest = text.strip().partition("\n")
    try:
        json.loads(first)
    except ValueError:
        return "json"
    return "jsonl" if rest else "json"


def _json(path: Path, text: str) -> Iterator[Record]:
    for number, item in enumerate(_items(path, _parsed(path, text, 1)), 1):
        if not isinstance(item, dict):
            raise BadInput(f"{path}, item {number}: this is not an object")
        yield Record(f"item {number}", item)


def _items(path: Path, document: Any) -> list[Any]:
    """The list of tasks, wherever it is in the document."""
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        for name, value in document.items():
            if plain(name) in _LISTS and isinstance(value, list):
                return value
        if document and all(isinstance(value, dict) for value in document.values()):
            return [{"id": name, **value} for name, value in document.items()]
        if _like_tasks(document):
            return [document]
    raise BadInput(f"{path}, line 1: there is no list of tasks in it")


def _json_lines(path: Path, text: str) -> Iterator[Record]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            item = _parsed(path, line, number)
            if not isinstance(item, dict):
                raise BadInput(f"{path}, line {number}: this is not an object")
            yield Record(f"line {number}", item)


def _parsed(path: Path, text: str, first: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = first + error.lineno - 1
        raise BadInput(f"{path}, line {line}: {error.msg} (column {error.colno})") from error
    except (ValueError, RecursionError):  # a number of thousands of digits, or brackets
        raise BadInput(f"{path}, line {first}: this is too large or nested too deeply") from None


def _csv(path: Path, text: str) -> Iterator[Record]:
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = next(reader, None)
        if not names or not _like_tasks(names):
            raise BadInput(f"{path}, line 1: these are not the names of columns of tasks")
        line = reader.line_num + 1
        for row in reader:
            if len(row) > len(names):
                raise BadInput(f"{path}, line {line}: {len(row)} fields under {len(names)} names")
            if row:
                yield Record(f"line {line}", dict(zip(names, row, strict=False)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadInput(f"{path}, line {reader.line_num}: {error}") from error


def _sqlite(path: Path) -> Records:
    found: list[Record] = []
    left_out = []
    try:
        # Where nobody has it open, ``immutable`` keeps SQLite from leaving files beside it.
        live = path.with_name(f"{path.name}-wal").exists()
        uri = f"{path.resolve().as_uri()}?mode=ro{'' if live else '&immutable=1'}"
        with closing(sqlite3.connect(uri, uri=True, timeout=1)) as connection:
            connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
            tables = connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ).fetchall()
            for (table,) in tables:
                rows = _table(connection, table)
                if rows is None:
                    left_out.append(table)
                else:
                    found += rows
    except sqlite3.Error as error:
        raise BadInput(f"{path} cannot be read: {error}") from error
    if len(left_out) == len(tables):
        raise BadInput(f"{path} has no table of tasks")
    return Records("SQLite", tuple(found), tuple(left_out))


def _table(connection: sqlite3.Connection, table: str) -> list[Record] | None:
    """The rows of a table, or ``None`` where its columns are not those of tasks."""
    quoted = '"' + table.replace('"', '""') + '"'
    # The name of somebody else's table cannot be a parameter; it is quoted as SQL wants it.
    cursor = connection.execute(f"SELECT * FROM {quoted}")  # noqa: S608
    names = [column[0] for column in cursor.description]
    if not _like_tasks(names):
        return None
    return [
        Record(f"{table} row {number}", dict(zip(names, row, strict=True)))
        for number, row in enumerate(cursor, 1)
    ]


def _like_tasks(names: Any) -> bool:
    """Something to do, and either how it stands or which one it is."""
    known = {plain(name) for name in names}
    work = {*FIELDS["name"], *FIELDS["command"], *FIELDS["prompt"]}
    return bool(known & work) and bool(
        known & {*FIELDS["state"], *FIELDS["done"], *FIELDS["id"], *FIELDS["command"]}
    )
