"""Every verb of Code as a request and a reading of its answer, and the talk about cells.

No I/O. The server's ``code`` is the other end of the requests, its ``cells`` that of the talk, on
which the client sends JSON objects, each in a message of its own, and the server lists of them:

from     object                                     means
-------  -----------------------------------------  --------------------------------------------
client   ``{"execute": {session, code, options?}}``  hand in a cell
client   ``{"run": {session, code, options?}}``      hand in a cell, and follow it
client   ``{"follow": {session, since?, cell?}}``    tell what happens, one following at a time
server   ``{"cell": …}``                             the cell that was handed in
server   ``{"refused": problem}``                    what was said last is not done
server   ``{"following": true}``                     it has begun, and there is nothing yet to tell
server   ``{"seq": …, "fact": …}``                   what happened
server   ``{"over": null or problem}``               nothing more is told, and why

Cells are answered in the order in which they came; what answers ``run`` is the cell's first event.
A following of one cell is over with the cell's end, after which no ``over`` comes. Who runs cells,
or follows a session and hands in cells on the same connection, needs one round trip for each.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from inspan.client import wire
from inspan.client.calls import Call, error_of, keyed, of_base, plain_of, segment, written
from inspan.errors import DaemonUnreachable, SessionNotFound
from inspan.model import plain
from inspan.model.code import (
    Cell,
    CellEnded,
    CellOptions,
    CodeEvent,
    CodeSession,
    CodeSpec,
    Completion,
    Restored,
    Saved,
)

T = TypeVar("T")

Reading = Callable[[wire.Response], T]
#: The most that one message to the daemon may hold; see ``model.wire.FRAME_MOST``.
SAID_MOST: Final = 1 << 20
#: The most events in one answer; see ``server.code.PAGE_MOST``.
PAGE_MOST: Final = 1000


# ── sessions ──────────────────────────────────────────────────────────────────


def opened(spec: CodeSpec, key: str | None, *, base: bool = False) -> Call[CodeSession]:
    """``base``: what it lacks is the daemon's own."""
    target, body, again = "/v1/code" + of_base(base), written(spec), bool(key)
    return Call("POST", target, _one(CodeSession), body=body, headers=keyed(key), again=again)


def got(session: str) -> Call[CodeSession]:
    return Call("GET", _of(session), _one(CodeSession))


def listed(*, ended: bool) -> Call[tuple[CodeSession, ...]]:
    target = f"/v1/code{wire.query(ended=ended or None)}"
    return Call("GET", target, _many(CodeSession, "sessions"))


def checkpoint(session: str, name: str) -> Call[Saved]:
    return _verb(session, "checkpoint", _one(Saved), name=name)


def checkpoints(session: str) -> Call[tuple[Saved, ...]]:
    return Call("GET", f"{_of(session)}/checkpoints", _many(Saved, "checkpoints"))


def restore(session: str, name: str) -> Call[Restored]:
    return _verb(session, "restore", _one(Restored), name=name)


def close(session: str, deadline: float) -> Call[CodeSession]:
    return _verb(session, "close", _one(CodeSession), deadline=deadline)


# ── cells ─────────────────────────────────────────────────────────────────────


def execute(session: str, code: str, options: CellOptions) -> Call[Cell]:
    return _verb(session, "cells", _one(Cell), code=code, options=options)


def transcript(session: str, since: int, limit: int) -> Call[tuple[tuple[CodeEvent, ...], bool]]:
    """A page of what was asked for, and whether more of it may be there."""

    def read(answer: wire.Response) -> tuple[tuple[CodeEvent, ...], bool]:
        told = plain_of(answer)
        return tuple(plain.load_code_event(item) for item in told["events"]), told["more"]

    asked = wire.query(since=since, limit=min(limit, PAGE_MOST))
    return Call("GET", f"{_of(session)}/transcript{asked}", read)


def answer(session: str, request: str, text: str | None) -> Call[None]:
    return _verb(session, "answer", lambda _: None, request=request, text=text)


