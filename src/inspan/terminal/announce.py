r"""What a program says about itself on its own terminal: that it waits for a person, or goes on.

A program of any kind, a shell script included, announces with an operating system command, which
every terminal that does not know the number ignores::

    ESC ] 7770 ; waiting ; KIND ; QUESTION [ ; OPTION ]... ST
    ESC ] 7770 ; working ST

KIND is ``permission``, ``question`` or ``prompt``. ST is ``ESC \`` or BEL. In QUESTION and OPTION
``;``, ``%`` and control characters are written as ``%`` and two hexadecimal digits for each byte
of their UTF-8. An announcement is at most 4096 bytes; what is longer, cut by a control character
or of another grammar is passed over without a word, since output may be anything. At most
twenty options are heard.

What the parser gives is safe to show. It never learns which session it listens to.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from inspan.errors import BadInput
from inspan.model.value import value
from inspan.terminal.sanitize import clean, one_line

KINDS: Final = ("permission", "question", "prompt")
#: The most bytes of one announcement, from its ESC to its end; held while it is unfinished.
MOST: Final = 4096
OPTIONS_MOST: Final = 20

_MARK: Final = b"\x1b]7770;"
#: Without the mark and its end.
_CONTENT: Final = rb"\x1b\]7770;([^\x00-\x1f\x7f]{0,4087})"
_WHOLE: Final = re.compile(_CONTENT + rb"(?:\x07|\x1b\\)")
_OPEN: Final = re.compile(_CONTENT + rb"\x1b?")
_ESCAPED: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_SPECIAL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f;%]")


@value(frozen=True)
class Waiting:
    """The program waits for a person."""

    kind: str
    question: str
    options: tuple[str, ...] = ()


@value(frozen=True)
class Working:
    """The program goes on."""


Announcement: TypeAlias = Waiting | Working


def encode(announcement: Announcement) -> bytes:
    """The bytes that announce it. Raises BadInput where they would be too many."""
    if isinstance(announcement, Working):
        return _MARK + b"working\x1b\\"
    if announcement.kind not in KINDS or len(announcement.options) > OPTIONS_MOST:
        raise BadInput("An announcement is a permission, question or prompt with 20 options.")
    fields = (announcement.kind, announcement.question, *announcement.options)
    words = ";".join(("waiting", *(_SPECIAL.sub(_escape, field) for field in fields)))
    raw = _MARK + words.encode(errors="replace") + b"\x1b\\"
    if len(raw) > MOST:
        raise BadInput(f"An announcement is at most {MOST} bytes.")
    return raw


class Listener:
    """Output in, announcements out; holds at most one unfinished announcement of 4096 bytes."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> tuple[Announcement, ...]:
        """The announcements that are complete now, in order."""
        text = self._held + data
        heard: list[Announcement] = []
        done = 0
        for found in _WHOLE.finditer(text):
            done = found.end()
            announcement = _parse(found[1])
            if announcement is not None:
                heard.append(announcement)
        last = text.rfind(_MARK, done)
        self._held = text[last:] if last >= 0 and _OPEN.fullmatch(text, last) else _begun(text)
        return tuple(heard)


def _begun(text: bytes) -> bytes:
    """The end of ``text`` that may be the beginning of an announcement."""
    for size in range(min(len(_MARK) - 1, len(text)), 0, -1):
        if _MARK.startswith(text[-size:]):
            return text[-size:]
    return b""


def _parse(content: bytes) -> Announcement | None:
    words = content.split(b";")
    if words == [b"working"]:
        return Working()
    if len(words) < 3 or words[0] != b"waiting":
        return None
    kind = words[1].decode(errors="replace")
    question = clean(_text(words[2])).strip()
    if kind not in KINDS or not question:
        return None
    options = [one_line(_text(word)) for word in words[3 : 3 + OPTIONS_MOST]]
    return Waiting(kind, question, tuple(option for option in options if option))


def _text(word: bytes) -> str:
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), word).decode(errors="replace")


def _escape(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())
