"""What of a screen moves by itself: a spinner, a counter, text that grows; and what only twitches.

That something changed says little. A cursor that blinks, a clock, the words in an empty prompt that
take turns, and a status line below it change while a program rests. So each row that changed is
judged by where it is (above the rows in which one types, in them, or below) and by what of it
changed: signs, digits, or words. It reads no clock, and knows no rule and no program.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum, auto
from math import inf
from typing import Final

from inspan.terminal.clocks import Clocks, Counts
from inspan.terminal.layout import FRAME, typing_rows
from inspan.terminal.ornaments import Ornaments
from inspan.terminal.panes import panes

#: Seconds without a change after which what moved has come to rest. A counter of seconds moves.
MOTION_PAUSE: Final = 1.6
#: The same for what is drawn several times a second.
SPIN_PAUSE: Final = 0.8
#: Seconds for which what is drawn after something was typed is taken for its echo.
EXCUSED: Final = 0.5
#: Seconds between two drawings of the same text. With less it is an animation of colours, and with
#: more it may be a cursor that blinks.
PAINTS: Final = 0.4
#: So many characters at least are drawn anew by an animation of colours: a cursor is one.
_PAINTED: Final = 2
#: And so often one after the other: a blink may be early once.
_PAINTS_LEAST: Final = 2
#: Seconds for which a row may be gone that is only drawn anew.
_DRAWN_ANEW: Final = 1.0
_NEVER: Final = (inf, -inf)
#: So often rows below one another change together in a picture that is animated.
_ART: Final = 2
#: A spinner that turns slowly, on a machine that is busy, is given so many times what it took last,
#: and so many seconds at the most: as long as it stands as it turned last.
_SLOW: Final = 2.5
_SLOW_MOST: Final = 4.0
#: How much of that is left where it turns faster again.
_LESS: Final = 0.8
#: The most columns in which that changes.
_TURNS_MOST: Final = 12
#: A counter of what goes on: seconds, minutes, or tokens behind it; or as 0:12.
_COUNTS: Final = re.compile(
    r"\d ?(?:ms|s|secs?|seconds?|m|min|tok|tokens?|k)\b|(?<!\d)\d?\d:\d\d(?!\d)"
)
#: The number of one.
_COUNTED: Final = re.compile(r"\d+(?= ?(?:ms|s|secs?|seconds?|m|min|tok|tokens?|k|%)\b)|\d?\d:\d\d")
#: The time of day.
_CLOCK: Final = re.compile(r"\b(?!00:)\d\d:\d\d:\d\d\b")
#: The pictures of spinners that have no others.
_PICTURES: Final = tuple(map(frozenset, ("".join(map(chr, range(0x2800, 0x2900))), "◐◓◑◒", "◴◷◶◵")))
_DIGITS: Final = re.compile(r"\d+")


class Change(Enum):
    """What changed of a row."""

    SIGNS = auto()  #: a spinner, a bar
    COUNT = auto()  #: only a number
    CLOCK = auto()  #: only the time of day
    BLINK = auto()  #: it is as it was before
    WORDS = auto()  #: all else
    COLOURS = auto()  #: nothing but how the text looks


@dataclass(slots=True)
class Motion:
    """What moved of one terminal, by all that was seen of it.

    ``began`` and ``moved`` are of the run of changes that is the last; ``rests``: when it has come
    to rest if nothing more moves. ``calm``: since when nothing changed but what changes at rest
    too; ``own``: the same, but for what somebody brought about by typing.
    """

    began: float = inf
    moved: float = -inf
    rests: float = -inf
    calm: float = -inf
    own: float = -inf
    #: Which numbers change at rest too.
    clocks: Clocks = field(default_factory=Clocks)
    ornaments: Ornaments = field(default_factory=Ornaments)
    _excused: float = -inf
    _painted: float = -inf
    #: How often the same text was drawn again, each time soon after the last.
    _paints: int = 0
    #: Since when each row of the screen is as it is, but for dots behind it that come and go.
    stood: tuple[float, ...] = ()
    #: Since when the words of each are what they are, whatever signs and numbers do.
    worded: tuple[float, ...] = ()
    #: Since when each is on the screen, wherever: text that scrolls is as old as it was.
    born: tuple[float, ...] = ()
    #: Whether each is one that turned last, as a spinner does.
    turns: tuple[bool, ...] = ()
    _born: tuple[str, ...] = ()
    #: Since when each row was there that is no more, and when it went.
    _gone: dict[str, tuple[float, float]] = field(default_factory=dict)
    _rows: tuple[str, ...] = ()
    #: How often each row changed as one of a picture: what is animated so moves at rest too.
    _art: Counter[int] = field(default_factory=Counter)
    #: What each row was before it was what it is, and since when it is that.
    _before: tuple[str, ...] = ()
    _since: tuple[float, ...] = ()
    _worded: tuple[float, ...] = ()
    _lettered: tuple[float, ...] = ()
    #: When what turns turned last, by its row, and until when it is not at rest; and until when
    #: what moved otherwise is not.
    _turned: dict[int, float] = field(default_factory=dict)
    _turning: dict[int, float] = field(default_factory=dict)
    #: The rows of which only a number went on, as that of a counter.
    _ticks: set[int] = field(default_factory=set)
    _pause: float = -inf

    def typed(self, at: float) -> None:
        """Somebody typed, or did else what makes a program draw: that is no motion of its own."""
        self._excused = at

    def seen(
        self,
        rows: tuple[str, ...],
        cursor: tuple[int, int],
        told: tuple[str, ...],
        printed: int,
        at: float,
    ) -> None:
        """What is shown since ``at``, with title and progress as ``told``.

        ``printed``: about how many characters were drawn since the last time.
        """
        if rows != self._rows[len(told) :] or not self.born:
            self._bear(rows, at)
        self._see((*told, *rows), cursor, len(told), printed, at)
        self.stood = self._worded[len(told) :]
        self.worded = self._lettered[len(told) :]
        moving = {*self._turning, *self._ticks}
        self.turns = tuple(number in moving for number in range(len(told), len(self._rows)))

    def _bear(self, rows: tuple[str, ...], at: float) -> None:
        """Since when each row is there: of rows that are alike, by how all scrolled."""
        left: dict[str, list[int]] = {}
        for number, row in enumerate(self._born):
            left.setdefault(row, []).append(number)
        scrolled = _scrolled(rows, left)
        born = [at] * len(rows)
        for exact in (True, False):
            for number, row in enumerate(rows):
                # What scrolled away is none of those that are there.
                found = [was for was in left.get(row, ()) if not row or was >= scrolled]
                same = number + scrolled in found
                if found and born[number] == at and same >= exact:
                    was = number + scrolled if same else found[0]
                    left[row].remove(was)
                    born[number] = self.born[was]
                elif not found and at < self._gone.get(row, _NEVER)[1] + _DRAWN_ANEW:
                    born[number], _ = self._gone.pop(row)
        gone = {
            row: (self.born[was[0]], at)
            for row, was in left.items()
            if row and was and was[0] >= scrolled
        }
        kept = {row: each for row, each in self._gone.items() if at < each[1] + _DRAWN_ANEW}
        self._gone = kept | gone
        self._born, self.born = rows, tuple(born)

    def _see(
        self, rows: tuple[str, ...], cursor: tuple[int, int], told: int, printed: int, at: float
    ) -> None:
        if len(rows) != len(self._rows):
            self._before = self._rows = rows
            self._since = self._worded = self._lettered = (at,) * len(rows)
            self._loud(at, MOTION_PAUSE)
            return
        if rows == self._rows:
            if printed >= _PAINTED:
                fast = at <= self._painted + PAINTS
                self._paints, self._painted = (self._paints + 1 if fast else 0), at
                if self._paints >= _PAINTS_LEAST:
                    self._loud(at, SPIN_PAUSE)
            return
        found = self._changes(rows, cursor, told, at)
        moved = [(number, self._rows[number], rows[number]) for number in found]
        for number in self.ornaments.see(moved, at):
            del found[number]
        unsure = self._counted(rows, found, at)
        self._turn(rows, found, told, at)
        pairs = list(zip(rows, self._rows, strict=True))
        self._before = tuple(
            before if row == was else was
            for (row, was), before in zip(pairs, self._before, strict=True)
        )
        self._since = tuple(
            since if row == was else at
            for (row, was), since in zip(pairs, self._since, strict=True)
        )
        self._worded = tuple(
            since if row == was or _words(row) == _words(was) != "" else at
            for (row, was), since in zip(pairs, self._worded, strict=True)
        )
        self._lettered = tuple(
            since if row == was or _letters(row) == _letters(was) != "" else at
            for (row, was), since in zip(pairs, self._lettered, strict=True)
        )
        self._rows = rows
        if found:
            self._painted = at
            fast = all(change in (Change.SIGNS, Change.BLINK) for change in found.values())
            self._loud(at, SPIN_PAUSE if fast else MOTION_PAUSE)
        elif unsure:
            self.calm = self.own = at
        elif at < self._excused + EXCUSED:
            self.calm = at
        self.rests = max(self._pause, *self._turning.values(), -inf)

    def _changes(
        self, rows: tuple[str, ...], cursor: tuple[int, int], told: int, at: float
    ) -> dict[int, Change]:
        """What changed that changes at work only, by rows."""
        talk = panes(rows[told:])
        typing = typing_rows(talk.rows, talk.cursor(cursor))
        first = typing.start + told if typing is not None else len(rows)
        found = {}
        for number, (row, was) in enumerate(zip(rows, self._rows, strict=True)):
            if row != was:
                again = row == self._before[number]
                found[number] = Change.BLINK if again else changed(was, row)
        signs = {
            number: span(self._rows[number], rows[number])
            for number, change in found.items()
            if change in (Change.SIGNS, Change.BLINK)
            and number < first
            and (not self.clocks.typed or (self._rows[number] and rows[number]))
        }
        for number in found:
            if number not in signs:
                del self._art[number]
        self._art.update(_pictured(signs))
        return {
            number: change
            for number, change in found.items()
            if self._art[number] < _ART
            and _counts(
                change,
                rows[number],
                fast=at <= self._since[number] + PAINTS,
                below=number >= first,
            )
        }

    def _counted(self, rows: tuple[str, ...], found: dict[int, Change], at: float) -> bool:
        """Takes the rows out in which only a clock went on; whether one may be of work."""
        kinds = {
            number: self.clocks.see(self._rows[number], rows[number], at)
            for number, change in found.items()
            if change is Change.COUNT
        }
        for number, kind in kinds.items():
            if kind is not Counts.WORK:
                del found[number]
        return Counts.UNSURE in kinds.values()

    def _turn(self, rows: tuple[str, ...], found: dict[int, Change], told: int, at: float) -> None:
        """A row turns where only a sign of it changes, again and again."""
        for number, (row, was) in enumerate(zip(rows, self._rows, strict=True)):
            if row == was:
                continue
            if not _letters(row) or _letters(row) != _letters(was) or _ended(was, row):
                self._turned.pop(number, None)
                self._turning.pop(number, None)
                self._ticks.discard(number)
            elif number in found and found[number] is Change.COUNT:
                self._ticks.add(number)
            elif number in found and number >= told and _turns(was, row):
                last, self._turned[number] = self._turned.get(number, -inf), at
                if at - last <= _SLOW_MOST:
                    given = self._turning.get(number, last) - last
                    given = max(_SLOW * (at - last), _LESS * given)
                    self._turning[number] = at + min(given, _SLOW_MOST)

    def _loud(self, at: float, pause: float) -> None:
        """It looks otherwise since ``at``."""
        self.calm = at
        if at >= self._excused + EXCUSED:
            self.own = at
            self._move(at, pause)

    def _move(self, at: float, pause: float) -> None:
        if at < self._excused + EXCUSED:
            return
        # What turns as soon as somebody typed is not at rest, and has not begun either.
        if self.began == inf or at > max(self.moved + MOTION_PAUSE, self.rests):
            self.began = at
        self.moved = at
        self._pause = max(self._pause, at + pause)
        self.rests = max(self._pause, *self._turning.values(), -inf)


def _counts(change: Change, row: str, *, fast: bool, below: bool) -> bool:
    """Whether such a change is seen at work only; ``below``: not above where one types."""
    match change:
        case Change.BLINK:
            return fast
        case Change.CLOCK:
            return False
        case Change.COUNT:
            return not below or bool(_COUNTS.search(row))
        case Change.WORDS:
            return not below
        case _:
            return True


def _pictured(signs: dict[int, tuple[int, int]]) -> frozenset[int]:
    """The rows of a picture: several below one another, in which not the same columns changed.

    Spinners below one another stand in the same column.
    """
    return frozenset(
        number
        for number, where in signs.items()
        for other in (number - 1, number + 1)
        if other in signs and signs[other] != where
    )


def changed(was: str, row: str) -> Change:
    """What is other in a row than it was."""
    if _CLOCK.sub("", was) == _CLOCK.sub("", row):
        return Change.CLOCK
    counted = _DIGITS.findall(was) != _DIGITS.findall(row)
    was, row = _DIGITS.sub("0", was), _DIGITS.sub("0", row)
    if len(was) == len(row):
        parts = "".join(one + other for one, other in zip(was, row, strict=True) if one != other)
    else:
        first, end = span(was, row)
        parts = was[first:end] + row[first:end]
    if any(sign.isalnum() for sign in parts):
        return Change.WORDS
    return Change.COUNT if counted else Change.SIGNS


def _scrolled(rows: tuple[str, ...], before: dict[str, list[int]]) -> int:
    """By how many rows most of those moved up that are there once; ``before``: where they stood."""
    counted = Counter(rows)
    moved = Counter(
        before[row][0] - number
        for number, row in enumerate(rows)
        if row and counted[row] == 1 and len(before.get(row, ())) == 1
    )
    return moved.most_common(1)[0][0] if moved else 0


def _turns(was: str, row: str) -> bool:
    """Whether a few signs changed that are not of a line or a border."""
    first, end = span(was, row)
    return end - first <= _TURNS_MOST and any(
        not sign.isalnum() and sign not in FRAME for sign in row[first:end]
    )


def _ended(was: str, row: str) -> bool:
    """Whether a picture of a spinner gave way to a sign that is none: what turned is done."""
    first, end = span(was, row)
    before, now = was[first:end].strip(), row[first:end].strip()
    return bool(now) and any(
        set(before) & pictures and not set(now) & pictures for pictures in _PICTURES
    )


def _words(row: str) -> str:
    """Without the dots behind it."""
    return row.rstrip(" .…")


def _letters(row: str) -> str:
    """Without signs, and without seconds and the like that count."""
    return "".join(filter(str.isalnum, _COUNTED.sub("", row)))


def span(was: str, row: str) -> tuple[int, int]:
    """From where to where it is other, in characters of ``row``."""
    width = max(len(was), len(row))
    was, row = was.ljust(width), row.ljust(width)
    if was == row:
        return 0, 0
    first = next(at for at in range(width) if was[at] != row[at])
    end = next(at for at in range(width, 0, -1) if was[at - 1] != row[at - 1])
    return first, end
