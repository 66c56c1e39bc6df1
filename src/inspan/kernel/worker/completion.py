"""What could follow in a line of code, and what is known of a name, without running any of it.

What names mean is ``lookup``'s; this reads the code around the cursor. It never raises for what
the code is or its objects do.
"""

from __future__ import annotations

import builtins
import inspect as python_inspect
import keyword
import os
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

from . import lookup
from .lookup import MISSING, resolve
from .reprs import fitting, name_of, sane, text_of
from .scan import Place, callee, dotted, place_of

#: The most matches that are given, the longest repr of a value and the longest text on a name.
MOST_MATCHES: Final = 1000
MOST_VALUE: Final = 2000
MOST_TEXT: Final = 1 << 19

_STATEMENT: Final = r"(?:^|[;:\n])[ \t]*"
_IMPORT: Final = re.compile(_STATEMENT + r"import[ \t]+(?:[\w. \t]+,[ \t]*)*([\w.]*)$")
_FROM: Final = re.compile(_STATEMENT + r"from[ \t]+([\w.]*)$")
_FROM_IMPORT: Final = re.compile(
    _STATEMENT + r"from[ \t]+([\w.]+)[ \t]+import[ \t]*(?:\(\s*)?(?:[\w \t]+,\s*)*(\w*)$"
)
_ATTRIBUTE: Final = re.compile(r"\.\s*(\w*)$")
_WORD: Final = re.compile(r"\w*$")
_REST_OF_WORD: Final = re.compile(r"\w*")
_KEYED: Final = re.compile(r"\[\s*$")

Found = tuple[list[str], int]


def complete(code: str, cursor: int, namespace: Mapping[str, object]) -> tuple[list[str], int, int]:
    """What may replace ``code[start:end]``: the matches, start and end, in characters.

    Empty where nothing is known, or an object of the session's has raised instead of telling.
    """
    cursor = max(0, min(cursor, len(code)))
    try:
        matches, start = _matches(code[:cursor], namespace)
        return [sane(match) for match in matches[:MOST_MATCHES]], start, cursor
    except Exception:  # noqa: BLE001  # an object of the user's raised: nothing is known
        return [], cursor, cursor


def inspect(
    code: str, cursor: int, namespace: Mapping[str, object], detail: int = 0
) -> dict[str, str]:
    """What is known of the name at the cursor, or of the call around it, by MIME type.

    ``detail`` 1 adds the source. Empty as above.
    """
    cursor = max(0, min(cursor, len(code)))
    rest = _REST_OF_WORD.match(code, cursor)
    place = place_of(code[: rest.end() if rest else cursor])
    if place.comment:
        return {}
    path = dotted(place.code) if place.text < 0 else ""
    path = path or callee(place_of(code[:cursor]).code)
    try:
        value = resolve(path, namespace) if path else MISSING
        if value is MISSING:
            return {}
        return {"text/plain": fitting(_known(path, value, detail), MOST_TEXT)}
    except Exception:  # noqa: BLE001  # the same
        return {}


def _matches(before: str, namespace: Mapping[str, object]) -> Found:
    place = place_of(before)
    if place.comment:
        return [], len(before)
    if place.text >= 0:
        return _in_string(before, place, namespace)
    code = place.code
    if found := _FROM_IMPORT.search(code):
        return _fitting(lookup.members(found[1]), found[2]), found.start(2)
    if found := _IMPORT.search(code) or _FROM.search(code):
        path, _, last = found[1].rpartition(".")
        return _fitting(lookup.modules(path), last), len(code) - len(last)
    if found := _ATTRIBUTE.search(code):
        path = dotted(code[: found.start()])
        value = resolve(path, namespace) if path else MISSING
        known = [] if value is MISSING else _fitting(lookup.names(value), found[1])
        return known, found.start(1)
    start = _start(code)
    return [*_arguments(code, start, namespace), *_names(code[start:], namespace)], start


def _start(code: str) -> int:
    found = _WORD.search(code)
    return found.start() if found else len(code)


def _names(start: str, namespace: Mapping[str, object]) -> list[str]:
    known = {*list(namespace), *vars(builtins), *keyword.kwlist}
    return _fitting((name for name in known if isinstance(name, str)), start)


def _arguments(code: str, start: int, namespace: Mapping[str, object]) -> list[str]:
    """The parameters of the call that the cursor is in."""
    path = callee(code[:start])
    value = resolve(path, namespace) if path else MISSING
    if value is MISSING:
        return []
    try:
        names = lookup.parameters(value)
    except Exception:  # noqa: BLE001  # not every callable has a signature that Python can read
        return []
    return [f"{name}=" for name in names if name.startswith(code[start:])]


def _fitting(names: Iterable[str], start: str) -> list[str]:
    """Those that begin so, private ones last and only where they are meant."""
    hidden = "" if start.startswith("_") else "_"
    found = {n for n in names if n.startswith(start) and not (hidden and n.startswith(hidden))}
    return sorted(found, key=lambda name: (name.startswith("_"), name.lower(), name))


def _in_string(before: str, place: Place, namespace: Mapping[str, object]) -> Found:
    """Keys where the string stands in brackets, the code of an f-string's field, or files."""
    typed = before[place.text :]
    prefix = before[place.literal : place.text - len(place.quote)].lower()
    _, opened, field = typed.replace("{{", "  ").rpartition("{")
    if "f" in prefix and opened and "}" not in field:
        matches, start = _matches(field, namespace)
        return matches, len(before) - len(field) + start
    code = place.code[: place.literal]
    if keyed := _KEYED.search(code):
        path = dotted(code[: keyed.start()])
        value = resolve(path, namespace) if path else MISSING
        found = [] if value is MISSING else lookup.keys(value)
        plain = (key for key in found if repr(key)[1:-1] == key and place.quote[0] not in key)
        return sorted(key for key in plain if key.startswith(typed)), place.text
    return _files(typed, len(before))


def _files(typed: str, end: int) -> Found:
    """The files whose names begin so; folders end in a slash."""
    folder, slash, start = typed.rpartition("/")
    if "\\" in typed or "\n" in typed:
        return [], end
    try:
        with os.scandir(os.path.expanduser(folder + slash) or ".") as entries:  # noqa: PTH111  # of a str
            found = [
                entry.name + ("/" if entry.is_dir() else "")
                for entry in islice(entries, lookup.MOST)
                if entry.name.startswith(start) and (start or not entry.name.startswith("."))
            ]
    except (OSError, ValueError):
        return [], end
    return sorted(found), end - len(start)


def _known(path: str, value: object, detail: int) -> str:
    parts = [_headline(path, value), f"Type: {name_of(type(value))}"]
    if not callable(value) and not python_inspect.ismodule(value):
        parts.append(f"Value: {text_of(value, MOST_VALUE)}")
    doc = lookup.attribute(value, "__doc__")
    if isinstance(doc, str) and doc.strip():
        parts.append(f"\n{python_inspect.cleandoc(doc)}")
    if detail and (source := _source(value)):
        parts.append(f"\nSource:\n{source}")
    return sane("\n".join(part for part in parts if part))


def _headline(path: str, value: object) -> str:
    if not callable(value):
        return path
    try:
        return f"{path}{python_inspect.signature(value)}"
    except Exception:  # noqa: BLE001  # not every callable has a signature that Python can read
        return path


def _source(value: object) -> str:
    known = python_inspect.isroutine(value) or isinstance(value, type)
    try:
        return python_inspect.getsource(value if known else type(value))  # type: ignore[arg-type]  # a routine
    except Exception:  # noqa: BLE001  # what has no source says so in several ways
        return ""
