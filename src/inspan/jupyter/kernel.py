"""A kernel: what each request of a Jupyter client does to one code session.

Shell requests are done one after the other, as they came; control requests meanwhile. The kernel
ends by shutdown_request, by SIGTERM, with the process that started it, and with its session: then
the client learns that the names are gone by the kernel's end, as it does of any kernel.
"""

from __future__ import annotations

import asyncio
import math
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final

import anyio
from anyio.abc import TaskGroup

from inspan import __version__
from inspan.errors import InspanError, NotGranted
from inspan.jupyter import parent
from inspan.jupyter.history import History
from inspan.jupyter.running import ALONE, Content, Runner, display_of, failed, tell
from inspan.jupyter.sockets import Sockets
from inspan.jupyter.whole import is_complete
from inspan.jupyter.wire import VERSION, Message, WireError
from inspan.kernel import protocol as p
from inspan.kernel.host.cell import Item, Output
from inspan.kernel.host.session import KernelSession

#: Requests that wait here; more wait in the socket, and then at the client.
REQUESTS_MOST: Final = 1000
#: Exit statuses.
ASKED_TO: Final = 0
SESSION_DIED: Final = 1

Handler = Callable[[Message], Awaitable[Content]]


class Kernel:
    """Serves until it is to end."""

    def __init__(self, sockets: Sockets, session: KernelSession, python: str) -> None:
        """``python`` is the version of the session's Python."""
        self._sockets, self._session, self._python = sockets, session, python
        self._history = History()
        self._runner = Runner(session, self._history)
        self._queue: asyncio.Queue[Message] = asyncio.Queue(REQUESTS_MOST)
        #: So many of the requests that wait are not run, for one before them failed.
        self._aborts = 0
        #: Held while a shell request is done.
        self._turn = asyncio.Lock()
        #: What is published outside of any request belongs to the last cell's.
        self._last: Message | None = None
        self._climbing = False
        self._status = ASKED_TO
        self._ended = asyncio.Event()
        both: dict[str, Handler] = {
            "kernel_info_request": self._kernel_info,
            "comm_info_request": self._comm_info,
            "shutdown_request": self._shutdown,
            "interrupt_request": self._interrupt,
        }
        self._control = both
        self._shell: dict[str, Handler] = {
            **both,
            "execute_request": self._execute,
            "complete_request": self._complete,
            "inspect_request": self._inspect,
            "history_request": self._asked_history,
            "is_complete_request": self._is_complete,
            "comm_open": self._comm_open,
        }

    async def serve(self, owner: int | None) -> int:
        """The exit status. ``owner``: the process with which it ends."""
        async with anyio.create_task_group() as group:
            self._group: TaskGroup = group
            with self._signals():
                for work in (self._read_shell, self._work, self._serve_control, self._take_lines):
                    group.start_soon(work)
                group.start_soon(self._tell_loose)
                group.start_soon(self._until_over)
                if owner is not None:
                    group.start_soon(self._until_gone, owner)
                await self._publish(None, "status", {"execution_state": "idle"})
                await self._ended.wait()
            group.cancel_scope.cancel()
        return self._status

    # ── the sockets ───────────────────────────────────────────────────────────

    async def _read_shell(self) -> None:
        async for request in self._sockets.received("shell"):
            await self._queue.put(request)

    async def _work(self) -> None:
        while True:
            request = await self._queue.get()
            aborted = self._aborts > 0 and request.kind == "execute_request"
            self._aborts = max(0, self._aborts - 1)
            async with self._turn:
                await self._handle("shell", self._abort if aborted else None, request)

    async def _serve_control(self) -> None:
        async for request in self._sockets.received("control"):
            await self._handle("control", None, request)

    async def _take_lines(self) -> None:
        async for reply in self._sockets.received("stdin"):
            if reply.kind == "input_reply":
                line = reply.content.get("value")
                with suppress(InspanError):  # its cell says so
                    self._runner.answer(line if isinstance(line, str) else None)

    async def _handle(self, channel: str, handler: Handler | None, request: Message) -> None:
        known = self._shell if channel == "shell" else self._control
        handler = handler or known.get(request.kind)
        if handler is None:
            return
        await self._publish(request, "status", {"execution_state": "busy"})
        try:
            content = await handler(request)
        except WireError as error:
            content = {"status": "error", "ename": "BadRequest", "evalue": str(error)}
            content["traceback"] = [str(error)]
        except InspanError as error:
            content = failed(error)
            if request.kind == "execute_request":
                told = {name: content[name] for name in ("ename", "evalue", "traceback")}
                await self._publish(request, "error", told)
        if request.kind.endswith("_request"):
            kind = request.kind.replace("_request", "_reply")
            await self._sockets.send(channel, kind, content, request)
            if kind == "shutdown_reply":
                await self._publish(request, kind, content)
        await self._publish(request, "status", {"execution_state": "idle"})
        if request.kind == "shutdown_request" and content["status"] == "ok":
            self._ended.set()

    async def _publish(self, request: Message | None, kind: str, content: Content) -> None:
        await self._sockets.publish(kind, content, request)

    # ── cells ─────────────────────────────────────────────────────────────────

    async def _execute(self, request: Message) -> Content:
        self._last = request
        stop = request.flag("stop_on_error", default=True)
        publish = partial(self._publish, request)

        async def ask(content: Content) -> None:
            await self._sockets.send("stdin", "input_request", content, request)

        ended = "error"
        try:
            content = await self._runner.run(request, publish, ask)
            ended = content["status"]
        finally:
            if ended == "error" and stop:
                await self._abort_waiting()
        return content

    async def _abort_waiting(self) -> None:
        """What was sent before the failure could be known is not run."""
        for _ in range(REQUESTS_MOST):
            if self._queue.full() or not await self._sockets.waiting("shell"):
                break
            await asyncio.sleep(0)
        self._aborts = self._queue.qsize()

    async def _abort(self, _request: Message) -> Content:
        return {"status": "aborted", "execution_count": self._runner.count}

    async def _interrupt(self, _request: Message) -> Content:
        self._begin_interrupt()
        return {"status": "ok"}

    def _begin_interrupt(self) -> None:
        cell = self._runner.cell
        if cell is not None and not self._climbing:
            self._climbing = True
            self._group.start_soon(self._climb, cell.execution_id)

    async def _climb(self, execution_id: str) -> None:
        """Interrupt until the cell ends. It is never killed: that is for whoever restarts."""
        try:
            with suppress(InspanError):
                await self._session.interrupt(execution_id, math.inf)
        finally:
            self._climbing = False

    async def _tell_loose(self) -> None:
        async for item in self._session.loose():
            await self._loose(item)

    async def _loose(self, item: Item) -> None:
        publish = partial(self._publish, self._last)
        with suppress(InspanError):
            match item:
                case Output():
                    await tell(item, publish)
                case p.Display() | p.Clear():
                    await publish(*display_of(item))
                case p.Input():
                    self._session.answer(item.request, None)
                case p.Ask():
                    self._session.settle(item.promise, error=NotGranted(ALONE))

    # ── questions ─────────────────────────────────────────────────────────────

    async def _kernel_info(self, _request: Message) -> Content:
        language = {
            "name": "python",
            "version": self._python,
            "mimetype": "text/x-python",
            "file_extension": ".py",
            "pygments_lexer": "python3",
            "codemirror_mode": {"name": "python", "version": 3},
            "nbconvert_exporter": "python",
        }
        return {
            "status": "ok",
            "protocol_version": VERSION,
            "implementation": "inspan",
            "implementation_version": __version__,
            "language_info": language,
            "banner": f"Python {self._python} in a session of inspan {__version__}",
            "help_links": [],
            "debugger": False,
        }

    async def _complete(self, request: Message) -> Content:
        code = request.text("code")
        found = await self._session.complete(code, _cursor(request, code))
        place = {"cursor_start": found.start, "cursor_end": found.end}
        return {"status": "ok", "matches": found.matches, **place, "metadata": {}}

    async def _inspect(self, request: Message) -> Content:
        code, detail = request.text("code"), request.whole("detail_level", 0)
        found = await self._session.inspect(code, _cursor(request, code), 1 if detail else 0)
        return {"status": "ok", "found": bool(found.data), "data": found.data, "metadata": {}}

    async def _asked_history(self, request: Message) -> Content:
        return self._history.asked(request)

    async def _is_complete(self, request: Message) -> Content:
        return is_complete(request.text("code"))

    async def _comm_info(self, _request: Message) -> Content:
        return {"status": "ok", "comms": {}}

    async def _comm_open(self, request: Message) -> Content:
        """There is nobody to speak to: it is closed at once, as the protocol asks."""
        await self._publish(request, "comm_close", {"comm_id": request.text("comm_id"), "data": {}})
        return {}

    # ── the end ───────────────────────────────────────────────────────────────

    async def _shutdown(self, request: Message) -> Content:
        return {"status": "ok", "restart": request.flag("restart", default=False)}

    async def _until_over(self) -> None:
        reason = await self._session.over()
        async with self._turn:  # the request that met with it is answered first
            told = {"name": "stderr", "text": f"{reason.message}\n"}
            await self._publish(self._last, "stream", told)
            self._status = SESSION_DIED
            self._ended.set()

    async def _until_gone(self, owner: int) -> None:
        await parent.gone(owner)
        self._ended.set()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._begin_interrupt)
        loop.add_signal_handler(signal.SIGTERM, self._ended.set)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            loop.remove_signal_handler(signal.SIGTERM)


def _cursor(request: Message, code: str) -> int:
    return max(0, min(request.whole("cursor_pos", len(code)), len(code)))