def interrupt(session: str, cell: str | None, deadline: float) -> Call[Cell | None]:
    def read(answer: wire.Response) -> Cell | None:
        told = plain_of(answer)["cell"]
        return None if told is None else plain.load(Cell, told)

    # JSON has no word for it.
    within = None if deadline == math.inf else deadline
    return _verb(session, "interrupt", read, cell=cell, deadline=within)


def complete(session: str, code: str, cursor: int) -> Call[Completion]:
    return _verb(session, "complete", _one(Completion), code=code, cursor=cursor)


def inspect(session: str, code: str, cursor: int) -> Call[dict[str, str]]:
    def read(answer: wire.Response) -> dict[str, str]:
        data: dict[str, str] = plain_of(answer)["data"]
        return data

    return _verb(session, "inspect", read, code=code, cursor=cursor)


# ── the talk about cells ──────────────────────────────────────────────────────


def to_execute(session: str, code: str, options: CellOptions) -> bytes:
    """The message that hands in a cell; one above ``SAID_MOST`` goes by ``execute``."""
    return written({"execute": {"session": session, "code": code, "options": options}})


def to_run(session: str, code: str, options: CellOptions) -> bytes:
    """The message that hands in a cell and follows it; see ``SAID_MOST``."""
    return written({"run": {"session": session, "code": code, "options": options}})


def to_follow(session: str, since: int | None, cell: str | None) -> bytes:
    """The message that begins a following."""
    return written({"follow": {"session": session, "since": since, "cell": cell}})


class Talk:
    """What was told on one connection since the last thing that was said on it.

    ``one``: that was about one cell, with whose end it is over.
    """

    def __init__(self, *, one: bool = False) -> None:
        #: Nothing more comes before something else is said.
        self.over = False
        self._one = one

    def cell(self, message: bytes | None) -> Cell:
        """The cell that was handed in. Raises what it was refused with."""
        told = {name: word for one in _objects(message) for name, word in one.items()}
        self._check(told)
        self.over = True
        try:
            return plain.load(Cell, told["cell"])
        except _GARBLED as error:
            raise _garbled(error) from error

    def events(self, message: bytes | None) -> Iterator[CodeEvent]:
        """What happened: none where that is a word about the following, which may be ``over`` then.

        Raises what ended it, or what it was refused with.
        """
        for told in _objects(message):
            if "fact" in told:
                event = _event(told)
                self.over = self._one and type(event.fact) is CellEnded
                yield event
                continue
            self._check(told)
            if "over" in told:
                self.over = True
                if told["over"] is not None:
                    raise error_of(json.dumps(told["over"]))

    def _check(self, told: dict[str, Any]) -> None:
        if "refused" in told:
            self.over = True
            raise error_of(json.dumps(told["refused"]))


# ── pieces ────────────────────────────────────────────────────────────────────


#: What reading raises where it is no answer of ours.
_GARBLED: Final = (ValueError, KeyError, TypeError, AttributeError)


def _garbled(error: Exception) -> DaemonUnreachable:
    return DaemonUnreachable(f"what the daemon says cannot be read: {error!r}")


def _objects(message: bytes | None) -> list[dict[str, Any]]:
    """Raises DaemonUnreachable."""
    if message is None:
        raise DaemonUnreachable("the daemon went away")
    try:
        told: list[dict[str, Any]] = json.loads(message)
        if type(told) is not list or not all(type(one) is dict for one in told):
            raise TypeError(told)
    except _GARBLED as error:
        raise _garbled(error) from error
    return told


def _event(told: dict[str, Any]) -> CodeEvent:
    """Raises DaemonUnreachable."""
    try:
        return plain.load_code_event(told)
    except _GARBLED as error:
        raise _garbled(error) from error


def _verb(session: str, verb: str, read: Reading[T], **given: Any) -> Call[T]:
    return Call("POST", f"{_of(session)}/{verb}", read, body=written(given))


def _of(session: str) -> str:
    if not session:
        raise SessionNotFound("no session has an empty name")
    return f"/v1/code/{segment(session)}"


def _one(kind: type[T]) -> Reading[T]:
    return lambda answer: plain.load(kind, plain_of(answer))


def _many(kind: type[T], name: str) -> Reading[tuple[T, ...]]:
    return lambda answer: tuple(plain.load(kind, item) for item in plain_of(answer)[name])
