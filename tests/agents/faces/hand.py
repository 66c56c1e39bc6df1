"""A hand at an agent's terminal: reads what it shows, types, and notes what is so at which time.

What it notes comes from the script that it follows and from the endpoint's log, and never from
the screen rules: these are measured against it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import anyio

from inspan.clock import SystemClock
from inspan.keeper.client import KeeperClient
from inspan.keeper.recording import RAW
from inspan.providers.leisure import Leisure
from inspan.providers.procfacts import rests
from inspan.terminal.screen import Screen, backend

#: In seconds.
PATIENCE = 60.0
LOOK = 0.02
#: Between text and the key that sends it: faces take what comes at once for a paste.
GAP = 0.4
#: What of a line is looked for once it is typed, in characters, and for how long.
ECHO, ECHOED = 6, 5.0

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "down": "\x1b[B",
    "up": "\x1b[A",
    "ctrl-c": "\x03",
    "tab": "\t",
    "shift-tab": "\x1b[Z",
}


class Hand:
    """One session in a keeper."""

    def __init__(
        self,
        client: KeeperClient,
        session: str,
        folder: Path,
        size: tuple[int, int],
        pid: int,
        *,
        unseen: bool = False,
    ):
        """``pid`` is the program's."""
        self.notes: list[tuple[float, str | None]] = []
        self.screen = Screen(*size, backend())
        #: What is shown is in no error: nobody may see it.
        self._unseen = unseen
        self._client = client
        self._pid = pid
        self._session = session
        self._raw = folder / RAW
        self._read = 0
        self._changed = time.monotonic()
        self._shown: tuple[str, ...] = ()

    def note(self, doing: str | None) -> None:
        """From now on it does this; ``None``: it changes, and nobody can say."""
        self.notes.append((time.time(), doing))

    def look(self) -> str:
        """All that is shown now, the title last."""
        with suppress(FileNotFoundError), self._raw.open("rb") as raw:
            raw.seek(self._read)
            data = raw.read()
            self._read += len(data)
            self.screen.feed(data)
        shown = self.screen.rows()
        if shown != self._shown:
            self._shown, self._changed = shown, time.monotonic()
        return "\n".join((*self.screen.rows(), self.screen.title))

    async def until(self, wanted: str | Callable[[], bool], *, patience: float = PATIENCE) -> None:
        """Wait until the pattern is seen, or what is asked for is so."""
        with anyio.move_on_after(patience):
            while True:
                shown = self.look()
                if wanted() if callable(wanted) else re.search(wanted, shown, re.MULTILINE):
                    return
                await anyio.sleep(LOOK)
        shown = "(unseen)" if self._unseen else self.look()
        raise TimeoutError(f"{wanted} did not come:\n{shown}")

    def quiet(self, seconds: float) -> bool:
        """Whether no row has changed for so long; a title may blink."""
        return time.monotonic() - self._changed >= seconds

    async def still(self, seconds: float = 1.0, *, patience: float = PATIENCE) -> None:
        """Wait until no row has changed for so long from now on, in time of the program's own.

        On a busy machine it may stand still because it has no processor.
        """
        leisure, changed = self._leisure(), self._changed

        def over() -> bool:
            nonlocal leisure, changed
            if self._changed != changed:
                leisure, changed = self._leisure(), self._changed
            return leisure.look() >= seconds

        await self.until(over, patience=patience)

    def _leisure(self) -> Leisure:
        return Leisure(SystemClock(), lambda: 1.0 if rests(self._pid) else 0.0)

    async def resize(self, cols: int, rows: int) -> None:
        """Give the terminal another size."""
        await self._client.resize(self._session, cols, rows)
        self.look()
        self.screen.resize(cols, rows)

    async def stay(self, seconds: float) -> None:
        """Let time pass, as a person does who only looks."""
        until = time.monotonic() + seconds
        await self.until(lambda: time.monotonic() >= until, patience=seconds + PATIENCE)

    async def press(self, *keys: str) -> None:
        """Press keys by name, with a moment after each."""
        for key in keys:
            await self._client.write(self._session, KEYS.get(key, key).encode())
            await self.stay(GAP)

    async def prompt(self, text: str, *send: str) -> None:
        """Type a line and send it; one that reads late would take both for a paste."""
        await self.press(text)
        with suppress(TimeoutError):  # it may be shown otherwise
            await self.until(re.escape(text[-ECHO:]), patience=ECHOED)
        await self.press(*(send or ("enter",)))
