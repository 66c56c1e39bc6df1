"""Our values as JSON for programs: every field, defaults too, so that a reader need not know them.

The environment of a task or session may hold secrets, so only its names are told.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from inspan.model import ids
from inspan.model.code import CodeEvent, CodeSession, CodeSpec
from inspan.model.event import Event
from inspan.model.task import Task, TaskSpec
from inspan.model.value import fields_of


def full(value: Any) -> Any:
    """``value`` as str, int, float, bool, None, list and dict."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): full(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [full(item) for item in value]
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    names = _names(type(value))
    if names is None:
        return value if isinstance(value, str | int | float | bool | None) else str(value)
    plain = {name: full(getattr(value, name)) for name in names}
    if isinstance(value, TaskSpec | CodeSpec):
        plain["env"] = sorted(value.env)
    if isinstance(value, Task | CodeSession):
        plain = {"id": value.id, "short": ids.short(value.id), **plain}
    if isinstance(value, Event):
        plain = {"seq": value.seq, "kind": value.kind, **plain}
    if isinstance(value, CodeEvent):
        plain = {"seq": value.seq, "kind": value.fact.kind, **plain}
    return plain


def _names(kind: type) -> list[str] | None:
    """Of the fields of a class; ``None`` for one that has none."""
    own = fields_of(kind)
    if own is not None:
        return [item.name for item in own]
    if not hasattr(kind, "__dataclass_fields__"):
        return None
    from dataclasses import fields  # 10 ms, for what few commands print

    return [item.name for item in fields(kind)]
