"""One client's connection: frames in, replies and pushes out, bounded whatever the client does.

It must never know what a verb means. Replies wait in an outbox; while it is over its bound no
further request is taken up, so a client that does not read stops only itself. Pushes are not
queued at all: they are made from what the sessions are when there is room for them.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from inspan.keeper.loop import READ, WRITE, Loop
from inspan.keeper.session import Session
from inspan.keeper.wire import (
    INLINE_MOST,
    Decoder,
    Message,
    WireError,
    decode_write,
    encode,
    encode_grew,
    encode_queued,
)

_RECEIVE: Final = 1 << 16
#: No request is taken up while this much waits to be sent; with one reply more it is the most
#: memory a connection takes.
_REPLIES_MOST: Final = 1 << 20
#: No push is made while this much waits; the newest size is told later.
_PUSHES_MOST: Final = 1 << 18
#: Between two rounds of pushes on one connection, in seconds. The first after a quiet time goes
#: out at once, so an echo is not late, and a flood costs its watcher 250 wake-ups a second.
_PUSH_EVERY: Final = 0.004

#: Pushes that go out at once after input for their session: its echo, and a first answer.
_EAGER: Final = 2
#: A reply to input waits for its echo so many seconds at most. Behind the kernel's own next tick: a
#: timer before it costs more than what is spared.
_ECHO: Final = 0.005

OnFrame = Callable[["Connection", Message, bytes], None]
#: Input for a session, by its name; False: to be taken as any other frame.
OnKeys = Callable[["Connection", bytes, bytes, bytes], bool]
OnLost = Callable[["Connection"], None]


class Connection:
    """Made for an accepted socket; ``on_lost`` is called once.

    ``on_room`` asks for a ``flush`` at the end of the turn.
    """

    def __init__(
        self,
        sock: socket.socket,
        loop: Loop,
        *,
        on_frame: OnFrame,
        on_keys: OnKeys,
        on_lost: OnLost,
        on_room: OnLost,
    ) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._fd = sock.fileno()
        self._loop = loop
        self._on_frame = on_frame
        self._on_keys = on_keys
        self._on_lost = on_lost
        self._on_room = on_room
        self._decoder = Decoder()
        self._frames: deque[tuple[Message, bytes]] = deque()
        self._outbox = bytearray()
        self._events = READ
        #: What this client knows of the sessions it watches: name → the size it was told.
        self._told: dict[str, int] = {}
        #: The sessions of which it wants small growth brought along.
        self._inline: set[str] = set()
        self._dirty: dict[str, Session] = {}
        self._eager: dict[str, int] = {}
        self._pushed_at = 0.0
        self._push_due = False
        #: The session to which the reply that is all of the outbox belongs, while it waits for the
        #: echo to come along; and whether that is since this turn.
        self._held = ""
        self._fresh = False
        #: Sessions that did not echo in time: no reply waits for them.
        self._slow: set[str] = set()
        self._typed_at = 0.0
        self.closed = False
        loop.watch(self._fd, READ, self._ready)

    def send(self, message: Message, body: bytes = b"") -> None:
        """Put a reply into the outbox; it leaves at the end of the turn."""
        if not self.closed:
            self._held = ""
            self._outbox += encode(message, body)

    def watch(self, session: Session, *, inline: bool) -> None:
        """Push what becomes of this session; once ``inline``, so until ``unwatch``."""
        # What was not told yet stays due: another watcher behind this connection waits for it.
        self._told.setdefault(session.name, session.size)
        if inline:
            self._inline.add(session.name)
        if session.over:
            self.touch(session)

    def unwatch(self, name: str) -> None:
        """Push no more about it."""
        self._told.pop(name, None)
        self._inline.discard(name)
        self._dirty.pop(name, None)
        self._eager.pop(name, None)
        self._slow.discard(name)

    def expect(self, session: Session) -> None:
        """Input came from this client: what the session says to it should not be late."""
        if session.name in self._told:
            self._eager[session.name] = _EAGER

    def typed(self, session: Session, number: bytes, queued: int) -> None:
        """``expect``, and the reply to the input.

        Most terminals echo at once. So the reply to a client that watches waits until the next
        turn: it is then woken once and not twice, which is a fifth of what an echo takes.
        """
        name = session.name
        if name in self._told:
            self._eager[name] = _EAGER
            if name in self._slow:
                self._typed_at = time.monotonic()
            elif session.pty and not self._outbox:
                self._held, self._fresh = name, True
        self._outbox += encode_queued(number, queued)

    def touch(self, session: Session) -> None:
        """Something about this session is new; only its name is kept."""
        if session.name in self._told:
            self._dirty[session.name] = session

    def flush(self) -> None:
        """At the end of a turn: pushes, if it is time for them, then all that can be sent."""
        if self._held and self._waits():
            return
        more = True
        while more and not self.closed:
            more = self._push() if self._dirty else False
            if self._outbox:
                self._send()
            more = more and len(self._outbox) <= _PUSHES_MOST
        if not self.closed:
            self._expect()

    def close(self) -> None:
        """Hang up."""
        if not self.closed:
            self.closed = True
            self._loop.forget(self._fd)
            self._sock.close()
            self._on_lost(self)

    def linger(self, seconds: float) -> None:
        """Before the end: block so long at most until the last replies have left."""
        if self._outbox and not self.closed and seconds > 0:
            self._sock.settimeout(seconds)
            with contextlib.suppress(OSError):
                self._sock.sendall(self._outbox)

    def _waits(self) -> bool:
        """Whether the reply that is held waits on, for one turn."""
        if self._fresh and not self._dirty:
            self._fresh = False
            self._loop.hurry(_ECHO)
            self._on_room(self)
            return True
        if not self._fresh and self._held in self._told and self._held not in self._dirty:
            self._slow.add(self._held)
        self._held, self._fresh = "", False
        return False

    def _ready(self, events: int) -> None:
        if events & READ and not self._frames:
            try:
                data = self._sock.recv(_RECEIVE)
                alone = not self._decoder.held and len(self._outbox) <= _REPLIES_MOST
                keys = decode_write(data) if alone else None
                if keys is not None and self._on_keys(self, *keys):
                    return
                self._frames.extend(self._decoder.feed(data))
            except BlockingIOError:
                return
            except (OSError, WireError):
                data = b""
            if not data:
                self.close()
                return
        self._serve()
        self._on_room(self)

    def _serve(self) -> None:
        while self._frames and len(self._outbox) <= _REPLIES_MOST and not self.closed:
            self._on_frame(self, *self._frames.popleft())

    def _push(self) -> bool:
        """Make the pushes that are due; true where there was no room for all of them."""
        now = time.monotonic()
        due = self._pushed_at + _PUSH_EVERY - now
        if due > 0 and not any(map(self._urgent, self._dirty.values())):
            if not self._push_due:
                self._push_due = True
                self._loop.later(due, self._pushes_due)
            return False
        for name, session in list(self._dirty.items()):
            if len(self._outbox) > _PUSHES_MOST:
                return True
            del self._dirty[name]
            if session.size != self._told[name]:
                self._tell(session, now)
            if session.over:
                self.unwatch(name)
                self.send({"push": "ended", "session": name, "status": session.status()})
        self._pushed_at = now
        return False

    def _tell(self, session: Session, now: float) -> None:
        name = session.name
        told, self._told[name] = self._told[name], session.size
        if self._eager.get(name):
            self._eager[name] -= 1
            if now - self._typed_at < _ECHO:
                self._slow.discard(name)
        if name in self._inline:
            kind, body = session.writer.newest(told, INLINE_MOST)
            if body:
                self._outbox += encode_grew(name, session.size, kind, body)
                return
        self.send({"push": "grew", "session": name, "size": session.size})

    def _urgent(self, session: Session) -> bool:
        return session.over or bool(self._eager.get(session.name))

    def _pushes_due(self) -> None:
        self._push_due = False
        if not self.closed:
            self._on_room(self)

    def _send(self) -> None:
        try:
            done = self._sock.send(self._outbox)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        del self._outbox[:done]
        if self._frames:
            self._serve()

    def _expect(self) -> None:
        # Frames are held back only while the outbox is over its bound, so one of the two is set.
        events = 0 if self._frames else READ
        if self._outbox:
            events |= WRITE
        if events != self._events:
            self._events = events
            self._loop.change(self._fd, events)
