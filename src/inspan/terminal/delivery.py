"""A prompt on a terminal: the keys that type it, and what a screen shows of it. Pure.

An agent's input line is where the cursor is: what was typed or pasted stands just before it, or a
mark of the agent's own in its place. Text reaches it to the character or not at all: what would be
taken for keys there is refused, and so is what the agent would take for a command of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from inspan.errors import BadInput
from inspan.terminal.sanitize import columns

ENTER: Final = b"\r"
_BEGIN: Final = b"\x1b[200~"
_END: Final = b"\x1b[201~"
#: What is a key and no character: C0 but for the ends of lines and tabs, DEL, C1, half characters.
_KEY: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
#: What a first character makes of a prompt, in every agent that is known: a command of its own,
#: or one for a shell, which it runs without asking.
_COMMANDS: Final = ("/", "!")
#: An agent's word for what was pasted and is too much to be shown: ``[Pasted text #1 +3 lines]``,
#: ``[paste #1 10006 chars]``.
_MARK: Final = re.compile(r"\[paste(?:d|\s#)[^\[\]]{0,60}\]$", re.IGNORECASE)
#: The frames of boxes, which stand around an input line.
_FRAME: Final = re.compile("[\u2500-\u259f|\\s]+")
_MARKED: Final = re.compile(r"^[\s│┃|]*[>❯›»] ")
_EDGE: Final = re.compile(_FRAME.pattern + "$")
#: So much of its end has to be there, and so many rows are looked at for it.
_SHOWN: Final = 16
_ROWS: Final = 4
#: Rows that are new, at least, where an answer has pushed the text off the screen.
_LONG: Final = 3


def check(text: str, *, pastes: bool) -> None:
    """Refuse what cannot be typed as it is. Raises BadInput.

    ``pastes``: the program takes bracketed pastes, in which the end of a line is none of the text.
    """
    if (found := _KEY.search(text)) is not None:
        raise BadInput(
            f"the prompt has U+{ord(found[0]):04X} in it, which a terminal takes for a key",
            hint="Leave it out; --no-enter types any keys as they are.",
        )
    check_words(text)
    if not pastes and ("\n" in text or "\t" in text):
        raise BadInput(
            "the program takes no pastes now: each line would be a prompt of its own",
            hint="Send one line, or wait until it has begun.",
        )


def check_words(text: str) -> None:
    """Refuse what an agent takes for a command, typed or on its command line. Raises BadInput."""
    if text.lstrip().startswith(_COMMANDS):
        raise BadInput(
            f"on its terminal an agent takes what begins with {text.lstrip()[0]!r} for a command",
            hint="Begin with a word, or type it yourself: `inspan attach ID`.",
        )


def keys(text: str, *, pastes: bool) -> bytes:
    """What types ``text``, which ``check`` has let pass; without the Enter that sends it."""
    typed = text.encode()
    if not pastes:
        return typed
    return _BEGIN + typed.replace(b"\n", b"\r") + _END  # as terminals paste


def is_empty(rows: Sequence[str], cursor: tuple[int, int]) -> bool:
    """Whether nothing but a sign stands in the input line before the cursor."""
    return not _has_words(_before(rows, cursor))


def shows(rows: Sequence[str], cursor: tuple[int, int], text: str) -> bool:
    """Whether the end of ``text``, or a mark for a paste, stands just before the cursor."""
    left = _before(rows, cursor)
    return _ends(rows[max(0, cursor[1] - _ROWS) : cursor[1]], left, text)


def answered(
    rows: Sequence[str], cursor: tuple[int, int], text: str, before: Sequence[str]
) -> bool:
    """Whether something new stands below ``text`` and above the input line, where it is no more.

    ``before``: the rows of the screen to which it was typed. That the text has moved up is not
    enough: an agent shows so, too, what waits for a turn. Where the text is nowhere any more, an
    answer has pushed it off the screen that most of what is shown belongs to.
    """
    if shows(rows, cursor, text):
        return False
    above = rows[: cursor[1]]
    known, now = Counter(map(_bare, before)), Counter(map(_bare, above))
    below = _below(above, text)
    if below is not None:
        return any(now[row] > known[row] for row in below)
    asked = _bare(text)
    said = [bare for row in above if _has_words(row) and (bare := _bare(row)) not in asked]
    new = sum(now[row] > known[row] for row in said)
    return new >= _LONG and 2 * new > len(said)


def taken(rows: Sequence[str], cursor: tuple[int, int], text: str) -> bool:
    """Whether ``text`` stands above the input line, with anything below it, and not in the line.

    Of a text that nobody typed: no screen is known on which it was not shown yet.
    """
    return not shows(rows, cursor, text) and bool(_below(rows[: cursor[1]], text))


def _below(above: Sequence[str], text: str) -> frozenset[str] | None:
    """The rows with words below the last place where ``text`` stands; nothing where it does not."""
    for number in reversed(range(len(above))):
        if _ends(above[max(0, number - _ROWS) : number], above[number], text):
            return frozenset(_bare(row) for row in above[number + 1 :] if _has_words(row))
    return None


def _ends(above: Sequence[str], left: str, text: str) -> bool:
    """Whether the end of ``text``, or a mark for a paste, is the end of these rows."""
    if _MARK.search(_EDGE.sub("", left)):
        return True
    wanted = _bare(text)[-_SHOWN:]
    rows = (*above, left)
    # Some put a mark before each line that one types.
    shown = ("".join(rows), "".join(_MARKED.sub("", row) for row in rows))
    return bool(wanted) and any(_bare(each).endswith(wanted) for each in shown)


def _bare(row: str) -> str:
    return _FRAME.sub("", row)


def _has_words(row: str) -> bool:
    return any(character.isalnum() for character in row)


def _before(rows: Sequence[str], cursor: tuple[int, int]) -> str:
    """What stands before the cursor in its row."""
    column, number = cursor
    row = rows[number] if number < len(rows) else ""
    end = min(column, len(row))  # of wide characters fewer fit
    while end and columns(row[:end]) > column:
        end -= 1
    return row[:end]
