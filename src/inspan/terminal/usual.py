"""How it looks where one types while a program is at rest: learnt from the prompts that were sent.

Who sends a prompt does so where the program takes one. So what stands there before the first key is
how this program looks at rest, whatever its kind: the row in which what was typed appeared, what is
drawn below it, and a line across the screen above. Where it stands so again, it may be at rest
again; and what is shown there always, as a row of keys, says neither that it asks nor that it
works. What was typed is kept no longer than its line. It knows no rule and no program.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf
from os.path import commonprefix
from typing import Final

from inspan.model.value import value
from inspan.terminal.layout import FRAME, horizontals

#: Of so many prompts it is known how it stood; a program may have more than one look at rest.
_KEPT: Final = 3
#: So many words at least are a prompt; fewer may answer a question.
_WORDS: Final = 2
#: The most bytes of one line that is typed.
_LINE_MOST: Final = 1 << 12
#: The most rows below where one types that count.
_BELOW: Final = 6
#: Of what was typed, so much has to be found on the screen.
_ECHO: Final = 8
_DIGITS: Final = re.compile(r"\d+")
_SPACES: Final = re.compile(r"\s+")
#: The words of a prompt, as a folder or a branch: they change at rest, and its signs do not.
_NAMES: Final = re.compile(r"[\w./~@-]+(?::[\w./~@-]+)*")
#: Around what is pasted, and what a terminal says of its window.
_PASTED: Final = re.compile(rb"\x1b\[(?:20[01]~|[IO])")
#: Between the parts of a line of status; and one, which counts something and asks nothing.
_PARTS: Final = re.compile(r" [·•|│] ")
_STATUS: Final = re.compile(r"^(?=.* [·•|│] )(?=.*\d)[^?]*$")
#: Words of a row that is cut off: so many at its beginning are those of the whole.
_WORD: Final = re.compile(r"\w+")
_CUT: Final = 5
#: What begins a command to the program itself, or to a shell: it may be done without an answer.
_COMMAND: Final = re.compile(r"\s*[/!:]")
_ENTER: Final = re.compile(rb"[\r\n]+$")


def _plain(row: str) -> str:
    """A row as it is compared: numbers count, and so do other things that change at rest."""
    return _SPACES.sub(" ", _DIGITS.sub("0", row.strip(FRAME)))


def _cut(plain: str, row: str) -> bool:
    """Whether a row is another but for its end, as in a terminal of another width."""
    said, known = _WORD.findall(plain), _WORD.findall(row)
    kept = len(commonprefix([said, known]))
    others = said[kept:]
    return kept >= _CUT and all(any(word.startswith(each) for word in known) for each in others)


def shape(line: str) -> str:
    """A prompt by its signs and where they stand: whatever its words are counts as one."""
    return _NAMES.sub("w", line).rstrip()


@value(frozen=True)
class Standing:
    """How it stood once: ``typing`` is what stood before where one typed, or all of the row.

    ``column`` is that of a cursor that is shown, or -1; ``lined``: a line across the screen stood
    just above; ``beside`` are the rows that stood below, ``title`` is what was in that line.
    ``shape`` is that of what stood before a cursor that is shown, ``over`` a line of status above.
    """

    typing: str
    column: int
    lined: bool
    beside: tuple[str, ...]
    title: str = ""
    shape: str = ""
    over: str = ""

    @property
    def drawn(self) -> bool:
        """Whether more was there than a prompt behind what was printed, as who prints lines has."""
        return self.lined or self.column < 0 or bool(self.beside)

    def has(self, line: str) -> bool:
        """Whether it is one of what stood below, in the line above, or just above that."""
        plain = _plain(line)
        if not plain:
            return False
        status = bool(self.over) and _PARTS.split(plain)[0] == _PARTS.split(self.over)[0]
        if status or plain in self.beside or plain == self.title:
            return True
        return any(_cut(plain, row) for row in self.beside)

    def status(self, line: str) -> bool:
        """Whether it is a line of status that stood below, of which one part says other."""
        parts = {*_PARTS.split(_plain(line))}
        known = ({*_PARTS.split(row)} for row in self.beside)
        return any(len(parts & each) * 2 > len(parts) > 1 for each in known)

    def stays(self, rows: Sequence[str]) -> bool:
        """Whether what stood below stands there, whatever is in the row in which one types."""
        shown = {_plain(row) for row in rows}
        kept = sum(row in shown for row in self.beside)
        return kept > 0 and 2 * kept >= len(self.beside)

    def begins(self, line: str) -> bool:
        """Whether a line up to the cursor is this prompt, with something typed or not."""
        shown = shape(line)
        return shown == self.shape or shown.startswith(f"{self.shape} ")

    def again(self, rows: Sequence[str], cursor: tuple[int, int], hidden: bool) -> int | None:
        """The row in which one types, where it stands so again."""
        if self.column < 0:
            every = range(len(rows) - 1, -1, -1) if hidden else ()
            found = next((at for at in every if _plain(rows[at]) == self.typing), None)
        else:
            same = not hidden and cursor[0] == self.column and cursor[1] < len(rows)
            found = cursor[1] if same else None
            if found is not None and _plain(rows[found][: self.column]) != self.typing:
                found = None
        return found if found is not None and self._beside(rows, found) else None

    def _beside(self, rows: Sequence[str], at: int) -> bool:
        """Whether what is above and below that row is as it was."""
        if self.lined and at - 1 not in horizontals(rows):
            return False
        if self.column < 0 and len(self.typing.split()) > _WORDS:
            return True  # it has words of its own, as a prompt has while nothing is typed
        below = {_plain(row) for row in rows[at + 1 :]}
        kept = sum(row in below for row in self.beside)
        if 2 * kept < len(self.beside):
            return False
        # Nothing but an empty row is no sign of anything.
        return bool(self.typing) or self.lined or kept > 0


def stood(rows: Sequence[str], cursor: tuple[int, int], hidden: bool, at: int) -> Standing:
    """How it stands where one types in row ``at``."""
    shown = not hidden and cursor[1] == at
    typing = rows[at][: cursor[0]] if shown else rows[at]
    below = [plain for row in rows[at + 1 :] if any(map(str.isalnum, plain := _plain(row)))]
    lined = at - 1 in horizontals(rows)
    title = _plain(rows[at - 1]) if lined else ""
    column = cursor[0] if shown else -1
    signs = shape(typing) if shown else ""
    upper = at - 1 - lined
    over = _plain(rows[upper]) if upper >= 0 and _STATUS.search(rows[upper]) else ""
    return Standing(_plain(typing), column, lined, tuple(below[:_BELOW]), title, signs, over)


class Usual:
    """What is known of one program; ``every``: the last first, ``sent``: when that was.

    ``words`` are those of the last prompt, as hashes: by them its own row is told on the screen.
    """

    def __init__(self) -> None:
        self.every: tuple[Standing, ...] = ()
        self.sent = -inf
        self.words: frozenset[int] = frozenset()
        self._line = b""
        #: The screen before the first key of this line, where that was at rest.
        self._before: tuple[tuple[str, ...], tuple[int, int], bool] | None = None

    def typed(
        self,
        data: bytes,
        rows: tuple[str, ...],
        cursor: tuple[int, int],
        hidden: bool,
        *,
        rests: bool,
        at: float = -inf,
    ) -> None:
        """``data`` is typed on this screen; ``rests``: nothing is known to ask or to move."""
        if not self._line:
            # What was typed first was no answer, unless in one word.
            self._before = (rows, cursor, hidden) if rests or not self.every else None
        self._line = (self._line + _PASTED.sub(b"", data))[-_LINE_MOST:]
        if not _ENTER.search(self._line):
            if b"\x1b" in self._line or b"\x03" in self._line:
                self._line = b""
            return
        said = self._line.decode(errors="replace").strip()
        self._line = b""
        if self._before is None or len(said.split()) < _WORDS or "\x1b" in said:
            return
        if (row := _echoed(self._before, rows, said)) is not None:
            self.sent = at
            self.words = frozenset() if _COMMAND.match(said) else hashed(said)
            now = stood(*self._before, row)
            others = [each for each in self.every if each != now]
            self.every = (now, *others)[:_KEPT]


def hashed(said: str) -> frozenset[int]:
    """The words of a row, which are compared and kept by nobody."""
    return frozenset(map(hash, _WORD.findall(said)))


def _echoed(
    before: tuple[tuple[str, ...], tuple[int, int], bool], rows: tuple[str, ...], said: str
) -> int | None:
    """In which row what was typed appeared."""
    was, cursor, hidden = before
    if len(was) != len(rows):
        return None
    begin = said[:_ECHO]
    found = [at for at, row in enumerate(rows) if begin in row and begin not in was[at]]
    if not hidden and (cursor[1] in found or not found):
        return cursor[1] if cursor[1] < len(was) else None
    return found[-1] if found else None
