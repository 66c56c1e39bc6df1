"""A server of the Model Context Protocol over two pipes: tools, and nothing else of it.

It knows what a tool is called, what it takes and how it is called, and not what it does. A call
that a client gives up ends there; what it had asked for by then stays asked for.
"""

from __future__ import annotations

import logging
import math
import os
import stat
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import anyio

from inspan.agents.json_lines import Lines
from inspan.errors import InspanError
from inspan.mcp import messages
from inspan.mcp.messages import Id, Notice, Refused, Request
from inspan.model.value import value

#: The versions of the protocol that are spoken, the newest first: tools are the same in all.
VERSIONS: Final = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
#: From this one on a result may be an object beside its text.
_STRUCTURED: Final = "2025-06-18"
#: Calls at once; a client that asks for more waits.
_AT_ONCE: Final = 64
_PIECE: Final = 1 << 16
#: When the client has said its last word, seconds for calls that are open.
_LAST: Final = 1.0

#: Tells a client how a call gets on: how far, and in words.
Progress: TypeAlias = Callable[[float, str], Awaitable[None]]

log = logging.getLogger(__name__)


@value
class Tool:
    """One tool. ``call`` takes its arguments, which nobody has looked at. Raises InspanError."""

    name: str
    about: str
    #: A JSON Schema of its arguments, for the model.
    takes: Mapping[str, Any]
    call: Callable[[Mapping[str, Any], Progress], Awaitable[Mapping[str, Any]]]
    #: It changes nothing.
    looks: bool = False

    def told(self) -> dict[str, Any]:
        """As a client lists it."""
        hints = {"readOnlyHint": self.looks, "destructiveHint": False, "openWorldHint": False}
        return {
            "name": self.name,
            "description": self.about,
            "inputSchema": self.takes,
            "annotations": hints,
        }


class Server:
    """One client's. ``write`` takes whole lines."""

    def __init__(
        self,
        tools: Sequence[Tool],
        write: Callable[[bytes], Awaitable[None]],
        *,
        version: str,
        instructions: str,
    ) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._write = write
        self._ours = version
        self._instructions = instructions
        self._spoken = ""
        self._calls: dict[Id, anyio.CancelScope] = {}
        self._ended = anyio.Event()
        self._writing = anyio.Lock()
        self._room = anyio.CapacityLimiter(_AT_ONCE)

    async def run(self, fd: int = 0) -> None:
        """Serve who writes to ``fd`` until that ends; calls that are open end soon after."""
        lines, is_file = Lines(), stat.S_ISREG(os.fstat(fd).st_mode)
        async with anyio.create_task_group() as group:
            while True:
                if not is_file:
                    await anyio.wait_readable(fd)
                data = os.read(fd, _PIECE)
                if not data:
                    break
                for line in lines.feed(data):
                    # A call begins in the order of the lines, and ends when it ends.
                    if line.strip():
                        await self._room.acquire_on_behalf_of(key := object())
                        group.start_soon(self._heard, line, key)
            with anyio.move_on_after(_LAST):
                await self._quiet()
            group.cancel_scope.cancel()

    async def _quiet(self) -> None:
        """Return when no line is being worked on."""
        while self._room.borrowed_tokens:
            self._ended = anyio.Event()
            await self._ended.wait()

    async def _heard(self, line: bytes, key: object) -> None:
        try:
            found, is_batch = messages.read(line)
            answers = [told for each in found if (told := await self._answer(each)) is not None]
            if answers:
                await self._say(answers if is_batch else answers[0])
        finally:
            self._room.release_on_behalf_of(key)
            self._ended.set()

    async def _say(self, told: Any) -> None:
        async with self._writing:
            await self._write(messages.line(told))

    async def _answer(self, message: messages.Message) -> dict[str, Any] | None:
        match message:
            case Request():
                return await self._ask(message)
            case Notice("notifications/cancelled", params):
                number = params.get("requestId")
                if isinstance(number, str | int) and number in self._calls:
                    self._calls[number].cancel()
            case Refused():
                return messages.failure(message.id, message.code, message.message)
        return None

    async def _ask(self, request: Request) -> dict[str, Any] | None:
        number, params = request.id, request.params
        match request.method:
            case "initialize":
                return messages.result(number, self._greeting(params))
            case "ping":
                return messages.result(number, {})
            case "tools/list" if self._spoken:
                return messages.result(
                    number, {"tools": [tool.told() for tool in self._tools.values()]}
                )
            case "tools/call" if self._spoken:
                return await self._call(number, params)
            case "tools/list" | "tools/call":
                return messages.failure(number, messages.INVALID, "`initialize` comes first")
        why = f"there is no method {request.method!r} here"
        return messages.failure(number, messages.UNKNOWN, why)

    def _greeting(self, params: Mapping[str, Any]) -> dict[str, Any]:
        asked = params.get("protocolVersion")
        self._spoken = asked if isinstance(asked, str) and asked in VERSIONS else VERSIONS[0]
        return {
            "protocolVersion": self._spoken,
            "capabilities": {"tools": {"listChanged": False}},
            "serverInfo": {"name": "inspan", "version": self._ours},
            "instructions": self._instructions,
        }

    async def _call(self, number: Id, params: Mapping[str, Any]) -> dict[str, Any] | None:
        name, given = params.get("name"), params.get("arguments") or {}
        tool = self._tools.get(name) if isinstance(name, str) else None
        if tool is None or not isinstance(given, dict):
            what = f"no tool is called {name!r}" if tool is None else "`arguments` is an object"
            return messages.failure(number, messages.BAD_PARAMS, what)
        if number in self._calls:
            return messages.failure(number, messages.INVALID, "that id is of a call that is open")
        with anyio.CancelScope() as scope:
            self._calls[number] = scope
            try:
                told = await self._done(tool, given, self._progress(params))
            finally:
                del self._calls[number]
            return messages.result(number, told)
        return None  # nobody waits for it any more

    def _progress(self, params: Mapping[str, Any]) -> Progress:
        meta = params.get("_meta")
        token = meta.get("progressToken") if isinstance(meta, dict) else None
        far = -math.inf

        async def tell(how_far: float, words: str) -> None:
            nonlocal far
            if isinstance(token, str | int) and how_far > far:
                far = how_far
                told = {"progressToken": token, "progress": how_far, "message": words}
                await self._say(messages.notice("notifications/progress", told))

        return tell

    async def _done(
        self, tool: Tool, given: Mapping[str, Any], progress: Progress
    ) -> dict[str, Any]:
        """What a call gave: what is refused is for the model to read, and no error of ours."""
        try:
            told = await tool.call(given, progress)
        except InspanError as error:
            told = {"code": error.code, "message": error.message}
            if error.hint:
                told["hint"] = error.hint
            return {"content": [_text(told)], "isError": True}
        except Exception:
            log.exception("a tool failed unforeseen", extra={"tool": tool.name})
            words = {"code": InspanError.code, "message": "inspan failed; its log has more"}
            return {"content": [_text(words)], "isError": True}
        beside = {"structuredContent": told} if self._spoken >= _STRUCTURED else {}
        return {"content": [_text(told)], **beside}


def _text(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": messages.line(told).decode().rstrip("\n")}
