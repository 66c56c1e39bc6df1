"""Query strings, read strictly: an unknown name or a number out of bounds is refused by name."""

from __future__ import annotations

import math

from starlette.datastructures import QueryParams

from inspan.errors import BadInput

#: Offsets and sequence numbers are uint64 on the wire and int64 in the store.
NUMBER_MOST = (1 << 63) - 1
TEXT_MOST = 1000


class Query:
    """The parameters of one request; every one that is there must be among ``known``."""

    def __init__(self, params: QueryParams, *known: str) -> None:
        for name in params:
            if name not in known:
                raise BadInput(f"{name[:TEXT_MOST]}: there is no such parameter")
        self._params = params

    def text(self, name: str) -> str | None:
        """Text, ``None`` where it is not there."""
        value = self._params.get(name)
        if value is not None and len(value) > TEXT_MOST:
            raise BadInput(f"{name}: longer than {TEXT_MOST} characters")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """All of several, whether repeated or parted by commas."""
        values = ",".join(self._params.getlist(name))
        return tuple(value for value in values.split(",") if value)

    def number(self, name: str, default: int, *, least: int = 0, most: int = NUMBER_MOST) -> int:
        """A whole number within bounds."""
        value = self.text(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdecimal()) or not least <= int(value) <= most:
            raise BadInput(f"{name}: must be a whole number from {least} to {most}")
        return int(value)

    def seconds(self, name: str, default: float, *, most: float) -> float:
        """A span of time."""
        try:
            value = float(self.text(name) or default)
        except ValueError:
            value = math.nan
        if not 0 <= value <= most:
            raise BadInput(f"{name}: must be seconds from 0 to {most:g}")
        return value

    def flag(self, name: str) -> bool:
        """``true`` or ``false``; false where it is not there."""
        value = self.text(name) or "false"
        if value not in ("true", "false"):
            raise BadInput(f"{name}: must be true or false")
        return value == "true"
