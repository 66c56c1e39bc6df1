"""Single values of a rule file: tables, words, numbers; what is wrong is told with where it is.

It knows no field and no rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from inspan.errors import BadInput
from inspan.model.value import value


@value(frozen=True)
class Where:
    """What is being read, for the error."""

    file: str
    rule: str = ""
    field: str = ""

    def at(self, field: str) -> Where:
        """A field of it."""
        return Where(self.file, self.rule, f"{self.field}.{field}" if self.field else field)

    def wrong(self, what: str) -> BadInput:
        """The error that says so."""
        named = (self.file, self.rule and f"rule {self.rule}", self.field)
        return BadInput(f"{', '.join(filter(None, named))}: {what}")


def table(told: object, fields: frozenset[str], where: Where) -> dict[str, Any]:
    """A table that has none but these fields."""
    if not isinstance(told, dict):
        raise where.wrong("this is no table")
    only(told, fields, where)
    return told


def only(told: dict[str, Any], fields: frozenset[str], where: Where) -> None:
    """Raises BadInput for a field that there is not."""
    for key in told:
        if key not in fields:
            raise where.at(key).wrong(
                f"there is no such field; there are {', '.join(sorted(fields))}"
            )


def word(told: object, where: Where) -> str:
    """Text with something in it."""
    if not isinstance(told, str) or not told:
        raise where.wrong("this is text, and not empty")
    return told


def one_of(told: object, words: Iterable[str], where: Where, field: str) -> str:
    """One of these words."""
    if not isinstance(told, str) or told not in words:
        raise where.at(field).wrong(f"this is one of {', '.join(words)}")
    return told


def number(told: object, where: Where, *, whole: bool = False) -> Any:
    """A number from 0 to 10000."""
    fits = isinstance(told, int) or (isinstance(told, float) and not whole)
    if isinstance(told, bool) or not fits or not 0 <= told <= 10_000:  # type: ignore[operator]  # a number by now
        raise where.wrong(f"this is a {'whole ' * whole}number from 0 to 10000")
    return told
