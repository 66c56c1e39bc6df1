"""Rules that remember what they did not find, so that screens that come again cost little.

A recording is played several times: by all the general rules, and by those that are left of them.
Whether the patterns of a rule are found depends on what is shown and since when, and not on how
late it is. So of each screen it is kept which rules do not fit it, as bits of a number; and of each
line what every pattern found in it, for as long as one recording is played. It knows no rule and
changes no answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, cast

from inspan.terminal.rules import Condition, OneOf, Pattern, Rule, Rulebook
from inspan.terminal.view import View


@dataclass(slots=True)
class Known:
    """Which of the rules do not fit which screens, and what was found in which lines."""

    unfit: dict[int, int] = field(default_factory=dict)
    #: The rules that fitted ever since it forgot.
    fitted: set[str] = field(default_factory=set)
    _searched: list[dict[str, re.Match[str] | None]] = field(default_factory=list)
    _bits: dict[str, int] = field(default_factory=dict)
    _view: View | None = None
    _screen: int = 0

    def book(self, book: Rulebook) -> Rulebook:
        """The same rules, which remember. It forgets what was found in lines."""
        self._searched.clear()
        names: dict[int, Condition] = {}
        return replace(book, rules=tuple(self._rule(book.name, rule, names) for rule in book.rules))

    def forget(self) -> frozenset[str]:
        """Another recording follows: lets go of the lines, and tells which rules fitted ever."""
        fitted = frozenset(self.fitted)
        self.fitted.clear()
        for each in self._searched:
            each.clear()
        return fitted

    def screen(self, view: View) -> int:
        """The number of what is shown, and of since when."""
        if view is not self._view:
            shown = (view.rows, view.cursor, view.title, view.progress, view.alternate, view.hidden)
            turning = (view.turns, view.now < view.spins)
            since = (view.usual, view.sent, view.born, turning, view.keyed > -inf)
            self._view, self._screen = view, hash((shown, since))
        return self._screen

    def _rule(self, book: str, rule: Rule, names: dict[int, Condition]) -> Rule:
        bit = 1 << self._bits.setdefault(f"{book}/{rule.id}", len(self._bits))
        made = replace(
            rule,
            all=tuple(self._condition(each, names) for each in rule.all),
            any=tuple(self._condition(each, names) for each in rule.any),
            none=tuple(self._condition(each, names) for each in rule.none),
        )
        return cast("Rule", _Remembering(made, self, 0 if rule.moves else bit))

    def _condition(self, each: Condition, names: dict[int, Condition]) -> Condition:
        if id(each) not in names:
            if isinstance(each, OneOf):
                patterns = tuple(self._pattern(one) for one in each.patterns)
                names[id(each)] = OneOf(patterns)
            else:
                names[id(each)] = self._pattern(each)
        return names[id(each)]

    def _pattern(self, pattern: Pattern) -> Pattern:
        searching = _Searching(pattern.regex, {})
        self._searched.append(searching.known)
        return replace(pattern, regex=cast("re.Pattern[str]", searching))


@dataclass(frozen=True, slots=True)
class _Searching:
    """A regular expression that remembers what it found in which line."""

    regex: re.Pattern[str]
    known: dict[str, re.Match[str] | None]

    def search(self, line: str) -> re.Match[str] | None:
        try:
            return self.known[line]
        except KeyError:
            found = self.known[line] = self.regex.search(line)
            return found

    def finditer(self, line: str) -> Iterator[re.Match[str]]:
        return self.regex.finditer(line)


@dataclass(frozen=True, slots=True)
class _Remembering:
    """A rule that is asked once for each screen that it does not fit; else it is the rule."""

    rule: Rule
    known: Known
    bit: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rule, name)

    def fits(self, view: View) -> list[re.Match[str]] | None:
        screen = self.known.screen(view)
        unfit = self.known.unfit.get(screen, 0)
        if unfit & self.bit:
            return None
        found = self.rule.fits(view)
        if found is None:
            self.known.unfit[screen] = unfit | self.bit
        else:
            self.known.fitted.add(self.rule.id)
        return found
