"""How far each target has been told, and how that went, in one small file.

It is written before a message is sent: a daemon that is killed then has lost that message, and the
next one does not send it twice. It is a file of its own and no table: what tells people must never
be in the way of what stores facts, and a lost file costs one message, no fact.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from inspan.model.value import named_value

_VERSION: Final = 1
#: A larger file is none of ours.
_MOST: Final = 1 << 20


@named_value
class Mark:
    """Where one target is."""

    #: Events up to this one were told, or were not to be; -1: nobody knows.
    seq: int = -1
    #: When the last message was sent, and what it was; 0 for never.
    told_at: float = 0.0
    title: str = ""
    #: Why that did not arrive; empty where it did.
    trouble: str = ""

    def at(self, seq: int) -> Mark:
        """It, at another event."""
        return Mark(seq=seq, told_at=self.told_at, title=self.title, trouble=self.trouble)

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "seq": self.seq,
            "told_at": self.told_at,
            "title": self.title,
            "trouble": self.trouble,
        }


def read(path: Path) -> dict[str, Mark]:
    """The marks by target; none where there is no such file, or it is broken."""
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(_MOST))
        if told["version"] != _VERSION:
            return {}
        return {str(name): _mark(item) for name, item in told["targets"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write(path: Path, marks: Mapping[str, Mark]) -> None:
    """Put ``marks`` there, whole or not at all. Raises OSError."""
    told = {"version": _VERSION, "targets": {name: mark.plain() for name, mark in marks.items()}}
    new = path.with_name(f".{path.name}")
    with suppress(FileNotFoundError):
        new.unlink()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(new, flags, 0o600), "w") as file:
        json.dump(told, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _mark(item: Mapping[str, Any]) -> Mark:
    return Mark(
        seq=int(item["seq"]),
        told_at=float(item["told_at"]),
        title=str(item["title"]),
        trouble=str(item["trouble"]),
    )
