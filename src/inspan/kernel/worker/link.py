"""The worker's end of the wire: one thread that listens, reads, writes on, and beats.

Where the main thread rests it takes in what the host says itself; see ``ear``.

One host at a time; one that says hello rightly replaces the one there was. Who has not said it is
let go for whatever else it says. A host that has and then sends what is no message ends the worker:
nothing of its words could be believed any more. This knows messages only as far as hello and ack.
"""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from _operator import _compare_digest as compare_digest  # hmac has it, with all of OpenSSL
from collections.abc import Callable
from typing import Any, Final

from ..frames import (  # noqa: TID252 - the package has a private name here
    FrameError,
    Message,
    encode,
)
from . import signals
from .board import Board
from .door import STRANGERS, Door, Peer
from .ear import Ear, StandIn
from .inbound import check
from .outbox import MOST, Outbox
from .pulse import Pulse
from .threads import begin

#: Said at ready; the same as protocol.VERSION.
VERSION: Final = 1
#: Seconds that output waits for a host that acknowledges nothing, before it is dropped.
_STALL: Final = 1.0
#: Seconds for what is left to say at the end.
_LAST: Final = 2.0
#: Turns that it takes to let somebody in and to hear who it is.
_FIRST: Final = 2
#: Of what is larger the allocator asks the system, and gives it back, at every read.
_READ: Final = 1 << 16

State = Callable[[], dict[str, Any]]


