"""An app that no handler's error ends.

Textual ends the app at the first exception that leaves a handler, a timer or a widget's drawing,
and the loop of the widget with it. Here it becomes a complaint, and the widget goes on. What is
overridden is Textual's own and may be otherwise in its next version: it is pinned, and so is this,
by a test. KeyboardInterrupt and SystemExit end it, and so does what fails before it is shown.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from textual import events
from textual._context import active_message_pump  # which part of the app is at work
from textual.app import App
from textual.dom import DOMNode
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

R = TypeVar("R")


class Surviving(App[R]):
    """``complain`` is told of each error, and which part of a screen had it."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        #: Whether it is shown: what fails before that ends it.
        self.lives = False

    @abstractmethod
    def complain(self, error: Exception, part: object) -> None:
        """What becomes of an error. It must not raise."""
        raise NotImplementedError

    def _handle_exception(self, error: Exception) -> None:
        if self.lives:
            self.complain(error, active_message_pump.get(None))
        else:
            super()._handle_exception(error)

    async def _dispatch_message(self, message: Message) -> None:
        if self.lives:
            await _outlived(self, super()._dispatch_message, message)
            return
        await super()._dispatch_message(message)
        if isinstance(message, events.Mount):
            self.lives = True

    def _register_child(
        self, parent: DOMNode, child: Widget, before: int | None, after: int | None
    ) -> None:
        super()._register_child(parent, child, before, after)
        if "_dispatch_message" not in vars(child):  # one may be taken off and put on again
            _protect(child)


async def _outlived(
    part: Widget | Surviving[Any], dispatch: Callable[[Message], Awaitable[None]], message: Message
) -> None:
    try:
        await dispatch(message)
    except Exception as error:  # noqa: BLE001 - it would end the loop of whoever raised it
        _complain(part, error)


def _complain(part: Widget | Surviving[Any], error: Exception) -> None:
    app = part if isinstance(part, Surviving) else part.app
    if isinstance(app, Surviving) and app.lives:
        app.complain(error, part)
    else:
        raise error


def _protect(widget: Widget) -> None:
    """Have ``widget`` go on after an error, and what it cannot draw be blank."""
    dispatch, draw = widget._dispatch_message, widget.render_lines  # noqa: SLF001 - see above

    async def dispatched(message: Message) -> None:
        await _outlived(widget, dispatch, message)

    def drawn(crop: Region) -> list[Strip]:
        try:
            return draw(crop)
        except Exception as error:  # noqa: BLE001 - nothing of the screen would be drawn
            _complain(widget, error)
            return [Strip.blank(crop.width)] * crop.height

    vars(widget).update(_dispatch_message=dispatched, render_lines=drawn)
