"""Rules for agents as people write them: three lists and a limit, in any of our YAML files.

``allow``, ``ask`` and ``deny`` are lists of ``TOOL``, ``TOOL:COMMAND`` or ``TOOL@PATH``, and
``expires`` is how long a question waits. Mistakes are told with their lines.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inspan.errors import BadInput
from inspan.model.permission import Decision, Policy, Rule, rule
from inspan.settings import figures

if TYPE_CHECKING:
    from inspan.settings.lined import Lined

_LISTS: Final = tuple(decision.value for decision in Decision)
_KNOWN: Final = (*_LISTS, "expires")
#: A file larger than this holds no rules.
_BYTES_MOST: Final = 1 << 20


def policy(
    document: Lined, path: tuple[str | int, ...], value: Any, expires: float | None
) -> Policy:
    """The rules at ``path``; ``expires`` where they name no limit. Raises BadInput."""
    if not isinstance(value, dict):
        raise BadInput(
            f"{document.at(*path)}: permissions is not a mapping",
            hint=f"Known here: {', '.join(_KNOWN)}.",
        )
    for key in value:
        if key not in _KNOWN:
            raise BadInput(
                f"{document.at(*path, str(key))}: {key!r} is not known here",
                hint=f"Known here: {', '.join(_KNOWN)}.",
            )
    if "expires" in value:
        expires = _limit(document, (*path, "expires"), value["expires"])
    rules = [
        made
        for decision in Decision
        for made in _rules(document, (*path, decision.value), value.get(decision.value), decision)
    ]
    return Policy(tuple(rules), expires)


def load(path: Path, expires: float | None) -> Policy:
    """The rules in a file of their own. Raises BadInput."""
    from inspan.settings import lined  # noqa: PLC0415 - only where there is a file

    try:
        with path.open("rb") as file:
            raw = file.read(_BYTES_MOST + 1)
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not valid UTF-8") from error
    except OSError as error:
        why = f"cannot read {path}: {error.strerror}"
        raise BadInput(why, hint="`--permissions FILE` names a file of rules.") from error
    if len(raw) > _BYTES_MOST:
        raise BadInput(f"{path} is too large for a file of rules")
    document = lined.read(text, str(path))
    return policy(document, (), document.value, expires)


def _rules(
    document: Lined, path: tuple[str | int, ...], value: Any, decision: Decision
) -> list[Rule]:
    items = [value] if isinstance(value, str) else value or []
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise BadInput(f"{document.at(*path)}: {decision.value} is not a list of rules")
    made = []
    for index, item in enumerate(items):
        try:
            made.append(rule(decision, item))
        except BadInput as error:
            raise BadInput(
                f"{document.at(*path, index)}: {error.message}", hint=error.hint
            ) from error
    return made


def _limit(document: Lined, path: tuple[str | int, ...], value: Any) -> float | None:
    try:
        return None if value is None else figures.duration(str(value))
    except BadInput as error:
        raise BadInput(f"{document.at(*path)}: {error.message}", hint=error.hint) from error
