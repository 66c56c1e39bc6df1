"""Screen rules: from what a terminal shows to what the program on it does.

A rulebook is for one agent. Its rules are tried in the order of their priority, and the first that
fits is the answer; none fits is an answer too. A rule is patterns over regions of the screen, each
searched for in one line at a time, so that a hostile screen cannot make a search long. Rules are
pure: a ``View`` goes in and a ``Reading`` comes out. How they are written down is ``rulefile``'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import inf
from typing import Final, TypeAlias

from inspan.model.activity import Confidence, Doing, Reading, Source
from inspan.model.task import Needs
from inspan.model.value import value
from inspan.terminal.regions import TOLD, Place, Region
from inspan.terminal.sanitize import one_line
from inspan.terminal.view import View

#: The most columns of what is shown as evidence, a question or an option.
EVIDENCE_MOST: Final = 120
QUESTION_MOST: Final = 500
OPTIONS_MOST: Final = 20
#: Lines that did not come together are no list before they have stood for so many seconds.
_APART: Final = 5.0
#: Where what asks is found by several signs together.
_SEVERAL: Final = frozenset({Place.ASKING, Place.BESIDE})
#: What moved for so many seconds before lines came is said beside them while they are new.
_WENT_ON: Final = 1.0


@value(frozen=True)
class Pattern:
    """A regular expression, searched for in each line of a region."""

    region: Region
    regex: re.Pattern[str]

    def first(self, view: View, *, new: bool = False) -> re.Match[str] | None:
        """Where it is found first, from the top; ``new``: not in what is shown at rest too."""
        found = filter(None, map(self.regex.search, view.lines(self.region)))
        return next((match for match in found if not (new and view.always(match.string))), None)

    def came(self, view: View) -> float:
        """When the newest line came in which it is found."""
        found = filter(self.regex.search, view.lines(self.region))
        return max(map(view.came, found), default=-inf)

    @property
    def places(self) -> frozenset[Place]:
        """Where it looks."""
        return frozenset({self.region.place})


@value(frozen=True)
class OneOf:
    """Patterns of which one is found: a condition that a rule file has given a name."""

    patterns: tuple[Pattern, ...]

    def first(self, view: View, *, new: bool = False) -> re.Match[str] | None:
        """Where the first of them that is found is."""
        key = id(self), new
        if key not in view.found:
            view.found[key] = _first(self.patterns, view, new=new)
        return view.found[key]

    def came(self, view: View) -> float:
        """When the newest line came in which one of them is found."""
        return max(pattern.came(view) for pattern in self.patterns)

    @property
    def places(self) -> frozenset[Place]:
        """Where they look."""
        return frozenset().union(*(pattern.places for pattern in self.patterns))


#: What a rule's lists are made of.
Condition: TypeAlias = Pattern | OneOf


def _first(every: Iterable[Condition], view: View, *, new: bool) -> re.Match[str] | None:
    """Where the first of these that is found is."""
    return next(filter(None, (each.first(view, new=new) for each in every)), None)


@value(frozen=True)
class Asks:
    """How to read what is asked: a pattern's group 1, or all that it matched.

    An option is every match, also where several are in one line.
    """

    kind: str  #: permission, question or prompt
    question: Pattern | None = None
    options: Pattern | None = None
    #: What is typed to allow, and to deny; nothing where that is not known.
    allow: str = ""
    deny: str = ""
    #: An option that has to be there for ``allow`` to mean just this once.
    allows: re.Pattern[str] | None = None
    #: Keys choose among options, one of which is marked: Enter after a line would choose that.
    menu: bool = False

    def keys(self, needs: Needs, text: str) -> str | None:
        """What answers ``needs`` with ``text``; ``None`` where only a hand at its keys can.

        A line that is typed over a menu would choose what is marked there, whatever it says.
        """
        if text == "allow":
            once = self.allows is None or any(map(self.allows.search, needs.options))
            return self.allow if self.allow and once else None
        if text == "deny":
            return self.deny or None
        return None if self.menu else f"{text}\r"

    def read(self, view: View, otherwise: str) -> Needs:
        """What is asked on this screen; the words are safe to show."""
        found = self.question.first(view) if self.question else None
        question = one_line(_word(found), QUESTION_MOST) if found else otherwise
        options: list[str] = []
        if self.options:
            lines = view.lines(self.options.region)
            found_all = (match for line in lines for match in self.options.regex.finditer(line))
            words = (one_line(_word(match), EVIDENCE_MOST) for match in found_all)
            options = list(dict.fromkeys(word for word in words if word))[:OPTIONS_MOST]
        return Needs(self.kind, question or otherwise, tuple(options))


def _word(found: re.Match[str]) -> str:
    return (found[1] or "") if found.re.groups else found[0]


@value(frozen=True, kw_only=True)
class Rule:
    """It fits where each of ``all``, one of ``any`` if there are any, and none of ``none`` fit."""

    id: str
    doing: Doing
    priority: int = 0
    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    none: tuple[Condition, ...] = ()
    #: Only on this screen; ``None`` for either.
    alternate: bool | None = None
    #: Only where the cursor is hidden, or shown; ``None`` for either.
    hidden: bool | None = None
    #: Seconds without a change before it begins to fit.
    still: float = 0.0
    #: Seconds for which the lines that fit must have stood as they are, whatever moves beside them.
    stands: float = 0.0
    #: Seconds within which the lines that fit came, as those of a dialog do; what an answer quotes
    #: comes line by line.
    together: float = inf
    #: Seconds for which the screen must have been in motion, and be so still.
    moves: float = 0.0
    #: Seconds without a change after which it says nothing any more.
    holds: float = inf
    asks: Asks | None = None

    @property
    def source(self) -> Source:
        """The title, where it looks at nothing else."""
        every = (*self.all, *self.any, *self.none)
        told = all(condition.places <= TOLD for condition in every)
        return Source.TITLE if told else Source.SCREEN

    def fits(self, view: View) -> list[re.Match[str]] | None:
        """What its patterns found, where it fits; not whether the screen is still."""
        if self.alternate is not None and self.alternate != view.alternate:
            return None
        if self.hidden is not None and self.hidden != view.hidden:
            return None
        if self.moves and not self.moves <= view.moved - view.moving:
            return None
        found = [each.first(view) for each in self.all]
        if not all(found):
            return None
        rests = self.doing is Doing.IDLE
        if self.any:
            found.append(_first(self.any, view, new=not rests))
        if found[-1] is None or _first(self.none, view, new=rests):
            return None
        matches = [match for match in found if match]
        always = not rests and all(view.always(match.string) for match in matches)
        return None if always and not self.moves else matches

    def beside(self, view: View, since: float, *, turns: bool) -> bool:
        """Whether it is said beside lines of another that have not stood ``since`` then for long.

        So is what moves and moved well before them, and what asks by several signs together. Where
        those lines are of a spinner, and so never stand (``turns``), whatever asks is.
        """
        several = any(_SEVERAL & condition.places for condition in self.all)
        went_on = self.moves > 0 and view.moving + _WENT_ON <= since
        return several or went_on or (turns and self.asks is not None)

    def apart(self, view: View, lines: Sequence[str]) -> float:
        """Until when it is no dialog, as its lines did not come together."""
        flowed = view.flowed(lines) + _APART if self.asks else -inf
        if self.together == inf:
            return flowed
        came = [at for each in self.all if (at := each.came(view)) > -inf]
        apart = came and max(came) - min(came) > self.together
        return max(flowed, max(came) + _APART) if apart else flowed


@value(frozen=True)
class Verdict:
    """What a rulebook says. ``again``: when it may say other, though nothing changes."""

    doing: Doing = Doing.UNKNOWN
    source: Source = Source.SCREEN
    rule: str = ""
    evidence: str = "no rule fits what it shows"
    confidence: Confidence = Confidence.GUESS
    needs: Needs | None = None
    holds: float = inf
    again: float = inf

    def reading(self, at: float) -> Reading:
        """As a reading of ``at``."""
        return Reading(
            self.doing,
            self.source,
            at,
            rule=self.rule,
            evidence=self.evidence,
            confidence=self.confidence,
            needs=self.needs,
            holds=self.holds,
        )


@value(frozen=True)
class Rulebook:
    """The rules for one agent, the most important first."""

    name: str
    rules: tuple[Rule, ...]
    confidence: Confidence = Confidence.LIKELY

    def asks(self, name: str) -> Asks | None:
        """How the rule of that name asks, as a verdict names it."""
        found = (rule.asks for rule in self.rules if f"{self.name}/{rule.id}" == name)
        return next(found, None)

    def judge(self, view: View, before: str = "") -> Verdict:
        """The first rule that fits this screen; ``before``: the name of that which fitted last.

        That one need not wait until the screen is still after somebody typed: to type at a prompt
        does not end the rest. What changes by itself does. While one waits for its lines to have
        stood, no other that is new is said in its place, but motion that was there before them.
        """
        awaited = inf
        again = view.spins if view.now < view.spins else inf
        turns = False
        for rule in self.rules:
            if (found := rule.fits(view)) is None:
                continue
            name, lines = f"{self.name}/{rule.id}", [match.string for match in found]
            if rule.asks and view.was_answered(lines):
                continue
            if awaited < inf and name != before and not rule.beside(view, awaited, turns=turns):
                continue
            still = rule.still + (view.own if name == before else view.calm)
            if rule.stands and name != before:
                since = max(map(view.stands, lines))
                awaited = inf
                if view.now < since + rule.stands:
                    awaited, again = since, min(again, since + rule.stands)
                turns = view.turning(lines)
                still = max(still, since + rule.stands, rule.apart(view, lines))
            if view.now < still and not (name == before and rule.asks):
                again = min(again, still)
                continue
            if rule.moves:
                if view.now >= view.rests:
                    continue
                again = min(again, view.rests)
            evidence = one_line(" … ".join(match[0] for match in found), EVIDENCE_MOST)
            return Verdict(
                rule.doing,
                rule.source,
                name,
                evidence,
                self.confidence,
                rule.asks.read(view, evidence) if rule.asks else None,
                rule.holds,
                again,
            )
        return Verdict(again=again)
