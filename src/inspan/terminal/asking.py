"""What of a screen asks somebody, by what all dialogs have in common: several signs near its end.

No one sign is enough, since an answer may quote any. Options below one another, words of consent
beside words of refusal, keys that choose or leave, a question, and a line that says that it waits
for a person each count for something; so does a place to type that is other than at rest. What is
said below them counts against them: what asks is the last that is shown. It knows no program, no
rule and no time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Final, TypeAlias

from inspan.model.value import value
from inspan.terminal.layout import boxes, drawn_buttons, floating, options
from inspan.terminal.panes import column
from inspan.terminal.signs import (
    ANSWER,
    ANY,
    ASKS_USER,
    CONSENTS,
    END,
    MARKED,
    QUESTION,
    REFUSES,
    REQUEST,
    UNTICKED,
    Sign,
    Signs,
    decides,
    inside,
    is_option,
    number,
    only_buttons,
    prose,
    signs_of,
    ticked,
    worded,
)
from inspan.terminal.tongues import english

#: Rows with their words, from the top.
_Rows: TypeAlias = Sequence[tuple[int, str]]
#: How much each sign counts for.
_WORTH: Final = {
    Sign.BUTTONS: 2,
    Sign.LETTERS: 2,
    Sign.KEYS: 2,
    Sign.SOME_KEYS: 1,
    Sign.YES_OR_NO: 2,
    Sign.WAITS: 2,
    Sign.OWN_ANSWER: 2,
    Sign.IN_BOX: 1,
    Sign.QUESTION: 1,
}
#: By these an answer is chosen, and nothing else is; and what asks ends with one of those.
_ANSWERS: Final = frozenset({Sign.BUTTONS, Sign.YES_OR_NO, Sign.WAITS, Sign.OWN_ANSWER})
_ANCHORS: Final = _ANSWERS | {Sign.KEYS, Sign.IN_BOX}
#: Of these the last row is meant, of the others the last two.
_ONCE: Final = frozenset({Sign.YES_OR_NO, Sign.WAITS, Sign.QUESTION})
_SPINNER: Final = frozenset({Sign.SPINNER})
_ASIDE: Final = frozenset({Sign.SPINNER, Sign.NOTE})
_NOTES: Final = frozenset({Sign.NOTE})
#: A question that is answered by a letter, in one row.
_YES_OR_NO: Final = frozenset({Sign.YES_OR_NO, Sign.QUESTION})

#: So many rows with words, from the last, are looked at.
_WINDOW: Final = 22
#: So many rows that tell nothing may be below the last sign.
_BELOW: Final = 2
#: The same in a box of its own.
_BELOW_BOXED: Final = 5
_WALLS: Final = frozenset({"││", "┃┃", "║║", "||"})
#: So many columns at the right of a box have no words.
_EDGES: Final = 5
_LONG: Final = 6
#: Seconds within which the rows of one piece come.
_PIECE: Final = 0.1
#: Rows between one option and the next, at the most.
_GAP: Final = 4
#: What is needed where nothing is known of the place to type, where it is as at rest, in a box
#: over all else, and in a panel that came beside without words of consent and of refusal; and of a
#: list below a question, with a mark, that came in one piece.
NEEDED, AT_REST, OVER_ALL, BESIDE, ONCE = 4, 5, 2, 3, 3


@value(frozen=True)
class Asking:
    """The rows that ask, and how many signs of it there are."""

    rows: tuple[int, ...] = ()
    signs: int = 0
    #: Those of them that are options: of a dialog they come together.
    options: tuple[int, ...] = ()
    #: They are answers: options that allow and refuse or that stand below a question, buttons alone
    #: in their row, or a question that ends with ``(y/n)``.
    chooses: bool = False
    allows: bool = False  #: these allow and refuse
    marked: bool = False  #: one of the options is
    #: There may be a sign less than is needed: answers ask so too while something moves.
    few: bool = False

    def listed_at_once(self, born: Sequence[float], sent: float) -> bool:
        """Whether a list below a question, with a mark, came in one piece since a prompt was sent.

        ``born``: since when each row of the screen is there.
        """
        came = [born[at] for at in self.rows if at < len(born)]
        listed = self.marked and self.chooses and bool(came)
        return listed and max(came) - min(came) < _PIECE and min(came) > sent > -inf


def asking(
    rows: Sequence[str],
    typing: range | None,
    always: Callable[[str], bool],
    turning: frozenset[int] = frozenset(),
    *,
    rests: bool,
) -> Asking:
    """What may ask on this screen.

    ``typing``: the rows in which one types; ``always``: whether a row is shown at rest too;
    ``turning``: the rows that turn, as spinners do; ``rests``: the place to type is as at rest.
    """
    over = floating(rows)
    if over is not None:
        read = [*map(english, over)]
        found = _asked([*enumerate(read)], [*map(signs_of, read)], _BELOW_BOXED)
        if found.signs >= OVER_ALL:
            parts = [over[at] for at in found.rows]
            stands = [at for at, row in enumerate(rows) if any(part in row for part in parts)]
            return Asking(tuple(stands), found.signs + AT_REST)
    cut = column(rows)
    shown = [
        (at, said)
        for at, row in enumerate(cut)
        if any(map(str.isalnum, row)) and not always(row) and (said := english(inside(row)))
        if not (rests and typing and at in typing)
    ]
    shown = shown[-_WINDOW:]
    kinds = _kinds_of(shown, max(map(len, cut)), turning)
    pressed = frozenset(drawn_buttons(cut))
    kinds = [
        kind | {Sign.BUTTONS} if row in pressed else kind
        for (row, _), kind in zip(shown, kinds, strict=True)
    ]
    asked = _boxed(cut, shown, kinds, typing)
    kinds = [
        kind | {Sign.IN_BOX} if row in asked else kind
        for (row, _), kind in zip(shown, kinds, strict=True)
    ]
    return _asked(shown, kinds, _BELOW, typing)


def asking_beside(rows: Sequence[str], new: Sequence[bool]) -> Asking:
    """What may ask in a pane beside; ``new``: whether a row came after the last prompt.

    A panel that did as a whole needs few signs; but a list, or keys, may tell what is to be done.
    """
    said = [(at, english(inside(row))) for at, row in enumerate(rows)]
    every = [(at, words) for at, words in said if any(map(str.isalnum, words))]
    shown = [(at, words) for at, words in every if new[at]][-_WINDOW:]
    kinds = [signs_of(said) for _, said in shown]
    found = _asked(shown, kinds, _BELOW_BOXED)
    decided = any(kind & _ANSWERS for kind in kinds) or decides(words for _, words in shown)
    least = OVER_ALL if decided else BESIDE
    least = least if all(new[at] for at, _ in every) else NEEDED
    return found if found.signs >= least else Asking()


def _boxed(
    rows: Sequence[str],
    shown: _Rows,
    kinds: Sequence[Signs],
    typing: range | None,
) -> range:
    """The rows of the lowest box with sides that begins with a question and has more below it."""
    for above, below in reversed(boxes(rows)):
        within = range(above + 1, below)
        if typing and typing.start in within:
            continue
        sides = {row.strip()[0] + row.strip()[-1] for row in rows[above + 1 : below] if row}
        listed = _ends_with_a_list(shown, within)
        if not listed and (len(sides) != 1 or not sides <= _WALLS):
            continue
        said = [kind for (row, _), kind in zip(shown, kinds, strict=True) if row in within]
        title = any(
            row == above and Sign.QUESTION in kind
            for (row, _), kind in zip(shown, kinds, strict=True)
        )
        if title and said:
            return range(above, below)
        if len(said) > 1 and Sign.QUESTION in said[0]:
            return within
    return range(0)


def _ends_with_a_list(shown: _Rows, within: range) -> bool:
    """Whether options are nearly the last in these rows: below one that is quoted more goes on."""
    listed = [shown[at][0] for at in _block(shown)]
    if not listed or listed[-1] not in within:
        return False
    below = [said for row, said in shown if row in within and row > listed[-1]]
    return len(below) <= _BELOW_BOXED and not any(map(prose, below))


def tells(row: str) -> bool:
    """Whether a row has words, and is neither an option nor keys nor a question of a dialog."""
    said = english(inside(row)).strip()
    if not any(map(str.isalpha, said)) or signs_of(said) - _NOTES:
        return False
    return not is_option(said)


def needed(*, rests: bool, other: bool, listed: bool = False) -> int:
    """How many signs there have to be, by what is known of the place to type and of a list."""
    return ONCE if listed else AT_REST if rests else NEEDED - other


def _asked(
    shown: _Rows,
    kinds: Sequence[Signs],
    below: int,
    typing: range | None = None,
) -> Asking:
    """How much of these rows asks, where little that does not is below."""
    block = _block(shown)
    anchors = [at for at, kind in enumerate(kinds) if kind & _ANCHORS or at in block]
    if not anchors:
        return Asking()
    last = anchors[-1]
    if last + 1 < len(shown) and _goes_on(shown[last], shown[last + 1]):
        last += 1  # a row that was broken
    if last not in block and _repeated(shown, last):
        return Asking()
    upto = typing.start if typing else 0
    aside = [_ASIDE if row < upto else _SPINNER for row, _ in shown]
    others = [shown[at] for at in range(last + 1, len(shown)) if not kinds[at] & aside[at]]
    after = [said.strip() for row, said in others if typing is None or row not in typing]
    if typing is not None and any(row < typing.start for row, _ in others):
        return Asking()
    if len(after) > below or any(map(_tells_more, after)) or any(map(ANSWER.fullmatch, after)):
        return Asking()
    signs, rows = _counted(shown, kinds, block, last)
    kept = sorted({shown[at][0] for at in rows if Sign.SPINNER not in kinds[at]})
    allows = _allows(shown, kinds, block, last)
    chooses = allows or _below_a_question(shown, kinds, block, last)
    listed = tuple(shown[at][0] for at in block)
    marked = any(MARKED.match(shown[at][1].strip()) for at in block)
    return Asking(tuple(kept), signs, listed, chooses, allows, marked)


def _allows(shown: _Rows, kinds: Sequence[Signs], block: list[int], last: int) -> bool:
    """Whether options, or buttons alone in their row, that allow and refuse are the last."""
    if decides(shown[at][1] for at in block):
        return True
    return Sign.BUTTONS in kinds[last] and only_buttons(shown[last][1])


def _below_a_question(shown: _Rows, kinds: Sequence[Signs], block: list[int], last: int) -> bool:
    """Whether options just below a question are the last, or ``(y/n)`` behind one."""
    if kinds[last] >= _YES_OR_NO:
        return True
    above = range(block[0]) if block else ()
    near = [at for at in above if shown[block[0]][0] - shown[at][0] < _GAP]
    return any(Sign.QUESTION in kinds[at] for at in near)


def _kinds_of(shown: _Rows, width: int, turning: frozenset[int]) -> list[Signs]:
    """What each row is a sign of; what was broken off a spinner's row is part of that."""
    kinds: list[Signs] = []
    for at, (row, said) in enumerate(shown):
        kind = signs_of(said)
        if row in turning:
            kind |= {Sign.SPINNER, Sign.WAITS} if ASKS_USER.search(said) else _SPINNER
        if at and Sign.SPINNER in kinds[-1] and shown[at - 1][0] == row - 1:
            begun = len(shown[at - 1][1]) + len(said.split(maxsplit=1)[0])
            kind = _SPINNER if begun + _EDGES >= width else kind
        kinds.append(kind)
    return kinds


