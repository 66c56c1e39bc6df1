"""A file for one user alone, made anew, for what opens a door."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike


def write(path: str | PathLike[str], text: str) -> None:
    """Put ``text`` there with mode 600. What stood there is removed; a link is not followed."""
    if os.path.lexists(path):
        os.unlink(path)  # noqa: PTH108 - text may be given, and pathlib costs 4 ms
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "w") as file:
        file.write(text)
