"""A worker's process: signals that reach it and no other, and how it ended.

It knows no message. The keeper is its parent; signals go by a pidfd where there is one, so that a
number that was given out anew is never hit.
"""

from __future__ import annotations

import os
import select
import signal
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from inspan.errors import InspanError, KeeperLost, LimitReached, SessionDied, SessionNotFound
from inspan.keeper.client import EndedSession, KeeperClient
from inspan.keeper.recording import RAW

_HINTS: Final[dict[int, str]] = {
    signal.SIGKILL: "Nothing of inspan's killed it: the system does so when memory runs out"
    " (its log says so), or somebody did. " + SessionDied.default_hint,
    signal.SIGXFSZ: "It reached its limit on the size of files. " + SessionDied.default_hint,
}

#: Characters of a process's last words that an error tells.
_WORDS: Final = 1000


@dataclass(frozen=True, slots=True)
class Death:
    """How a worker's process ended; both ``None``: nobody knows."""

    code: int | None = None
    signal: int | None = None
    #: The end of what it wrote to its descriptors, or its last message.
    words: str = ""
    #: Its host had it killed.
    wanted: bool = False

    @property
    def how(self) -> str:
        """As a clause."""
        if self.signal:
            try:
                return f"was killed by {signal.Signals(self.signal).name}"
            except ValueError:
                return f"was killed by signal {self.signal}"
        return "is lost" if self.code is None else f"ended with status {self.code}"

    def error(self) -> SessionDied:
        """The error that its cells get."""
        words = self.words[-_WORDS:].strip()
        said = f"; its last words: {words}" if words else "."
        if self.signal == signal.SIGXCPU:
            why = f"has used up the CPU time that it had, and {self.how}"
            return LimitReached(f"The session's process {why}{said}")
        hint = None if self.wanted else _HINTS.get(self.signal or 0)
        return SessionDied(f"The session's process {self.how}{said}", hint=hint)


class WorkerProcess:
    """One process of the keeper's."""

    def __init__(self, keeper: KeeperClient, session: str, pid: int, pidfd: int) -> None:
        self.session = session
        self.pid = pid
        self._keeper = keeper
        self._pidfd = pidfd
        self._killed = False

    @classmethod
    async def of(cls, keeper: KeeperClient, session: str, pid: int) -> Self:
        """The process of this session, ended or not. Raises KeeperLost, SessionNotFound."""
        pidfd = -1
        if hasattr(os, "pidfd_open"):
            with suppress(ProcessLookupError):
                pidfd = os.pidfd_open(pid)
        process = cls(keeper, session, pid, pidfd)
        try:
            # Asked after it was opened: as long as the keeper has it, the number is not another's.
            alive = (await keeper.status(session)).alive
        except BaseException:
            process.close()
            raise
        if not alive:
            process.close()
        return process

    @property
    def gone(self) -> bool:
        """Whether it has ended, as far as can be told at once."""
        if self._pidfd < 0:
            return False
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(0))

    async def interrupt(self) -> None:
        """SIGINT to it alone."""
        if self._pidfd >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGINT)
        else:
            await self.interrupt_group()

    async def interrupt_group(self) -> None:
        """SIGINT to it and what it started, but for what left its group."""
        with suppress(InspanError):
            await self._keeper.signal(self.session, signal.SIGINT, to="foreground")

    async def kill(self) -> None:
        """Kill it with all that it started; without a keeper it and its group."""
        self._killed = self._killed or not self.gone
        try:
            await self._keeper.kill(self.session)
        except InspanError:
            self._kill_alone()

    async def ended(self) -> Death:
        """Wait for its end, or until there is no keeper to tell it.

        Where that is because the keeper ended, it ends too: nobody could end it later.
        """
        try:
            async with aclosing(self._keeper.watch(self.session)) as watch:
                async for item in watch:
                    if isinstance(item, EndedSession):
                        return Death(item.status.code, item.status.signal, wanted=self._killed)
        except SessionNotFound:
            return Death()
        except KeeperLost:
            if not self.gone and _parent(self.pid) != self._keeper.pid:
                self._kill_alone()
        return Death()

    def _kill_alone(self) -> None:
        # It leads its group, so the group's number is its own as long as it is not collected.
        if self._pidfd >= 0 and not self.gone:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    async def forget(self) -> None:
        """It has ended: the keeper may forget it, and kills what it left behind."""
        with suppress(InspanError):
            await self._keeper.collect(self.session)

    def close(self) -> None:
        """Let go of it; it runs on."""
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1


def _parent(pid: int) -> int:
    """Its parent's number; 0 where it has none any more."""
    import psutil  # noqa: PLC0415 - 18 ms that only the loss of a keeper needs

    try:
        return int(psutil.Process(pid).ppid())
    except psutil.Error:
        return 0


def recorded(folder: Path, most: int = 2000) -> str:
    """The end of what it wrote before it took its descriptors over; empty where nothing is."""
    try:
        with (folder / RAW).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - most))
            return file.read().decode(errors="replace").strip()
    except OSError:
        return ""
