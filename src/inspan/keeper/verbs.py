"""What each verb of the wire does, with its arguments checked; see ``wire`` for the table.

A verb gives the result, or ``None`` where it answers later through ``connection.send``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import time
from typing import Final

from inspan.keeper import tree
from inspan.keeper.connection import Connection
from inspan.keeper.hunt import Outcome
from inspan.keeper.marks import KEEPER_MARK, SESSION_MARK, Marks, tag
from inspan.keeper.processes import Table
from inspan.keeper.refusal import Refusal
from inspan.keeper.server import Answer, Server, Verb
from inspan.keeper.session import Session
from inspan.keeper.spawn import Child, Order, start
from inspan.keeper.wire import BODY_MOST, OLDEST, VERSION, Message
from inspan.keeper.writer import CAP_LEAST, Writer

_NAME: Final = re.compile(r"[0-9a-z-]{1,64}", re.ASCII)
_SIDE_MOST: Final = 10_000
_CAP_DEFAULT: Final = 64 << 20
#: Seconds for the terminal to come for which a session was spawned.
_COME: Final = 5.0
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT}
#: Sessions known at a time; each takes five descriptors while it lives.
_SESSIONS_MOST: Final = 4096


def hello(server: Server, _connection: Connection, message: Message, _body: bytes) -> Answer:
    """Who this keeper is; refused where the versions do not fit."""
    version = _whole(message, "version", 0, 1 << 31)
    if not OLDEST <= version <= VERSION:
        raise Refusal(
            "keeper-mismatch",
            f"This keeper speaks versions {OLDEST} to {VERSION} of the wire; asked for {version}.",
        )
    return {
        "version": version,
        "keeper": server.keeper,
        "pid": os.getpid(),
        "started_at": server.started_at,
        "sessions": len(server.sessions),
    }


def spawn(server: Server, connection: Connection, message: Message, _body: bytes) -> Answer:
    """Start a session, once."""
    name = _text(message, "session")
    if not _NAME.fullmatch(name):
        raise Refusal("bad-input", "session: 1 to 64 of a-z, 0-9 and '-'.")
    known = server.sessions.get(name)
    if known is not None:
        return {"pid": known.pid, "new": False}
    if server.stopping:
        raise Refusal("keeper-lost", "The keeper is stopping.")
    if server.known >= _SESSIONS_MOST:
        raise Refusal("spawn-failed", f"The keeper holds {_SESSIONS_MOST} sessions already.")
    order = _order(server, name, message)
    by = None if message.get("by") is None else _text(message, "by")
    forker = None if by is None or order.pty else server.forkers.ready(by)
    with server.home.away(order.cwd) if forker is not None else contextlib.nullcontext():
        writer = _writer(message, order)

    def begin(child: Child | None) -> Answer:
        return _begin(server, connection, message, order, writer, child)

    if forker is None:
        return begin(None)
    server.hold(name)
    forker.ask(
        order, lambda child: server.release(name, connection, message, lambda *_: begin(child))
    )
    return None


def _begin(
    server: Server,
    connection: Connection,
    message: Message,
    order: Order,
    writer: Writer,
    forked: Child | None,
) -> Answer:
    """The session, with a child that was forked or else with one that is started now."""
    try:
        if server.stopping:
            raise Refusal("keeper-lost", "The keeper is stopping.")  # noqa: TRY301
        child = forked or start(order, server.home)
    except BaseException:
        writer.abandon()
        raise
    marks = Marks(server.mark.encode(), message["session"].encode())
    session = Session(
        message["session"],
        child,
        writer,
        tree=tree.Tree(child.pid, marks, order.tag),
        cols=order.cols,
        rows=order.rows,
        loop=server.loop,
        host=server,
    )
    if _flag(message, "attended", default=False):
        session.attendance.reserve(connection)
        server.loop.later(_COME, lambda: session.attendance.lapse(connection))
    server.add(session)
    if _flag(message, "bound", default=False):
        server.bind(session, connection)
    return {"pid": child.pid, "new": True, "forked": forked is not None}


def forker(server: Server, connection: Connection, message: Message, _body: bytes) -> Answer:
    """Have a process ready from which sessions can be forked."""
    name = _text(message, "forker")
    if not _NAME.fullmatch(name):
        raise Refusal("bad-input", "forker: 1 to 64 of a-z, 0-9 and '-'.")
    # No session has such a name.
    order = _order(server, f"forker:{name}", {**message, "pty": False})

    def told(ready: bool) -> None:
        server.answer(connection, {"id": message["id"], "ok": True, "ready": ready})

    server.forkers.need(name, order, told)
    return None


def list_(server: Server, _connection: Connection, _message: Message, _body: bytes) -> Answer:
    """Every session known."""
    return {"sessions": [session.status() for session in server.sessions.values()]}


def status(server: Server, _connection: Connection, message: Message, _body: bytes) -> Answer:
    """One session."""
    return {"status": _session(server, message).status()}


def write(server: Server, connection: Connection, message: Message, body: bytes) -> Answer:
    """Type."""
    session = _session(server, message)
    queued = session.write(body)
    connection.expect(session)
    return {"queued": queued}


def eof(server: Server, _connection: Connection, message: Message, _body: bytes) -> Answer:
    """End the input."""
    _session(server, message).eof()
    return {}


def resize(server: Server, _connection: Connection, message: Message, _body: bytes) -> Answer:
    """Another size."""
    _session(server, message).resize(
        _whole(message, "cols", 1, _SIDE_MOST), _whole(message, "rows", 1, _SIDE_MOST)
    )
    return {}


def signal_(server: Server, _connection: Connection, message: Message, _body: bytes) -> Answer:
    """Send a signal to the foreground group or to the whole tree."""
    session = _session(server, message)
    number = _whole(message, "signal", 1, signal.NSIG - 1)
    to = _text(message, "to")
    if to == "tree":
        table, found = server.hunter.find(session)
        return {"sent": sum(tree.send(table.processes[pid], number) for pid in found)}
    if to != "foreground":
        raise Refusal("bad-input", "to: foreground or tree.")
    if not session.alive:
        return {"sent": 0}
    group = session.foreground()
    members = sum(process.group == group for process in Table().processes.values())
    return {"sent": max(members, 1) if tree.send_group(group, number) else 0}


def kill(server: Server, connection: Connection, message: Message, _body: bytes) -> Answer:
    """End every process of the session; answered when they are gone, and it can be collected."""
    session = _session(server, message)
    request = message["id"]

    def done(outcome: Outcome) -> None:
        session.left = outcome.left
        answer = {"id": request, "ok": True, "left": outcome.left, "by": outcome.by}
        if outcome.left:
            server.answer(connection, answer)
        else:
            session.when_over(lambda: server.answer(connection, answer))

    server.hunter.kill(session, done)
    return None


def attend(server: Server, connection: Connection, message: Message, _body: bytes) -> Answer:
    """The terminal's queries are answered by this connection, or no longer."""
    session = _session(server, message)
    shown = None
    if message.get("shown") is not None:
        shown = _whole(message, "shown", 0, 1 << 62)
    if _flag(message, "on", default=True):
        return {"size": session.attendance.begin(connection, session.size, shown)}
    session.attendance.end(connection, shown)
    return {"size": session.size}


