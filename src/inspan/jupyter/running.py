"""One ``execute_request`` from its first message to its reply; it knows no socket.

What a cell gives goes out in the order in which it came. Pieces of text that are there at the same
time go out as one message, of at most STREAM_MOST characters.
"""

from __future__ import annotations

import ast
import codecs
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from inspan.errors import BadInput, InspanError, NotGranted
from inspan.jupyter.history import History
from inspan.jupyter.whole import ASKED
from inspan.jupyter.wire import Message
from inspan.kernel import protocol as p
from inspan.kernel.host.cell import Cell, Output
from inspan.kernel.host.session import KernelSession

STREAM_MOST: Final = 1 << 18
#: Expressions of one request that are evaluated after its cell.
_EXPRESSIONS_MOST: Final = 1000
_PLAIN: Final = "text/plain"
#: What code is told that asks its host for something.
ALONE: Final = "A notebook has no host to ask; a session of the daemon has."

Content = dict[str, Any]
#: Publishes a kind of message with its content.
Publish = Callable[[str, Content], Awaitable[None]]
#: Asks the one who sent the request for a line.
Ask = Callable[[Content], Awaitable[None]]


class Runner:
    """Runs one request at a time."""

    def __init__(self, session: KernelSession, history: History) -> None:
        self._session, self._history = session, history
        #: The number of the last cell that is kept.
        self.count = 0
        #: The cell that runs now.
        self.cell: Cell | None = None
        #: Requests for a line that no line has come for, oldest first; the worker bounds them by
        #: the threads that wait.
        self._asked: deque[str] = deque()

    async def run(self, request: Message, publish: Publish, ask: Ask) -> Content:
        """The content of the reply. Raises WireError, and InspanError once the session is over."""
        code, silent = request.text("code"), request.flag("silent", default=False)
        kept = request.flag("store_history", default=not silent) and not silent
        stdin = request.flag("allow_stdin", default=True)
        expressions = request.content.get("user_expressions") or {}
        if not silent:
            shown = {"code": code, "execution_count": self.count + 1}
            await publish("execute_input", shown)
        if asked := ASKED.fullmatch(code):
            return await self._page(asked[1], detail=len(asked[2]) - 1)
        cell = await self._session.execute(code, silent=silent, store=kept, allow_stdin=stdin)
        end = await self._follow(cell, publish, ask)
        number = self.count + 1
        if kept:
            self.count = number
            self._history.add(number, code, end.repr if isinstance(end, p.Result) else None)
        if isinstance(end, p.Error):
            told = _error(end)
            if not silent:
                await publish("error", told)
            return {"status": "error", "execution_count": self.count, "payload": [], **told}
        if end.repr is not None:
            await publish("execute_result", {"execution_count": number, **_rich(end)})
        found = await self._evaluate(expressions, publish, ask)
        reply = {"status": "ok", "execution_count": self.count, "payload": []}
        return {**reply, "user_expressions": found}

    def answer(self, line: str | None) -> None:
        """A line came; it is for who asked first. One that nobody asked for is let go."""
        if self._asked:
            self._session.answer(self._asked.popleft(), line)

    async def _follow(self, cell: Cell, publish: Publish, ask: Ask) -> p.Result | p.Error:
        text = _Text(publish)
        self.cell = cell
        end: p.Result | p.Error | None = None
        try:
            async for item in cell:
                if isinstance(item, Output):
                    await text.add(item)
                    if len(cell.inbox):
                        continue
                await text.flush()
                match item:
                    case p.Display():
                        await publish(*_display(item))
                    case p.Clear():
                        await publish("clear_output", {"wait": item.wait})
                    case p.Input():
                        self._asked.append(item.request)
                        await ask({"prompt": item.prompt, "password": item.password})
                    case p.Ask():
                        self._session.settle(item.promise, error=NotGranted(ALONE))
                    case p.Result() | p.Error():
                        await text.end()
                        end = item
        except InspanError:
            await text.end()
            raise
        finally:
            self.cell = None
            self._asked.clear()
        assert end is not None  # a cell that does not end raises
        return end

    async def _page(self, name: str, detail: int) -> Content:
        found = await self._session.inspect(name, len(name), detail)
        data = found.data or {_PLAIN: f"Nothing is known of {name}."}
        payload = [{"source": "page", "data": data, "start": 0}]
        reply = {"status": "ok", "execution_count": self.count, "payload": payload}
        return {**reply, "user_expressions": {}}

    async def _evaluate(self, wanted: object, publish: Publish, ask: Ask) -> Content:
        if not isinstance(wanted, Mapping):
            return {}
        found: Content = {}
        for name, code in list(wanted.items())[:_EXPRESSIONS_MOST]:
            found[str(name)] = await self._value(str(code), publish, ask)
        return found

    async def _value(self, code: str, publish: Publish, ask: Ask) -> Content:
        try:
            ast.parse(code.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return _failed(type(error).__name__, str(error))
        try:
            cell = await self._session.execute(code.strip(), store=False, allow_stdin=False)
        except BadInput as error:
            return failed(error)
        end = await self._follow(cell, publish, ask)
        if isinstance(end, p.Error):
            return {"status": "error", **_error(end)}
        return {"status": "ok", **_rich(end)}


class _Text:
    """What a cell writes, as text: characters are whole, however their bytes came."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._decoders = {name: _decoder() for name in ("stdout", "stderr")}
        self._stream = "stdout"
        self._parts: list[str] = []
        self._size = 0

    async def add(self, output: Output) -> None:
        if output.dropped:
            await self._put("stderr", f"\n[{output.dropped} bytes of {output.stream} were lost]\n")
        await self._put(output.stream, self._decoders[output.stream].decode(output.data))

    async def flush(self) -> None:
        """Send what is gathered."""
        text, self._parts, self._size = "".join(self._parts), [], 0
        for start in range(0, len(text), STREAM_MOST):
            piece = text[start : start + STREAM_MOST]
            await self._publish("stream", {"name": self._stream, "text": piece})

    async def end(self) -> None:
        """Nothing more comes: half a character is none."""
        for name, decoder in self._decoders.items():
            await self._put(name, decoder.decode(b"", final=True))
        await self.flush()

    async def _put(self, stream: str, text: str) -> None:
        if stream != self._stream or self._size + len(text) > STREAM_MOST:
            await self.flush()
            self._stream = stream
        self._parts.append(text)
        self._size += len(text)


def _decoder() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")(errors="replace")


async def tell(output: Output, publish: Publish) -> None:
    """Publish what belongs to no cell that runs."""
    text = _Text(publish)
    await text.add(output)
    await text.end()


def failed(error: InspanError) -> Content:
    """The content of a reply where what was asked for could not be done."""
    return _failed(error.code, error.message)


def _failed(name: str, message: str) -> Content:
    return {
        "status": "error",
        "ename": name,
        "evalue": message,
        "traceback": [f"{name}: {message}"],
    }


def _error(end: p.Error) -> Content:
    lines = [line.rstrip("\n") for line in end.traceback]
    return {"ename": end.name, "evalue": end.message, "traceback": lines}


def _rich(end: p.Result) -> Content:
    """A value's repr and, where it offers more, that."""
    plain = "\n".join(filter(None, (end.repr, str(end.data.get(_PLAIN, "")))))
    return {"data": {**end.data, _PLAIN: plain}, "metadata": end.metadata}


def _display(shown: p.Display) -> tuple[str, Content]:
    kind = "update_display_data" if shown.update else "display_data"
    transient = {} if shown.display_id is None else {"display_id": shown.display_id}
    return kind, {"data": shown.data, "metadata": shown.metadata, "transient": transient}


def display_of(item: p.Display | p.Clear) -> tuple[str, Content]:
    """What is shown outside of a cell that runs."""
    return _display(item) if isinstance(item, p.Display) else ("clear_output", {"wait": item.wait})
