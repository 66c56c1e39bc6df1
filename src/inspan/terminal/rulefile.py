r"""Reads rulebooks from TOML; what is wrong is told with the file, the rule and the field.

::

    agent = "example"
    confidence = "likely"                       # or "guess"

    [[rule]]
    id = "permission"
    kind = "waiting"                            # working, waiting or idle
    priority = 80                               # higher first; equal ones as they are written
    region = "after_last_horizontal_rule"       # where its patterns look, if they do not say
    all = ['Do you want to (.+)\?', { region = "osc_title", match = '^✳ ' }]
    any = []
    none = ['esc to interrupt']
    screen = "alternate"                        # or "primary"; either where it is left out
    cursor = "shown"                            # or "hidden"; either where it is left out
    still = 0.5                                 # seconds without a change before it begins
    moves = 1.5                                 # seconds of motion before it begins, and only in it
    holds = 30                                  # seconds without a change until it fits no more
    [rule.asks]                                 # of one that is waiting, and of no other
    kind = "permission"                         # permission, question or prompt
    question = '…'                              # how to read what is asked, and what is offered
    options = '^\s*\d\. (.+)'
    allow = { keys = "1", option = '^Yes$' }    # what allows, where there is such an option
    deny = "\u001b"                             # what denies
    menu = true                                 # Enter after a line would choose what is marked

A file is our own or its user's, and no program writes it: patterns are trusted to be sensible, and
bounded all the same.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from inspan.errors import BadInput
from inspan.model.activity import Confidence, Doing
from inspan.terminal.announce import KINDS
from inspan.terminal.rules import COUNTED, Asks, Pattern, Place, Region, Rule, Rulebook

FILE_MOST: Final = 1 << 16
RULES_MOST: Final = 100
PATTERNS_MOST: Final = 20
PATTERN_MOST: Final = 500
_BOTTOM: Final = re.compile(r"(bottom_lines|bottom_words)\(([1-9][0-9]?)\)")
_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_FILE_FIELDS: Final = frozenset({"agent", "confidence", "rule"})
_RULE_FIELDS: Final = frozenset(
    {
        "id",
        "kind",
        "priority",
        "region",
        "all",
        "any",
        "none",
        "screen",
        "cursor",
        "still",
        "moves",
        "holds",
        "asks",
    }
)
_PATTERN_FIELDS: Final = frozenset({"region", "match"})
_ASKS_FIELDS: Final = frozenset({"kind", "question", "options", "allow", "deny", "menu"})
_ALLOW_FIELDS: Final = frozenset({"keys", "option"})
_DOING: Final = ("working", "waiting", "idle")
_SCREENS: Final = {"primary": False, "alternate": True}
_CURSORS: Final = {"shown": False, "hidden": True}


@dataclass(frozen=True, slots=True)
class _Where:
    """What is being read, for the error."""

    file: str
    rule: str = ""
    field: str = ""

    def at(self, field: str) -> _Where:
        return _Where(self.file, self.rule, f"{self.field}.{field}" if self.field else field)

    def wrong(self, what: str) -> BadInput:
        named = (self.file, self.rule and f"rule {self.rule}", self.field)
        return BadInput(f"{', '.join(filter(None, named))}: {what}")


def parse(text: str, file: str) -> Rulebook:
    """The rulebook that ``text`` is; ``file`` is its name in errors. Raises BadInput."""
    where = _Where(file)
    if len(text) > FILE_MOST:
        raise where.wrong(f"a file is at most {FILE_MOST} characters")
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise where.wrong(f"this is no TOML: {error}") from error
    _only(told, _FILE_FIELDS, where)
    name = _word(told.get("agent"), where.at("agent"))
    if not _ID.fullmatch(name):
        raise where.at("agent").wrong("a name is small letters, digits and single dashes")
    confidence = _one_of(told.get("confidence", "likely"), ("likely", "guess"), where, "confidence")
    listed = told.get("rule")
    if not isinstance(listed, list) or not 1 <= len(listed) <= RULES_MOST:
        raise where.at("rule").wrong(f"a file has 1 to {RULES_MOST} tables [[rule]]")
    rules = [_rule(item, file, number) for number, item in enumerate(listed, 1)]
    for rule in rules:
        if sum(other.id == rule.id for other in rules) > 1:
            raise _Where(file, rule.id, "id").wrong("another rule has the same")
    rules.sort(key=lambda rule: -rule.priority)
    return Rulebook(name, tuple(rules), Confidence(confidence))


def _rule(told: object, file: str, number: int) -> Rule:
    where = _Where(file, f"{number}")
    table = _table(told, _RULE_FIELDS, where)
    name = _word(table.get("id"), where.at("id"))
    if not _ID.fullmatch(name):
        raise where.at("id").wrong("an id is small letters, digits and single dashes")
    where = _Where(file, name)
    region = _region(table["region"], where.at("region")) if "region" in table else None
    doing = Doing(_one_of(table.get("kind"), _DOING, where, "kind"))
    lists = {key: _patterns(table.get(key, []), region, where.at(key)) for key in ("all", "any")}
    if not any(lists.values()):
        raise where.wrong("it has neither `all` nor `any`, and would fit every screen")
    if ("asks" in table) != (doing is Doing.WAITING):
        raise where.at("asks").wrong("a rule of kind waiting says what is asked, and no other does")
    screen = _one_of(table["screen"], _SCREENS, where, "screen") if "screen" in table else None
    cursor = _one_of(table["cursor"], _CURSORS, where, "cursor") if "cursor" in table else None
    return Rule(
        id=name,
        doing=doing,
        priority=_number(table.get("priority", 0), where.at("priority"), whole=True),
        all=lists["all"],
        any=lists["any"],
        none=_patterns(table.get("none", []), region, where.at("none")),
        alternate=None if screen is None else _SCREENS[screen],
        hidden=None if cursor is None else _CURSORS[cursor],
        still=_number(table.get("still", 0), where.at("still")),
        moves=_number(table.get("moves", 0), where.at("moves")),
        holds=_number(table["holds"], where.at("holds")) if "holds" in table else inf,
        asks=_asks(table["asks"], region, where.at("asks")) if "asks" in table else None,
    )


def _asks(told: object, region: Region | None, where: _Where) -> Asks:
    table = _table(told, _ASKS_FIELDS, where)
    kind = _one_of(table.get("kind"), KINDS, where, "kind")
    found = {
        key: _pattern(table[key], region, where.at(key))
        for key in ("question", "options")
        if key in table
    }
    menu = table.get("menu", False)
    if not isinstance(menu, bool):
        raise where.at("menu").wrong("this is true or false")
    allow = _table(table.get("allow", {}), _ALLOW_FIELDS, where.at("allow"))
    once = allow.get("option")
    return Asks(
        kind,
        question=found.get("question"),
        options=found.get("options"),
        allow=_word(allow.get("keys"), where.at("allow.keys")) if allow else "",
        allows=None if once is None else _regex(once, where.at("allow.option")),
        deny=_word(table["deny"], where.at("deny")) if "deny" in table else "",
        menu=menu,
    )


def _patterns(told: object, region: Region | None, where: _Where) -> tuple[Pattern, ...]:
    if not isinstance(told, list) or len(told) > PATTERNS_MOST:
        raise where.wrong(f"this is a list of at most {PATTERNS_MOST} patterns")
    return tuple(
        _pattern(item, region, where.at(f"{number}")) for number, item in enumerate(told, 1)
    )


def _pattern(told: object, region: Region | None, where: _Where) -> Pattern:
    if not isinstance(told, str):
        table = _table(told, _PATTERN_FIELDS, where)
        told = table.get("match")
        if "region" in table:
            region = _region(table["region"], where.at("region"))
    if region is None:
        raise where.wrong("neither it nor its rule names a region")
    return Pattern(region, _regex(told, where))


def _regex(told: object, where: _Where) -> re.Pattern[str]:
    text = _word(told, where)
    if len(text) > PATTERN_MOST:
        raise where.wrong(f"a pattern is at most {PATTERN_MOST} characters")
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise where.wrong(f"this is no regular expression: {error}") from error


def _region(told: object, where: _Where) -> Region:
    name = _word(told, where)
    if found := _BOTTOM.fullmatch(name):
        return Region(Place(found[1]), int(found[2]))
    places = [place for place in Place if place not in COUNTED]
    if name in places:
        return Region(Place(name))
    raise where.wrong(
        f"a region is {', '.join(places)} bottom_lines(N) or bottom_words(N) with N from 1 to 99"
    )


def _table(told: object, fields: frozenset[str], where: _Where) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise where.wrong("this is no table")
    _only(told, fields, where)
    return told


def _only(told: dict[str, Any], fields: frozenset[str], where: _Where) -> None:
    for key in told:
        if key not in fields:
            raise where.at(key).wrong(
                f"there is no such field; there are {', '.join(sorted(fields))}"
            )


def _word(told: object, where: _Where) -> str:
    if not isinstance(told, str) or not told:
        raise where.wrong("this is text, and not empty")
    return told


def _one_of(told: object, words: Iterable[str], where: _Where, field: str) -> str:
    if not isinstance(told, str) or told not in words:
        raise where.at(field).wrong(f"this is one of {', '.join(words)}")
    return told


def _number(told: object, where: _Where, *, whole: bool = False) -> Any:
    fits = isinstance(told, int) or (isinstance(told, float) and not whole)
    if isinstance(told, bool) or not fits or not 0 <= told <= 10_000:  # type: ignore[operator]  # a number by now
        raise where.wrong(f"this is a {'whole ' * whole}number from 0 to 10000")
    return told
