"""inspan: runs and supervises command-line agents, durably and many at once.

    async with inspan.open() as control:
        task = await control.submit(inspan.TaskSpec(command=("pytest", "-q"), cwd="."))

What is named here is the public surface; everything is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspan import sync
    from inspan.control import Control, EventQuery, TaskPage, TaskQuery
    from inspan.durability import DurableContext, durable
    from inspan.errors import InspanError
    from inspan.library import code, code_pool, open, spec, wait  # noqa: A004 - read as inspan.open
    from inspan.model.event import Event
    from inspan.model.patience import Backoff
    from inspan.model.task import Patience, Task, TaskSpec, TaskState, is_active, is_terminal

__version__ = "0.1.0"

__all__ = [
    "Backoff",
    "Control",
    "DurableContext",
    "Event",
    "EventQuery",
    "InspanError",
    "Patience",
    "Task",
    "TaskPage",
    "TaskQuery",
    "TaskSpec",
    "TaskState",
    "code",
    "code_pool",
    "durable",
    "is_active",
    "is_terminal",
    "open",
    "spec",
    "sync",
    "wait",
]

_HOME = {
    "inspan.control": ("Control", "EventQuery", "TaskPage", "TaskQuery"),
    "inspan.durability": ("DurableContext", "durable"),
    "inspan.errors": ("InspanError",),
    "inspan.library": ("code", "code_pool", "open", "spec", "wait"),
    "inspan.model.event": ("Event",),
    "inspan.model.patience": ("Backoff",),
    "inspan.model.task": (
        "Patience",
        "Task",
        "TaskSpec",
        "TaskState",
        "is_active",
        "is_terminal",
    ),
}
_WHERE = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "sync":
        return import_module("inspan.sync")
    try:
        module = import_module(_WHERE[name])
    except KeyError:
        raise AttributeError(f"inspan has no {name!r}") from None
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
