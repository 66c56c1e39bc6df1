"""The last lines that a task printed, found without reading all that is before them."""

from __future__ import annotations

from typing import Final

from inspan.control import Control
from inspan.errors import SessionNotFound
from inspan.model.session import Gap, Output
from inspan.terminal.sanitize import Cleaner

#: Bytes that hold more lines than a screen has.
_MOST: Final = 1 << 14
#: Where it ends is looked for in steps that double, up to a terabyte.
_DOUBLINGS: Final = 26


class Tail:
    """The end of one session's recording, read on from where it was left."""

    def __init__(self, control: Control, session: str) -> None:
        self.session = session
        self._control = control
        self._offset: int | None = None
        self._kept = b""

    async def lines(self, most: int) -> list[str]:
        """The last lines as they are now: safe text."""
        try:
            if self._offset is None:
                self._offset = await self._near_the_end()
            while got := await self._read(self._offset, _MOST * 4):
                self._kept = (self._kept + got)[-_MOST:]
        except SessionNotFound:
            return []
        cleaner = Cleaner()
        text = cleaner.feed(self._kept) + cleaner.close()
        return [line.expandtabs() for line in text.splitlines() if line.strip()][-most:]

    async def _near_the_end(self) -> int:
        low, high = 0, _MOST
        for _ in range(_DOUBLINGS):
            if not await self._is_there(high):
                break
            low, high = high, 2 * high
        while high - low > _MOST:
            middle = (low + high) // 2
            low, high = (middle, high) if await self._is_there(middle) else (low, middle)
        return max(0, low - _MOST // 2)

    async def _is_there(self, offset: int) -> bool:
        chunks = await self._control.read(self.session, offset, 1)
        return any(isinstance(chunk, (Output, Gap)) for chunk in chunks)

    async def _read(self, offset: int, most: int) -> bytes:
        """What is there from ``offset`` on, which moves on by it."""
        got = b""
        for chunk in await self._control.read(self.session, offset, most):
            if isinstance(chunk, Output):
                got += chunk.data
                self._offset = chunk.offset + len(chunk.data)
            elif isinstance(chunk, Gap):
                self._offset = chunk.end
        return got
