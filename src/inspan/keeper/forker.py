"""Forkers: processes that start a session by forking themselves, at the keeper's word.

A forker is one of the keeper's children, and no session: nobody asks after it, and its death
touches no process that it forked. It must never be known here what its children run.

It has one descriptor more than a session has, number 3: a socket of whole messages. It says
``ready`` there. For each order, a JSON object with ``argv``, ``env`` and ``cwd`` that brings along
what is to be descriptors 0, 1 and 2, it forks twice and answers, in order, with the grandchild's
number in decimal, once its child is reaped: then the grandchild is the keeper's. A grandchild
begins when it has read one byte from descriptor 0, and ends where there is none to read, so that
nothing runs that the keeper does not know. It may fork a grandchild before it is ordered: it says
``spare`` and that one's number, and may answer with it later. A spare ends with its forker.
Whatever else a forker does, it is killed, and what was asked of it is started without it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from inspan.keeper import processes, tree
from inspan.keeper.log import say
from inspan.keeper.loop import READ, Loop
from inspan.keeper.refusal import Refusal
from inspan.keeper.spawn import Child, Home, Order, Pipes, limit, start_forker

#: Seconds for a forker to be ready, and then for each answer after the one before.
_READY: Final = 20.0
_ANSWER: Final = 2.0
#: Orders that a forker has at a time; more wait here, as many as the keeper may have sessions.
_AT_ONCE: Final = 8
#: Forkers at a time; one more ends the one that was longest of no use.
_MOST: Final = 8
#: Seconds until a forker is tried again that never became ready.
_BARREN: Final = 60.0
_WORD_MOST: Final = 64
#: What a forker says of a spare, before its number.
_SPARE: Final = b"spare "
#: Spares of one forker at a time.
_SPARES_MOST: Final = 4

#: Called once: with the child, which then is the receiver's, or without one.
Done = Callable[[Child | None], None]
#: Called once: whether the forker is ready.
Told = Callable[[bool], None]


class _Asked:
    """One order."""

    def __init__(self, order: Order, done: Done) -> None:
        self.order = order
        self.done = done
        self.pipes: Pipes | None = None

    def drop(self) -> None:
        """It is not met: whoever was forked for it reads the end of its input, and goes."""
        if self.pipes is not None:
            self.pipes.close_all()
        self.done(None)


class Forker:
    """One process, from its start to its end; ``over`` is called once."""

    def __init__(
        self, name: str, order: Order, home: Home, loop: Loop, over: Callable[[Forker], None]
    ) -> None:
        """Raises Refusal."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self.pid = start_forker(order, home, theirs.fileno())
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        self.name = name
        self.ready = False
        self._process = processes.look(self.pid)
        self._loop = loop
        self._over = over
        self._link = ours
        #: Children of ours that wait to be sessions, and are no orphans of any.
        self.spares: set[int] = set()
        self._waiters: list[Told] = []
        #: What it was told, in order, at most _AT_ONCE; and what it is told next.
        self._asked: deque[_Asked] = deque()
        self._waiting: deque[_Asked] = deque()
        self._late = loop.later(_READY, self.end)
        loop.watch(ours.fileno(), READ, lambda _: self._readable())

    @property
    def busy(self) -> bool:
        """Whether it may have a grandchild that is no session yet."""
        return bool(self._asked)

    def when_ready(self, told: Told) -> None:
        """Tell when it is ready, or never will be."""
        if self.ready:
            told(True)
        else:
            self._waiters.append(told)

    def ask(self, order: Order, done: Done) -> None:
        """Start this, on pipes."""
        self._waiting.append(_Asked(order, done))
        self._hand_on()

    def end(self) -> None:
        """Kill it; whatever it was asked for is not met."""
        if self._link.fileno() < 0:
            return
        self._loop.forget(self._link.fileno())
        self._link.close()
        self._late.cancel()
        if self._process is not None:
            tree.send(self._process, signal.SIGKILL)
        self._over(self)
        unmet = [*self._asked, *self._waiting]
        self._asked.clear()
        self._waiting.clear()
        for asked in unmet:
            asked.drop()
        self._tell(ready=False)

    def _hand_on(self) -> None:
        while self._waiting and len(self._asked) < _AT_ONCE:
            asked = self._waiting[0]
            try:
                sent = self._send(asked)
            except OSError:
                # Larger than a message may be, or no descriptor is left; its end is seen as such.
                self._waiting.popleft().drop()
                continue
            if not sent:
                return
            self._waiting.popleft()
            self._asked.append(asked)
            if len(self._asked) == 1:
                self._await_answer()

    def _send(self, asked: _Asked) -> bool:
        """Whether it could be sent now. Raises OSError."""
        order = asked.order
        words = json.dumps({"argv": order.argv, "env": order.env, "cwd": order.cwd}).encode()
        asked.pipes = pipes = Pipes()
        try:
            socket.send_fds(self._link, [words], pipes.theirs)
        except BlockingIOError:
            pipes.close_all()
            asked.pipes = None
            return False
        pipes.close_theirs()
        return True

    def _await_answer(self) -> None:
        self._late.cancel()
        self._late = self._loop.later(_ANSWER, self.end)

    def _readable(self) -> None:
        try:
            word = self._link.recv(_WORD_MOST)
        except BlockingIOError:
            return
        except OSError:
            word = b""
        if word == b"ready" and not self.ready:
            self._late.cancel()
            self.ready = True
            self._tell(ready=True)
        elif word.isdigit() and self._asked:
            self._answered(self._asked.popleft(), int(word))
        elif word.startswith(_SPARE) and word[len(_SPARE) :].isdigit():
            self._spared(int(word[len(_SPARE) :]))
        else:
            self.end()

    def _spared(self, pid: int) -> None:
        process = processes.look(pid)
        if process is None:
            return  # it has ended, and was reaped
        if len(self.spares) < _SPARES_MOST and process.parent == os.getpid():
            self.spares.add(pid)
        else:
            self.end()

    def _answered(self, asked: _Asked, pid: int) -> None:
        self.spares.discard(pid)
        if self._asked:
            self._await_answer()
        else:
            self._late.cancel()
        process = processes.look(pid)
        pipes = asked.pipes
        if pipes is None or process is None or process.parent != os.getpid():
            asked.drop()
        else:
            limit(pid, asked.order)
            # Before it begins: it is known by the time it can do anything.
            asked.done(pipes.child(pid))
            pipes.begin()
        self._hand_on()

    def _tell(self, *, ready: bool) -> None:
        waiters, self._waiters = self._waiters, []
        for told in waiters:
            told(ready)


