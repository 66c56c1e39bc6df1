r"""Reads rulebooks from TOML; what is wrong is told with the file, the rule and the field.

::

    agent = "example"
    confidence = "likely"                       # or "guess"

    [patterns]                                  # names, for what several patterns have in them
    mark = '[❯›>]'

    [conditions]                                # names, for patterns of which one is found
    at-a-prompt = [{ region = "cursor_line", match = '^{{mark}} $' }]

    [[rule]]
    id = "permission"
    kind = "waiting"                            # working, waiting or idle
    priority = 80                               # higher first; equal ones as they are written
    region = "after_last_horizontal_rule"       # where its patterns look, if they do not say
    all = ['Do you want to (.+)\?', { region = "osc_title", match = '^✳ ' }]
    any = []
    none = ['^ *{{mark}} $', { is = "at-a-prompt" }]
    screen = "alternate"                        # or "primary"; either where it is left out
    cursor = "shown"                            # or "hidden"; either where it is left out
    still = 0.5                                 # seconds without a change before it begins
    stands = 0.5                                # seconds for which the lines that fit have stood
    together = 0.5                              # seconds within which these lines came
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
from math import inf
from typing import Final

from inspan.model.activity import Confidence, Doing
from inspan.terminal.announce import KINDS
from inspan.terminal.regions import COUNTED, Place, Region
from inspan.terminal.rulenames import NAME, Names, named
from inspan.terminal.rules import (
    Asks,
    Condition,
    OneOf,
    Pattern,
    Rule,
    Rulebook,
)
from inspan.terminal.rulevalues import Where, number, one_of, only, table, word

FILE_MOST: Final = 1 << 17
RULES_MOST: Final = 100
PATTERNS_MOST: Final = 20
_BOTTOM: Final = re.compile(r"(bottom_lines|bottom_words|above_typing)\(([1-9][0-9]?)\)")
_FILE_FIELDS: Final = frozenset({"agent", "confidence", "patterns", "conditions", "rule"})
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
        "stands",
        "together",
        "moves",
        "holds",
        "asks",
    }
)
_PATTERN_FIELDS: Final = frozenset({"region", "match"})
_IS_FIELDS: Final = frozenset({"is"})
_ASKS_FIELDS: Final = frozenset({"kind", "question", "options", "allow", "deny", "menu"})
_ALLOW_FIELDS: Final = frozenset({"keys", "option"})
_LISTS: Final = ("all", "any", "none")
_DOING: Final = ("working", "waiting", "idle")
_SCREENS: Final = {"primary": False, "alternate": True}
_CURSORS: Final = {"shown": False, "hidden": True}


def parse(text: str, file: str) -> Rulebook:
    """The rulebook that ``text`` is; ``file`` is its name in errors. Raises BadInput."""
    where = Where(file)
    if len(text) > FILE_MOST:
        raise where.wrong(f"a file is at most {FILE_MOST} characters")
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise where.wrong(f"this is no TOML: {error}") from error
    only(told, _FILE_FIELDS, where)
    name = word(told.get("agent"), where.at("agent"))
    if not NAME.fullmatch(name):
        raise where.at("agent").wrong("a name is small letters, digits and single dashes")
    confidence = one_of(told.get("confidence", "likely"), ("likely", "guess"), where, "confidence")
    rules = _Reader(told, where).rules(told.get("rule"))
    for rule in rules:
        if sum(other.id == rule.id for other in rules) > 1:
            raise Where(file, rule.id, "id").wrong("another rule has the same")
    rules.sort(key=lambda rule: -rule.priority)
    return Rulebook(name, tuple(rules), Confidence(confidence))


class _Reader:
    """Reads the rules of one file, with the names that it gives to patterns and conditions."""

    def __init__(self, told: dict[str, object], where: Where) -> None:
        self._file = where
        self._names = Names(told.get("patterns", {}), where.at("patterns"))
        self._conditions: dict[str, OneOf] = {}
        self._used: set[str] = set()
        named_ones = where.at("conditions")
        for name, listed in named(told.get("conditions", {}), named_ones).items():
            self._conditions[name] = self._condition(listed, named_ones.at(name))

    def rules(self, listed: object) -> list[Rule]:
        """All of them, in the order of the file."""
        if not isinstance(listed, list) or not 1 <= len(listed) <= RULES_MOST:
            raise self._file.at("rule").wrong(f"a file has 1 to {RULES_MOST} tables [[rule]]")
        found = [self._rule(item, at) for at, item in enumerate(listed, 1)]
        for name in self._conditions:
            if name not in self._used:
                raise self._file.at(f"conditions.{name}").wrong("no rule uses this condition")
        self._names.all_used()
        return found

    def _rule(self, told: object, at: int) -> Rule:
        where = Where(self._file.file, f"{at}")
        given = table(told, _RULE_FIELDS, where)
        name = word(given.get("id"), where.at("id"))
        if not NAME.fullmatch(name):
            raise where.at("id").wrong("an id is small letters, digits and single dashes")
        where = Where(self._file.file, name)
        region = _region(given["region"], where.at("region")) if "region" in given else None
        doing = Doing(one_of(given.get("kind"), _DOING, where, "kind"))
        lists = {key: self._list(given.get(key, []), region, where.at(key)) for key in _LISTS}
        if not lists["all"] and not lists["any"]:
            raise where.wrong("it has neither `all` nor `any`, and would fit every screen")
        if ("asks" in given) != (doing is Doing.WAITING):
            raise where.at("asks").wrong(
                "a rule of kind waiting says what is asked, and no other does"
            )
        screen = one_of(given["screen"], _SCREENS, where, "screen") if "screen" in given else None
        cursor = one_of(given["cursor"], _CURSORS, where, "cursor") if "cursor" in given else None
        return Rule(
            id=name,
            doing=doing,
            priority=number(given.get("priority", 0), where.at("priority"), whole=True),
            **lists,
            alternate=None if screen is None else _SCREENS[screen],
            hidden=None if cursor is None else _CURSORS[cursor],
            still=number(given.get("still", 0), where.at("still")),
            stands=number(given.get("stands", 0), where.at("stands")),
            together=_seconds(given, "together", where),
            moves=number(given.get("moves", 0), where.at("moves")),
            holds=_seconds(given, "holds", where),
            asks=self._asks(given["asks"], region, where.at("asks")) if "asks" in given else None,
        )

    def _asks(self, told: object, region: Region | None, where: Where) -> Asks:
        given = table(told, _ASKS_FIELDS, where)
        kind = one_of(given.get("kind"), KINDS, where, "kind")
        found = {
            key: self._pattern(given[key], region, where.at(key))
            for key in ("question", "options")
            if key in given
        }
        menu = given.get("menu", False)
        if not isinstance(menu, bool):
            raise where.at("menu").wrong("this is true or false")
        allow = table(given.get("allow", {}), _ALLOW_FIELDS, where.at("allow"))
        once = allow.get("option")
        return Asks(
            kind,
            question=found.get("question"),
            options=found.get("options"),
            allow=word(allow.get("keys"), where.at("allow.keys")) if allow else "",
            allows=None if once is None else self._names.regex(once, where.at("allow.option")),
            deny=word(given["deny"], where.at("deny")) if "deny" in given else "",
            menu=menu,
        )

    def _condition(self, told: object, where: Where) -> OneOf:
        listed = _listed(told, where)
        found = (self._pattern(item, None, where.at(f"{at}")) for at, item in enumerate(listed, 1))
        patterns = tuple(found)
        if not patterns:
            raise where.wrong("a condition is one pattern at least")
        return OneOf(patterns)

    def _list(self, told: object, region: Region | None, where: Where) -> tuple[Condition, ...]:
        listed = enumerate(_listed(told, where), 1)
        return tuple(self._item(item, region, where.at(f"{at}")) for at, item in listed)

    def _item(self, told: object, region: Region | None, where: Where) -> Condition:
        """A pattern, or the name of a condition."""
        if not isinstance(told, dict) or "is" not in told:
            return self._pattern(told, region, where)
        name = word(table(told, _IS_FIELDS, where)["is"], where.at("is"))
        if name not in self._conditions:
            raise where.at("is").wrong(f"there is no condition named {name!r} in [conditions]")
        self._used.add(name)
        return self._conditions[name]

    def _pattern(self, told: object, region: Region | None, where: Where) -> Pattern:
        if not isinstance(told, str):
            given = table(told, _PATTERN_FIELDS, where)
            told = given.get("match")
            if "region" in given:
                region = _region(given["region"], where.at("region"))
        if region is None:
            raise where.wrong("neither it nor its rule names a region")
        return Pattern(region, self._names.regex(told, where))


def _seconds(given: dict[str, object], field: str, where: Where) -> float:
    """Without end where they are left out."""
    return number(given[field], where.at(field)) if field in given else inf


def _listed(told: object, where: Where) -> list[object]:
    if not isinstance(told, list) or len(told) > PATTERNS_MOST:
        raise where.wrong(f"this is a list of at most {PATTERNS_MOST} patterns")
    return told


def _region(told: object, where: Where) -> Region:
    name = word(told, where)
    if found := _BOTTOM.fullmatch(name):
        return Region(Place(found[1]), int(found[2]))
    places = [place for place in Place if place not in COUNTED]
    if name in places:
        return Region(Place(name))
    raise where.wrong(
        f"a region is {', '.join(places)}, or {', '.join(sorted(COUNTED))} with (N), N from 1 to 99"
    )
