"""Where on a screen things are: lines across it, the boxes between them, and where one types.

It reads rows as they are drawn and no colours, and knows no program and no rule.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from inspan.terminal.sanitize import columns

#: A line across the screen, also as the border of a box.
_HORIZONTAL: Final = re.compile(r"\s*[╭╰┌└├┏┗┣╔╚╠+]?[─━═╌╍┄┅┈┉▔▁▀▄=-]{8,}[╮╯┐┘┤┓┛┫╗╝╣+]?\s*")
#: The same with some words in it, as a title that stands in the border.
_TITLED: Final = re.compile(
    r"\s*[╭╰┌└├┏┗┣╔╚╠]?[─━═]+ ?(?=[^─━═]{1,60} ?[─━═])[^─━═│┃║┬┴┼┳┻╋╦╩╬]*[─━═]+[╮╯┐┘┤┓┛┫╗╝╣]?\s*"
)
_LINE: Final = re.compile(r"[─━═]")
#: So much of it at least is line.
_LINE_LEAST: Final = 8
#: What a box has at its left and right.
SIDES: Final = " │┃║▌▐▎|"
#: The same, and what is above and below it.
FRAME: Final = SIDES + "─━═╭╮╰╯┌┐└┘┏┓┗┛╔╗╚╝"
#: The corners at the end of a box: what is below such a line is outside.
_ENDS: Final = re.compile(r"[╰└┗╚╯┘┛╝]")
#: What stands in front of where one types, also within a box.
_MARKED: Final = re.compile(r"[\s│┃║|▌▎▊▐]{0,4}[❯›>❱»$](?:\s|$)")
#: The same with nothing behind it but a cursor that is drawn.
_EMPTY: Final = re.compile(r"\s{0,4}(?:[❯›>❱»]|>>>?|❯❯|»»)\s*[█▌▋▏_]?")
#: A bar at the left of a panel that has no lines across the screen.
_BARRED: Final = re.compile(r"\s{0,4}[│┃║▌▎▊█]")
#: The same farther right, with a space behind it: there it is a place to type if the cursor is.
_INDENTED: Final = re.compile(r"\s*[┃▌▎▊█](?:\s|$)")
#: The upper line of a box that begins right of the left edge, after whatever stands there.
_FLOATS: Final = re.compile(r"[^╭┌┏╔]{3,}([╭┌┏╔][─━═][^╮┐┓╗]{4,}[╮┐┓╗])(?![─━═])")
#: The border of a box over the middle of which something is drawn that has no border of its own.
_COVERED: Final = re.compile(
    r"[^─━═]*[─━═]{3,}( {2,}(?=\S)[^─━═╭╮╰╯┌┐└┘│┃]*[^─━═╭╮╰╯┌┐└┘│┃ ] {2,}| {12,})[─━═]{3,}\W*"
)
#: A sentence below a box, and no words on keys: a text goes on there, and has the box within it.
_SENTENCE: Final = re.compile(
    r"(?i)(?!.*(?:\b(?:enter|return|esc|escape|tab|arrows?|press|select)\b|[↑↓←→⏎]))"
    r"[a-z][\w',-]*(?: [\w',./()-]+){5,}"
)
#: An option that is marked, and any other: what stands before its words.
_CHOSEN: Final = re.compile(r"[\s│┃║|▌▎▊▐]*[❯›>●▶→◉▸➤»►‣] {1,3}(?=\S)")
_OTHER: Final = re.compile(r"[\s│┃║|▌▎▊▐]*(?:[○◯•·-] {1,3})?(?=\S)")
#: So many options at least are a list: of two lines the second may be a hint below a prompt, but
#: not above one.
_LISTED_LEAST: Final = 3
_LISTED_ABOVE_LEAST: Final = 2
_UPRIGHT: Final = "│┃║"
_LOWER: Final = "╰└┗╚╯┘┛╝"
#: The most rows of a box in which one types, and the most that stand below such a line.
_TALL: Final = 10
_BELOW_MOST: Final = 3
#: The most rows of what is asked in a paragraph, and the most between that and its answer.
_LONG: Final = 8
_APART_MOST: Final = 3
#: A prompt's mark alone: what is above it was said to another prompt.
_BARE: Final = re.compile(r"\s{0,4}(?:[❯›>❱»]|>>>?|```.*|~~~.*)\s*$")
#: The upper edge of a button, and what it says: brief, and within its edges.
_BUTTON: Final = re.compile(r"(?<!▔)▔{6,30}(?!▔)")
_BUTTON_WORDS: Final = re.compile(r"\W*(?:\w\S*\s?){1,4}\W*")
#: The most rows between a dialog and the place in which one types below it.
_BETWEEN_MOST: Final = 3
#: The most characters of a line that are searched.
LINE_MOST: Final = 400
#: The second column of a character that is two columns wide.
_SECOND: Final = "\0"
#: Of so many rows it is known whether they are lines: most are looked at again and again.
_KNOWN: Final = 2048


def horizontals(rows: Sequence[str]) -> list[int]:
    """The rows that are a line across the screen."""
    return [at for at, row in enumerate(rows) if _crosses(row)]


@lru_cache(_KNOWN)
def _crosses(row: str) -> bool:
    if _HORIZONTAL.fullmatch(row):
        return True
    return bool(_TITLED.fullmatch(row)) and len(_LINE.findall(row)) >= _LINE_LEAST


def boxes(rows: Sequence[str]) -> list[tuple[int, int]]:
    """Each two lines across the screen that follow one another and have rows between."""
    return [
        (above, below)
        for above, below in pairwise(horizontals(rows))
        if below > above + 1 and not _ENDS.search(rows[above])
    ]


def typing_rows(rows: Sequence[str], cursor: tuple[int, int]) -> range | None:
    """The rows in which one types, by what is drawn around the cursor or by a mark; or nothing."""
    at = min(cursor[1], len(rows) - 1)
    if at < 0:
        return None
    drawn = [range(above + 1, below) for above, below in boxes(rows) if below - above <= _TALL + 1]
    around = next((box for box in drawn if at in box), None)
    if around is not None:
        return around
    marked = drawn and any(_MARKED.match(rows[row]) for row in drawn[-1])
    if marked and _low(rows, drawn[-1].stop):
        return drawn[-1]
    if _BARRED.match(rows[at]) and len(panel := _panel(rows, at)) <= _TALL:
        return panel
    if _MARKED.match(rows[at]):
        return range(at, at + 1)
    found = [row for row, text in enumerate(rows) if _EMPTY.fullmatch(text) and _low(rows, row)]
    marked_row = range(found[-1], found[-1] + 1) if found else None
    return _indented(rows, cursor) or marked_row


def begun(rows: Sequence[str], cursor: tuple[int, int]) -> bool:
    """Whether the cursor stands behind a prompt's mark with nothing more in its row."""
    at = cursor[1]
    return at < len(rows) and bool(_EMPTY.fullmatch(rows[at])) and cursor[0] > 0


