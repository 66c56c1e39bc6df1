"""ipykernel, driven by jupyter_client as that is meant to be used from asyncio."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from queue import Empty
from time import perf_counter
from typing import Any, Final

from tools.bench.code_sides import Stock

PATIENCE: Final = 120.0
#: Seconds without a word after which the word that a cell has ended counts as lost. Messages that
#: nobody takes in time are dropped, and that one may be among them.
SILENCE: Final = 10.0


class Notebook:
    """``code_sides.Session`` of a kernel."""

    def __init__(self, manager: Any, client: Any) -> None:
        self._manager = manager
        self._client = client
        self.pid: int = manager.provisioner.pid

    async def run(self, code: str) -> None:
        """Until the reply, which has the status: its result may come later still."""
        reply = await self._client.execute(code, reply=True, timeout=PATIENCE)
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"{code!r} ended with {reply['content']}")

    async def printed(self, code: str) -> AsyncGenerator[bytes, None]:
        client = self._client
        while await client.iopub_channel.msg_ready():
            await client.get_iopub_msg(timeout=PATIENCE)
        asked = client.execute(code)
        while True:
            try:
                message = await client.get_iopub_msg(timeout=SILENCE)
            except Empty:
                break
            if message["parent_header"].get("msg_id") != asked:
                continue
            content = message["content"]
            if message["msg_type"] == "stream" and content["name"] == "stdout":
                yield content["text"].encode()
            elif message["msg_type"] == "status" and content["execution_state"] == "idle":
                break
        await client.get_shell_msg(timeout=PATIENCE)

    async def interrupted(self, code: str, into: float) -> float:
        asked = self._client.execute(code)
        await asyncio.sleep(into)
        if await self._client.shell_channel.msg_ready():
            raise RuntimeError(f"{code!r} ended before it was interrupted")
        began = perf_counter()
        await self._manager.interrupt_kernel()
        reply = await self._client.get_shell_msg(timeout=PATIENCE)
        took = perf_counter() - began
        if reply["parent_header"]["msg_id"] != asked:
            raise RuntimeError(f"a reply to another cell than {code!r}: {reply}")
        return took

    async def close(self) -> None:
        self._client.stop_channels()
        await self._manager.shutdown_kernel(now=True)


class Notebooks:
    """``code_sides.Side`` of kernels, each with a manager of its own."""

    def __init__(self, managers: Any) -> None:
        self._managers = managers
        self._open: list[Notebook] = []

    async def open(self, apart: int = 0) -> Notebook:  # noqa: ARG002 - each has its own process anyway
        manager = self._managers()
        await manager.start_kernel()
        client = manager.client()
        client.start_channels()
        made = Notebook(manager, client)
        self._open.append(made)
        await client.wait_for_ready(timeout=PATIENCE)
        return made

    async def settle(self, apart: int = 0) -> None:
        """Nothing makes the next one faster."""

    async def pooled(self, times: int) -> list[float]:  # noqa: ARG002 - there is none to try
        return []

    def stocked(self, size: int) -> Stock | None:  # noqa: ARG002 - as above
        return None

    def helpers(self) -> dict[str, int]:
        return {}

    async def close(self) -> None:
        for made in self._open:
            await made.close()


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Notebooks]:  # noqa: ARG001 - it keeps nothing there
    """Kernels that are still open at the end are killed."""
    # Its import is no part of a start, as ours is none.
    side = Notebooks(importlib.import_module("jupyter_client").AsyncKernelManager)
    try:
        yield side
    finally:
        await side.close()
