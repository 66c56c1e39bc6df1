"""What a rule sees of a terminal: its screen, cut into regions, and since when what of it is so.

It is a value, and pure. It knows where things are drawn (``layout``), and no rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from math import inf
from typing import Final

from inspan.terminal.asking import AT_REST, NEEDED, Asking, asking, asking_beside, needed, tells
from inspan.terminal.layout import (
    FRAME,
    LINE_MOST,
    SIDES,
    answered,
    begun,
    box_above,
    boxes,
    drawn_live,
    floating,
    horizontals,
    list_above,
    low_box,
    options,
    paragraph,
    printed,
    typing_rows,
    upto,
)
from inspan.terminal.outcome import Came, laid_over, said_stopped, unanswered
from inspan.terminal.panes import column
from inspan.terminal.regions import Place, Region
from inspan.terminal.signs import Sign, signs_of
from inspan.terminal.tongues import english
from inspan.terminal.usual import Standing

#: A prompt with words and no question.
_NAMED: Final = re.compile(r"[^?]{1,30}[:>»❯›#$]\s*")
#: A question with an answer behind it, in front of another prompt or not.
_ANSWERED: Final = re.compile(
    r"(?i)[?:>\])»❯›…] ?(?:y|n|a|e|q|yes|no|always|all|skip|ok|quit|\d{1,2})"
    r"(?:\W{1,3}[^.!?;:/)\]]{0,24}[:>»❯›#$]\W*)?$"
)
#: The most rows without words between a box in which one types, or the end, and what is asked.
_FAR: Final = 30
#: The most lines below a list of options: what was quoted is followed by more.
_BELOW: Final = 5
#: Seconds within which the options of a dialog come, and how much later others count.
_TOGETHER: Final = 0.6
_APART: Final = 4.0
#: How much later those count that have a sign less than is needed, while something moves.
_FEW: Final = 1.8
#: And how much sooner those that have more signs than are ever needed, and came all at once.
_MANY: Final = -0.5
_ONCE: Final = 0.1
#: Seconds between two lines below one another of a text that comes line by line, at the most.
_FLOWS: Final = 4.0
#: A prompt comes with what it asks, or so many seconds later at the most.
_WITH: Final = 2.0
#: So many signs of a dialog are enough not to call it rest.
_MAYBE: Final = 2
#: What is found by the prompts that were sent.
_OF_PROMPTS: Final = frozenset(
    {Place.USUAL, Place.AGAIN, Place.UNLIKE, Place.OTHERWISE, Place.OVER, Place.UNANSWERED}
    | {Place.STOPPED}
)
#: What is found by how far a program has got.
_AT_THE_END: Final = frozenset(
    {Place.PRINTED, Place.LEFT, Place.FRESH, Place.LIVE, Place.UNTOUCHED, Place.READY}
)
_ASKED: Final = Region(Place.ASKED)
_ASKING: Final = Region(Place.ASKING)
_BESIDE: Final = Region(Place.BESIDE)


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
    #: Since when each row is on the screen, wherever.
    born: tuple[float, ...] = ()
    #: Since when the words of each row are what they are, whatever signs and numbers do.
    worded: tuple[float, ...] = ()
    #: Whether each row is one that turned last, as a spinner does.
    turns: tuple[bool, ...] = ()
    #: When a spinner in the title tells of work no more.
    spins: float = inf
    #: When somebody typed last what may be an answer.
    keyed: float = -inf
    stopped: float = -inf  #: and Escape or Ctrl-C
    #: How it stood where one types when a prompt was sent, the last first.
    usual: tuple[Standing, ...] = ()
    #: When that was: what has stood there since before tells nothing of what came of it.
    sent: float = -inf
    prompt: frozenset[int] = frozenset()  #: the words of that, as hashes
    #: The panes beside that of the rows, and since when each of their rows is there.
    beside: tuple[tuple[str, ...], ...] = ()
    beside_since: tuple[tuple[float, ...], ...] = ()
    _cut: dict[Region, tuple[str, ...]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    #: What was found by conditions that many rules have: each is looked for once.
    found: dict[tuple[int, bool], re.Match[str] | None] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    _types: list[range | None] = field(default_factory=list, init=False, compare=False, repr=False)
    _sent_below: list[frozenset[str]] = field(
        default_factory=list, init=False, compare=False, repr=False
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
        if line and line in self._cut.get(_ASKING, ()):
            return self._asks_since(self._asking())
        if line and line in self._cut.get(_BESIDE, ()):
            return max(since for _, since in self._asking_beside())
        return self._latest(line, self.stood)

    def _asks_since(self, found: Asking) -> float:
        """Since when these words stand; options that came one by one count later."""
        every = [self.worded[at] for at in found.rows if at < len(self.worded)]
        listed = [self.worded[at] for at in found.options if at < len(self.worded)]
        born = [self.born[at] for at in found.rows if at < len(self.born) and not self.turns[at]]
        apart = bool(listed) and max(listed) - min(listed) > _TOGETHER
        once = found.signs > AT_REST and born and max(born) - min(born) < _ONCE
        more = _FEW if found.few else _MANY if once else 0.0
        return max(every, default=-inf) + (_APART if apart else more)

    def came(self, line: str) -> float:
        """Since when this line of a region is on the screen."""
        return self._latest(line, self.born)

    def always(self, line: str) -> bool:
        """Whether this line is shown at rest too, and so tells of nothing that is new."""
        if any(each.has(line) for each in self.usual):
            return True
        return bool(line) and any(line in (row, row.strip(SIDES)) for row in self._before_sent())

    def _before_sent(self) -> frozenset[str]:
        """The rows that stood there when a prompt was sent, with words below that came since."""
        if not self._sent_below:
            typing = self._typing()
            end = min(len(self.born), typing.start if typing else len(self.rows))
            came = [at for at in range(end) if self.born[at] > self.sent and not self.turns[at]]
            last = next((at for at in reversed(came) if _worded((self.rows[at],))), 0)
            below = {*self.rows[last:]} if self.sent > -inf else {*self.rows}
            each = zip(self.rows[:last], self.born, strict=False)
            new = below.union(row for row, at in each if at >= self.sent)
            self._sent_below.append(frozenset(self.rows[:last]) - new)
        return self._sent_below[0]

    def was_answered(self, lines: Sequence[str]) -> bool:
        """Whether somebody typed since these lines are there, and words came below them then."""
        stand = self._rows_of(lines)
        if not all(self._tells(at) for at in stand if self.born[at] >= self.keyed):
            return False
        if any(line in self._cut.get(_ASKING, ()) for line in lines):
            # The same may be asked again, of something else.
            stand = sorted({*stand, *(at for at in self._asking().rows if at < len(self.born))})
        old = [at for at in stand if self.born[at] < self.keyed]
        if not old:
            return False
        below = range(old[-1], len(self.rows))
        told = any(self.born[at] > self.keyed and self._tells(at) for at in below)
        return told or (self._asking(1).signs <= _MAYBE and any(map(self._turned_since, below)))

    def _turned_since(self, at: int) -> bool:
        """Whether words that turn stand there since somebody typed, and not where one types."""
        typed = at in (self._typing() or ())
        return not typed and self.worded[at] > self.keyed and self._worded_at(at, turns=True)

    def turning(self, lines: Sequence[str]) -> bool:
        """Whether one of these lines is of a row that turns."""
        return any(self.turns[at] for at in self._rows_of(lines))

    def flowed(self, lines: Sequence[str]) -> float:
        """When the newest of these lines came, where they came line by line; or never.

        So does what is printed or said: the row just above came shortly before, and not with it.
        """
        stand = self._rows_of(lines)
        newest = max((self.born[at] for at in stand), default=-inf)
        above = [
            newest - self.born[at - 1]
            for at in stand
            if at and self.rows[at - 1] and not self.turns[at]
        ]
        flows = any(_TOGETHER < gap < _FLOWS for gap in above)
        return newest if flows else -inf

    def _rows_of(self, lines: Sequence[str]) -> list[int]:
        """The rows that are these lines of regions, from the top."""
        asked = self._asked() if any(line in self._cut.get(_ASKED, ()) for line in lines) else ()
        every = enumerate(self.rows[: len(self.born)])
        # Of rows that are alike the last is meant: what is asked again was asked before.
        last = {row: at for at, row in every if row in lines or row.strip(SIDES) in lines}
        found = {*last.values()}
        return sorted(at for at in found.union(asked) if _worded((self.rows[at],)))

    def _tells(self, at: int) -> bool:
        """Whether this row says something that neither asks nor is there at rest."""
        typing = self._typing() or ()
        return (
            at not in typing
            and not self.turns[at]
            and tells(self.rows[at])
            and not self.always(self.rows[at])
        )

    def _latest(self, line: str, times: Sequence[float]) -> float:
        every = zip(self.rows, times, strict=False)
        return max((at for row, at in every if line in (row, row.strip(SIDES))), default=-inf)

    def _lines(self, region: Region) -> Iterator[str]:
        match region.place:
            case Place.TITLE | Place.TURNING:
                heard = region.place is Place.TITLE or self.now < self.spins
                yield from (self.title,) if heard else ()
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
            case Place.ASKING | Place.MAYBE | Place.BESIDE:
                yield from self._asked_by_signs(region.place)
            case _:
                yield from self._drawn(region.place)

    def _drawn(self, place: Place) -> Sequence[str]:
        """What is found by the lines and boxes that are drawn around it."""
        match place:
            case Place.AFTER_RULE:
                found = horizontals(self.rows)[-1:]
                return [row for at in found for row in self.rows[at + 1 :] if row]
            case Place.BOX | Place.LAST_BOX:
                last = next(reversed(boxes(self.rows)), None)
                return self._boxed(self._around() if place is Place.BOX else last)
            case Place.ASKED:
                asked = self._joined(self._asked())
                read = chain(asked, map(english, asked))
                return () if any(map(_ANSWERED.search, asked)) else [*dict.fromkeys(read)]
            case place if place in _AT_THE_END:
                return self._at_the_end(place)
            case place if place in _OF_PROMPTS:
                return self._as_usual(place)
            case _:
                return self._by_typing(place)

    def _asked_by_signs(self, place: Place) -> list[str]:
        """The rows that ask by several signs."""
        if place is Place.BESIDE:
            return [row for row, _ in self._asking_beside()]
        least = _MAYBE if place is Place.MAYBE else 0
        return [self.rows[at] for at in self._asking(least).rows]

    def _asking(self, least: int = 0) -> Asking:
        """What asks, by several signs: so many at least, or as many as are needed."""
        rests = bool(self._as_usual(Place.USUAL))
        typing = self._typing()
        if typing is None and not self.hidden and self._before_cursor().strip():
            typing = range(self.cursor[1], self.cursor[1] + 1)
        turning = frozenset(at for at, turns in enumerate(self.turns) if turns)
        found = asking(self.rows, typing, self._tells_nothing, turning, rests=rests)
        other = not rests and any(each.drawn for each in self.usual)
        # A place to type that looks so beside what moves is no rest.
        calm = rests and self.now >= self.rests
        most = needed(rests=calm, other=other, listed=found.listed_at_once(self.born, self.sent))
        if not least and self._chosen_beside(found, most):
            return replace(found, few=found.signs < (NEEDED if found.allows else most))
        return found if found.signs >= (least or most) else Asking()

    def _tells_nothing(self, row: str) -> bool:
        """Whether this row is shown at rest too, or is of status and says nothing of a person."""
        if self.always(row):
            return True
        status = any(each.status(row) for each in self.usual)
        return status and Sign.WAITS not in signs_of(english(row))

    def _chosen_beside(self, found: Asking, most: int) -> bool:
        """Whether answers to choose stand above what moves, with one sign less than ``most``."""
        signs = found.signs + (not found.options)
        return found.chooses and signs >= most - 1 and self.now < self.rests

    def _asking_beside(self) -> list[tuple[str, float]]:
        """The rows that ask in a pane beside, and since when each is there."""
        for rows, since in zip(self.beside, self.beside_since, strict=True):
            found = asking_beside(rows, [at > self.sent > -inf for at in since])
            if found.signs:
                return [(rows[at].strip(SIDES), since[at]) for at in found.rows]
        return []

    def _as_usual(self, place: Place) -> Sequence[str]:
        """Where one types, where it stands as when a prompt was sent; or that it does not."""
        if place is Place.OTHERWISE:
            return self._otherwise()
        if place in (Place.OVER, Place.UNANSWERED, Place.STOPPED):
            return self._came_of_it(place)
        rows = column(self.rows) if self.usual else ()
        standing = (each.again(rows, self.cursor, self.hidden) for each in self.usual)
        at = next((row for row in standing if row is not None), None)
        if place is Place.USUAL:
            return () if at is None else (self.rows[at],)
        if place is Place.AGAIN:
            return (self._before_cursor(),) if self._said_above(at) else ()
        gone = at is None and any(each.drawn for each in self.usual)
        stays = gone and any(each.stays(rows) for each in self.usual)
        return _worded(self.rows)[-1:] if gone and not stays else ()

    def _came_of_it(self, place: Place) -> Sequence[str]:
        """What came of the last prompt: a box over all, its end by a key, or nothing."""
        rows = column(self.rows)
        usual = (each.again(rows, self.cursor, self.hidden) for each in self.usual)
        at = next((row for row in usual if row is not None), len(rows))
        end = self._typing() or range(at, min(at + 1, len(rows)))
        came = Came(rows, self.born, self.turns, end, self.sent, self.keyed, self.stopped)
        if place is Place.OVER:
            over = laid_over(came)
            return [rows[at].strip(SIDES) for at in over or () if rows[at].strip(SIDES)]
        last = said_stopped(came) if place is Place.STOPPED else unanswered(came, self.prompt)
        return () if last is None else (rows[last],)

    def _said_above(self, at: int | None) -> bool:
        """Whether the last words above row ``at``, with a cursor that is shown, ask nothing."""
        above = _worded(self.rows[:at])[-1:] if at is not None and not self.hidden else ()
        return any(map(tells, above))

    def _otherwise(self) -> Sequence[str]:
        """Up to the cursor, where prompts were sent behind other signs than those before it.

        A prompt that changed by itself, below what had been there for long, is that of another
        mode: what asks comes with its question.
        """
        line, at = self._before_cursor(), self.cursor[1]
        known = [each for each in self.usual if each.shape]
        if self.hidden or self.alternate or not line.strip() or not known:
            return ()
        if at >= len(self.born) or any(each.begins(line) for each in known):
            return ()
        above = [self.born[row] for row in range(at) if self._worded_at(row)]
        newest = max(above, default=-inf)
        return (line,) if self.born[at] - newest < _WITH else ()

    def _worded_at(self, row: int, *, turns: bool = False) -> bool:
        return any(map(str.isalnum, self.rows[row])) and self.turns[row] is turns

    def _at_the_end(self, place: Place) -> Sequence[str]:
        """What is found by where the cursor is, of all that was printed."""
        if place is Place.FRESH:
            born = self.born[self.cursor[1]] if self.cursor[1] < len(self.born) else -inf
            rows = zip(self.rows, self.born, strict=False)
            newest = not self.hidden and born >= max((at for row, at in rows if row), default=inf)
            return (self._before_cursor(),) if newest else ()
        if place in (Place.UNTOUCHED, Place.READY):
            nowhere = place is Place.READY and self._typing() is None
            return () if self.keyed > -inf or nowhere else [""]
        live = place is Place.LIVE
        if live and self.alternate:
            return ()  # where what draws all of a screen leaves a hidden cursor tells nothing
        last = (drawn_live if live else printed)(self.rows, self.cursor)
        wanted = self.hidden if live else not self.hidden or place is Place.PRINTED
        return (self.rows[last],) if wanted and last is not None else ()

    def _by_typing(self, place: Place) -> Sequence[str]:
        """What is found by where one types or chooses."""
        if place is Place.FLOATING:
            return floating(self.rows) or ()
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
        """Where one types; it is looked for once."""
        if not self._types:
            self._types.append(self._where_typed())
        return self._types[0]

    def _where_typed(self) -> range | None:
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
        return upto(self._at_cursor(), self.cursor[0])


def _worded(rows: Sequence[str]) -> list[str]:
    return [row for row in rows if any(map(str.isalnum, row))]
