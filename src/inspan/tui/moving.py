"""The keys that move in what is shown, the same wherever something is pointed at.

Who has them does ``action_step``, ``action_page`` and ``action_edge``, each with 1 for on and -1
for back; what scrolls by itself has only the two letters.
"""

from __future__ import annotations

from textual.binding import Binding, BindingType


def moves(one: str) -> list[BindingType]:
    """To another of what is called so."""
    return [
        Binding("down,j", "step(1)", f"Next {one}", show=False),
        Binding("up,k", "step(-1)", f"{one.capitalize()} before", show=False),
        Binding("pagedown", "page(1)", "A screen on", show=False),
        Binding("pageup", "page(-1)", "A screen back", show=False),
        Binding("home", "edge(-1)", f"First {one}", show=False),
        Binding("end", "edge(1)", f"Last {one}", show=False),
    ]


def letters(down: str, up: str) -> list[BindingType]:
    """``j`` and ``k``, where Textual binds the arrows to these actions."""
    return [
        Binding("j", down, "Down", show=False),
        Binding("k", up, "Up", show=False),
    ]
