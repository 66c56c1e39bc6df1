"""WebSockets as served: uvicorn's protocol, with ends of ours for clients that do not read.

What waits to be sent to a client is bounded (the transport's buffer, and one frame); that it waits
does not last where clients are pinged. It knows no route. It is imported by the first client.

By the network all are pinged. At the socket the system tells when a peer has ended, however it did,
and one that does not read for a while, as a pager does, is no fault: there it is pinged who says
that it is far, since the socket was brought to it and its end may never be told of.
"""

from __future__ import annotations

from asyncio import TimerHandle
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from inspan.model import wire

#: Seconds for a client to take what was sent before its connection was closed.
LINGER: Final = 30.0
#: Messages of up to ``SMALL`` bytes that may wait for who reads them before no more is read.
AHEAD: Final = 8
SMALL: Final = 1 << 12


class Socket(WebSocketsSansIOProtocol):
    """One connection."""

    _cut: TimerHandle | None = None

    def __init__(self, *given: Any, asked: float | None = None, **named: Any) -> None:
        """``asked``: how often one is pinged who asks for it, where not all are."""
        super().__init__(*given, **named)
        self._asked = asked

    def handle_connect(self, event: Request) -> None:
        if self.ping_interval is None and wire.PINGED_HEADER in event.headers:
            self.ping_interval = self._asked
        super().handle_connect(event)

    def handle_ping(self) -> None:
        # Who asks for signs of life and takes none would have them pile up here.
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.conn.fail(wire.CLOSE_NO_TEXT, "no UTF-8")
                self.handle_parser_exception()
                return
        if self.curr_msg_data_type == "text" and self._small():
            self.queue.put_nowait({"type": "websocket.receive", "text": self.frames.pop().decode()})
            return
        super().send_receive_event_to_app()

    def _small(self) -> bool:
        """Whether what came may wait beside what waits, so that reading need not be stopped.

        To stop and to go on takes two calls of the system, and most messages are taken at once.
        """
        if self.close_sent or len(self.frames) != 1 or self.queue.qsize() >= AHEAD:
            return False
        return len(self.frames[0]) <= SMALL

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self._gone()

    def keepalive_timeout(self) -> None:
        """It has not answered; where that is because it does not read, it is told so."""
        self.pong_timer = self.pending_ping_payload = None
        if self.close_sent or self.transport.is_closing():
            return
        if self.writable.is_set():
            code, reason = wire.CLOSE_SILENT, "no answer to a ping"
        else:
            code, reason = wire.CLOSE_FELL_BEHIND, "fell-behind"
        self.conn.fail(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self._gone()
        self.transport.close()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._linger()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None

    def _gone(self) -> None:
        """Whoever sends or listens is to leave now, and not when the last byte was taken."""
        self.disconnected = True
        self.writable.set()

    def _linger(self) -> None:
        """A connection is closed when all was taken, which may be never."""
        if self._cut is None and self in self.connections:
            self._cut = self.loop.call_later(LINGER, self.transport.abort)
