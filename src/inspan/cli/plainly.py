"""Our values as JSON for programs: every field, defaults too, so that a reader need not know them.

The environment of a task or session may hold secrets, so only its names are told.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from inspan.model import ids
from inspan.model.code import CodeEvent, CodeSession, CodeSpec
from inspan.model.event import Event
from inspan.model.task import Task, TaskSpec


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
    if not is_dataclass(value):
        return value if isinstance(value, str | int | float | bool | None) else str(value)
    plain = {item.name: full(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, TaskSpec | CodeSpec):
        plain["env"] = sorted(value.env)
    if isinstance(value, Task | CodeSession):
        plain = {"id": value.id, "short": ids.short(value.id), **plain}
    if isinstance(value, Event):
        plain = {"seq": value.seq, "kind": value.kind, **plain}
    if isinstance(value, CodeEvent):
        plain = {"seq": value.seq, "kind": value.fact.kind, **plain}
    return plain
