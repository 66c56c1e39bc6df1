"""Code over the daemon's socket, for asyncio: the second implementation of ``control.Code``.

No verb has a timeout here: what may take seconds has its deadline in the daemon.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable

from inspan.client import codecalls as calls
from inspan.client import wire
from inspan.client.asynclink import Connections
from inspan.model.code import (
    Cell,
    CellOptions,
    CodeEvent,
    CodeSession,
    CodeSpec,
    Completion,
    Restored,
    Saved,
)


class RemoteCode:
    """Code over connections that are shared with the other verbs of Control."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    # ── sessions ──────────────────────────────────────────────────────────────

    async def open(self, spec: CodeSpec, *, key: str | None = None) -> CodeSession:
        return await self._connections.ask(
            calls.opened(spec, key, base=self._connections.address.far)
        )

    async def get(self, session: str) -> CodeSession:
        return await self._connections.ask(calls.got(session))

    async def list(self, *, ended: bool = False) -> tuple[CodeSession, ...]:
        return await self._connections.ask(calls.listed(ended=ended))

    async def checkpoint(self, session: str, name: str = "") -> Saved:
        return await self._connections.ask(calls.checkpoint(session, name))

    async def checkpoints(self, session: str) -> tuple[Saved, ...]:
        return await self._connections.ask(calls.checkpoints(session))

    async def restore(self, session: str, name: str = "") -> Restored:
        return await self._connections.ask(calls.restore(session, name))

    async def close(self, session: str, *, deadline: float = 5.0) -> CodeSession:
        return await self._connections.ask(calls.close(session, deadline))

    # ── cells ─────────────────────────────────────────────────────────────────

    async def execute(self, session: str, code: str, options: CellOptions = CellOptions()) -> Cell:
        said = calls.to_execute(session, code, options)
        if len(said) > calls.SAID_MOST:
            return await self._connections.ask(calls.execute(session, code, options))
        channel, talk = await self._connections.talk(), calls.Talk()
        try:
            await channel.send(wire.TEXT, said)
            return talk.cell(await channel.take())
        finally:
            self._connections.leave(channel, over=talk.over)

    def run(
        self, session: str, code: str, options: CellOptions = CellOptions()
    ) -> AsyncGenerator[CodeEvent, None]:
        async def say() -> bytes:
            said = calls.to_run(session, code, options)
            if len(said) > calls.SAID_MOST:
                cell = await self._connections.ask(calls.execute(session, code, options))
                said = calls.to_follow(cell.session, None, cell.id)
            return said

        return self._told(say, one=True)

    def follow(
        self, session: str, since: int | None = None, *, cell: str | None = None
    ) -> AsyncGenerator[CodeEvent, None]:
        async def say() -> bytes:
            return calls.to_follow(session, since, cell)

        return self._told(say, one=cell is not None)

    async def _told(
        self, say: Callable[[], Awaitable[bytes]], *, one: bool
    ) -> AsyncGenerator[CodeEvent, None]:
        said = await say()
        channel, talk = await self._connections.talk(), calls.Talk(one=one)
        try:
            await channel.send(wire.TEXT, said)
            while not talk.over:
                for event in talk.events(await channel.take()):
                    yield event
        finally:
            self._connections.leave(channel, over=talk.over)

    async def transcript(
        self, session: str, since: int = 0, limit: int = 500
    ) -> tuple[CodeEvent, ...]:
        found: tuple[CodeEvent, ...] = ()
        more = True
        while more and len(found) < limit:
            page, more = await self._connections.ask(
                calls.transcript(session, since, limit - len(found))
            )
            found += page
            since = page[-1].seq if page else since
        return found

    async def answer(self, session: str, request: str, text: str | None) -> None:
        await self._connections.ask(calls.answer(session, request, text))

    async def interrupt(
        self, session: str, cell: str | None = None, *, deadline: float = 5.0
    ) -> Cell | None:
        return await self._connections.ask(calls.interrupt(session, cell, deadline))

    async def complete(self, session: str, code: str, cursor: int) -> Completion:
        return await self._connections.ask(calls.complete(session, code, cursor))

    async def inspect(self, session: str, code: str, cursor: int) -> dict[str, str]:
        return await self._connections.ask(calls.inspect(session, code, cursor))
