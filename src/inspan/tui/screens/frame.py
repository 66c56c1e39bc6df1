"""What all screens have: the header, what is amiss, a body, and the keys at the bottom.

A screen is told of changes while it is shown, and of all of them when it is shown again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from inspan.tui.focus import hand_to
from inspan.tui.header import Banner, Header
from inspan.tui.keyline import Keyline

if TYPE_CHECKING:
    from inspan.model.event import Event
    from inspan.tui.app import Cockpit

#: From so many columns on two things stand side by side, and below that under each other.
_WIDE: Final = 100
#: The least that anything can be read in.
_SMALL: Final = (28, 8)
#: Rows from which there is room for two things under each other.
_HIGH: Final = 18


class Frame(Screen[None]):
    """Empty of itself."""

    app: Cockpit

    def __init__(self, app: Cockpit, name: str) -> None:
        # No id: one may lie over another of its kind, and ids are of one each.
        super().__init__(classes=f"{name}-screen")
        self.header: Final = Header(app.known, app.where, app.clock.now)
        self.banner: Final = Banner(app.known)
        #: What had the keys before the terminal became too small.
        self._held: Widget | None = None

    def compose(self) -> ComposeResult:
        yield self.header
        yield self.banner
        with Container(id="body"):
            yield from self.body()
        yield from self.below()
        yield Static("too small", id="small", markup=False)
        yield Keyline()

    def body(self) -> ComposeResult:
        """What it is about."""
        yield from ()

    def below(self) -> ComposeResult:
        """What stands between the body and the keys."""
        yield from ()

    def heard(self, ids: set[str] | None) -> None:
        """These tasks, or any, are otherwise now."""
        del ids
        self.header.draw(self.app.sample)
        self.banner.draw()

    def told(self, events: list[Event]) -> None:
        """These happened."""

    def tick(self) -> None:
        """A second has passed."""
        self.header.draw(self.app.sample)

    def resumed(self) -> None:
        """It is seen, or seen again, and has heard of all changes."""

    def on_screen_resume(self) -> None:
        # Textual calls the handlers of all classes: who has something to add overrides the above.
        self.heard(None)
        self.resumed()

    def on_resize(self, event: events.Resize) -> None:
        size = event.size
        self.set_class(size.width >= _WIDE, "-wide")
        self.set_class(size.height < _HIGH and size.width < _WIDE, "-low")
        small = size.width < _SMALL[0] or size.height < _SMALL[1]
        if small and not self.has_class("-small"):
            self._held = self.focused  # what is hidden has no keys
        self.set_class(small, "-small")
        if not small and self._held is not None:
            held, self._held = self._held, None
            self.call_after_refresh(hand_to, held)