def answered(rows: Sequence[str], cursor: tuple[int, int], typing: range) -> bool:
    """Whether a cursor that is shown has left where one types for the row below it, at its left."""
    column, at = cursor
    return column == 0 and at == typing.stop and not any(rows[at:])


def printed(rows: Sequence[str], cursor: tuple[int, int]) -> int | None:
    """The last row that has something, where the cursor has left it for the left of a row below.

    So it stands after a program has printed lines and reads none, and where nothing is drawn below.
    """
    column, at = cursor
    last = next((row for row in range(len(rows) - 1, -1, -1) if rows[row]), None)
    left = last is not None and column == 0 and last < at <= last + _APART_MOST
    return last if left else None


def drawn_live(rows: Sequence[str], cursor: tuple[int, int]) -> int | None:
    """The last row that has something, where a cursor that is hidden stands at the end of all.

    So it does for those that draw the last of their lines anew again and again, as Rich does.
    """
    column, at = cursor
    last = next((row for row in range(len(rows) - 1, -1, -1) if rows[row]), None)
    if last is None or column == 0 or not last <= at <= last + _APART_MOST:
        return None
    # At the right edge it stands on the last letter.
    return last if column + 1 >= len(rows[min(at, len(rows) - 1)]) else None


def paragraph(rows: Sequence[str], end: int, between: int = _APART_MOST) -> range:
    """The last rows with words above ``end``, where no more than so many others are between."""
    last = end - 1
    while last >= max(0, end - between) and not _worded(rows[last]) and not _BARE.match(rows[last]):
        last -= 1
    first = last + 1
    while first > 0 and last - first + 1 < _LONG and _worded(rows[first - 1]):
        first -= 1
    return range(first, last + 1)


