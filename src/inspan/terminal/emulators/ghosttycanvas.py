"""Ghostty's emulator with its colours and its history, by the render state of its library.

A row is read with one call for all of its cells; what a cell means is asked once for each that is
new. So a frame costs what was drawn since the one before. It knows no session.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from pyghostty import Terminal  # type: ignore[import-untyped]  # ships no types
from pyghostty._ffi import check, ffi, lib, union_fn  # type: ignore[import-untyped]
from pyghostty.core import init_sized  # type: ignore[import-untyped]

from inspan.terminal.canvas import HISTORY, PLAIN, Colour, Frame, Paint, Row, Run
from inspan.terminal.sanitize import columns

# Passed by value, a union is no type that the binding can call with; this lies as it does.
ffi.cdef("typedef struct { int tag; intptr_t row; uint64_t rest; } InspanScrollViewport;")
assert ffi.sizeof("InspanScrollViewport") == ffi.sizeof("GhosttyTerminalScrollViewport")
_SCROLL: Final = "void(*)(GhosttyTerminal, InspanScrollViewport)"

#: The most cells and looks whose meaning is kept.
_KEPT_MOST: Final = 1 << 14
_PALETTE, _RGB = lib.GHOSTTY_STYLE_COLOR_PALETTE, lib.GHOSTTY_STYLE_COLOR_RGB
_GRAPHEME: Final = lib.GHOSTTY_CELL_CONTENT_CODEPOINT_GRAPHEME
_ONLY_BACK: Final = (
    lib.GHOSTTY_CELL_CONTENT_BG_COLOR_PALETTE,
    lib.GHOSTTY_CELL_CONTENT_BG_COLOR_RGB,
)
#: A cell's text, its columns, its style (a number, or how it looks), and whether any text of these
#: characters is as wide as it should be.
_Cell: TypeAlias = tuple[str | None, int, int | Paint, bool]
_BLANK: Final[_Cell] = (" ", 1, 0, True)


def _made(kind: str, new: Any, free: Any) -> Any:
    place = ffi.new(kind + "*")
    check(new(ffi.NULL, place), kind)
    return ffi.gc(place[0], free)


class GhosttyCanvas:
    """One terminal with history."""

    def __init__(self, cols: int, rows: int) -> None:
        self._terminal = Terminal(cols=cols, rows=rows, scrollback=HISTORY)
        self._cols, self._rows = cols, rows
        self._state = _made(
            "GhosttyRenderState", lib.ghostty_render_state_new, lib.ghostty_render_state_free
        )
        self._iterator = _made(
            "GhosttyRenderStateRowIterator",
            lib.ghostty_render_state_row_iterator_new,
            lib.ghostty_render_state_row_iterator_free,
        )
        self._cells = _made(
            "GhosttyRenderStateRowCells",
            lib.ghostty_render_state_row_cells_new,
            lib.ghostty_render_state_row_cells_free,
        )
        self._view = ffi.new("GhosttyCellsView*")
        self._style = ffi.new("GhosttyStyle*")
        self._style.size = ffi.sizeof("GhosttyStyle")
        self._known: dict[int, _Cell] = {0: _BLANK}
        self._paints: dict[bytes, Paint] = {}
        self._shown: list[Row] = []

    def feed(self, data: bytes) -> None:
        self._terminal.feed(data)

    def resize(self, cols: int, rows: int) -> None:
        self._terminal.resize(cols, rows)
        self._cols, self._rows = cols, rows

    def scroll(self, top: int | None) -> None:
        to = ffi.new("InspanScrollViewport*")
        end = top is None
        to.tag = lib.GHOSTTY_SCROLL_VIEWPORT_BOTTOM if end else lib.GHOSTTY_SCROLL_VIEWPORT_ROW
        to.row = 0 if top is None else max(0, top)
        union_fn("ghostty_terminal_scroll_viewport", _SCROLL)(self._terminal._t[0], to[0])  # noqa: SLF001

    def frame(self) -> Frame:
        check(lib.ghostty_render_state_update(self._state, self._terminal._t[0]), "update")  # noqa: SLF001
        dirty = self._asked("DIRTY", "GhosttyRenderStateDirty")[0]
        if dirty == lib.GHOSTTY_RENDER_STATE_DIRTY_FULL or len(self._shown) != self._rows:
            self._draw_all()
        elif dirty:
            self._draw_some()
        if dirty:
            check(lib.ghostty_render_state_clean(self._state), "clean")
        bar = self._terminal.get("scrollbar", "GhosttyTerminalScrollbar")
        return Frame(tuple(self._shown), int(bar.offset), int(bar.total), self._cursor())

    def lines(self) -> tuple[str, ...]:
        total = int(self._terminal.get("total_rows", "size_t"))
        chosen = init_sized("GhosttySelection")
        chosen.start = self._terminal.ref(0, 0, "screen")[0]
        chosen.end = self._terminal.ref(self._cols - 1, total - 1, "screen")[0]
        lines = [line.rstrip() for line in self._terminal._format_sel(chosen).split("\n")]  # noqa: SLF001
        return (*lines[:total], *[""] * (total - len(lines)))

    def mode(self, number: int) -> bool:
        return bool(self._terminal.mode(number))

    def kitty(self) -> int:
        return int(self._terminal.get("kitty_keyboard_flags", "uint8_t"))

    def close(self) -> None:
        for held in (self._cells, self._iterator, self._state):
            ffi.release(held)
        self._terminal.close()

    # ── rows ──────────────────────────────────────────────────────────────────

    def _asked(self, what: str, kind: str) -> Any:
        out = ffi.new(kind + "*")
        if kind.startswith("GhosttyRenderStateCursor"):
            out.size = ffi.sizeof(kind)
        key = getattr(lib, f"GHOSTTY_RENDER_STATE_DATA_{what}")
        check(lib.ghostty_render_state_get(self._state, key, out), what)
        return out

    def _cursor(self) -> tuple[int, int] | None:
        cursor = self._asked("CURSOR", "GhosttyRenderStateCursor")
        if not cursor.viewport_has_value:
            return None
        return int(cursor.viewport_x), int(cursor.viewport_y)

    def _rewind(self) -> None:
        place = ffi.new("GhosttyRenderStateRowIterator*", self._iterator)
        key = lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR
        check(lib.ghostty_render_state_get(self._state, key, place), "rows")

    def _draw_all(self) -> None:
        before = self._shown
        self._shown = []
        self._rewind()
        while lib.ghostty_render_state_row_iterator_next(self._iterator):
            row = self._row()
            at = len(self._shown)
            # The same object where it is equal: nobody draws it again.
            self._shown.append(before[at] if at < len(before) and before[at] == row else row)

    def _draw_some(self) -> None:
        at = ffi.new("uint16_t*")
        self._rewind()
        while lib.ghostty_render_state_row_iterator_next_dirty(self._iterator, at):
            row = self._row()
            if row != self._shown[at[0]]:
                self._shown[at[0]] = row

    def _row(self) -> Row:
        row = self._iterator
        place = ffi.new("GhosttyRenderStateRowCells*", self._cells)
        check(
            lib.ghostty_render_state_row_get(row, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS, place),
            "",
        )
        raw = lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW
        check(lib.ghostty_render_state_row_get(row, raw, self._view), "cells")
        cells = ffi.unpack(self._view.ptr, self._view.len) if self._view.len else []
        while cells and not cells[-1]:
            cells.pop()
        return self._runs(cells)

    def _runs(self, cells: list[int]) -> Row:
        runs: list[Run] = []
        styles: dict[int, Paint] = {0: PLAIN}  # a number of a style means it in this row alone
        text: list[str] = []
        taken, paint, new, alone = 0, PLAIN, PLAIN, False
        last: int | Paint = 0
        for x, cell in enumerate(cells):
            words, wide, style, sure = self._known.get(cell) or self._learn(cell)
            if not wide:
                continue
            if style != last:
                last = style
                new = style if isinstance(style, Paint) else self._styled(style, styles, x)
            if text and (alone or not sure or new != paint):
                runs.append(Run("".join(text), taken, paint))
                text, taken = [], 0
            paint, alone = new, not sure
            text.append(self._grapheme(x) if words is None else words)
            taken += wide
        if text:
            runs.append(Run("".join(text), taken, paint))
        return tuple(runs)

    def _styled(self, number: int, styles: dict[int, Paint], x: int) -> Paint:
        if number not in styles:
            styles[number] = self._paint(x)
        return styles[number]

    def _learn(self, cell: int) -> _Cell:
        if len(self._known) > _KEPT_MOST:
            self._known = {0: _BLANK}
        tag = self._told(cell, "CONTENT_TAG", "GhosttyCellContentTag")
        if tag in _ONLY_BACK:
            known: _Cell = (" ", 1, Paint(bg=self._back(cell, tag)), True)
        else:
            wide = self._told(cell, "WIDE", "GhosttyCellWide")
            taken = {lib.GHOSTTY_CELL_WIDE_WIDE: 2, lib.GHOSTTY_CELL_WIDE_SPACER_TAIL: 0}.get(
                wide, 1
            )
            code = self._told(cell, "CODEPOINT", "uint32_t")
            words = None if tag == _GRAPHEME else chr(code) if code else " "
            style = self._told(cell, "STYLE_ID", "GhosttyStyleId")
            known = (words, taken, int(style), words is not None and columns(words) == taken)
        self._known[cell] = known
        return known

    def _told(self, cell: int, what: str, kind: str) -> Any:
        out = ffi.new(kind + "*")
        check(lib.ghostty_cell_get(cell, getattr(lib, f"GHOSTTY_CELL_DATA_{what}"), out), what)
        return out[0]

    def _back(self, cell: int, tag: int) -> Colour:
        if tag == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_PALETTE:
            return int(self._told(cell, "COLOR_PALETTE", "GhosttyColorPaletteIndex"))
        colour = self._told(cell, "COLOR_RGB", "GhosttyColorRgb")
        return colour.r, colour.g, colour.b

    def _grapheme(self, x: int) -> str:
        cells = self._cells
        check(lib.ghostty_render_state_row_cells_select(cells, x), "cell")
        size = ffi.new("uint32_t*")
        key = lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_LEN
        check(lib.ghostty_render_state_row_cells_get(cells, key, size), "grapheme")
        codes = ffi.new("uint32_t[]", max(1, size[0]))
        key = lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_BUF
        check(lib.ghostty_render_state_row_cells_get(cells, key, codes), "grapheme")
        return "".join(map(chr, ffi.unpack(codes, size[0])))

    def _paint(self, x: int) -> Paint:
        check(lib.ghostty_render_state_row_cells_select(self._cells, x), "cell")
        key = lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_STYLE
        check(lib.ghostty_render_state_row_cells_get(self._cells, key, self._style), "style")
        exact = ffi.buffer(self._style)[:]
        if exact not in self._paints:
            if len(self._paints) > _KEPT_MOST:
                self._paints.clear()
            self._paints[exact] = _looks(self._style)
        return self._paints[exact]


def _looks(style: Any) -> Paint:
    return Paint(
        fg=_colour(style.fg_color),
        bg=_colour(style.bg_color),
        bold=bool(style.bold),
        faint=bool(style.faint),
        italic=bool(style.italic),
        underline=bool(style.underline),
        blink=bool(style.blink),
        inverse=bool(style.inverse),
        invisible=bool(style.invisible),
        struck=bool(style.strikethrough),
    )


def _colour(colour: Any) -> Colour:
    if colour.tag == _PALETTE:
        return int(colour.value.palette)
    if colour.tag == _RGB:
        return colour.value.rgb.r, colour.value.rgb.g, colour.value.rgb.b
    return None
