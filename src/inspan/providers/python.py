"""Python sessions: started by the keeper, found again, and what they leave on the disk.

It knows folders and processes; what a session is for, and what becomes of what it tells, it never
learns. What speaks to a worker is imported with the first session: most daemons have none.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from inspan.engine.code.ports import CodeOrder, CodeSink
from inspan.engine.ports import Clock
from inspan.errors import InspanError, SessionNotFound
from inspan.keeper.client import KeeperClient
from inspan.model.code import Cell, CodeSpec, RunEnded, Saved
from inspan.model.value import value
from inspan.providers.checkpoints import Vault
from inspan.providers.keeping import Keeping
from inspan.providers.programs import check_arguments, check_environment, check_folder

if TYPE_CHECKING:
    from inspan.kernel.host.confinement import Confinement
    from inspan.kernel.host.session import KernelSession
    from inspan.providers.coderun import PythonRun

log = logging.getLogger(__name__)

#: Runs that end between two looks for cycles. What a run was is one, of 30 kB, and as it has lived
#: for a while, a daemon would look for it after thousands.
COLLECTED: Final = 128

_Start = Callable[[asyncio.TaskGroup], Awaitable["KernelSession"]]


@value(frozen=True)
class Folders:
    """Where sessions keep what; the folders are made when they are needed."""

    #: One folder for each session, with one for each of its runs.
    sessions: Path
    #: The keys of checkpoints, which no session can read.
    keys: Path
    #: Where sockets go.
    runtime: Path
    #: What no session is shown but for what of it is its own.
    hidden: tuple[Path, ...] = ()


class PythonProvider:
    """``ports.CodeProvider``; works within ``running``."""

    def __init__(self, folders: Folders, keeping: Keeping, clock: Clock) -> None:
        self._folders = folders
        self._keeping = keeping
        self._clock = clock
        self._group: asyncio.TaskGroup
        self._runs: set[asyncio.Task[None]] = set()
        self._ends = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Until the block is left; runs that are neither closed nor left by then are left."""
        trouble: Exception | None = None
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                yield
            except Exception as error:  # noqa: BLE001 - raised below, as itself and in no group
                trouble = error
            for task in self._runs:
                task.cancel()
        if trouble is not None:
            raise trouble

    async def open(self, order: CodeOrder, sink: CodeSink) -> PythonRun:
        from inspan.kernel.host.launch import Order  # noqa: PLC0415 - see above
        from inspan.kernel.host.session import KernelSession  # noqa: PLC0415

        check_folder(order.spec.cwd)
        check_environment(order.spec.env)
        check_arguments([order.spec.python or sys.executable])
        folder = self._folder(order)
        wanted = Order(
            session=order.name,
            folder=folder,
            runtime=self._folders.runtime,
            cwd=Path(order.spec.cwd),
            env=order.spec.env,
            python=order.spec.python or sys.executable,
            confinement=self._confinement(order.spec),
        )
        keeper = await self._keeping.client()
        run = self._run(order, sink, "")
        start = partial(KernelSession.open, keeper=keeper, order=wanted, watching=run.watching)
        await self._begin(run, start, folder)
        return run

    async def adopt(
        self, order: CodeOrder, sink: CodeSink, mark: str, cells: Sequence[Cell]
    ) -> PythonRun | None:
        from inspan.kernel.host.session import KernelSession  # noqa: PLC0415 - see above

        folder = self._folder(order)
        keeper = await self._keeping.client()
        try:
            run = self._run(order, sink, mark)
            start = partial(
                KernelSession.reattach,
                keeper=keeper,
                folder=folder,
                former=run.former(cells),
                confinement=self._confinement(order.spec),
                watching=run.watching,
            )
            await self._begin(run, start, folder)
        except SessionNotFound:
            await self._mourn(order, sink, keeper)
            return None
        except InspanError:
            # One that does not answer is of no use, and nobody would end it later.
            await self._keeping.drop(order.name)
            raise
        return run

    async def checkpoints(self, session: str) -> tuple[Saved, ...]:
        return await anyio.to_thread.run_sync(self._vault(session).all)

    async def size(self, session: str) -> int:
        return await anyio.to_thread.run_sync(_size, self._folders.sessions / session)

    async def remove(self, session: str) -> None:
        await anyio.to_thread.run_sync(self._vault(session).remove)
        await _delete(self._folders.sessions / session)

    # ── a run's life ──────────────────────────────────────────────────────────

    def _run(self, order: CodeOrder, sink: CodeSink, mark: str) -> PythonRun:
        from inspan.providers.coderun import PythonRun  # noqa: PLC0415 - see above

        return PythonRun(order, sink, mark, self._vault(order.session), self._clock)

    async def _begin(self, run: PythonRun, start: _Start, folder: Path) -> None:
        """Start it beside the caller. Raises what ``start`` does."""
        begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = self._group.create_task(self._live(run, start, folder, begun))
        self._runs.add(task)
        task.add_done_callback(self._runs.discard)
        try:
            await asyncio.wait({begun, task}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait({task})
            if begun.done():
                begun.exception()
            raise
        begun.result()

    async def _live(
        self,
        run: PythonRun,
        start: _Start,
        folder: Path,
        begun: asyncio.Future[None],
    ) -> None:
        """All of a run; its tasks are in a group of its own, so that it fails alone."""
        from inspan.kernel.host.confinement import sentence  # noqa: PLC0415 - see above

        try:
            async with asyncio.TaskGroup() as group:
                try:
                    session = await start(group)
                except Exception as error:  # noqa: BLE001 - it is the caller's, who waits for it
                    begun.set_exception(error)
                else:
                    run.began(session, sentence(session.confined))
                    begun.set_result(None)
        except ExceptionGroup:
            log.exception("a run broke", extra={"folder": str(folder)})
        if run.over:
            await _delete(folder)
        self._ends += 1
        if self._ends % COLLECTED == 0:
            gc.collect()

    async def _mourn(self, order: CodeOrder, sink: CodeSink, keeper: KeeperClient) -> None:
        """It ended while nobody looked: say how, as far as the keeper knows, and tidy up."""
        from inspan.kernel.host.process import Death  # noqa: PLC0415 - see above
        from inspan.providers.coderun import reason  # noqa: PLC0415

        with suppress(SessionNotFound):
            status = await keeper.status(order.name)
            number = int(order.name.rpartition("-")[2])
            sink(RunEnded(number, reason(Death(status.code, status.signal).error())), "")
            await self._keeping.drop(order.name)
        await _delete(self._folder(order))

    def _folder(self, order: CodeOrder) -> Path:
        return self._folders.sessions / order.session / order.name.rpartition("-")[2]

    def _confinement(self, spec: CodeSpec) -> Confinement:
        from inspan.kernel.host.confinement import Confinement  # noqa: PLC0415 - see above

        return Confinement(
            grants=spec.grants,
            limits=spec.limits,
            hidden=self._folders.hidden,
            private=(Path.home(),),
            asked_by="opening",
        )

    def _vault(self, session: str) -> Vault:
        return Vault(self._folders.sessions / session, self._folders.keys)


def _size(folder: Path) -> int:
    """Bytes on the disk, which are fewer than a file's length where it has holes."""
    size = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                size += (Path(place) / name).lstat().st_blocks * 512
    return size


async def _delete(folder: Path) -> None:
    await anyio.to_thread.run_sync(partial(shutil.rmtree, folder, ignore_errors=True))
