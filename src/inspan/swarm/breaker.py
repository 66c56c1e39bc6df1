"""When steps fail alike, one after the other: then the next would too, and somebody is to look."""

from __future__ import annotations

import re
from typing import Final

#: So many in a row, with none done between them.
ALIKE: Final = 3
#: What differs from one step to the next in the same failure: numbers, ids, commits.
_OWN: Final = re.compile(r"\b(?=\w*\d)\w+\b")


class Breaker:
    """Told of each step's end. ``why`` is the failure that came too often, until it is closed."""

    def __init__(self) -> None:
        self._last = ""
        self._many = 0
        self.why: str | None = None

    def done(self) -> None:
        """A step came to its end well."""
        self._last, self._many = "", 0

    def failed(self, why: str) -> None:
        """A step came to nothing."""
        alike = _OWN.sub("#", why)
        self._many = self._many + 1 if alike == self._last else 1
        self._last = alike
        if self._many >= ALIKE:
            self.why = why

    def close(self) -> None:
        """Somebody says that it goes on all the same: counted anew."""
        self.why = None
        self.done()
