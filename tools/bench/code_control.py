"""Code sessions of ours through Control: of a daemon, over its socket, or in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from time import perf_counter

from inspan import app
from inspan.client.remote import RemoteControl
from inspan.control import Code, Control
from inspan.keeper.client import KeeperClient
from inspan.model.code import CellEnded, CellState, CodeSpec, Printed
from inspan.providers.keeping import Keeping
from tools.bench import code_zygotes
from tools.bench.code_sides import Stock
from tools.bench.homes import home
from tools.bench.processes import children


class Controlled:
    """``code_sides.Session`` of a Control."""

    def __init__(self, code: Code, session: str, pid: int) -> None:
        self._code = code
        self._session = session
        self.pid = pid

    async def run(self, code: str) -> None:
        async with aclosing(self._code.run(self._session, code)) as events:
            async for event in events:
                fact = event.fact
                if isinstance(fact, CellEnded) and fact.end.state is not CellState.DONE:
                    raise RuntimeError(f"{code!r} ended with {fact.end}")

    async def printed(self, code: str) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._code.run(self._session, code)) as events:
            async for event in events:
                if isinstance(event.fact, Printed) and event.fact.stream == "stdout":
                    yield event.fact.text.encode()

    async def interrupted(self, code: str, into: float) -> float:
        cell = await self._code.execute(self._session, code)
        await asyncio.sleep(into)
        began = perf_counter()
        ended = await self._code.interrupt(self._session, cell.id)
        took = perf_counter() - began
        if ended is None or ended.state is not CellState.INTERRUPTED:
            raise RuntimeError(f"{code!r} ended before it was interrupted")
        return took

    async def close(self) -> None:
        await self._code.close(self._session)


class Controls:
    """``code_sides.Side`` over a Control, and the keeper that it has."""

    def __init__(
        self, control: Control, keeper: KeeperClient, folder: Path, others: dict[str, int]
    ) -> None:
        self._code = control.code
        self._keeper = keeper
        self._folder = folder
        self._others = others
        self._guardians = children(keeper.pid)
        self._sessions: list[int] = []

    async def open(self, apart: int = 0) -> Controlled:
        spec = CodeSpec(cwd=str(self._folder), env=code_zygotes.environment(apart))
        made = await self._code.open(spec)
        if made.pid is None:
            raise RuntimeError(f"{made.id} has no process")
        self._sessions.append(made.pid)
        return Controlled(self._code, made.id, made.pid)

    async def settle(self, apart: int = 0) -> None:
        await code_zygotes.ready(self._keeper, apart)

    async def pooled(self, times: int) -> list[float]:  # noqa: ARG002 - there is none to try
        return []

    def stocked(self, size: int) -> Stock | None:  # noqa: ARG002 - as above
        return None

    def helpers(self) -> dict[str, int]:
        ours = code_zygotes.helpers(self._keeper.pid, self._guardians, self._sessions)
        return self._others | ours


@asynccontextmanager
async def daemon(folder: Path) -> AsyncIterator[Controls]:
    """Over the socket of a daemon."""
    with home(folder) as made:
        made.start()
        pid, _ = made.pids()
        async with RemoteControl.connect(made.places.daemon_socket) as control:
            keeping = Keeping(made.places.keeper_socket, made.places.state_dir)
            yield Controls(control, await keeping.client(), folder, {"daemon": pid})
            await keeping.close()


@asynccontextmanager
async def here(folder: Path) -> AsyncIterator[Controls]:
    """An engine in this process; the keeper ends last."""
    with home(folder) as made:
        async with app.here(made.places) as control:
            keeping = Keeping(made.places.keeper_socket, made.places.state_dir)
            yield Controls(control, await keeping.client(), folder, {})
            await keeping.close()
