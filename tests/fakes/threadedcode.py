"""The blocking client's code sessions as a ``control.Code``: each call in a thread."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from typing import TypeVar

import anyio.to_thread

from inspan.client.synccode import Following, SyncCode
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

T = TypeVar("T")

#: How long a thread waits for something to come before it looks whether it is still wanted.
BEAT = 0.05


async def _run(call: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(call)


async def _events(begin: Callable[[], Following]) -> AsyncGenerator[CodeEvent, None]:
    with await _run(begin) as following:
        while not following.over:
            event = await _run(partial(following.recv, BEAT))
            if event is not None:
                yield event


class ThreadedCode:
    """``control.Code`` of a SyncCode."""

    def __init__(self, blocking: SyncCode) -> None:
        self._to = blocking

    async def open(self, spec: CodeSpec, *, key: str | None = None) -> CodeSession:
        return await _run(partial(self._to.open, spec, key=key))

    async def get(self, session: str) -> CodeSession:
        return await _run(partial(self._to.get, session))

    async def list(self, *, ended: bool = False) -> tuple[CodeSession, ...]:
        return await _run(partial(self._to.list, ended=ended))

    async def checkpoint(self, session: str, name: str = "") -> Saved:
        return await _run(partial(self._to.checkpoint, session, name))

    async def checkpoints(self, session: str) -> tuple[Saved, ...]:
        return await _run(partial(self._to.checkpoints, session))

    async def restore(self, session: str, name: str = "") -> Restored:
        return await _run(partial(self._to.restore, session, name))

    async def close(self, session: str, *, deadline: float = 5.0) -> CodeSession:
        return await _run(partial(self._to.close, session, deadline=deadline))

    async def execute(self, session: str, code: str, options: CellOptions = CellOptions()) -> Cell:
        return await _run(partial(self._to.execute, session, code, options))

    async def run(
        self, session: str, code: str, options: CellOptions = CellOptions()
    ) -> AsyncGenerator[CodeEvent, None]:
        async with aclosing(_events(partial(self._to.run, session, code, options))) as events:
            async for event in events:
                yield event

    async def follow(
        self, session: str, since: int | None = None, *, cell: str | None = None
    ) -> AsyncGenerator[CodeEvent, None]:
        begin = partial(self._to.follow, session, since, cell=cell)
        async with aclosing(_events(begin)) as events:
            async for event in events:
                yield event

    async def transcript(
        self, session: str, since: int = 0, limit: int = 500
    ) -> tuple[CodeEvent, ...]:
        return await _run(partial(self._to.transcript, session, since, limit))

    async def answer(self, session: str, request: str, text: str | None) -> None:
        await _run(partial(self._to.answer, session, request, text))

    async def interrupt(
        self, session: str, cell: str | None = None, *, deadline: float = 5.0
    ) -> Cell | None:
        return await _run(partial(self._to.interrupt, session, cell, deadline=deadline))

    async def complete(self, session: str, code: str, cursor: int) -> Completion:
        return await _run(partial(self._to.complete, session, code, cursor))

    async def inspect(self, session: str, code: str, cursor: int) -> dict[str, str]:
        return await _run(partial(self._to.inspect, session, code, cursor))
