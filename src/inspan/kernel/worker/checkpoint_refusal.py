"""The refusal to save an object, and the words in which it is told."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 - it is named by what happened
    """An object cannot be saved, and why."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


def kind_of(value: object) -> str:
    """The name of a type as a person writes it."""
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