def _counted(
    shown: _Rows, kinds: Sequence[Signs], block: list[int], last: int
) -> tuple[int, list[int]]:
    """How many signs there are up to the last and beside it, and of which rows."""
    said = [shown[at][1].strip() for at in block]
    signs = bool(block) + any(map(MARKED.match, said)) + decides(said)
    rows = list(block)
    first = min([*block, last])
    boxed = [at for at, kind in enumerate(kinds) if Sign.IN_BOX in kind]
    near = range(max(0, min([first - 8, *boxed])), len(shown))
    for sign, worth in _WORTH.items():
        where = [at for at in near if sign in kinds[at]]
        if sign is Sign.SOME_KEYS and any(Sign.KEYS in kinds[at] for at in near):
            continue
        if sign is Sign.YES_OR_NO and len(where) > 1:
            continue
        if sign is Sign.QUESTION:
            where = [at for at in where if at <= last]
            where = [at for at in where if at in boxed] or where
        if where:
            signs += worth
            rows += where if sign is Sign.IN_BOX else where[-1:] if sign in _ONCE else where[-2:]
    return signs + _paired(shown, kinds, block, last) + any(
        Sign.IN_BOX in kinds[at] for at in block
    ), rows


def _paired(shown: _Rows, kinds: Sequence[Signs], block: list[int], last: int) -> bool:
    """Whether a question stands just above what answers it, in a row of its own."""
    if decides(shown[at][1] for at in block):
        lower = block[0]
    else:
        lower = next((at for at in range(last, -1, -1) if Sign.BUTTONS in kinds[at]), 0)
    above = shown[max(0, lower - _GAP) : lower]
    return any(QUESTION.search(said.strip()) for _, said in above)


