"""The keeper as a whole: its sessions, its clients, and when it may stop.

It must never know tasks, policies or a database. One thread; whatever a client sends, it lives.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Final

from inspan.keeper.cgroups import Cgroups
from inspan.keeper.connection import Connection
from inspan.keeper.forker import Forkers
from inspan.keeper.guardian import Guardian
from inspan.keeper.hunt import Hunter, Outcome
from inspan.keeper.log import say
from inspan.keeper.loop import READ, Loop
from inspan.keeper.refusal import Refusal
from inspan.keeper.session import Session
from inspan.keeper.spawn import Home
from inspan.keeper.wire import Message

#: Further connections are hung up on.
_CONNECTIONS_MOST: Final = 128
#: A child may be killed by the kernel before the keeper and the daemon are.
_OOM_SCORE: Final = b"200"
#: When no descriptor is left, clients wait so many seconds until they are tried again.
_FULL_PAUSE: Final = 0.2
#: An exit that nobody collects is kept for so many idle times; its recording tells it for ever.
_EXITS_KEPT: Final = 60
#: Whoever started it may take so long to come, whatever its idle time is.
_FIRST: Final = 10.0
#: How long the last replies may take to leave when the keeper stops.
_FAREWELL: Final = 0.5
#: Seconds until a guardian that was killed, or for which there was no room, is started again.
_GUARD_AGAIN: Final = 0.1
#: So many exit statuses are taken at a time.
_REAPED_MOST: Final = 64
#: Requests about a session that is being forked wait for it; more than so many are refused.
_HELD_MOST: Final = 64

#: A result, with a body or without; ``None``: the answer comes later.
Answer = tuple[Message, bytes] | Message | None
Verb = Callable[["Server", Connection, Message, bytes], Answer]


class Server:
    """Made once, by ``main``."""

    def __init__(
        self,
        listener: socket.socket,
        *,
        guardian: Guardian,
        verbs: Mapping[str, Verb],
        keeper: str,
        mark: str,
        cgroups: Cgroups,
        nofile: int,
        idle: float,
    ) -> None:
        self.keeper = keeper
        #: What tells the children of this state directory's keepers from all others.
        self.mark = mark
        #: The soft limit on open files that children get.
        self.nofile = nofile
        self.started_at = time.time()
        self.loop = Loop()
        self.home = Home()
        self.sessions: dict[str, Session] = {}
        self.forkers = Forkers(self.loop, self.home)
        self.hunter = Hunter(self.loop, cgroups, self.sessions, guardian, self.forkers)
        #: Sessions that are being forked, each with the requests that wait for it.
        self._held: dict[str, list[tuple[Connection, Message, bytes]]] = {}
        self._guardian = guardian
        self._last_number = 0
        self._cgroups = cgroups
        self._idle = idle
        self._idle_since = time.monotonic()
        self._met = False
        self._listener = listener
        self._verbs = verbs
        self._connections: set[Connection] = set()
        #: The sessions that end with a connection, by their names.
        self._bound: dict[str, Connection] = {}
        self._active: set[Connection] = set()
        self._watchers: dict[str, set[Connection]] = {}
        self._stopping: list[Callable[[], None]] = []
        self._hunts = 0
        self._told_to_stop = False
        #: Whether there is more to reap in the next turn.
        self._more_to_reap = False
        self._wake, wakeup = socket.socketpair()
        self._wakeup = wakeup
        self._wake.setblocking(False)
        wakeup.setblocking(False)

    def run(self) -> None:
        """Serve until told to stop or idle."""
        self._guard()
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._terminated)
        self.loop.watch(self._wake.fileno(), READ, lambda _: self._signalled())
        self._listen()
        self._look_idle()
        self.loop.run(self._after_turn)
        self._close()

    # ── sessions ──────────────────────────────────────────────────────────────

    def next_number(self) -> int:
        """A number that no other session of this keeper has."""
        self._last_number += 1
        return self._last_number

    def add(self, session: Session) -> None:
        """A session was started. What costs time comes after the reply."""
        self.sessions[session.name] = session
        self.loop.later(0.0, lambda: self._settle(session))

    def bind(self, session: Session, connection: Connection) -> None:
        """It is killed and forgotten when this connection ends."""
        self._bound[session.name] = connection
        if connection.closed:  # while the session was forked
            self._end(session)

    def remove(self, session: Session) -> None:
        """Forget a session."""
        self.sessions.pop(session.name, None)
        self._bound.pop(session.name, None)
        self._watchers.pop(session.name, None)
        self._cgroups.remove(session.name)

    def grown(self, session: Session) -> None:
        """Part of ``Host``."""
        watchers = self._watchers.get(session.name)
        if watchers:
            for connection in watchers:
                connection.touch(session)
            self._active |= watchers

    def over(self, session: Session) -> int:
        """Part of ``Host``."""
        self.grown(session)
        return self.hunter.leftovers(session)

    def watched(self, session: Session, connection: Connection) -> None:
        """A connection wants to be told about a session."""
        self._watchers.setdefault(session.name, set()).add(connection)
        self._active.add(connection)

    def unwatched(self, name: str, connection: Connection) -> None:
        """It no longer wants to."""
        self._watchers.get(name, set()).discard(connection)

    def _settle(self, session: Session) -> None:
        if session.alive:
            self._cgroups.join(session.name, session.pid)
            with contextlib.suppress(OSError):
                fd = os.open(f"/proc/{session.pid}/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
                try:
                    os.write(fd, _OOM_SCORE)
                finally:
                    os.close(fd)

    # ── clients ───────────────────────────────────────────────────────────────

    def answer(self, connection: Connection, message: Message, body: bytes = b"") -> None:
        """Send a reply; it leaves at the end of this turn."""
        connection.send(message, body)
        self._active.add(connection)

    def _listen(self) -> None:
        self.loop.watch(self._listener.fileno(), READ, lambda _: self._accept())

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            # Out of descriptors. The client stays in the backlog, and the loop must not spin.
            say("full", why=str(error))
            self.loop.forget(self._listener.fileno())
            self.loop.later(_FULL_PAUSE, self._listen)
            return
        if len(self._connections) >= _CONNECTIONS_MOST or not _is_ours(sock):
            say("refused", connections=len(self._connections))
            sock.close()
            return
        connection = Connection(
            sock,
            self.loop,
            on_frame=self._frame,
            on_keys=self._keys,
            on_lost=self._lost,
            on_room=self._unsent,
        )
        self._connections.add(connection)
        self._met = True

    def hold(self, name: str) -> None:
        """Let what is asked about this session, which is being forked, wait until ``release``."""
        self._held[name] = []

    def release(self, name: str, connection: Connection, message: Message, verb: Verb) -> None:
        """Answer the request by which it was spawned, with ``verb``, then what has waited."""
        held = self._held.pop(name)
        self._serve(connection, message, b"", verb)
        for frame in held:
            if not frame[0].closed:
                self._frame(*frame)

    @property
    def known(self) -> int:
        """How many sessions there are, with those that are being forked."""
        return len(self.sessions) + len(self._held)

    def _keys(self, connection: Connection, name: bytes, number: bytes, keys: bytes) -> bool:
        """The verb ``write`` without detours; what it would refuse is left to it."""
        session = self.sessions.get(name.decode(errors="replace"))
        if session is None:
            return False
        try:
            queued = session.write(keys)
        except Refusal:
            return False
        except Exception as error:  # noqa: BLE001  as any other request
            _failed(connection, {"id": int(number)}, error)
        else:
            connection.typed(session, number, queued)
        self._active.add(connection)
        return True

    def _frame(self, connection: Connection, message: Message, body: bytes) -> None:
        name = message.get("session")
        held = self._held.get(name) if isinstance(name, str) else None
        if held is None or len(held) >= _HELD_MOST:
            op = message.get("op")
            verb = self._verbs.get(op) if isinstance(op, str) else None
            self._serve(connection, message, body, verb if held is None else _starting)
        else:
            held.append((connection, message, body))

    def _serve(
        self, connection: Connection, message: Message, body: bytes, verb: Verb | None
    ) -> None:
        self._active.add(connection)
        reply = {"id": message.get("id")}
        try:
            if verb is None:
                raise Refusal("bad-input", f"op: {message.get('op')!r} is no verb.")  # noqa: TRY301
            message.setdefault("id", None)
            answer = verb(self, connection, message, body)
        except Refusal as refusal:
            connection.send({**reply, "error": refusal.code, "message": refusal.message})
        except Exception as error:  # noqa: BLE001  one bad request must not end every session
            _failed(connection, reply, error)
        else:
            if isinstance(answer, tuple):
                connection.send({**reply, "ok": True, **answer[0]}, answer[1])
            elif answer is not None:
                connection.send({**reply, "ok": True, **answer})

    def _unsent(self, connection: Connection) -> None:
        self._active.add(connection)

    def _lost(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._active.discard(connection)
        for watchers in self._watchers.values():
            watchers.discard(connection)
        for session in self.sessions.values():
            session.attendance.end(connection)
        for name in [name for name, owner in self._bound.items() if owner is connection]:
            self._end(self.sessions[name])
        self._idle_since = time.monotonic()

    def _end(self, session: Session) -> None:
        """Whose it was has gone. What hangs in the kernel stays known, and can be asked about."""
        del self._bound[session.name]

        def done(outcome: Outcome) -> None:
            session.left = outcome.left
            if not outcome.left:
                session.when_over(lambda: self.remove(session))

        self.hunter.kill(session, done)

    def _after_turn(self) -> None:
        if self._active:
            active, self._active = self._active, set()
            for connection in active:
                connection.flush()
        if self._stopping and not self._hunts and all(one.over for one in self.sessions.values()):
            self._stop()

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return bool(self._stopping)

    # ── the end ───────────────────────────────────────────────────────────────

    def shut_down(self, done: Callable[[], None]) -> None:
        """Kill all sessions, let them write their ends, call ``done``, and stop."""
        first = not self._stopping
        self._stopping.append(done)
        if first:
            say("stopping", sessions=len(self.sessions))
            self.forkers.close()
            now = time.monotonic()
            self._hunts = len(self.sessions)
            for session in self.sessions.values():
                self.hunter.kill(session, self._hunted, since=now)

    def _hunted(self, _outcome: Outcome) -> None:
        self._hunts -= 1

    def _stop(self) -> None:
        for done in self._stopping:
            done()
        self._stopping.clear()
        for connection in list(self._connections):
            connection.flush()
        self.loop.stop()

    def _close(self) -> None:
        signal.set_wakeup_fd(-1)
        until = time.monotonic() + _FAREWELL
        for connection in list(self._connections):
            connection.linger(until - time.monotonic())
            connection.close()
        for session in list(self.sessions.values()):
            self.remove(session)
        self._cgroups.close()
        self._guardian.end()
        self.loop.close()
        for end in (self._wake, self._wakeup, self._listener):
            end.close()

    def _look_idle(self) -> None:
        if self._connections or any(session.alive for session in self.sessions.values()):
            self._idle_since = time.monotonic()
        patience = self._idle * (_EXITS_KEPT if self.sessions else 1)
        left = self._idle_since + (patience if self._met else max(patience, _FIRST))
        left -= time.monotonic()
        if left <= 0:
            say("idle")
            self.shut_down(lambda: None)
        else:
            # Somebody may come meanwhile, who makes it shorter.
            self.loop.later(max(min(left, patience), 0.05), self._look_idle)

    # ── signals ───────────────────────────────────────────────────────────────

    def _terminated(self, *_: object) -> None:
        self._told_to_stop = True

    def _signalled(self) -> None:
        # Which signals there were is not told: a storm of SIGCHLD fills the socket, and what comes
        # then leaves no byte in it.
        with contextlib.suppress(BlockingIOError):
            self._wake.recv(4096)
        if not self._more_to_reap:
            self._reap()
        if self._told_to_stop:
            self._told_to_stop = False
            self.shut_down(lambda: None)

    def _guard(self) -> None:
        if not self._guardian.start():
            self.loop.later(_GUARD_AGAIN, self._guard)

    def _reap(self) -> None:
        """Take every exit status there is; the keeper is the only one that waits.

        A storm of forks dies faster than it can be reaped, so the loop has its turn in between.
        """
        by_pid = {session.pid: session for session in self.sessions.values() if session.alive}
        for _ in range(_REAPED_MOST):
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._guardian.pid:
                self._guardian.lost()
                say("unguarded", status=status)
                self.loop.later(_GUARD_AGAIN, self._guard)
            self.forkers.reaped(pid)
            # Not found: an orphan that came to us as the subreaper. It only has to be waited for.
            session = by_pid.get(pid)
            if session is not None:
                code = os.waitstatus_to_exitcode(status)
                session.exited(max(code, 0), max(-code, 0))
        if not self._more_to_reap:
            self._more_to_reap = True
            self.loop.later(0, self._reap_more)

    def _reap_more(self) -> None:
        self._more_to_reap = False
        self._reap()


def _starting(_server: Server, _connection: Connection, _message: Message, _body: bytes) -> Answer:
    raise Refusal("conflict", "The session is only just being started.")


def _failed(connection: Connection, reply: Message, error: Exception) -> None:
    say("fault", trace=traceback.format_exc())
    connection.send({**reply, "error": "unable", "message": f"The keeper failed: {error}"})


def _is_ours(sock: socket.socket) -> bool:
    """Whether the other side runs as the same user; the folder's mode guards it elsewhere."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    _, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, option, 12))
    return bool(uid == os.geteuid())