def watch(server: Server, connection: Connection, message: Message, _body: bytes) -> Answer:
    """Push what becomes of the session."""
    session = _session(server, message)
    connection.watch(session, inline=_flag(message, "inline", default=False))
    server.watched(session, connection)
    return {"size": session.size}


def unwatch(server: Server, connection: Connection, message: Message, _body: bytes) -> Answer:
    """Push no more about it; also right for a session that is gone."""
    name = _text(message, "session")
    connection.unwatch(name)
    server.unwatched(name, connection)
    return {}


def read(server: Server, _connection: Connection, message: Message, _body: bytes) -> Answer:
    """Bytes of the recording."""
    session = _session(server, message)
    asked = _whole(message, "offset", 0, 1 << 62)
    offset, data = session.writer.read(asked, _whole(message, "limit", 1, BODY_MOST))
    complete = session.over and offset + len(data) >= session.size
    return {"offset": offset, "eof": complete}, data


def collect(server: Server, connection: Connection, message: Message, _body: bytes) -> Answer:
    """Forget an ended session; what it left behind is killed first."""
    session = _session(server, message)
    if not session.over:
        raise Refusal("conflict", "The session has not ended.")
    if server.hunter.quiet(session):
        session.left = 0
        server.remove(session)
        return {"status": session.status()}
    now = time.monotonic()
    session.left = server.hunter.leftovers(session)
    request = message["id"]

    def done(_outcome: Outcome) -> None:
        server.remove(session)
        server.answer(connection, {"id": request, "ok": True, "status": session.status()})

    # Also where none was found: a table does not show what forks and exits all the time.
    server.hunter.kill(session, done, since=now)
    return None


