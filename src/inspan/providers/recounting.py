"""What an agent said and did in an attempt, read out of its recording for whoever goes on with it.

The same fold that leads a conversation is made once more over what was recorded, and its signs
become lines. It blocks: call it in a thread. Which agent it is, is not known here.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Final

from inspan.agents import signs as s
from inspan.agents.signs import Sign
from inspan.engine.handing import Account
from inspan.model.session import Ended, Gap, Output, Resized
from inspan.providers.dialogue import Dialogue
from inspan.providers.redaction import Redaction
from inspan.terminal.playback import Playback, Typed
from inspan.terminal.sanitize import clean
from inspan.terminal.screen import Screen, backend

#: How much is told of one thing that was said, of a tool's title and of its result, in characters.
_SAID: Final = 1500
_TITLE: Final = 300
_RESULT: Final = 400
_LAST: Final = 3000
#: How much of one text is held while it is told in pieces.
_HELD: Final = 1 << 16
#: How much of the end of a terminal's recording is drawn, and on what where no size is known.
_DRAWN: Final = 1 << 20
_SIZE: Final = (80, 24)


class Recount:
    """Signs in their order, the newest of them kept."""

    def __init__(self, hidden: Redaction, most: int) -> None:
        self._hidden = hidden
        self._most = most
        self._deeds: deque[str] = deque()
        self._size = 0
        self._left_out = 0
        self._saying: list[str] = []
        self._held = 0
        self._last = ""
        self._tools: dict[str, str] = {}

    def take(self, sign: Sign) -> None:
        """One more sign."""
        match sign:
            case s.Said(text, more):
                if not more:
                    self._said()
                if self._held < _HELD:
                    self._saying.append(text)
                    self._held += len(text)
            case s.ToolBegan(number, name, title):
                self._said()
                self._tools[number] = f"{name} {self._short(title, _TITLE)}".strip()
            case s.ToolEnded(number, ok, text):
                self._said()
                used, how = self._tools.pop(number, "a tool"), "done" if ok else "failed"
                self._deed(f"used {used}", f"{how}: {self._short(text, _RESULT)}".rstrip(": "))
            case s.Permission(_, name, title):
                self._said()
                self._deed(f"asked for permission: {name} {self._short(title, _TITLE)}".rstrip())
            case _:
                return

    def account(self) -> Account:
        """What it was, as far as it is told; a tool that had not ended is told as such."""
        self._said()
        for used in self._tools.values():
            self._deed(f"used {used}", "it had not ended")
        return Account(deeds=tuple(self._deeds), left_out=self._left_out, last_words=self._last)

    def _said(self) -> None:
        text = "".join(self._saying)
        self._saying.clear()
        self._held = 0
        if text.strip():
            self._last = self._short(text, _LAST)
            self._deed(f"said: {self._short(text, _SAID)}")

    def _deed(self, *lines: str) -> None:
        deed = "\n  ".join(lines)
        self._deeds.append(deed)
        self._size += len(deed.encode(errors="replace"))
        while self._size > self._most and len(self._deeds) > 1:
            self._size -= len(self._deeds.popleft().encode(errors="replace"))
            self._left_out += 1

    def _short(self, text: str, most: int) -> str:
        """Without secrets, which is looked for before anything is cut."""
        told = clean(self._hidden.text(text)).strip()
        return told if len(told) <= most else f"{told[:most]}…"


def of_lines(folder: Path, dialogue: Dialogue, hidden: Redaction, most: int) -> Account:
    """What was told by lines. Raises SessionNotFound."""
    recount = Recount(hidden, most)
    for moment in Playback(folder).timeline():
        match moment.what:
            case Typed(data):
                dialogue.typed(data)
            case Output(_, data, stream) if stream != "err":
                for sign in dialogue.heard(data):
                    recount.take(sign)
            case Gap():
                dialogue.missing()
            case _:
                continue
    for sign in dialogue.ended():
        recount.take(sign)
    return recount.account()


def of_screen(folder: Path, hidden: Redaction, most: int) -> Account:
    """What a terminal showed in the end. Raises SessionNotFound."""
    playback = Playback(folder)
    size = playback.size
    at = max(0, size - _DRAWN)
    began = playback.size_at(at)
    cols, rows = _SIZE if began is None else (began.cols, began.rows)
    screen = Screen(cols, rows, backend())
    try:
        while at < size:
            before = at
            for chunk in playback.read(at, _DRAWN):
                if isinstance(chunk, Output):
                    screen.feed(chunk.data)
                    at = chunk.offset + len(chunk.data)
                elif isinstance(chunk, Resized):
                    screen.resize(chunk.cols, chunk.rows)
                elif isinstance(chunk, Gap):
                    at = chunk.end
                elif isinstance(chunk, Ended):
                    at = size
            if at == before:
                break
        shown = "\n".join(row for row in screen.rows() if row.strip())
    finally:
        screen.close()
    told = clean(hidden.text(shown)).strip()[-most:]
    return Account(deeds=(f"showed on its terminal in the end:\n{told}",) if told else ())
