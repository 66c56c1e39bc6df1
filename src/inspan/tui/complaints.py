"""Errors, told to a person without ever becoming the next error.

One dialog at a time: what fails while one is open is a line in the log and no more, be it that very
dialog. What fails again and again from one place is shown once in a while, and its number told. It
knows errors; it never knows which task or screen they are about.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from textual.app import App
from textual.widget import Widget

from inspan.errors import InspanError
from inspan.terminal.sanitize import one_line
from inspan.tui.clock import Clock
from inspan.tui.dialogs.error import ErrorDialog
from inspan.tui.focus import FocusManager

log = logging.getLogger(__name__)

#: Seconds after which an error from a place that was shown before is shown again.
AGAIN: Final = 60.0
#: Kinds that are remembered, the last ones.
_KINDS: Final = 256
#: So many of a kind are logged one by one, of more only the 100th, the 1000th and so on.
_EACH: Final = 10
_WIDTH: Final = 300
_UNEXPECTED: Final = "This is a mistake in inspan; everything else goes on."


@dataclass(slots=True)
class _Kind:
    """Errors of a type from one place."""

    count: int = 0
    shown_at: float = float("-inf")


class Complaints:
    """Those of one app. Made in the thread in which the app runs."""

    def __init__(self, app: App[Any], clock: Clock, focus: FocusManager) -> None:
        self._app = app
        self._clock = clock
        self._focus = focus
        self._thread = threading.get_ident()
        self._kinds: OrderedDict[tuple[str, str], _Kind] = OrderedDict()
        self._shown: ErrorDialog | None = None
        self._closed = False

    @property
    def is_showing(self) -> bool:
        """Whether an error is shown, or about to be."""
        return self._shown is not None

    def complain(self, error: Exception, where: str = "", *, part: object = None) -> bool:
        """Show ``error``; False where it is only logged. It never raises, and takes any thread.

        ``part`` is what failed, where that is a part of a screen.
        """
        if threading.get_ident() != self._thread:
            self._app.call_later(self.complain, error, where)
            return False
        self._rescue(part)
        return self._show(error, where) is not None

    async def complain_and_wait(self, error: Exception, where: str = "") -> bool:
        """The same, and return once it was closed; at once where it is only logged."""
        dialog = self._show(error, where)
        if dialog is None:
            return False
        await dialog.gone.wait()
        return True

    def close(self) -> None:
        """The app ends: from now on errors are only logged."""
        self._closed = True
        if self._shown is not None:
            self._shown.gone.set()

    def _show(self, error: Exception, where: str) -> ErrorDialog | None:
        kind = self._counted(error)
        now = self._clock.monotonic()
        if self._shown is not None or self._closed or now - kind.shown_at < AGAIN:
            self._note(error, where, kind)
            return None
        kind.shown_at = now
        log.debug("shown: %s", _words(error), exc_info=error)
        self._shown = dialog = _dialog(error, where, kind.count)
        # By the app's own loop: it may be a timer or another part that found the error.
        self._app.call_later(self._open, dialog)
        return dialog

    async def _open(self, dialog: ErrorDialog) -> None:
        below, before = self._app.screen, self._app.screen.focused

        def left() -> None:
            self._shown = None
            self._focus.settle(below, before)

        dialog.left = left
        try:
            await self._app.push_screen(dialog)
        except Exception:
            log.exception("the dialog of an error cannot be shown")
            self._shown = None
            dialog.gone.set()

    def _counted(self, error: Exception) -> _Kind:
        key = (type(error).__name__, place(error))
        kind = self._kinds.setdefault(key, _Kind())
        kind.count += 1
        self._kinds.move_to_end(key)
        while len(self._kinds) > _KINDS:
            self._kinds.popitem(last=False)
        return kind

    def _note(self, error: Exception, where: str, kind: _Kind) -> None:
        often, count = "", kind.count
        if count > _EACH:
            if str(count).strip("0") != "1":
                return
            often = f" ({count} times)"
        log.error("%s%s%s", f"{where}: " if where else "", _words(error), often)

    def _rescue(self, part: object) -> None:
        """Where it is the dialog itself that fails, say so without one: it may be an empty box."""
        dialog = self._shown
        if dialog is None or dialog.drawn or not isinstance(part, Widget):
            return
        if dialog in part.ancestors_with_self:
            dialog.drawn = True  # this once
            self._app.call_later(dialog.give, None)
            self._app.notify(dialog.message, severity="error", markup=False)


def place(error: BaseException) -> str:
    """Where it was raised, as file and line."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _words(error: Exception) -> str:
    """One safe line. What fails when it is asked what it says is told by its type."""
    name = error.code if isinstance(error, InspanError) else type(error).__name__
    return one_line(f"{name}: {_said(error)}", _WIDTH)


def _said(error: Exception) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - it is an error about an error
        return ""


def _dialog(error: Exception, where: str, count: int) -> ErrorDialog:
    often = f"This was time {count}." if count > 1 else ""
    if isinstance(error, InspanError):
        advice = " ".join(part for part in (error.hint, often) if part)
        return ErrorDialog(error.code, error.message, advice=advice)
    advice = " ".join(part for part in (_UNEXPECTED, often) if part)
    message = f"{type(error).__name__}: {_said(error)}"
    details = _details(error, where)
    return ErrorDialog("Something went wrong", message, advice=advice, details=details)


def _details(error: Exception, where: str) -> str:
    try:
        told = "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001 - it is an error about an error
        told = place(error)
    return f"in {where}\n{told}" if where else told