def box_above(rows: Sequence[str], typing: range) -> tuple[int, int] | None:
    """The box with sides that stands just above where one types: a dialog, or what was printed."""
    above = [box for box in boxes(rows) if box[1] < typing.start]
    if not above or sum(map(bool, rows[above[-1][1] + 1 : typing.start - 1])) > _BETWEEN_MOST:
        return None
    inside = [row for row in rows[above[-1][0] + 1 : above[-1][1]] if row]
    return above[-1] if inside and all(map(_BARRED.match, inside)) else None


def list_above(rows: Sequence[str], typing: range) -> range | None:
    """The rows of the list of options that is the last thing above where one types; or nothing."""
    above = rows[: typing.start]
    found = options(above, _LISTED_ABOVE_LEAST)
    return None if found is None or any(map(_worded, above[found.stop :])) else found


def _worded(row: str) -> bool:
    return any(map(str.isalnum, row))


def options(rows: Sequence[str], least: int = _LISTED_LEAST) -> range | None:
    """The rows of the lowest list of options: one is marked, and the words of all are below its."""
    for at in range(len(rows) - 1, -1, -1):
        if (chosen := _CHOSEN.match(rows[at])) is None:
            continue
        first = last = at
        while first > 0 and _begins(rows[first - 1]) == chosen.end():
            first -= 1
        while last + 1 < len(rows) and _begins(rows[last + 1]) == chosen.end():
            last += 1
        if last - first + 1 >= least:
            return range(first, last + 1)
    return None


def _begins(row: str) -> int:
    """The column in which the words of an option begin that is not marked."""
    found = _OTHER.match(row)
    return found.end() if found else -1


def drawn_buttons(rows: Sequence[str]) -> list[int]:
    """The rows of words with an edge above and one below, in the same columns, as buttons have."""
    found = []
    for at in range(1, len(rows) - 1):
        if "▔" not in rows[at - 1] or "▁" not in rows[at + 1]:
            continue
        edges = (each.span() for each in _BUTTON.finditer(rows[at - 1]))
        if any(_pressed(rows[at], rows[at + 1], first, end) for first, end in edges):
            found.append(at)
    return found


def _pressed(row: str, below: str, first: int, end: int) -> bool:
    said, edge = row[first:end], below[first:end]
    whole = edge == "▁" * (end - first) and below[end : end + 1] != "▁"
    return whole and _worded(said) and bool(_BUTTON_WORDS.fullmatch(said))


def low_box(rows: Sequence[str]) -> tuple[int, int] | None:
    """The last box, where little stands below it."""
    found = boxes(rows)
    return found[-1] if found and _low(rows, found[-1][1]) else None


def _low(rows: Sequence[str], at: int) -> bool:
    """Whether little stands below a row."""
    return sum(map(bool, rows[at + 1 :])) <= _BELOW_MOST


@dataclass(frozen=True, slots=True)
class Floating:
    """A box that stands over all else: its rows, the columns of its sides, and what is inside."""

    rows: range
    left: int
    right: int
    inside: tuple[str, ...]
    covers: bool  #: something stands left of it


@lru_cache(_KNOWN)
def cells(row: str) -> str:
    """A row with a character for each column, so that what is right of an emoji is in its own."""
    if row.isascii() or columns(row) == len(row):
        return row
    return "".join(sign + _SECOND * (columns(sign) - 1) for sign in row)


def part(row: str, first: int, end: int | None = None) -> str:
    """What stands in these columns of a row of ``cells``."""
    return row[first:end].replace(_SECOND, "")


def floating(rows: Sequence[str]) -> list[str] | None:
    """What stands in the lowest box that begins right of the left edge; or nothing."""
    found = floating_box(rows)
    return [row for row in found.inside if row] if found else covering(rows)


