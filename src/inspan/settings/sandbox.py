"""Sandboxes as people write them: the rules in the settings, and what a task file asks for.

A task file lies where agents write, so it can put a task into a sandbox and make that narrower,
and never the other way round. Mistakes are told with their lines.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from inspan.errors import BadInput
from inspan.model.sandbox import Network, Sandboxed, SandboxRules, TaskSandbox

if TYPE_CHECKING:
    from inspan.settings.lined import Lined

K = TypeVar("K", bound=StrEnum)
_Path = tuple[str | int, ...]
_RULES: Final = ("tasks", "network", "read", "write", "hide")
_TASK: Final = ("network", "read_only", "hide")


def rules(document: Lined, path: _Path, value: Any) -> SandboxRules:
    """The rules at ``path`` of the settings. Raises BadInput."""
    given = _known(document, path, value, _RULES)
    return SandboxRules(
        tasks=_word(document, (*path, "tasks"), given, Sandboxed, Sandboxed.NONE),
        network=_word(document, (*path, "network"), given, Network, Network.HOST),
        read=_paths(document, (*path, "read"), given),
        write=_paths(document, (*path, "write"), given),
        hide=_paths(document, (*path, "hide"), given),
    )


def of_task(
    document: Lined, path: _Path, value: Any, settings: SandboxRules, *, agent: bool
) -> TaskSandbox | None:
    """What a task file asks for: true, false, or how narrow. Raises BadInput."""
    if value is True:
        return TaskSandbox()
    if value is False:
        if settings.usual(agent=agent) is not None:
            raise BadInput(
                f"{document.at(*path)}: the settings put this task into a sandbox, and a task file"
                " does not take it out",
                hint="`inspan run --no-sandbox` does, for one task.",
            )
        return None
    given = _known(document, path, value, _TASK)
    network = _word(document, (*path, "network"), given, Network, settings.network)
    if network is Network.HOST and settings.network is Network.NONE:
        raise BadInput(
            f"{document.at(*path, 'network')}: the settings give sandboxes no network, and a task"
            " file does not give it one"
        )
    read_only = given.get("read_only", False)
    if not isinstance(read_only, bool):
        raise BadInput(f"{document.at(*path, 'read_only')}: it is neither true nor false")
    return TaskSandbox(
        network=network, read_only=read_only, hide=_paths(document, (*path, "hide"), given)
    )


def _known(document: Lined, path: _Path, value: Any, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInput(
            f"{document.at(*path)}: sandbox is not a mapping",
            hint=f"Known here: {', '.join(known)}.",
        )
    for key in value:
        if key in known:
            continue
        hint = f"Known here: {', '.join(known)}."
        if key in _RULES:
            hint += " What it may do beyond that stands in the settings."
        raise BadInput(f"{document.at(*path, str(key))}: {key!r} is not known here", hint=hint)
    return value


def _word(document: Lined, path: _Path, given: dict[str, Any], kind: type[K], otherwise: K) -> K:
    key = str(path[-1])
    if key not in given:
        return otherwise
    # `none` is how YAML writes nothing.
    word = "none" if given[key] is None else given[key]
    try:
        return kind(word)
    except ValueError:
        words = ", ".join(item.value for item in kind)
        raise BadInput(f"{document.at(*path)}: {key} is none of: {words}") from None


def _paths(document: Lined, path: _Path, given: dict[str, Any]) -> tuple[str, ...]:
    items = given.get(str(path[-1]), [])
    items = [items] if isinstance(items, str) else items
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise BadInput(f"{document.at(*path)}: it is not a list of paths")
    for item in items:
        if not (Path(item).is_absolute() or item == "~" or item.startswith("~/")) or "\0" in item:
            raise BadInput(
                f"{document.at(*path)}: {item!r} is not a whole path",
                hint="Begin it with / or, in your home, with ~/.",
            )
    return tuple(items)
