"""Commands that an agent has us run: each is a session of the keeper beside the agent's own.

They run where the agent does, in its sandbox and with its variables, and are gone with it. One that
was started is found again by who takes the agent up after us. What may be run is asked elsewhere;
no protocol is known here, and no task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import anyio
import anyio.to_thread

from inspan.agents.dialect import OwnFolder
from inspan.agents.served import (
    Fault,
    NotServed,
    Served,
    TerminalDone,
    TerminalEnded,
    TerminalMade,
    TerminalText,
)
from inspan.agents.signs import CommandAsked, TerminalAsked, Wish
from inspan.engine.ports import Finished, Grew, Lost, Order, Run
from inspan.errors import InspanError, SessionNotFound
from inspan.model.ids import COMMANDS_MOST, command_id
from inspan.model.session import Gap, Output
from inspan.model.task import Exit, TerminalSpec
from inspan.providers import programs
from inspan.providers.process import Part, Processes
from inspan.providers.workspacefiles import WorkspaceFiles
from inspan.terminal.playback import Playback

#: How many an agent may have that it has not let go.
OPEN_MOST: Final = 16
#: How much of the end of its output is told at a time, in bytes: each time is recorded.
TOLD_MOST: Final = 64 << 10
#: Bytes of the recording of one.
CAP: Final = 1 << 20
#: What of a character may lie before a place where output is cut, or behind it.
_CHARACTER: Final = 3
_SHELL: Final = "/bin/sh"
_PIPES: Final = TerminalSpec(pty=False)
_READ: Final = 1 << 18

_NONE: Final = NotServed(Fault.MISSING, "There is no such terminal")


class Commands:
    """Those of one process of an agent."""

    def __init__(
        self,
        processes: Processes,
        order: Order,
        own: Sequence[OwnFolder],
        files: WorkspaceFiles,
    ) -> None:
        """``order`` and ``own`` are the agent's."""
        self._processes = processes
        self._order = order
        self._own = own
        self._files = files
        self._all: dict[str, _Command] = {}
        self._awake: Callable[[], None] = lambda: None
        #: Nothing is started any more.
        self._stopped = False

    def listen(self, awake: Callable[[], None]) -> None:
        """``awake`` is called when there is news of any of them."""
        self._awake = awake

    async def knows(self, asked: CommandAsked) -> bool:
        """It was started already, by a daemon that did not come to say so."""
        found = await self._processes.adopt(self._named(self._session(asked)), heard=False)
        return found is not None

    async def start(self, asked: CommandAsked) -> TerminalMade | NotServed:
        """Run it; once, however often it is asked for. Raises nothing."""
        if self._stopped:
            return NotServed(Fault.REFUSED, "It is being stopped")
        if asked.number > COMMANDS_MOST:
            return NotServed(Fault.REFUSED, f"It has had {COMMANDS_MOST} commands run already")
        if len(self._all) >= OPEN_MOST:
            why = f"It has {OPEN_MOST} terminals; it may release one, and ask again"
            return NotServed(Fault.REFUSED, why)
        cwd = await self._files.folder(asked.cwd) if asked.cwd else self._order.cwd
        if isinstance(cwd, NotServed):
            return cwd
        session, command = self._session(asked), asked.command
        argv = (_SHELL, "-c", command) if isinstance(command, str) else command
        try:
            programs.check_arguments(argv)
            programs.check_environment(dict(asked.env))
            part = Part(cwd, dict(asked.env), CAP)
            run = await self._processes.open(self._named(session), argv, self._own, part)
            await run.write(b"")  # nobody will type into it
        except InspanError as error:
            return NotServed(Fault.FAILED, str(error))
        self._hold(session, run)
        return TerminalMade(session)

    async def take_up(self, sessions: Iterable[str]) -> None:
        """Those that an earlier daemon started and told of. Raises KeeperLost."""
        for session in sessions:
            run = await self._processes.adopt(self._named(session), heard=False)
            if run is not None:
                self._hold(session, run)

    def _session(self, asked: CommandAsked) -> str:
        return command_id(self._order.session, asked.number)

    def _named(self, session: str) -> Order:
        return replace(self._order, session=session, terminal=_PIPES)

    def _hold(self, session: str, run: Run) -> None:
        folder = self._processes.folder(session)
        self._all[session] = _Command(run, Playback(folder), lambda: self._awake())

    async def answer(self, asked: TerminalAsked) -> Served | None:
        """What came of that; ``None`` as long as nothing has. Raises nothing."""
        command = self._all.get(asked.terminal)
        if command is None:
            return _NONE
        if asked.wish is Wish.OUTPUT:
            return await command.output(asked.limit)
        if asked.wish is Wish.WAIT:
            return command.end
        if asked.wish is Wish.KILL:
            return command.killed()
        told = command.released()
        if told is not None:
            del self._all[asked.terminal]
        return told

    @property
    def printed(self) -> bool:
        """Some of them has printed something since this was asked last."""
        found = [command.printed() for command in self._all.values()]
        return any(found)

    def stop(self) -> None:
        """Kill them, and start no other. Those who ask hear how they ended."""
        self._stopped = True
        for command in self._all.values():
            command.killed()

    async def kill(self) -> int:
        """The same; how many processes are left."""
        self.stop()
        return sum([await command.left() for command in tuple(self._all.values())])

    async def end(self) -> None:
        """Its agent has ended: kill and forget them."""
        self.stop()
        for command in tuple(self._all.values()):
            await command.forget()
        self._all.clear()

    async def close(self) -> None:
        """Look after them no more; they go on, as the agent does."""
        for command in self._all.values():
            await command.close()


