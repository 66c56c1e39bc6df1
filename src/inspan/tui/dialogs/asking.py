"""Shows dialogs and waits for what they give; the focus is then where it was."""

from __future__ import annotations

from typing import Any, TypeVar

from textual.app import App

from inspan.tui.background import BackgroundTasks
from inspan.tui.dialogs.dialog import Dialog
from inspan.tui.focus import FocusManager

T = TypeVar("T")


class Dialogs:
    """Those of one app."""

    def __init__(self, app: App[Any], tasks: BackgroundTasks, focus: FocusManager) -> None:
        self._app = app
        self._tasks = tasks
        self._focus = focus

    async def ask(self, dialog: Dialog[T]) -> T | None:
        """What a person answers; ``None`` where they leave it, or it is taken away.

        For what runs in the background: a handler that waits would keep the keys from the dialog.
        """
        if not self._tasks.inside:
            raise RuntimeError("only what was fired may wait for a person")
        below = self._app.screen
        before = below.focused
        try:
            await self._app.push_screen(dialog)
            await dialog.gone.wait()
        finally:
            if not dialog.gone.is_set():  # whoever asked is cancelled
                dialog.give(None)
            self._focus.settle(below, before)
        return dialog.answer
