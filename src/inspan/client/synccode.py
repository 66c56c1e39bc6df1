"""Code sessions for plain synchronous programs: ``remotecode``, blocking.

The verbs and their errors are those of ``control.Code``; ``run`` and ``follow`` give a
``Following``, which belongs to one thread at a time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from inspan.client import codecalls as calls
from inspan.client import wire
from inspan.client.link import Connections, Stream
from inspan.model.code import (
    Cell,
    CellOptions,
    CodeEvent,
    CodeSession,
    CodeSpec,
    Completion,
    Restored,
    Saved,
)


class SyncCode:
    """Code over connections that are shared with the other verbs of Control."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    # ── sessions ──────────────────────────────────────────────────────────────

    def open(self, spec: CodeSpec, *, key: str | None = None) -> CodeSession:
        return self._connections.ask(calls.opened(spec, key, base=self._connections.address.far))

    def get(self, session: str) -> CodeSession:
        return self._connections.ask(calls.got(session))

    def list(self, *, ended: bool = False) -> tuple[CodeSession, ...]:
        return self._connections.ask(calls.listed(ended=ended))

    def checkpoint(self, session: str, name: str = "") -> Saved:
        return self._connections.ask(calls.checkpoint(session, name))

    def checkpoints(self, session: str) -> tuple[Saved, ...]:
        return self._connections.ask(calls.checkpoints(session))

    def restore(self, session: str, name: str = "") -> Restored:
        return self._connections.ask(calls.restore(session, name))

    def close(self, session: str, *, deadline: float = 5.0) -> CodeSession:
        return self._connections.ask(calls.close(session, deadline))

    # ── cells ─────────────────────────────────────────────────────────────────

    def execute(self, session: str, code: str, options: CellOptions = CellOptions()) -> Cell:
        said = calls.to_execute(session, code, options)
        if len(said) > calls.SAID_MOST:
            return self._connections.ask(calls.execute(session, code, options))
        channel, talk = self._connections.talk(), calls.Talk()
        try:
            channel.send(wire.TEXT, said)
            return talk.cell(channel.take())
        finally:
            self._connections.leave(channel, over=talk.over)

    def run(self, session: str, code: str, options: CellOptions = CellOptions()) -> Following:
        """What happens to a cell, which is handed in when this returns. See ``follow``."""
        said = calls.to_run(session, code, options)
        if len(said) > calls.SAID_MOST:
            cell = self._connections.ask(calls.execute(session, code, options))
            said = calls.to_follow(cell.session, None, cell.id)
        return Following(self._connections, said, one=True)

    def follow(
        self, session: str, since: int | None = None, *, cell: str | None = None
    ) -> Following:
        """What happens; the following has begun when this returns. Close it, or use ``with``."""
        said = calls.to_follow(session, since, cell)
        return Following(self._connections, said, one=cell is not None)

    def transcript(self, session: str, since: int = 0, limit: int = 500) -> tuple[CodeEvent, ...]:
        found: tuple[CodeEvent, ...] = ()
        more = True
        while more and len(found) < limit:
            page, more = self._connections.ask(calls.transcript(session, since, limit - len(found)))
            found += page
            since = page[-1].seq if page else since
        return found

    def answer(self, session: str, request: str, text: str | None) -> None:
        self._connections.ask(calls.answer(session, request, text))

    def interrupt(
        self, session: str, cell: str | None = None, *, deadline: float = 5.0
    ) -> Cell | None:
        return self._connections.ask(calls.interrupt(session, cell, deadline))

    def complete(self, session: str, code: str, cursor: int) -> Completion:
        return self._connections.ask(calls.complete(session, code, cursor))

    def inspect(self, session: str, code: str, cursor: int) -> dict[str, str]:
        return self._connections.ask(calls.inspect(session, code, cursor))


class Following(Stream):
    """What happens in a session, as it comes. Its end gives the connection back."""

    def __init__(self, connections: Connections, said: bytes, *, one: bool) -> None:
        super().__init__(connections.talk())
        self._connections = connections
        self._talk = calls.Talk(one=one)
        self._left = False
        try:
            self._channel.send(wire.TEXT, said)
            #: What came together and was not taken yet; what came with the word that it has begun.
            self._come = self._talk.events(self._channel.take())
            self._first = next(self._come, None)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave it; may be called twice."""
        if not self._left:
            self._left = True
            self._connections.leave(self._channel, over=self._talk.over)

    @property
    def over(self) -> bool:
        """True once the last event has been taken."""
        return self._talk.over and self._first is None

    def __iter__(self) -> Iterator[CodeEvent]:
        while (event := self.recv()) is not None:
            yield event

    def recv(self, timeout: float | None = None) -> CodeEvent | None:
        """The next event; ``None`` when none came within ``timeout`` seconds, or when it is over.

        Raises FellBehind where this reader was too slow: follow again from the last ``seq``.
        """
        end = None if timeout is None else time.monotonic() + timeout
        event, self._first = self._first, None
        event = event or next(self._come, None)
        while event is None and not self._talk.over:
            left = None if end is None else max(0.0, end - time.monotonic())
            message = self._channel.take(left)
            if message is None and end is not None and not self._channel.done:
                return None
            self._come = self._talk.events(message)
            event = next(self._come, None)
        return event