class Link:
    """Numbered messages out, from any thread; checked messages in, on the link's own thread.

    Those that are there as it begins come in on the thread that begins it: no other has to wake.

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
        ear: Ear,
        board: Board,
        most: int = MOST,
    ) -> None:
        self._session, self._token = session, token
        self._receive, self._state, self._beat, self._broken = receive, state, beat, broken
        self._outbox = Outbox(most)
        self._ear = ear
        self._board = board
        #: Held by whoever takes in what came, so that it is taken in its order.
        self._reading = threading.Lock()
        self._host: Peer | None = None
        self._strangers: list[Peer] = []
        self._blocked = self._stalled = self._dead = False
        self._door = Door(path)
        self._heard, self._bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if _PIPE2 else _pipe()
        self._pulse = Pulse()
        self._stand_in = StandIn(ear)
        ear.ring = self.wake
        os.register_at_fork(after_in_child=self._forked)

    def start(self) -> None:
        """Begin to answer; who has said hello already is answered before this returns."""
        for _ in range(_FIRST):
            self._take_turn(0)
        begin(self._run)

    def send(self, message: Message, body: bytes = b"", *, waits: bool = False) -> None:
        """Say something. Raises FrameError where it is too large, TypeError where it is no JSON.

        What ``waits`` goes with what is said next, where the host reads the board.

        Output waits while too much is unacknowledged, as long as the host goes on to acknowledge;
        then it is dropped. Everything else never waits.
        """
        if self._dead:
            return
        outbox = self._outbox
        with outbox.lock:
            if outbox.full and message["type"] == "output":
                self._await_room()
            if waits and self._host is not None and self._host.board:
                outbox.hold(message)
                return
            outbox.put(message, body)
            self._board.said(outbox.seq)
            if self._host is None or self._blocked:
                return
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

    def hear(self) -> None:
        """On the main thread: take in what the host has said."""
        mask = signals.mask(signals.BLOCK, ())
        try:
            # A handler of the user's that raises here would lose a message.
            signals.mask(signals.BLOCK, signals.ALL)
            host = self._host
            if host is not None and not self._serve(host) and host is self._host:
                # Our thread lets go of it.
                self._ear.forget()
                host.gone = True
                self.wake()
        except _BrokenError as error:
            self._last_words(str(error))
        finally:
            signals.mask(signals.SET, mask)

    def wake(self) -> None:
        os.write(self._bell, b".")

    def drain(self) -> None:
        """At the end: write what is unsent, as far as the host takes it in time."""
        deadline = time.monotonic() + _LAST
        with self._outbox.lock:
            self._outbox.release()
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
        self._door.listener.close()
        self._host, self._strangers = None, []

    # ── the link's own thread ─────────────────────────────────────────────────

    def _run(self) -> None:
        # Signals are for the main thread: its waits are what an interrupt has to end.
        signals.mask(signals.BLOCK, signals.ALL)
        while not self._dead:
            self._take_turn(self._patience())

    def _take_turn(self, patience: int | None) -> None:
        try:
            self._turn(patience)
        except _BrokenError as error:
            self._last_words(str(error))
        except Exception as error:  # noqa: BLE001  # whatever it is, nobody can speak here any more
            self._last_words(f"the link failed: {error!r}")

    def _turn(self, patience: int | None) -> None:
        poll = select.poll()
        if not self._door.opens_in():
            poll.register(self._door.listener, select.POLLIN)
        poll.register(self._heard, select.POLLIN)
        peers = {stranger.link.fileno(): stranger for stranger in self._strangers}
        for number in peers:
            poll.register(number, select.POLLIN)
        host = self._host
        if host is not None:
            number = host.link.fileno()
            peers[number] = host
            reads = select.POLLIN if self._stand_in.hears else 0
            poll.register(number, reads | (select.POLLOUT if self._blocked else 0))
        for number, event in poll.poll(patience):
            if number == self._door.listener.fileno():
                self._accept()
            elif number == self._heard:
                os.read(self._heard, 4096)
            elif (peer := peers[number]) is self._host or peer in self._strangers:
                self._happened(peer, event)
        if self._host is not None and self._host.gone:
            self._leave(self._host)
        self._stand_in.look()
        self._maybe_beat()

    def _patience(self) -> int | None:
        waits = [left] if (left := self._door.opens_in()) else []
        if self._host is not None:
            waits.append(self._stand_in.until(self._pulse.due) - time.monotonic())
        return max(0, int(min(waits) * 1000) + 1) if waits else None

    def _accept(self) -> None:
        peer = self._door.accept()
        if peer is not None:
            self._strangers.append(peer)
            if len(self._strangers) > STRANGERS:
                self._leave(self._strangers[0])

    def _happened(self, peer: Peer, event: int) -> None:
        if event & select.POLLOUT:
            with self._outbox.lock:
                self._blocked = False
                self._write()
        come = event & (select.POLLIN | select.POLLHUP | select.POLLERR)
        if come and not self._serve(peer):
            self._leave(peer)

    # ── of the thread that hears ──────────────────────────────────────────────

    def _serve(self, peer: Peer) -> bool:
        """Take in what came, and say whether more may come."""
        with self._reading:
            try:
                data = peer.link.recv(_READ)
            except BlockingIOError:
                return True
            except OSError:
                data = b""
            return bool(data) and self._hear(peer, data)

    def _hear(self, peer: Peer, data: bytes) -> bool:
        try:
            for message, _ in peer.decoder.feed(data):
                known = check(message)
                if peer is not self._host:
                    if not self._greet(peer, known):
                        return False
                elif known["type"] == "hello":
                    raise FrameError("hello came twice")  # noqa: TRY301 - as any other bad frame
                elif known["type"] == "ack":
                    self._forget(known["seq"])
                else:
                    if safe := known.pop("ack", 0):
                        self._forget(safe)
                    self._receive(known)
        except FrameError as error:
            if peer is self._host:
                raise _BrokenError(f"the host sent what is no message: {error}") from error
            return False
        return True

    def _forget(self, seq: int) -> None:
        with self._outbox.lock:
            self._stalled = False
            self._outbox.acknowledge(seq)

    def _greet(self, peer: Peer, hello: Message) -> bool:
        """Whether the stranger is the host from now on."""
        right = hello["type"] == "hello" and hello["session"] == self._session
        token = str(hello.get("token", "")).encode(errors="replace")
        if not right or not compare_digest(token, self._token.encode()):
            return False
        with self._outbox.lock:
            # Another host may not read the board.
            self._outbox.release()
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
                return False
            former, self._host = self._host, peer
            self._strangers.remove(peer)
            if former is not None:
                self._ear.forget()
                former.link.close()
            peer.board = hello["board"]
            self._outbox.rewind(hello["last_seq"])
            self._blocked = self._stalled = False
            self._ear.attend(peer.link.fileno(), self.hear)
            self._write()
        self._pulse.begin(time.monotonic())
        return True

    def _leave(self, peer: Peer) -> None:
        # The main thread may hear it just now.
        with self._reading, self._outbox.lock:
            if peer is self._host:
                self._host = None
                self._blocked = False
                self._outbox.room.notify_all()
                self._ear.forget()
            else:
                self._strangers.remove(peer)
            peer.link.close()

    def _maybe_beat(self) -> None:
        host = self._host
        if host is None:
            return
        # Who works rings as it leaves its rest, and a cell may run on another thread.
        rests = not self._ear.watched and self._state()["execution_id"] is None
        if not self._pulse.beats(time.monotonic(), rests=rests):
            return
        # What a host does not take is not worth keeping many of.
        if not self._blocked:
            self.send({"type": "heartbeat", **self._beat()})
        # A signal's handler may hold the main thread for long where it seems to rest.
        if not self._serve(host):
            self._leave(host)

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


_PIPE2: Final = hasattr(os, "pipe2")


def _pipe() -> tuple[int, int]:
    heard, bell = os.pipe()
    os.set_blocking(heard, False)
    os.set_blocking(bell, False)
    return heard, bell
