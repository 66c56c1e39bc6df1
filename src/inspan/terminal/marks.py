r"""What output says beside the text: title, progress, bells, synchronised frames, hooks.

A reader of its own in front of any emulator, so that a title reads the same with each and without
one. It gives back what is to be drawn: the text and the sequences that move and colour it. Strings
(OSC, DCS, SOS, PM, APC) are taken out, since nothing in them is text: an emulator is never handed
an image, a clipboard or a link.

Heard are OSC 0 and 2 (title), OSC 9;4 (progress, as ConEmu has it), hooks (``model.hook``), BEL,
and private modes 25 (the cursor is shown), 2004 (bracketed pastes) and 2026 (synchronised output).
Sequences are read as ECMA-48 (5th edition) and the parser of DEC's VT500 have them, in UTF-8: the
bytes 80 to 9F are not controls. What a title says is safe to show.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

from inspan.model import hook
from inspan.model.value import value
from inspan.terminal.sanitize import one_line

#: The most bytes of one string that are looked at; a longer one is passed over whole.
MOST: Final = 4096
#: The most columns of a title.
TITLE_MOST: Final = 200
#: The most parameter bytes of one control sequence that are looked at.
_PARAMETERS_MOST: Final = 64
_HOOKS: Final = hook.NUMBER.encode()
_SYNCHRONISED: Final = b"2026"
_CURSOR_MODE: Final = b"25"
_PASTE_MODE: Final = b"2004"
#: How it is set nearly always: in the midst of what is drawn as it is.
_CURSOR: Final = b"\x1b[?25"

_BEL, _ESC = 0x07, 0x1B
_CANCELS: Final = (0x18, 0x1A)
#: What is drawn as it is: text, and the sequences that are no news. Nearly all output is this, and
#: a step for each sequence would cost twenty times as much. Possessive, so that it is linear.
_PLAIN: Final = re.compile(rb"(?:[^\x07\x1b]++|\x1b\[[0-9;:]*+[@-~]|\x1b\[\?25[hl])*+")
_CSI_STOP: Final = re.compile(rb"[\x07\x18\x1a\x1b\x40-\x7e]")
_OSC_STOP: Final = re.compile(rb"[\x07\x18\x1a\x1b]")
_STRING_STOP: Final = re.compile(rb"[\x18\x1a\x1b]")
_PROGRESS: Final = re.compile(rb"4;([0-4])(?:;([0-9]{0,3}))?;?")


class _State(Enum):
    GROUND = auto()
    ESCAPE = auto()
    CSI = auto()
    OSC = auto()
    OSC_ESCAPE = auto()  # an ESC in an OSC: its end, where a backslash follows
    STRING = auto()  # DCS, SOS, PM or APC


class Progress(Enum):
    """What OSC 9;4 says."""

    NONE = 0
    VALUE = 1
    ERROR = 2
    BUSY = 3
    PAUSED = 4


@value(frozen=True)
class Bar:
    """A progress that was set; ``percent`` from 0 to 100."""

    state: Progress = Progress.NONE
    percent: int = 0

    def __str__(self) -> str:
        """As rules read it: empty for none, else the state, and the percent where it has one."""
        if self.state is Progress.NONE:
            return ""
        return f"{self.state.name.lower()} {self.percent}"


class Marks:
    """Output in, what is to be drawn out; the rest is told by its fields. Holds at most 4 KiB."""

    def __init__(self) -> None:
        self.title = ""
        #: How often title or progress were set, also to what they were.
        self.told = 0
        self.progress = Bar()
        self.bells = 0
        #: The last hook that was run, and how many were.
        self.hook: hook.Hook | None = None
        self.hooks = 0
        #: A frame is begun and not complete: what is drawn now is half of it.
        self.synchronised = False
        #: Frames that were begun.
        self.frames = 0
        #: The cursor is not to be shown (private mode 25).
        self.hidden = False
        #: It takes bracketed pastes (private mode 2004).
        self.pastes = False
        self._state = _State.GROUND
        self._string = bytearray()
        self._parameters = bytearray()
        self._drawn: list[bytes] = []

    @property
    def resting(self) -> bool:
        """No sequence is begun."""
        return self._state is _State.GROUND

    def feed(self, data: bytes) -> bytes:
        """Take the next output; what of it is to be drawn."""
        at = 0
        while at < len(data):
            at = self._STEPS[self._state](self, data, at)
        drawn = b"".join(self._drawn)
        self._drawn.clear()
        return drawn

    def _ground(self, data: bytes, at: int) -> int:
        found = _PLAIN.match(data, at)
        end = found.end() if found else at
        drawn = data[at:end]
        self._drawn.append(drawn)
        if (last := drawn.rfind(_CURSOR)) >= 0:
            self.hidden = drawn.startswith(b"l", last + len(_CURSOR))
        if end == len(data):
            return end
        if data[end] == _ESC:
            self._state = _State.ESCAPE
        else:
            self.bells += 1
        return end + 1

    def _escape(self, data: bytes, at: int) -> int:
        byte = data[at]
        if byte == ord("["):
            self._state = _State.CSI
            self._parameters.clear()
        elif byte == ord("]"):
            self._state = _State.OSC
            self._string.clear()
            return at + 1
        elif byte in b"PX^_":
            self._state = _State.STRING
            return at + 1
        elif byte == _ESC:
            return at + 1
        else:
            # Intermediates need no state: what follows them is drawn as it is.
            self._state = _State.GROUND
        self._drawn.append(b"\x1b" + data[at : at + 1])
        return at + 1

    def _csi(self, data: bytes, at: int) -> int:
        found = _CSI_STOP.search(data, at)
        end = found.start() if found else len(data)
        self._parameters += data[at : min(end, at + _PARAMETERS_MOST)]
        self._drawn.append(data[at:end])
        del self._parameters[_PARAMETERS_MOST:]
        if found is None:
            return end
        byte = data[end]
        if byte == _BEL:
            self.bells += 1
            return end + 1
        if byte == _ESC:
            self._state = _State.ESCAPE
            # Ends the sequence for the emulator too, whatever becomes of the escape.
            self._drawn.append(b"\x18")
            return end + 1
        self._state = _State.GROUND
        self._drawn.append(data[end : end + 1])
        if byte in b"hl" and self._parameters.startswith(b"?"):
            self._switched(on=byte == ord("h"))
        return end + 1

    def _switched(self, *, on: bool) -> None:
        modes = self._parameters[1:].split(b";")
        if _SYNCHRONISED in modes:
            self.frames += on
            self.synchronised = on
        if _CURSOR_MODE in modes:
            self.hidden = not on
        if _PASTE_MODE in modes:
            self.pastes = on

    def _osc(self, data: bytes, at: int) -> int:
        found = _OSC_STOP.search(data, at)
        end = found.start() if found else len(data)
        self._string += data[at : min(end, at + MOST + 1)]
        del self._string[MOST + 1 :]
        if found is None:
            return end
        if data[end] == _ESC:
            self._state = _State.OSC_ESCAPE
            return end + 1
        self._state = _State.GROUND
        if data[end] not in _CANCELS:
            self._told()
        return end + 1

    def _osc_escape(self, data: bytes, at: int) -> int:
        if data[at] != ord("\\"):
            self._state = _State.ESCAPE
            return at
        self._state = _State.GROUND
        self._told()
        return at + 1

    def _in_string(self, data: bytes, at: int) -> int:
        found = _STRING_STOP.search(data, at)
        if found is None:
            return len(data)
        # An ESC ends it; where it is the ST, its backslash is then an escape that draws nothing.
        ended = data[found.start()] in _CANCELS
        self._state = _State.GROUND if ended else _State.ESCAPE
        return found.end()

    def _told(self) -> None:
        if len(self._string) > MOST:
            return
        number, _, text = bytes(self._string).partition(b";")
        if number in (b"0", b"2"):
            self.title = one_line(text.decode(errors="replace"), TITLE_MOST)
            self.told += 1
        elif number == b"9" and (found := _PROGRESS.fullmatch(text)):
            state = Progress(int(found[1]))
            self.progress = Bar(state, min(100, int(found[2] or 0)))
            self.told += 1
        elif number == _HOOKS and (ran := hook.read(text.decode(errors="replace"))):
            self.hook = ran
            self.hooks += 1

    _STEPS: Final = {
        _State.GROUND: _ground,
        _State.ESCAPE: _escape,
        _State.CSI: _csi,
        _State.OSC: _osc,
        _State.OSC_ESCAPE: _osc_escape,
        _State.STRING: _in_string,
    }
