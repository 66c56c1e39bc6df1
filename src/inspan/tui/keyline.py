"""The line at the bottom with the keys that are of use now; a click on one presses it.

Textual's own is made anew, part by part, each time that anything gets the focus or is shown again,
and all of the screen is laid out for it. This is one line that is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from inspan.terminal.sanitize import columns

#: On the left of the one for the palette, which stands at the right end.
_EDGE: Final = "▏"


@dataclass(frozen=True, slots=True)
class Part:
    """A key as it is shown, and what is said where the mouse rests on it."""

    key: str
    shown: str
    said: str
    enabled: bool
    tooltip: str
    is_last: bool = False

    @property
    def words(self) -> tuple[str, str]:
        """The key and what it does, with the room around them."""
        if self.is_last:
            return self.shown, f" {self.said} "
        return f" {self.shown} ", f"{self.said} "

    @property
    def width(self) -> int:
        """Its columns."""
        return columns("".join(self.words)) + self.is_last


class Keyline(Widget, can_focus=False):
    """That of one screen."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "keyline--key", "keyline--said", "keyline--edge", "keyline--hover"
    }  # fmt: skip
    DEFAULT_CSS = """
    Keyline { dock: bottom; height: 1; color: $footer-foreground; background: $panel; }
    Keyline > .keyline--key { color: $footer-key-foreground; text-style: bold; }
    Keyline > .keyline--said { color: $footer-description-foreground; }
    Keyline > .keyline--edge { color: $foreground 20%; }
    Keyline > .keyline--hover { background: $block-hover-background; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[Part] = []
        self._under: Part | None = None

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _changed(self, screen: Screen[Any]) -> None:
        """Other keys may be of use now."""
        if screen.app.app_focus and screen is self.screen:
            parts = list(self._useful())
            if parts != self.parts:
                self.parts, self._under, self.tooltip = parts, None, None
                self.refresh()

    def _useful(self) -> Iterator[Part]:
        """One for each thing that can be done, and at the end the one for the palette."""
        active = self.screen.active_bindings
        done: set[str] = set()
        for _, binding, enabled, tooltip in active.values():
            if binding.show and binding.action not in done:
                done.add(binding.action)
                shown = self.app.get_key_display(binding)
                yield Part(binding.key, shown, binding.description, enabled, tooltip)
        palette = self.app.COMMAND_PALETTE_BINDING
        if self.app.ENABLE_COMMAND_PALETTE and palette in active:
            _, binding, enabled, _ = active[palette]
            shown, tooltip = self.app.get_key_display(binding), binding.tooltip
            said = binding.description
            yield Part(binding.key, shown, said, enabled, tooltip or said, is_last=True)

    def render_line(self, y: int) -> Strip:
        """Those that there is room for, and at the right end the palette."""
        del y
        width, base = self.size.width, self.rich_style
        first = [part for part in self.parts if not part.is_last]
        last = [part for part in self.parts if part.is_last]
        room = max(0, width - sum(part.width for part in last))
        line = Strip([one for part in first for one in self._drawn(part)])
        line = line.extend_cell_length(room, base).crop(0, room)
        return Strip.join([line, Strip([one for part in last for one in self._drawn(part)])]).crop(
            0, width
        )

    def _drawn(self, part: Part) -> Iterator[Segment]:
        key, said = part.words
        more = Style(dim=True) if not part.enabled else Style()
        if part is self._under:
            more += Style(bgcolor=self.get_component_rich_style("keyline--hover").bgcolor)
        if part.is_last:
            yield Segment(_EDGE, self.get_component_rich_style("keyline--edge"))
        yield Segment(key, self.get_component_rich_style("keyline--key") + more)
        yield Segment(said, self.get_component_rich_style("keyline--said") + more)

    def _at(self, x: int) -> Part | None:
        """The one that is drawn in this column."""
        begin = 0
        end = self.size.width - sum(part.width for part in self.parts if part.is_last)
        if x >= end:
            return next((part for part in self.parts if part.is_last), None)
        for part in self.parts:
            if begin <= x < begin + part.width and not part.is_last:
                return part
            begin += part.width
        return None

    def _point(self, part: Part | None) -> None:
        if part is not self._under:
            self._under = part
            self.tooltip = part.tooltip or None if part is not None else None
            self.refresh()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._point(self._at(event.x))

    def on_leave(self) -> None:
        self._point(None)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        part = self._at(event.x)
        if part is not None and part.enabled:
            self.app.simulate_key(part.key)
        elif part is not None:
            self.app.bell()