class _Command:
    """One that was started and not let go."""

    def __init__(self, run: Run, playback: Playback, awake: Callable[[], None]) -> None:
        self._run = run
        self._playback = playback
        self._awake = awake
        self._last: Finished | Lost | None = None
        self._printed = False
        self._left = 0
        self._following = asyncio.ensure_future(self._follow())
        #: Under way or over.
        self._killing: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None

    async def _follow(self) -> None:
        try:
            async for seen in self._run.observations():
                if isinstance(seen, Grew):
                    self._printed = True
                elif isinstance(seen, Finished | Lost):
                    self._last = seen
                else:
                    continue
                self._awake()
        finally:
            self._last = self._last or Lost("it is not known how it ended")

    def printed(self) -> bool:
        """Whether it has printed something since this was asked last."""
        printed, self._printed = self._printed, False
        return printed

    @property
    def end(self) -> TerminalEnded | NotServed | None:
        """How it ended; ``None``: it runs."""
        if isinstance(self._last, Lost):
            return NotServed(Fault.FAILED, self._last.why)
        return None if self._last is None else TerminalEnded(self._last.exit)

    async def output(self, limit: int | None) -> TerminalText | NotServed:
        """The end of what it has printed."""
        most = TOLD_MOST if limit is None else min(limit, TOLD_MOST)
        # Asked for first: what is printed meanwhile would else be missed by who sees it ended.
        how = self._last.exit if isinstance(self._last, Finished) else None
        try:
            return await anyio.to_thread.run_sync(_told, self._playback, most, how)
        except SessionNotFound as error:
            return NotServed(Fault.FAILED, str(error))

    def killed(self) -> Served | None:
        """Kill it; that it is, once nothing of it is left."""
        if self._killing is None:
            self._killing = asyncio.ensure_future(self._kill())
        if not self._killing.done() or self._last is None:
            return None
        if self._left:
            return NotServed(Fault.FAILED, f"{self._left} of its processes are left")
        return TerminalDone()

    def released(self) -> Served | None:
        """Kill and forget it; that it is."""
        if self._leaving is None:
            self._leaving = asyncio.ensure_future(self.forget())
        return TerminalDone() if self._leaving.done() else None

    async def _kill(self) -> None:
        with suppress(InspanError):  # a keeper that is gone: its run tells the same, as Lost
            self._left = await self._run.kill()
        self._awake()

    async def left(self) -> int:
        """How many of its processes are, after it was killed."""
        self.killed()
        if self._killing is not None:
            await self._killing
        return self._left

    async def forget(self) -> None:
        """Kill it, and let the keeper forget it once it has ended."""
        await self.left()
        if self._left == 0:
            await self._following
        with suppress(InspanError):
            await self._run.close()
        self._awake()

    async def close(self) -> None:
        """Look after it no more."""
        mine = [one for one in (self._following, self._killing, self._leaving) if one is not None]
        with anyio.CancelScope(shield=True):
            for one in mine:
                one.cancel()
            await asyncio.gather(*mine, return_exceptions=True)


def _told(playback: Playback, most: int, how: Exit | None) -> TerminalText:
    """The end of a recording, ``most`` bytes of text at most."""
    size = playback.size
    at = start = max(0, size - most - 2 * _CHARACTER)
    data = bytearray()
    while at < size:
        before = at
        for chunk in playback.read(at, min(_READ, size - at)):
            if isinstance(chunk, Output):
                data += chunk.data
                at = chunk.offset + len(chunk.data)
            elif isinstance(chunk, Gap):
                data.clear()
                at = start = chunk.end
        if at == before:
            break
    text, cut = tail(bytes(data), most, ended=how is not None)
    return TerminalText(text, cut or start > 0, how)


def tail(data: bytes, most: int, *, ended: bool) -> tuple[str, bool]:
    """The end of ``data`` as text of ``most`` bytes in UTF-8, and whether it is less than all.

    It begins with a whole character. One that is not complete yet is left out, unless it ``ended``.
    """
    text = _whole(data, ended=ended).decode(errors="replace").encode()
    cut = text[-most:] if most else b""
    begin = next((at for at, byte in enumerate(cut) if byte & 0xC0 != 0x80), len(cut))
    return cut[begin:].decode(), len(cut) - begin < len(text)


def _whole(data: bytes, *, ended: bool) -> bytes:
    """Without the beginning of a character of which the rest may come."""
    for back in range(1, min(_CHARACTER, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        wants = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return data if ended or wants <= back else data[:-back]
    return data