def _repeated(shown: _Rows, at: int) -> bool:
    """Whether a row is the one above it but for a number, as what a command prints."""
    said = "".join(filter(str.isalpha, shown[at][1]))
    above = "".join(filter(str.isalpha, shown[at - 1][1])) if at else ""
    return len(said) > _LONG and said == above


def _tells_more(said: str) -> bool:
    """Whether a row goes on with a text; one that says what to choose is of the dialog."""
    return prose(said) and not REQUEST.match(said)


def _goes_on(row: tuple[int, str], after: tuple[int, str]) -> bool:
    """Whether a row is the end of one that was too long."""
    return after[0] == row[0] + 1 and END.fullmatch(after[1]) is not None


def _block(shown: _Rows) -> list[int]:
    """The lowest options that are below one another, by their numbers, boxes, words or mark."""
    for at in range(len(shown) - 1, 0, -1):
        for kind in (number, ticked, worded):
            if run := _run(shown, at, kind):
                # The last may have words of its own.
                listed = _listed(shown)
                return listed if {*run} < {*listed} else run
    return _listed(shown)


def _listed(shown: _Rows) -> list[int]:
    """The lowest rows of which one is marked, and the words of the others begin below its."""
    numbers = {row: at for at, (row, _) in enumerate(shown)}
    rows = [""] * (max(numbers, default=-1) + 1)
    for row, said in shown:
        rows[row] = said
    found = options(rows)
    return [numbers[row] for row in found if row in numbers] if found else []


def _run(shown: _Rows, last: int, kind: Callable[[str], int]) -> list[int]:
    """The rows that end with ``last`` and follow one another as ``kind`` tells; or nothing."""
    run, at = [last], last
    if not (number := kind(shown[last][1].strip())):
        return []
    while at > 0 and shown[run[-1]][0] - shown[at - 1][0] < _GAP:
        at -= 1
        said = shown[at][1].strip()
        if kind(said) == number - 1 and number > 1:
            number -= 1
            run.append(at)
        elif kind(said) == number == ANY:
            run.append(at)
    enough = number == 1 if number < ANY else True
    if kind is ticked:
        enough = any(UNTICKED.match(shown[each][1].strip()) for each in run)
    if kind is worded:
        words = [shown[each][1].strip() for each in run]
        enough = any(map(CONSENTS.search, words)) and any(map(REFUSES.search, words))
    return run[::-1] if len(run) > 1 and enough else []
