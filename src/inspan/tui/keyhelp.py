"""Which keys there are and what they do, read from what binds them, so that none is missing.

Whatever class of the screens binds a key is found; it may say by ``HELP_TITLE`` under which heading
that is told, and by ``HELP_MORE`` what is no binding. Pure: it looks at classes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import REPLACED_KEYS, key_to_character

#: By heading: keys, and what they do.
Sections: TypeAlias = dict[str, list[tuple[str, str]]]

_ROOM: Final = "inspan.tui"
_NAMED: Final = {
    "up": "↑", "down": "↓", "left": "←", "right": "→", "pageup": "PgUp", "pagedown": "PgDn",
    "escape": "Esc", "enter": "Enter", "space": "Space", "tab": "Tab", "home": "Home",
    "end": "End", "backspace": "Backspace", "delete": "Del",
}  # fmt: skip
_HELD: Final = {"ctrl": "Ctrl", "shift": "Shift", "alt": "Alt"}


def sections(shown: Iterable[type[Any]]) -> Sections:
    """Those of these classes first, and then all others."""
    found: Sections = {}
    told: set[type[Any]] = set()
    first = [base for kind in shown for base in kind.__mro__]
    for kind in [*first, *sorted(_all(DOMNode), key=_title)]:
        if kind not in told and kind.__module__.startswith(_ROOM):
            told.add(kind)
            its = [(keys, what[:1].lower() + what[1:]) for keys, what in _told(kind)]
            its = [pair for pair in its if pair not in found.get(_title(kind), ())]
            if its:
                found.setdefault(_title(kind), []).extend(its)
    return found


def _all(kind: type[Any]) -> Iterator[type[Any]]:
    seen: set[type[Any]] = set()
    left = [kind]
    while left:
        one = left.pop()
        if one not in seen:
            seen.add(one)
            left.extend(one.__subclasses__())
            yield one


def _title(kind: type[Any]) -> str:
    """What its keys are told under."""
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).capitalize()
    return str(getattr(kind, "HELP_TITLE", "") or words)


def _told(kind: type[Any]) -> Iterator[tuple[str, str]]:
    """Bindings of one action in one row, in the order in which they stand."""
    for binding in vars(kind).get("BINDINGS", ()):
        one = binding if isinstance(binding, Binding) else Binding(*binding)
        keys = " ".join(named(key.strip()) for key in one.key.split(","))
        yield keys, one.tooltip or one.description or one.action
    yield from vars(kind).get("HELP_MORE", ())


def named(key: str) -> str:
    """What a person calls a key that Textual has another name for."""
    *held, base = key.split("+")
    name = _NAMED.get(base) or key_to_character(REPLACED_KEYS.get(base, base)) or base
    name = name.upper() if held and len(name) == 1 else name
    return "-".join([*(_HELD.get(one, one) for one in held), name])
