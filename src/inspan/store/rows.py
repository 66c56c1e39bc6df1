"""Our values as rows and back; it knows columns and JSON, never a connection.

What is searched for is a column of its own. The rest is JSON text made by ``model.plain``.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, Final, TypeAlias

from inspan.model.event import Event, Submitted
from inspan.model.plain import KIND, dump, load, load_fact
from inspan.model.task import Task, TaskSpec

Row: TypeAlias = tuple[Any, ...]

#: Fields of a task that have columns; the others are in its ``body``.
_COLUMNS: Final = ("id", "seq", "state", "correlation", "created_at", "ended_at", "spec")
_BODY: Final = tuple(
    (item.name, item.default) for item in fields(Task) if item.name not in _COLUMNS
)
#: Marks text that UTF-8 cannot hold, such as a file name of arbitrary bytes: JSON follows.
_ESCAPE: Final = "\x1a"
# NaN and infinity are no JSON: SQLite could not read them. Plain ASCII keeps lone surrogates.
_encode: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def text(value: str) -> str:
    """``value`` as text that SQLite takes; distinct values stay distinct."""
    if value.isascii() and not value.startswith(_ESCAPE):
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return _ESCAPE + _encode(value)
    return _ESCAPE + _encode(value) if value.startswith(_ESCAPE) else value


def untext(value: str) -> str:
    """What ``text`` was given."""
    if value.startswith(_ESCAPE):
        plain: str = json.loads(value[1:])
        return plain
    return value


def spec_json(spec: TaskSpec) -> str:
    """A spec as JSON."""
    return _encode(dump(spec))


def task_row(task: Task, spec: str, key: str | None, digest: str | None) -> Row:
    """The parameters of ``insert_task``; ``spec`` is what ``spec_json`` made."""
    return (
        task.id,
        task.id[::-1],
        task.seq,
        task.state.value,
        text(task.spec.role),
        text(task.spec.name),
        task.spec.priority,
        task.created_at,
        task.ended_at,
        text(task.correlation),
        None if key is None else text(key),
        digest,
        spec,
        _body(task),
    )


def task_update(task: Task) -> Row:
    """The parameters of ``update_task``."""
    return (task.seq, task.state.value, task.ended_at, _body(task), task.id)


def event_row(event: Event, spec: str | None) -> Row:
    """The parameters of ``insert_event``; ``spec`` as JSON where the event carries one."""
    fact = event.fact
    body = (
        f'{{"{KIND}":"{Submitted.kind}","spec":{spec}}}'
        if spec is not None
        else _encode(dump(fact))
    )
    return (event.seq, event.at, event.task, text(event.correlation), fact.kind, body)


def _body(task: Task) -> str:
    plain = {}
    for name, default in _BODY:
        value = getattr(task, name)
        if value is not default:
            plain[name] = dump(value)
    return _encode(plain)


def task_of(row: Row) -> Task:
    """The task of a row ``id, seq, state, correlation, created_at, ended_at, spec, body``."""
    plain = dict(zip(_COLUMNS, row[:6], strict=False))
    plain["correlation"] = untext(plain["correlation"])
    return load(Task, {**plain, "spec": json.loads(row[6]), **json.loads(row[7])})


def event_of(row: Row) -> Event:
    """The event of a row ``seq, at, task, correlation, body``."""
    seq, at, task, correlation, body = row
    return Event(seq, at, task, untext(correlation), load_fact(json.loads(body)))
