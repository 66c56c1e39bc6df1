"""What draws a terminal of Ghostty's anew on an empty one, and what keeps all of its state.

The library writes rows, tab stops and the cursor as sequences. What it leaves out or has in an
order that draws something else is put together here: the screen beneath the alternate one, the
cursor that was saved, and modes, of which some would change what is drawn after them. Lines that
went off the screen are not drawn, nor which row is the continuation of the one above it.
"""

# ruff: noqa: SLF001 - what its functions take is private in the package
from __future__ import annotations

import re
import weakref
from typing import Any, Final

from pyghostty import Terminal  # type: ignore[import-untyped]  # ships no types
from pyghostty.core import check, ffi, init_sized, lib, read_buf  # type: ignore[import-untyped]

#: Private modes that change what is shown later, or what a player's terminal does.
_PRIVATE: Final = (1, 5, 7, 9, 12, 25, 45, 66, 69, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 2004)
#: Modes of ECMA-48: inserting, and a line feed that is a new line.
_PUBLIC: Final = (4, 20)
#: Those that are on in a terminal at rest.
_ON_AT_REST: Final = frozenset({7, 25})
_ORIGIN: Final = 6
#: What shows the alternate screen: 1049 keeps the cursor of the other one, too.
_ALTERNATE: Final = (1049, 1047, 47)
_PLAIN_CHARSETS: Final = "\x1b(B\x1b)B\x1b*B\x1b+B\x0f"
#: How the library ends: the region, and then the cursor with what it writes next.
_TAIL: Final = re.compile(
    r"(?P<region>(?:\x1b\[(?P<top>\d+);\d+r)?(?:\x1b\[(?P<left>\d+);\d+s)?)"
    r"\x1b\[(?P<row>\d+);(?P<column>\d+)H(?P<rest>.*)",
    re.DOTALL,
)
_CHARSETS: Final = re.compile(r"\x1b[()*+]|\x0e")
_STOPS: Final = re.compile(r"\x1b\[3g(?:\x1b\[\d+G\x1bH)*")
_SCREEN_PARTS: Final = ("cursor", "style", "protection", "charsets")


def kept(terminal: Any) -> bytes:
    """All of its state."""
    place, size = ffi.new("uint8_t**"), ffi.new("size_t*")
    check(lib.ghostty_snapshot_encode_alloc(terminal._t[0], ffi.NULL, place, size), "encode")
    try:
        return bytes(ffi.buffer(place[0], size[0]))
    finally:
        lib.ghostty_free(ffi.NULL, place[0], size[0])


def restored(state: bytes) -> Any:
    """A terminal that is as one was when ``kept`` was asked."""
    decoder, found = ffi.new("GhosttySnapshotDecoder*"), ffi.new("GhosttyTerminal*")
    raw = ffi.from_buffer("uint8_t[]", state)
    check(lib.ghostty_snapshot_decoder_new_buf(ffi.NULL, decoder, raw, len(state)), "decoder")
    try:
        check(lib.ghostty_snapshot_decoder_decode(decoder[0], found), "decode")
    finally:
        lib.ghostty_snapshot_decoder_free(decoder[0])
    made = Terminal.__new__(Terminal)
    made._t = found
    made._unknown_cb = made._reply_cb = made._cb_err = None
    made._free = weakref.finalize(made, lib.ghostty_terminal_free, found[0])
    return made


def drawn(terminal: Any) -> str:
    """Text and control sequences that draw it on an empty terminal of the same size."""
    shown = next((mode for mode in _ALTERNATE if terminal.mode(mode)), None)
    if shown is None:
        return _stops(terminal) + _one(terminal, _modes(terminal), region=True)
    beneath = restored(kept(terminal))
    beneath.feed(f"\x1b[?{shown}l")
    under = _one(beneath, "", region=False)
    beneath.close()
    # What is switched is switched for both, and last: it would change how this one is drawn.
    fresh = f"\x1b[?{shown}h\x1b[?{_ORIGIN}l\x1b[0m{_plain(under)}\x1b[2J"
    over = _one(terminal, _modes(terminal), region=True)
    return f"{_stops(terminal)}{under}{fresh}{over}"