class Forkers:
    """All of a keeper's, by the names that its clients gave them."""

    def __init__(self, loop: Loop, home: Home) -> None:
        self._loop = loop
        self._home = home
        #: The one that was used last is at the end.
        self._known: dict[str, Forker] = {}
        self._barren: dict[str, float] = {}
        self._closed = False

    @property
    def pids(self) -> set[int]:
        """Their processes, and those that wait to be sessions."""
        known = self._known.values()
        return {pid for forker in known for pid in (forker.pid, *forker.spares)}

    def reaped(self, pid: int) -> None:
        """A child of ours has ended; its number may be another's now."""
        for forker in self._known.values():
            forker.spares.discard(pid)

    @property
    def busy(self) -> bool:
        """Whether there may be a grandchild that is no session yet."""
        return any(forker.busy for forker in self._known.values())

    def ready(self, name: str) -> Forker | None:
        """The one of this name, if it can be asked now."""
        forker = self._known.pop(name, None)
        if forker is None:
            return None
        self._known[name] = forker
        return forker if forker.ready else None

    def need(self, name: str, order: Order, told: Told) -> None:
        """Have one of this name, and tell when it is ready. Raises Refusal."""
        if self._closed or self._barren.get(name, 0.0) > time.monotonic():
            told(False)
            return
        self._barren.pop(name, None)
        forker = self._known.get(name)
        if forker is None:
            if len(self._known) >= _MOST:
                next(iter(self._known.values())).end()
            forker = self._known[name] = self._begun(name, order)
        forker.when_ready(told)

    def close(self) -> None:
        """End them all."""
        self._closed = True
        for forker in [*self._known.values()]:
            forker.end()

    def _begun(self, name: str, order: Order) -> Forker:
        try:
            return Forker(name, order, self._home, self._loop, self._ended)
        except (AttributeError, OSError) as error:
            # Another system: it has no sockets of whole messages.
            raise Refusal("spawn-failed", f"No forker can be started: {error}.") from error

    def _ended(self, forker: Forker) -> None:
        del self._known[forker.name]
        if not forker.ready and not self._closed:
            say("barren", forker=forker.name)
            if len(self._barren) >= _MOST:
                self._barren.clear()
            self._barren[forker.name] = time.monotonic() + _BARREN
