"""Keys, pastes and the mouse as the bytes that a terminal of xterm's kind sends to its program.

Pure: names of keys as Textual has them, and the modes of the program, in; bytes out. The grammar is
that of xterm's control sequences, and of kitty's keyboard protocol where the program asked for it.
"""

from __future__ import annotations

from typing import Final

from textual.keys import REPLACED_KEYS, key_to_character

#: Kitty's flags that change what a press sends.
DISAMBIGUATE, ALL_AS_ESCAPES = 1, 8
#: Private modes of the mouse: presses alone, with releases, with drags, with every move; and SGR.
X10, PRESSES, DRAGS, MOVES, SGR = 9, 1000, 1002, 1003, 1006

#: CSI 1 ; modifiers LETTER, and SS3 LETTER (CSI where the cursor keys are normal ones) without.
_LETTERS: Final = {
    "up": "A",
    "down": "B",
    "right": "C",
    "left": "D",
    "end": "F",
    "home": "H",
}
_FUNCTIONS: Final = {"f1": "P", "f2": "Q", "f3": "R", "f4": "S"}
#: CSI NUMBER ; modifiers ~
_NUMBERS: Final = {
    "insert": 2,
    "delete": 3,
    "pageup": 5,
    "pagedown": 6,
    **{f"f{at}": at + 10 for at in range(5, 6)},
    **{f"f{at}": at + 11 for at in range(6, 11)},
    **{f"f{at}": at + 12 for at in range(11, 15)},
    **{f"f{at}": at + 13 for at in range(15, 17)},
    **{f"f{at}": at + 14 for at in range(17, 21)},
}
_PLAIN: Final = {"enter": "\r", "tab": "\t", "escape": "\x1b", "backspace": "\x7f", "space": " "}
#: What kitty's protocol calls them.
_CODES: Final = {"enter": 13, "tab": 9, "escape": 27, "backspace": 127, "space": 32}
_BITS: Final = {"shift": 1, "alt": 2, "ctrl": 4, "super": 8, "hyper": 16, "meta": 32}
#: With Ctrl, what is no letter.
_CONTROLS: Final = {
    "@": 0, " ": 0, "2": 0, "[": 27, "3": 27, "\\": 28, "4": 28, "]": 29, "5": 29, "^": 30, "6": 30,
    "~": 30, "_": 31, "7": 31, "/": 31, "?": 127, "8": 127,
}  # fmt: skip


def encoded(key: str, character: str | None, *, application: bool, kitty: int = 0) -> bytes:
    """What a terminal sends for ``key``; nothing where it has no bytes.

    ``application``: the program set the cursor keys so (DECCKM). ``kitty``: its flags.
    """
    *held, base = _parts(key)
    bits = sum(_BITS.get(name, 0) for name in held)
    if base in _LETTERS or base in _FUNCTIONS:
        return _lettered(base, bits, application=application, kitty=kitty)
    if base in _NUMBERS:
        number = _NUMBERS[base]
        return f"\x1b[{number};{bits + 1}~".encode() if bits else f"\x1b[{number}~".encode()
    text = _PLAIN.get(base) or _character(base) or (character if not held else None)
    if text is None:
        return b""
    if kitty and (sent := _as_code(base, text, bits, kitty)):
        return sent
    return _legacy(base, text, bits)


def _parts(key: str) -> list[str]:
    *held, base = key.split("+")
    return [*held, base] if base else [*held[:-1], "+"]


def _character(base: str) -> str | None:
    return base if len(base) == 1 else key_to_character(REPLACED_KEYS.get(base, base))


def _lettered(base: str, bits: int, *, application: bool, kitty: int) -> bytes:
    letter = _LETTERS.get(base) or _FUNCTIONS[base]
    if bits:
        return f"\x1b[1;{bits + 1}{letter}".encode()
    if base in _FUNCTIONS:
        # In kitty's protocol CSI R would be a cursor report: F3 has a number there.
        return b"\x1b[13~" if kitty and base == "f3" else f"\x1bO{letter}".encode()
    return f"\x1b{'O' if application else '['}{letter}".encode()


def _as_code(base: str, text: str, bits: int, kitty: int) -> bytes:
    """As CSI u, where kitty's protocol has it so; else nothing."""
    if kitty & ALL_AS_ESCAPES:
        wanted = True
    elif base in ("enter", "tab", "backspace"):
        wanted = bits > 0
    elif base == "escape":
        wanted = True
    else:
        wanted = bits & ~_BITS["shift"] > 0
    if not wanted:
        return b""
    code = _CODES.get(base, ord(text.lower()[0]))
    if text != text.lower():
        bits |= _BITS["shift"]
    return (f"\x1b[{code};{bits + 1}u" if bits else f"\x1b[{code}u").encode()


def _legacy(base: str, text: str, bits: int) -> bytes:
    before = b"\x1b" if bits & _BITS["alt"] else b""
    if base == "tab" and bits & _BITS["shift"]:
        return b"\x1b[Z"
    if bits & _BITS["ctrl"]:
        if base == "backspace":
            return before + b"\x08"
        if text.isascii() and text.isalpha():
            return before + bytes([ord(text.upper()) & 0x1F])
        if text in _CONTROLS:
            return before + bytes([_CONTROLS[text]])
    return before + text.encode(errors="replace")


def pasted(text: str, *, bracketed: bool) -> bytes:
    """A paste, which cannot end its own bracket."""
    words = text.replace("\r\n", "\r").replace("\n", "\r")
    if not bracketed:
        return words.encode(errors="replace")
    return b"\x1b[200~" + words.replace("\x1b", "").encode(errors="replace") + b"\x1b[201~"


def moused(
    button: int, x: int, y: int, bits: int, *, released: bool, moved: bool, sgr: bool
) -> bytes:
    """A report of the mouse. ``button``: 0 to 2, 64 and 65 for the wheel, 3 for none.

    ``x`` and ``y`` are columns and rows from 0; ``bits`` the keys held, as in kitty's protocol.
    """
    held = (bits & 1) * 4 + (bits & 2) * 4 + (bits & 4) * 4
    code = button + held + 32 * moved
    if sgr:
        return f"\x1b[<{code};{x + 1};{y + 1}{'m' if released else 'M'}".encode()
    if max(x, y) > 222:
        return b""  # no byte says so
    return b"\x1b[M" + bytes([32 + (3 + held if released else code), 33 + x, 33 + y])
