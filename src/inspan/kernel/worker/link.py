"""The worker's end of the wire: one thread that listens, reads, writes on, and beats.

One host at a time; one that says hello rightly replaces the one there was. Who has not said it is
let go for whatever else it says. A host that has and then sends what is no message ends the worker:
nothing of its words could be believed any more. This knows messages only as far as hello and ack.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from hmac import compare_digest
from typing import Any, Final

from ..frames import (  # noqa: TID252 - the package has a private name here
    Decoder,
    FrameError,
    Message,
    encode,
)
from .inbound import check
from .outbox import MOST, Outbox

#: Said at ready; the same as protocol.VERSION.
VERSION: Final = 1
#: Seconds between two signs of life.
BEAT: Final = 5.0
#: Connections that have not said hello; with one more the oldest goes.
_STRANGERS: Final = 8
#: Seconds that output waits for a host that acknowledges nothing, before it is dropped.
_STALL: Final = 1.0
#: Seconds for what is left to say at the end.
_LAST: Final = 2.0
_READ: Final = 1 << 18

State = Callable[[], dict[str, Any]]


class Link:
    """Numbered messages out, from any thread; checked messages in, on the link's own thread.

    ``receive`` gets each message; ``state`` tells what ready says of the running cell; ``beat``
    gives the fields of a heartbeat; ``broken`` is called once when the worker cannot go on.
    """

    def __init__(
        self,
        path: str,
        *,
        session: str,
        token: str,
        receive: Callable[[Message], None],
        state: State,
        beat: State,
        broken: Callable[[], None],
        most: int = MOST,
    ) -> None:
        self._session, self._token = session, token
        self._receive, self._state, self._beat, self._broken = receive, state, beat, broken
        self._outbox = Outbox(most)
        self._host: _Peer | None = None
        self._strangers: list[_Peer] = []
        self._blocked = self._stalled = self._dead = False
        self._listener = _listen(path)
        self._heard, self._bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if _PIPE2 else _pipe()
        self._next_beat = 0.0
        os.register_at_fork(after_in_child=self._forked)
        self._thread = threading.Thread(target=self._run, name="inspan-link", daemon=True)

    def start(self) -> None:
        """Begin to answer; connections that came before were waiting."""
        self._thread.start()

    def send(self, message: Message, body: bytes = b"") -> None:
        """Say something. Raises FrameError where it is too large, TypeError where it is no JSON.

        Output waits while too much is unacknowledged, as long as the host goes on to acknowledge;
        then it is dropped. Everything else never waits.
        """
        if self._dead:
            return
        outbox = self._outbox
        with outbox.lock:
            if outbox.full and message["type"] == "output":
                self._await_room()
            outbox.put(message, body)
            if self._host is not None and not self._blocked:
                self._write()

    def _await_room(self) -> None:
        outbox = self._outbox
        while outbox.full and self._host is not None and not self._stalled:
            self._stalled = not outbox.room.wait(_STALL)

    def _write(self) -> None:
        """Write what is unsent; what the socket does not take now our thread writes later."""
        assert self._host is not None
        try:
            if self._outbox.write(self._host.link):
                return
        except OSError:
            # The thread hears of the end, too, and lets go of the host.
            self._host.gone = True
        self._blocked = True
        self.wake()

    def wake(self) -> None:
        try:
            os.write(self._bell, b".")
        except BlockingIOError:
            return  # it has been woken often enough

    def drain(self) -> None:
        """At the end: write what is unsent, as far as the host takes it in time."""
        deadline = time.monotonic() + _LAST
        with self._outbox.lock:
            while self._host is not None and not self._host.gone:
                try:
                    if self._outbox.write(self._host.link):
                        return
                except OSError:
                    return
                if time.monotonic() > deadline:
                    return
                select.select([], [self._host.link], [], deadline - time.monotonic())

    def _forked(self) -> None:
        """In a child that user code forked: it must never speak here, nor hold the wire open."""
        self._dead = True
        self._outbox = Outbox()
        for peer in [self._host, *self._strangers]:
            if peer is not None:
                peer.link.close()
        self._listener.close()
        self._host, self._strangers = None, []

    # ── the link's own thread ─────────────────────────────────────────────────

    def _run(self) -> None:
        # Signals are for the main thread: its waits are what an interrupt has to end.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            while not self._dead:
                self._turn()
        except _BrokenError as error:
            self._last_words(str(error))
        except Exception as error:  # noqa: BLE001  # whatever it is, nobody can speak here any more
            self._last_words(f"the link failed: {error!r}")

    def _turn(self) -> None:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(self._heard, select.POLLIN)
        peers = {stranger.link.fileno(): stranger for stranger in self._strangers}
        host = self._host
        if host is not None:
            peers[host.link.fileno()] = host
        for number, peer in peers.items():
            writes = select.POLLOUT if peer is host and self._blocked else 0
            poll.register(number, select.POLLIN | writes)
        for number, event in poll.poll(self._patience()):
            if number == self._listener.fileno():
                self._accept()
            elif number == self._heard:
                os.read(self._heard, 4096)
            elif (peer := peers[number]) is self._host or peer in self._strangers:
                self._serve(peer, event)
        if self._host is not None and self._host.gone:
            self._leave(self._host)
        self._maybe_beat()

    def _patience(self) -> int | None:
        if self._host is None:
            return None
        return max(0, int((self._next_beat - time.monotonic()) * 1000) + 1)

    def _accept(self) -> None:
        try:
            link, _ = self._listener.accept()
        except OSError:
            return
        if not _is_ours(link):
            link.close()
            return
        link.setblocking(False)
        self._strangers.append(_Peer(link))
        if len(self._strangers) > _STRANGERS:
            self._leave(self._strangers[0])

    def _serve(self, peer: _Peer, event: int) -> None:
        if event & select.POLLOUT:
            with self._outbox.lock:
                self._blocked = False
                self._write()
        if not event & (select.POLLIN | select.POLLHUP | select.POLLERR):
            return
        try:
            data = peer.link.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._leave(peer)
            return
        self._hear(peer, data)

    def _hear(self, peer: _Peer, data: bytes) -> None:
        try:
            for message, _ in peer.decoder.feed(data):
                known = check(message)
                if peer is not self._host:
                    if not self._greet(peer, known):
                        return
                elif known["type"] == "ack":
                    with self._outbox.lock:
                        self._stalled = False
                        self._outbox.acknowledge(known["seq"])
                elif known["type"] == "hello":
                    raise FrameError("hello came twice")  # noqa: TRY301 - as any other bad frame
                else:
                    self._receive(known)
        except FrameError as error:
            if peer is self._host:
                raise _BrokenError(f"the host sent what is no message: {error}") from error
            self._leave(peer)

    def _greet(self, peer: _Peer, hello: Message) -> bool:
        """Whether the stranger is the host from now on."""
        right = hello["type"] == "hello" and hello["session"] == self._session
        token = str(hello.get("token", "")).encode(errors="replace")
        if not right or not compare_digest(token, self._token.encode()):
            self._leave(peer)
            return False
        self._strangers.remove(peer)
        with self._outbox.lock:
            ready = {
                "type": "ready",
                "version": VERSION,
                "session": self._session,
                "pid": os.getpid(),
                "python": sys.version.split()[0],
                "seq": self._outbox.seq,
                **self._state(),
            }
            # A new connection's buffer takes this at once.
            peer.link.send(encode(ready))
            if hello["version"] != VERSION:
                peer.link.close()
                return False
            former, self._host = self._host, peer
            self._outbox.rewind(hello["last_seq"])
            self._blocked = self._stalled = False
            self._write()
        if former is not None:
            former.link.close()
        self._next_beat = time.monotonic() + BEAT
        return True

    def _leave(self, peer: _Peer) -> None:
        with self._outbox.lock:
            if peer is self._host:
                self._host = None
                self._blocked = False
                self._outbox.room.notify_all()
            else:
                self._strangers.remove(peer)
        peer.link.close()

    def _maybe_beat(self) -> None:
        now = time.monotonic()
        if self._host is None or now < self._next_beat:
            return
        self._next_beat = now + BEAT
        # What a host does not take is not worth keeping many of.
        if not self._blocked:
            self.send({"type": "heartbeat", **self._beat()})

    def _last_words(self, reason: str) -> None:
        words = encode({"type": "broken", "reason": reason[:2000]})
        with self._outbox.lock:
            self._dead = True
            if self._host is not None:
                try:
                    self._host.link.settimeout(_LAST)
                    self._host.link.sendall(self._outbox.begun() + words)
                except OSError:
                    reason += " (and it is gone)"
        self._broken()


class _BrokenError(Exception):
    """The worker cannot go on."""


class _Peer:
    __slots__ = ("decoder", "gone", "link")

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.decoder = Decoder()
        self.gone = False


def _listen(path: str) -> socket.socket:
    """Listen at ``path``, which exists only once it can be connected to."""
    listener = socket.socket(socket.AF_UNIX)
    making = f"{path}.new"
    mask = os.umask(0o177)
    try:
        listener.bind(making)
    finally:
        os.umask(mask)
    listener.listen(_STRANGERS)
    listener.setblocking(False)
    os.replace(making, path)  # noqa: PTH105 - pathlib would cost start-up
    return listener


def _is_ours(link: socket.socket) -> bool:
    """Whether the same user is at the other end."""
    if sys.platform == "linux":
        size = struct.calcsize("3i")
        _, uid, _ = struct.unpack(
            "3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        )
    else:
        # struct xucred of BSD and macOS: the version, the uid, and more; LOCAL_PEERCRED is 1.
        _, uid = struct.unpack_from("2I", link.getsockopt(0, 1, 76))
    return bool(uid == os.geteuid())


_PIPE2: Final = hasattr(os, "pipe2")


def _pipe() -> tuple[int, int]:
    heard, bell = os.pipe()
    os.set_blocking(heard, False)
    os.set_blocking(bell, False)
    return heard, bell
