r"""The names that a rule file gives to patterns, and what stands in the place of a name.

::

    [patterns]
    mark = '[❯›>]'
    consent = '(?i:yes|ok|allow)'
    marked-consent = '^ *{{mark}} ?{{consent}}\b'

``{{mark}}`` in a pattern is that pattern, as a part by itself; no regular expression has a need of
two braces. A named pattern is built of others, but of none that is built of it, and has no group of
its own to capture, so that group 1 is what the rule says it is. It knows no rule and no region.
"""

from __future__ import annotations

import re
from typing import Final

from inspan.terminal.rulevalues import Where, word

NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
NAMES_MOST: Final = 200
#: The most characters of a pattern as it is written, and with all names resolved.
PATTERN_MOST: Final = 500
FILLED_MOST: Final = 4000
_USED: Final = re.compile(r"\{\{(.*?)\}\}")


def named(told: object, where: Where) -> dict[str, object]:
    """A table of names that a file gives; empty where there is none."""
    if not isinstance(told, dict) or len(told) > NAMES_MOST:
        raise where.wrong(f"this is a table of at most {NAMES_MOST} names")
    for name in told:
        if not NAME.fullmatch(name):
            raise where.at(name).wrong("a name is small letters, digits and single dashes")
    return told


class Names:
    """The named patterns of one file. Raises BadInput for what is wrong with one of them."""

    def __init__(self, told: object, where: Where) -> None:
        self._told = named(told, where)
        self._where = where
        self._filled: dict[str, str] = {}
        self._used: set[str] = set()
        for name in self._told:
            self._named(name, ())

    def regex(self, told: object, where: Where) -> re.Pattern[str]:
        """The regular expression that ``told`` is, names and all."""
        return _compiled(self._fill(_written(told, where), where, ()), where)

    def all_used(self) -> None:
        """Raises BadInput for a name that nothing uses."""
        for name in self._told:
            if name not in self._used:
                raise self._where.at(name).wrong("nothing uses this pattern")

    def _named(self, name: str, within: tuple[str, ...]) -> str:
        """What stands for a name that is used ``within`` others."""
        where = self._where.at(name)
        if name in within:
            circle = " → ".join((*within[within.index(name) :], name))
            raise where.wrong(f"this pattern is built of itself: {circle}")
        if name not in self._filled:
            text = self._fill(_written(self._told[name], where), where, (*within, name))
            if _compiled(text, where).groups:
                raise where.wrong("a named pattern captures nothing: write (?:…) for (…)")
            # Once more as a part, of which flags for all of a pattern are none.
            self._filled[name] = _compiled(f"(?:{text})", where).pattern
        return self._filled[name]

    def _fill(self, text: str, where: Where, within: tuple[str, ...]) -> str:
        """The text with what its names stand for."""

        def meant(found: re.Match[str]) -> str:
            if found[1] not in self._told:
                raise where.wrong(f"there is no pattern named {found[1]!r} in [patterns]")
            self._used.add(found[1])
            return self._named(found[1], within)

        filled = _USED.sub(meant, text)
        if len(filled) > FILLED_MOST:
            raise where.wrong(f"a pattern is at most {FILLED_MOST} characters, names resolved")
        return filled


def _written(told: object, where: Where) -> str:
    text = word(told, where)
    if len(text) > PATTERN_MOST:
        raise where.wrong(f"a pattern is at most {PATTERN_MOST} characters")
    return text


def _compiled(text: str, where: Where) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise where.wrong(f"this is no regular expression: {error}") from error
