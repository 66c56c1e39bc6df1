"""Screen rules: from what a terminal shows to what the program on it does.

A rulebook is for one agent. Its rules are tried in the order of their priority, and the first that
fits is the answer; none fits is an answer too. A rule is patterns over regions of the screen, each
searched for in one line at a time, so that a hostile screen cannot make a search long. Rules are
pure: a ``View`` goes in and a ``Reading`` comes out. How they are written down is ``rulefile``'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import Final, TypeAlias

from inspan.model.activity import Confidence, Doing, Reading, Source
from inspan.model.task import Needs
from inspan.terminal.layout import (
    FRAME,
    SIDES,
    answered,
    begun,
    box_above,
    boxes,
    floating,
    horizontals,
    list_above,
    low_box,
    options,
    paragraph,
    typing_rows,
)
from inspan.terminal.sanitize import columns, one_line

#: The most characters of a line that are searched.
LINE_MOST: Final = 400
#: The most columns of what is shown as evidence, a question or an option.
EVIDENCE_MOST: Final = 120
QUESTION_MOST: Final = 500
OPTIONS_MOST: Final = 20
#: A prompt with words and no question.
_NAMED: Final = re.compile(r"[^?]{1,30}[:>»❯›#$]\s*")
#: The most rows without words between a box in which one types, or the end, and what is asked.
_FAR: Final = 30
#: The most lines below a list of options: what was quoted is followed by more.
_BELOW: Final = 5


class Place(StrEnum):
    """Where on the screen a pattern is looked for."""

    TITLE = "osc_title"  #: the window title
    PROGRESS = "progress"  #: the progress that was set: ``value 40``, ``busy 0``, or nothing
    BOTTOM = "bottom_lines"  #: the last lines that are not empty
    AFTER_RULE = "after_last_horizontal_rule"  #: what is below the last line across the screen
    CURSOR = "cursor_line"  #: the cursor's line, up to the cursor
    ROW = "cursor_row"  #: the cursor's line, all of it
    BOX = "cursor_box"  #: between the lines across the screen above and below the cursor
    LAST_BOX = "last_box"  #: between the last two lines across the screen with something between
    WORDS = "bottom_words"  #: the last lines that have a letter or a digit
    TYPING = "typing"  #: the line in which one types, where that is a single one
    ABOVE = "above_typing"  #: the last lines above those that have a letter or a digit
    BOX_ABOVE = "box_above"  #: in the box with sides that stands just above them
    BOX_TITLE = "box_title"  #: the upper line of that box
    LIST_ABOVE = "list_above"  #: the list of options that is the last thing above them
    ABOVE_LIST = "above_list"  #: the two lines above that list
    ASKED = "asked"  #: the paragraph in front of what is typed, in one line
    LOW_BOX = "low_box"  #: the line in the last box, where little stands below that
    QUESTIONED = "above_options"  #: the two lines above a list of options of which one is marked
    FLOATING = "floating_box"  #: in the lowest box that begins right of the left edge
    WHOLE = "whole"  #: every line that is not empty


#: Told by the program itself, and not read off its picture.
TOLD: Final = frozenset({Place.TITLE, Place.PROGRESS})


#: Of so many lines as the rule says.
COUNTED: Final = frozenset({Place.BOTTOM, Place.WORDS, Place.ABOVE})


@dataclass(frozen=True, slots=True)
class Region:
    """A place; ``lines`` is how many, for the bottom."""

    place: Place
    lines: int = 0


_ASKED: Final = Region(Place.ASKED)


@dataclass(frozen=True, slots=True)
class View:
    """What a rule sees at ``now``; nothing of it has changed since ``since``."""

    rows: tuple[str, ...] = ()
    cursor: tuple[int, int] = (0, 0)
    title: str = ""
    progress: str = ""
    alternate: bool = False
    hidden: bool = False  #: the cursor is
    now: float = 0.0
    since: float = -inf
    #: Since when nothing has changed but what changes at rest too (``motion`` says what that is),
    #: and the same but for what somebody brought about by typing.
    calm: float = -inf
    own: float = -inf
    #: It was in motion from ``moving`` to ``moved``, and is at rest from ``rests`` on if nothing
    #: more moves. What somebody brought about by typing or a new size is no motion.
    moving: float = inf
    moved: float = -inf
    rests: float = -inf
    #: Since when each row is as it is.
    stood: tuple[float, ...] = ()
    _cut: dict[Region, tuple[str, ...]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def lines(self, region: Region) -> tuple[str, ...]:
        """The lines of a region, from the top; each at most ``LINE_MOST`` characters."""
        if region not in self._cut:
            self._cut[region] = tuple(line[:LINE_MOST] for line in self._lines(region))
        return self._cut[region]

    def stands(self, line: str) -> float:
        """Since when this line of a region stands where it does."""
        if line and line in self._cut.get(_ASKED, ()):
            asked = self._asked()
            return max(self.stood[asked.start : asked.stop], default=-inf)
        every = zip(self.rows, self.stood, strict=False)
        found = (since for row, since in every if line in (row, row.strip(SIDES)))
        return max(found, default=-inf)

    def _lines(self, region: Region) -> Iterator[str]:
        match region.place:
            case Place.TITLE:
                yield self.title
            case Place.PROGRESS:
                yield self.progress
            case Place.CURSOR:
                yield self._before_cursor()
            case Place.ROW:
                yield self._at_cursor()
            case Place.WHOLE:
                yield from filter(None, self.rows)
            case Place.BOTTOM:
                yield from [row for row in self.rows if row][-region.lines :]
            case Place.WORDS:
                yield from _worded(self.rows)[-region.lines :]
            case Place.ABOVE:
                typing = self._typing()
                yield from _worded(self.rows[: typing.start])[-region.lines :] if typing else ()
            case _:
                yield from self._drawn(region.place)

    def _drawn(self, place: Place) -> Sequence[str]:
        """What is found by the lines and boxes that are drawn around it."""
        match place:
            case Place.AFTER_RULE:
                found = horizontals(self.rows)
                return [row for row in self.rows[found[-1] + 1 :] if row] if found else ()
            case Place.BOX:
                return self._boxed(self._around())
            case Place.LAST_BOX:
                return self._boxed(next(reversed(boxes(self.rows)), None))
            case Place.FLOATING:
                return floating(self.rows) or ()
            case Place.ASKED:
                return self._joined(self._asked())
            case _:
                return self._by_typing(place)

    def _by_typing(self, place: Place) -> Sequence[str]:
        """What is found by where one types or chooses."""
        typing = self._typing()
        if place is Place.QUESTIONED:
            listed = options(self.rows)
            low = listed and sum(map(bool, self.rows[listed.stop :])) <= _BELOW
            above = self.rows[: listed.start] if listed and low else ()
            return [row.strip(SIDES) for row in _worded(above)[-2:]]
        if place in (Place.LIST_ABOVE, Place.ABOVE_LIST):
            return self._listed(list_above(self.rows, typing) if typing else None, place)
        if place in (Place.BOX_ABOVE, Place.BOX_TITLE):
            above_it = box_above(self.rows, typing) if typing else None
            if place is Place.BOX_ABOVE or above_it is None:
                return self._boxed(above_it)
            return [self.rows[above_it[0]].strip(FRAME)]
        box = (typing.start - 1, typing.stop) if typing else None
        line = self._boxed(low_box(self.rows) if place is Place.LOW_BOX else box)
        return line if len(line) == 1 else ()

    def _listed(self, listed: range | None, place: Place) -> Sequence[str]:
        """The options of a list, or what stands above it."""
        if listed is None:
            return ()
        found: Sequence[str] = self.rows[listed.start : listed.stop]
        if place is Place.ABOVE_LIST:
            found = _worded(self.rows[: listed.start])[-2:]
        return [row.strip(SIDES) for row in found]

    def _typing(self) -> range | None:
        """Where one types: a cursor that is hidden may stand anywhere above a box for a line."""
        found = typing_rows(self.rows, self.cursor)
        if not self.hidden and begun(self.rows, self.cursor):
            return range(self.cursor[1], self.cursor[1] + 1)
        if not self.hidden and found and answered(self.rows, self.cursor, found):
            return None
        low = low_box(self.rows) if self.hidden else None
        if low is None or (found and low[0] < found.stop) or len(self._boxed(low)) > 1:
            return found
        return range(low[0] + 1, low[1])

    def _asked(self) -> range:
        """The paragraph that ends with the cursor's row, or that above where one types.

        A short prompt with words, as ``Answer:``, belongs to what is above it.
        """
        typing, at = self._typing(), self.cursor[1]
        if self.hidden or (typing and at in typing):
            return paragraph(self.rows, typing.start if typing else len(self.rows), _FAR)
        if not any(map(str.isalnum, before := self._before_cursor())):
            found = paragraph(self.rows, typing.start if typing else at)
            # An empty row at the left may as well be the output of what was answered.
            left = typing is None and self.cursor[0] == 0
            return range(max(found.start, found.stop - 1), found.stop) if left else found
        own = paragraph(self.rows, at + 1)
        if len(own) == 1 and _NAMED.fullmatch(before):
            return range(paragraph(self.rows, at).start, at + 1)
        return own

    def _joined(self, rows: range) -> Sequence[str]:
        """These rows as one line, up to the cursor; of a long one the end."""
        ended = not self.hidden and self.cursor[1] == rows.stop - 1
        said = [row.strip(FRAME) for row in self.rows[rows.start : rows.stop]]
        if ended and said:
            said[-1] = self._before_cursor().strip(FRAME)
        return [" ".join(filter(None, said))[-LINE_MOST:]] if said else ()

    def _at_cursor(self) -> str:
        row = self.cursor[1]
        return self.rows[row] if row < len(self.rows) else ""

    def _around(self) -> tuple[int, int] | None:
        """The box that the cursor is in."""
        return next((box for box in boxes(self.rows) if box[0] < self.cursor[1] < box[1]), None)

    def _boxed(self, box: tuple[int, int] | None) -> Sequence[str]:
        """Its rows that have something in them, without its sides, or one that is empty."""
        if box is None:
            return ()
        inside = (row.strip(SIDES) for row in self.rows[box[0] + 1 : box[1]])
        return [row for row in inside if row] or [""]

    def _before_cursor(self) -> str:
        column, text = self.cursor[0], self._at_cursor()
        kept = used = 0
        for character in text:
            used += columns(character)
            if used > column:
                break
            kept += 1
        return text[:kept] + " " * min(LINE_MOST, column - columns(text[:kept]))


def _worded(rows: Sequence[str]) -> list[str]:
    return [row for row in rows if any(map(str.isalnum, row))]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression, searched for in each line of a region."""

    region: Region
    regex: re.Pattern[str]

    def first(self, view: View) -> re.Match[str] | None:
        """Where it is found first, from the top."""
        found = (self.regex.search(line) for line in view.lines(self.region))
        return next((match for match in found if match), None)

    @property
    def places(self) -> frozenset[Place]:
        """Where it looks."""
        return frozenset({self.region.place})


@dataclass(frozen=True, slots=True)
class OneOf:
    """Patterns of which one is found: a condition that a rule file has given a name."""

    patterns: tuple[Pattern, ...]

    def first(self, view: View) -> re.Match[str] | None:
        """Where the first of them that is found is."""
        return next(filter(None, (pattern.first(view) for pattern in self.patterns)), None)

    @property
    def places(self) -> frozenset[Place]:
        """Where they look."""
        return frozenset().union(*(pattern.places for pattern in self.patterns))


#: What a rule's lists are made of.
Condition: TypeAlias = Pattern | OneOf


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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
        if self.any:
            found.append(next(filter(None, (item.first(view) for item in self.any)), None))
        if found[-1] is None or any(each.first(view) for each in self.none):
            return None
        return [match for match in found if match]


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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
        stood, no other that is new is said in its place.
        """
        again, awaited = inf, False
        for rule in self.rules:
            if (found := rule.fits(view)) is None:
                continue
            name = f"{self.name}/{rule.id}"
            if awaited and name != before:
                continue
            still = rule.still + (view.own if name == before else view.calm)
            if rule.stands and name != before:
                stood = rule.stands + max(view.stands(each.string) for each in found)
                awaited = view.now < stood
                still = max(still, stood)
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