def floating_box(rows: Sequence[str]) -> Floating | None:
    """The lowest box that begins right of the left edge; one with something left of it comes first.

    Such a box is a dialog, or a picture of one: its corners are in the same columns. What stands in
    a field of its own within it is part of it. A text that goes on below it, from the same column,
    quotes it. A box in which one types may be indented, with nothing beside it.
    """
    if not any(map(_FLOATS.match, rows)):
        return None
    drawn = [*map(cells, rows)]
    lowest: Floating | None = None
    for at in range(len(drawn) - 1, -1, -1):
        if (corner := _FLOATS.match(drawn[at])) is None:
            continue
        left, right = corner.start(1), corner.end(1) - 1
        if not (inside := _floating(drawn, at, left, right)):
            continue
        stands = range(at, at + len(inside) + 1)
        covers = any(drawn[row][:left].strip() for row in stands)
        found = Floating(stands, left, right, tuple(inside), covers)
        if lowest is None or _within(lowest.rows, stands) or covers > lowest.covers:
            lowest = found
    return lowest


def _within(rows: range, others: range) -> bool:
    return others.start < rows.start and others.stop - 1 >= rows.stop


def covering(rows: Sequence[str]) -> list[str] | None:
    """What is drawn over the border of a box behind it, with nothing around but spaces; or nothing.

    Above and below the border it goes on for as long as its edges are blank.
    """
    if not any(map(_COVERED.fullmatch, rows)):
        return None
    rows = [*map(cells, rows)]
    for at in range(len(rows) - 1, -1, -1):
        if (cover := _COVERED.fullmatch(rows[at])) is None:
            continue
        left, right = cover.span(1)
        first = last = at
        while first > 0 and _blank_edges(rows[first - 1], left, right):
            first -= 1
        while last + 1 < len(rows) and _blank_edges(rows[last + 1], left, right):
            last += 1
        inside = [part(row, left, right).strip(SIDES) for row in rows[first : last + 1]]
        if sum(map(_worded, inside)) > 1:
            return [row for row in inside if row]
    return None


def _blank_edges(row: str, left: int, right: int) -> bool:
    return not row[left : left + 2].strip() and not row[right - 2 : right].strip()


def _floating(rows: Sequence[str], at: int, left: int, right: int) -> list[str]:
    """The rows in the box of which that at ``at`` is the upper line; nothing where it is none."""
    inside: list[str] = []
    for row in rows[at + 1 :]:
        if len(row) <= right or row[left] not in _UPRIGHT or row[right] not in _UPRIGHT:
            break
        inside.append(part(row, left + 1, right).strip(SIDES))
    below = rows[at + 1 + len(inside)] if at + 1 + len(inside) < len(rows) else ""
    closed = len(below) > right and below[left] in _LOWER and below[right] in _LOWER
    after = next(filter(_worded, rows[at + 2 + len(inside) :]), "")
    quoted = not after[:left].strip() and bool(_SENTENCE.match(after, left))
    return inside if closed and not quoted else []


def upto(row: str, column: int) -> str:
    """What stands left of a column, and spaces where the row is shorter."""
    kept = used = 0
    for character in row:
        used += columns(character)
        if used > column:
            break
        kept += 1
    return row[:kept] + " " * min(LINE_MOST, column - columns(row[:kept]))


def _indented(rows: Sequence[str], cursor: tuple[int, int]) -> range | None:
    """The rows of a panel around the cursor that have a bar in the column of that left of it."""
    column, at = cursor
    found = _INDENTED.match(rows[at]) if at < len(rows) else None
    bar = found[0].rstrip() if found else ""
    if not bar or column <= len(bar):
        return None
    first = last = at
    while first > 0 and rows[first - 1].startswith(bar):
        first -= 1
    while last + 1 < len(rows) and rows[last + 1].startswith(bar):
        last += 1
    return range(first, last + 1) if 1 < last - first + 1 <= _TALL else None


def _panel(rows: Sequence[str], at: int) -> range:
    """The rows above and below ``at`` that have a bar at their left, as that has."""
    first = last = at
    while first > 0 and _BARRED.match(rows[first - 1]):
        first -= 1
    while last + 1 < len(rows) and _BARRED.match(rows[last + 1]):
        last += 1
    return range(first, last + 1)
