"""The parts that every screen leans on: made in order, and shut down in order.

Focus, errors, tasks: nothing moves the focus of a screen that goes; what then fails is a line in
the log and no dialog; and what runs beside is over before the loop is. It knows no screen.
"""

from __future__ import annotations

from typing import Any, Final

from textual.app import App

from inspan.tui.background import BackgroundTasks
from inspan.tui.clock import Clock
from inspan.tui.complaints import Complaints
from inspan.tui.dialogs.asking import Dialogs
from inspan.tui.focus import FocusManager


class Layout:
    """Those of one app."""

    def __init__(self, app: App[Any], clock: Clock) -> None:
        self.focuses: Final = FocusManager(app, clock)
        self.complaints: Final = Complaints(app, clock, self.focuses)
        self.background: Final = BackgroundTasks(clock, self.complaints.complain)
        self.dialogs: Final = Dialogs(app, self.background, self.focuses)

    async def close(self) -> tuple[str, ...]:
        """Shut them down. Returns the names of what would not end."""
        self.focuses.close()
        self.complaints.close()
        return await self.background.shutdown()
