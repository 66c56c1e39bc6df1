"""Fields of a settings file, each read or refused with its line; which they are is not known."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from inspan.errors import InspanError, SettingsInvalid
from inspan.settings.figures import duration
from inspan.settings.figures import size as bytes_of

if TYPE_CHECKING:
    from inspan.settings.lined import Lined


def section(document: Lined, path: tuple[str, ...], value: Any, known: Any) -> dict[str, Any]:
    """``value`` as a mapping with no key beyond ``known``."""
    if not isinstance(value, dict):
        raise SettingsInvalid(
            f"{document.at(*path)}: {'.'.join(path) or 'the file'} is not a mapping"
        )
    for key in value:
        if key not in known:
            names = ", ".join(sorted(known))
            raise SettingsInvalid(
                f"{document.at(*path, str(key))}: {key!r} is not known here",
                hint=f"Known here: {names}.",
            )
    return value


def whole(document: Lined, path: tuple[str, ...], value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SettingsInvalid(f"{document.at(*path)}: {'.'.join(path)} is not a number from 1 up")
    return int(value)


def one_of(document: Lined, path: tuple[str, ...], value: Any, kind: type[StrEnum]) -> StrEnum:
    try:
        return kind(value)
    except ValueError:
        words = ", ".join(item.value for item in kind)
        raise SettingsInvalid(
            f"{document.at(*path)}: {'.'.join(path)} is none of: {words}"
        ) from None


def seconds(document: Lined, path: tuple[str, ...], value: Any) -> float | None:
    try:
        return None if value is None else duration(str(value))
    except InspanError as error:
        raise SettingsInvalid(f"{document.at(*path)}: {error.message}", hint=error.hint) from error


def size(document: Lined, path: tuple[str, ...], value: Any) -> int | None:
    try:
        return None if value in (None, "none") else bytes_of(str(value))
    except InspanError as error:
        raise SettingsInvalid(f"{document.at(*path)}: {error.message}", hint=error.hint) from error


def words(document: Lined, path: tuple[str, ...], value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise SettingsInvalid(f"{document.at(*path)}: {'.'.join(path)} is not a list of names")
    return value
