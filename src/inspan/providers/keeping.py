"""The keeper, as the daemon holds it: one connection, made when it is needed and made again.

It starts a keeper where none runs. It knows no task, and no session but by its id.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import anyio

from inspan.errors import SessionNotFound
from inspan.keeper.client import KeeperClient, Status, ensure


class Keeping:
    """``ports.Keep`` over the keeper of one state directory."""

    def __init__(self, socket: Path, state_dir: Path) -> None:
        self._socket = socket
        self._state_dir = state_dir
        self._client: KeeperClient | None = None
        self._lock = anyio.Lock(fast_acquire=True)

    async def client(self) -> KeeperClient:
        """A live connection. Raises KeeperLost, KeeperMismatch."""
        client = self._client
        if client is not None and not client.closed:
            return client
        async with self._lock:
            if self._client is None or self._client.closed:
                if self._client is not None:
                    await self._client.close()
                self._client = await ensure(self._socket, self._state_dir)
            return self._client

    @property
    def connected(self) -> KeeperClient | None:
        """The connection, where there is one; none is made."""
        client = self._client
        return None if client is None or client.closed else client

    async def id(self) -> str:
        return (await self.client()).keeper

    def at_hand(self) -> str | None:
        client = self.connected
        return None if client is None else client.keeper

    async def held(self) -> tuple[str, ...]:
        return tuple(status.session for status in await self.statuses())

    async def statuses(self) -> tuple[Status, ...]:
        """Every session that the keeper holds."""
        return await (await self.client()).list()

    async def drop(self, session: str) -> None:
        client = await self.client()
        for name in (session, *(name for name in await self.held() if _is_part(name, session))):
            with suppress(SessionNotFound):
                await client.kill(name)
                await client.collect(name)

    async def close(self) -> None:
        """Let go of the connection; the keeper and its sessions go on."""
        if self._client is not None:
            await self._client.close()


def _is_part(name: str, session: str) -> bool:
    """A check, or a command that an agent had run."""
    return name.startswith(f"{session}-")
