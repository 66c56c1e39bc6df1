"""Colours and marks: a dark theme and a light one, and signs that tell a state without colour."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

from inspan.model.task import TaskState

#: One column each, in every font that has box-drawing characters.
MARKS: Final = {
    TaskState.PENDING: "·",
    TaskState.QUEUED: "○",
    TaskState.RUNNING: "●",
    TaskState.WAITING: "?",
    TaskState.PROCESSING: "◐",
    TaskState.COMPLETED: "✓",
    TaskState.SUCCEEDED: "✓",
    TaskState.FAILED: "✗",
    TaskState.ERROR: "!",
    TaskState.INTERRUPTED: "■",
    TaskState.CANCELLED: "-",
}

DARK: Final = Theme(
    name="inspan-dark",
    primary="#7aa2c8",
    secondary="#8a93a0",
    accent="#7aa2c8",
    foreground="#d3d7de",
    background="#15181d",
    surface="#1a1e24",
    panel="#222831",
    success="#8fb573",
    warning="#d7b36a",
    error="#d77a7a",
    dark=True,
    variables={"footer-key-foreground": "#7aa2c8", "block-cursor-text-style": "none"},
)
LIGHT: Final = Theme(
    name="inspan-light",
    primary="#2f5f8f",
    secondary="#5c6670",
    accent="#2f5f8f",
    foreground="#22262c",
    background="#fbfaf7",
    surface="#f4f2ed",
    panel="#e9e6df",
    success="#3f7a2f",
    warning="#8a5a00",
    error="#a83232",
    dark=False,
    variables={"footer-key-foreground": "#2f5f8f", "block-cursor-text-style": "none"},
)
THEMES: Final = (DARK, LIGHT)