def _one(terminal: Any, modes: str, *, region: bool) -> str:
    """The screen that is shown now, with the cursor that was saved on it and the present one."""
    saved = restored(kept(terminal))
    saved.feed(b"\x1b8")
    before, _ = _cursor(saved)
    saved.close()
    now, bounds = _cursor(terminal)
    told = [_cells(terminal), modes, bounds if region else "", before, "\x1b7", _plain(before)]
    return "".join([*told, now])


def _plain(before: str) -> str:
    """What takes back the character sets that were chosen ``before``, if any were."""
    return _PLAIN_CHARSETS if _CHARSETS.search(before) else ""


def _cells(terminal: Any) -> str:
    """Each row at its place: none is wrapped, and none scrolls the one before it away."""
    cols, rows = terminal.size
    lines = []
    for row in range(rows):
        chosen = init_sized("GhosttySelection")
        chosen.start, chosen.end = terminal.ref(0, row)[0], terminal.ref(cols - 1, row)[0]
        if text := _written(terminal, selection=chosen):
            lines.append(f"\x1b[{row + 1}H{text}\x1b[0m")
    return f"\x1b[?7l{''.join(lines)}\x1b[?7h"


def _stops(terminal: Any) -> str:
    found = _STOPS.match(_written(terminal, stops=True))
    return found[0] if found else ""


def _cursor(terminal: Any) -> tuple[str, str]:
    """Where it is and what it writes next, and the region in which it moves."""
    cells = _written(terminal)
    found = _TAIL.fullmatch(_written(terminal, tail=True), len(cells))
    if found is None:
        return "", ""
    row, column = int(found["row"]), int(found["column"])
    origin = terminal.mode(_ORIGIN)
    if origin:
        row -= int(found["top"] or 1) - 1
        column -= int(found["left"] or 1) - 1
    switch = "h" if origin else "l"
    moved = f"\x1b[?{_ORIGIN}{switch}\x1b[{row};{column}H{found['rest']}"
    return moved, found["region"]


def _modes(terminal: Any) -> str:
    private = ((n, terminal.mode(n)) for n in _PRIVATE)
    public = ((n, terminal.mode(n, ansi=True)) for n in _PUBLIC)
    return "".join(
        [f"\x1b[?{n}{'h' if on else 'l'}" for n, on in private if on is not (n in _ON_AT_REST)]
        + [f"\x1b[{n}h" for n, on in public if on]
    )


def _written(
    terminal: Any, *, stops: bool = False, tail: bool = False, selection: Any = None
) -> str:
    """Cells as the library has them; with ``stops`` behind its tab stops, with ``tail`` on."""
    options = init_sized("GhosttyFormatterTerminalOptions")
    options.emit = lib.GHOSTTY_FORMATTER_FORMAT_VT
    options.unwrap, options.trim = False, False
    options.selection = ffi.NULL if selection is None else selection
    extra = options.extra
    extra.size = ffi.sizeof("GhosttyFormatterTerminalExtra")
    extra.screen.size = ffi.sizeof("GhosttyFormatterScreenExtra")
    extra.tabstops, extra.scrolling_region = stops, tail
    for part in _SCREEN_PARTS:
        setattr(extra.screen, part, tail)
    made = ffi.new("GhosttyFormatter*")
    new = lib.ghostty_formatter_terminal_new(ffi.NULL, made, terminal._t[0], options[0])
    check(new, "formatter")
    try:
        text = read_buf(lambda b, s, n: lib.ghostty_formatter_format_buf(made[0], b, s, n))
    finally:
        lib.ghostty_formatter_free(made[0])
    return str(text)
