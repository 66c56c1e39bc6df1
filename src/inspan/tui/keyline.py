"""The line at the bottom with the keys that are of use now; a click on one presses it.

The one that tells of all keys stands at the right end, however narrow it is; what there is no room
for beside it is left out whole, the last first.

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

#: On the left of the one that stands at the right end.
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
        """One for each thing that can be done; at the end the one for the palette."""
        active = self.screen.active_bindings
        done: set[str] = set()
        for _, binding, enabled, tooltip in active.values():
            if binding.show and binding.action not in done:
                done.add(binding.action)
                shown = self.app.get_key_display(binding)
                last = binding.action == "help"
                yield Part(binding.key, shown, binding.description, enabled, tooltip, is_last=last)
        palette = self.app.COMMAND_PALETTE_BINDING
        if self.app.ENABLE_COMMAND_PALETTE and palette in active:
            _, binding, enabled, _ = active[palette]
            shown, tooltip = self.app.get_key_display(binding), binding.tooltip
            said = binding.description
            # Where somebody writes, the key that helps is a letter, and this one takes its place.
            yield Part(
                binding.key, shown, said, enabled, tooltip or said, is_last="help" not in done
            )

    def _placed(self) -> Iterator[tuple[int, Part]]:
        """Those that there is room for, each with the column where it begins."""
        begin, end = 0, self.size.width
        for part in self.parts:
            if part.is_last:
                end -= part.width
                yield end, part
        for part in self.parts:
            if not part.is_last:
                if begin + part.width > end:
                    return
                yield begin, part
                begin += part.width

    def render_line(self, y: int) -> Strip:
        """Those that there is room for."""
        del y
        width, base = self.size.width, self.rich_style
        line = Strip([])
        for begin, part in sorted(self._placed(), key=lambda placed: placed[0]):
            drawn = Strip(self._drawn(part))
            line = Strip.join([line.extend_cell_length(max(0, begin), base), drawn])
        return line.extend_cell_length(width, base).crop(0, width)

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
        for begin, part in self._placed():
            if begin <= x < begin + part.width:
                return part
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
