"""Where a cursor stands in code that need not be whole: in code, in a comment, or in a string."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_OPENS: Final = re.compile(r"""#|(?:(?<!\w)[A-Za-z]{1,2})?('''|\"\"\"|'|\")""")
_ENDS: Final = {
    "'": re.compile(r"(?:\\.|[^'\\\n])*+'", re.DOTALL),
    '"': re.compile(r'(?:\\.|[^"\\\n])*+"', re.DOTALL),
    "'''": re.compile(r"(?:\\.|(?!''').)*+'''", re.DOTALL),
    '"""': re.compile(r'(?:\\.|(?!""").)*+"""', re.DOTALL),
}
_LINE_END: Final = re.compile(r"(?<!\\)\n")
_CLOSES: Final = {")": "(", "]": "[", "}": "{"}


class Place(NamedTuple):
    """What comes before a cursor. ``code`` is as long as it, with strings and comments blank."""

    code: str
    #: Of a string that has not ended: where it begins, where its text begins, how it is quoted.
    literal: int = -1
    text: int = -1
    quote: str = ""
    comment: bool = False


def place_of(before: str) -> Place:
    """Read the code before a cursor."""
    kept: list[str] = []
    at = 0
    while found := _OPENS.search(before, at):
        kept.append(before[at : found.start()])
        quote = found[1]
        if quote is None:
            end = before.find("\n", found.end())
            if end < 0:
                return _ended(kept, before, Place("", comment=True))
        else:
            closed = _ENDS[quote].match(before, found.end())
            # A string that was not closed on its line is an error; the code goes on after it.
            broken = None if closed or len(quote) == 3 else _LINE_END.search(before, found.end())
            if not closed and not broken:
                return _ended(kept, before, Place("", found.start(), found.end(), quote))
            end = closed.end() if closed else broken.start() if broken else 0
        kept.append(_blank(before[found.start() : end]))
        at = end
    kept.append(before[at:])
    return Place("".join(kept))


def _ended(kept: list[str], before: str, place: Place) -> Place:
    code = "".join(kept)
    return place._replace(code=code + _blank(before[len(code) :]))


def _blank(text: str) -> str:
    # Not spaces: a string is something, so that "a"." is no attribute of what stands before it.
    return re.sub(r"[^\n]", "\N{REPLACEMENT CHARACTER}", text)


def callee(code: str) -> str:
    """The dotted name of the call whose brackets are open at the end of ``code``, or nothing."""
    waiting: list[str] = []
    for at in range(len(code) - 1, -1, -1):
        char = code[at]
        if char in _CLOSES:
            waiting.append(_CLOSES[char])
        elif char in "([{":
            if not waiting:
                return dotted(code[:at]) if char == "(" else ""
            waiting.pop()
    return ""


_DOTTED: Final = re.compile(r"(?<![\w.)\]}\ufffd])(?:[^\W\d]\w*[ \t]*\.[ \t]*)*[^\W\d]\w*[ \t]*$")


def dotted(code: str) -> str:
    """The dotted name at the end of ``code``, or nothing."""
    found = _DOTTED.search(code)
    return found[0].strip() if found else ""
