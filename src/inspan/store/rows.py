"""Our values as rows and back; it knows columns and JSON, never a connection.

What is searched for is a column of its own. The rest is JSON text made by ``model.plain``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final, TypeAlias

from inspan.model.event import Event
from inspan.model.plain import MADE_BY, encoder, load, load_fact, shallow, shallow_without
from inspan.model.task import Task

Row: TypeAlias = tuple[Any, ...]

#: Fields of a task that are elsewhere: in columns and, the last, in its first event.
_COLUMNS: Final = ("id", "seq", "state", "correlation", "created_at", "ended_at", "spec")
#: Marks text that UTF-8 cannot hold, such as a file name of arbitrary bytes: JSON follows.
_ESCAPE: Final = "\x1a"


#: NaN and infinity are refused: they are no JSON, and SQLite could not read them. The text is
#: plain ASCII, which keeps lone surrogates.
_encode: Final = encoder(MADE_BY, allow_nan=False)


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


def task_row(task: Task, key: str | None, digest: str | None) -> Row:
    """The parameters of ``insert_task``."""
    return (
        task.id,
        *search_columns(task),
        task.seq,
        task.state.value,
        task.created_at,
        task.ended_at,
        text(task.correlation),
        None if key is None else text(key),
        digest,
        _body(task),
    )


def search_columns(task: Task) -> Row:
    """What a task is found by: ``tail, role, name, priority``."""
    return (task.id[::-1], text(task.spec.role), text(task.spec.name), task.spec.priority)


def task_update(task: Task) -> Row:
    """The parameters of ``update_task``."""
    return (task.seq, task.state.value, task.ended_at, _body(task), task.id)


def event_row(event: Event) -> Row:
    """The parameters of ``insert_event``."""
    fact = event.fact
    return (
        event.seq,
        event.at,
        event.task,
        text(event.correlation),
        fact.kind,
        _encode(shallow(fact)),
    )


def _body(task: Task) -> str:
    return _encode(shallow_without(Task, _COLUMNS)(task))


def task_of(row: Row) -> Task:
    """The task of a row ``id, seq, state, correlation, created_at, ended_at, body, first``.

    ``first`` is the body of the event that submitted it.
    """
    *columns, body, first = row
    plain = dict(zip(_COLUMNS, columns, strict=False))
    plain["correlation"] = untext(plain["correlation"])
    task = load(Task, {**plain, "spec": json.loads(first)["spec"], **json.loads(body)})
    if task.handed is None:
        return task
    return replace(task, spec=task.handed.applied(task.spec))


def event_of(row: Row) -> Event:
    """The event of a row ``seq, at, task, correlation, body``."""
    seq, at, task, correlation, body = row
    return Event(seq, at, task, untext(correlation), load_fact(json.loads(body)))
