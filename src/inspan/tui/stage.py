"""Screens that were made once and are gone to again: to make one takes longer than to draw it.

One of each kind stays for as long as the program does. It knows no screen; what one shows is set by
who goes there, and a screen that is not on the stack must hold nothing that costs anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from textual.app import App
from textual.screen import Screen

S = TypeVar("S", bound=Screen[Any])


class Stage:
    """That of one app."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._kept: dict[type[Screen[Any]], Screen[Any]] = {}

    def take(self, kind: type[S], make: Callable[[], S]) -> S:
        """The one of its kind; another one where that lies on the stack already."""
        kept = cast("S | None", self._kept.get(kind))
        if kept is None:
            kept = self._kept[kind] = make()
            self._app.install_screen(kept, kind.__name__)
        elif kept in self._app.screen_stack:
            return make()
        return kept