def shutdown(server: Server, connection: Connection, message: Message, _body: bytes) -> Answer:
    """Stop the keeper; with ``force`` all sessions are killed first."""
    live = sum(session.alive for session in server.sessions.values())
    if live and not _flag(message, "force", default=False):
        raise Refusal("conflict", f"{live} sessions are alive.")
    request = message["id"]
    server.shut_down(lambda: server.answer(connection, {"id": request, "ok": True}))
    return None


VERBS: Final[dict[str, Verb]] = {
    "hello": hello,
    "spawn": spawn,
    "forker": forker,
    "list": list_,
    "status": status,
    "write": write,
    "eof": eof,
    "resize": resize,
    "signal": signal_,
    "kill": kill,
    "attend": attend,
    "watch": watch,
    "unwatch": unwatch,
    "read": read,
    "collect": collect,
    "shutdown": shutdown,
}


def _session(server: Server, message: Message) -> Session:
    name = _text(message, "session")
    session = server.sessions.get(name)
    if session is None:
        raise Refusal("session-not-found", f"No session {name!r}.")
    return session


def _order(server: Server, name: str, message: Message) -> Order:
    argv, env = message.get("argv"), message.get("env")
    if not isinstance(argv, list) or not argv or not all(_clean(part) for part in argv):
        raise Refusal("bad-input", "argv: a list of texts without NUL, not empty.")
    if not argv[0]:
        raise Refusal("bad-input", "argv: the program is empty.")
    if not isinstance(env, dict) or not all(_clean(value) for value in env.values()):
        raise Refusal("bad-input", "env: texts by name, without NUL.")
    if not all(_clean(key) and key and "=" not in key for key in env):
        raise Refusal("bad-input", "env: a name is empty or has '=' or NUL in it.")
    cwd = _text(message, "cwd")
    if not cwd.startswith("/") or not _clean(cwd):
        raise Refusal("bad-input", "cwd: not an absolute path.")
    marks = {SESSION_MARK: name, KEEPER_MARK: server.mark}
    return Order(
        argv=argv,
        cwd=cwd,
        env={**env, **marks},
        pty=_flag(message, "pty", default=True),
        cols=_whole(message, "cols", 1, _SIDE_MOST, default=80),
        rows=_whole(message, "rows", 1, _SIDE_MOST, default=24),
        nofile=_whole(message, "nofile", 16, 1 << 30, default=server.nofile),
        tag=tag(server.mark, server.next_number()),
    )


def _writer(message: Message, order: Order) -> Writer:
    folder = _text(message, "folder")
    if not folder.startswith("/") or not _clean(folder):
        raise Refusal("bad-input", "folder: not an absolute path.")
    cap = _whole(message, "cap", CAP_LEAST, 1 << 50, default=_CAP_DEFAULT)
    typed = _flag(message, "record_input", default=False)
    try:
        size = (order.cols, order.rows) if order.pty else None
        return Writer(folder, cap=cap, size=size, typed=typed)
    except FileExistsError as error:
        message_ = "This session was recorded before; it is not started twice."
        raise Refusal("already-recorded", message_) from error
    except OSError as error:
        code = "disk-full" if error.errno in _NO_ROOM else "spawn-failed"
        why = os.strerror(error.errno or 0)
        raise Refusal(code, f"No recording can be made in {folder}: {why}.") from error


def _clean(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value


def _text(message: Message, field: str) -> str:
    value = message.get(field)
    if not isinstance(value, str):
        raise Refusal("bad-input", f"{field}: a text is missing.")
    return value


def _flag(message: Message, field: str, *, default: bool) -> bool:
    value = message.get(field)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise Refusal("bad-input", f"{field}: neither true nor false.")
    return value


def _whole(
    message: Message, field: str, least: int, most: int, *, default: int | None = None
) -> int:
    value = message.get(field, default)
    if value is None:
        value = default
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Refusal("bad-input", f"{field}: not a whole number from {least} to {most}.")
    return value
