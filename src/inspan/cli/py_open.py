"""The session that ``inspan py --session NAME`` means: the open one of that name, else a new one.

It asks Control and runs nothing; that a session died is never passed over in silence.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from inspan.cli import afar, reach
from inspan.cli.py_flags import chosen_python, grants, limits, refuse_others
from inspan.cli.py_which import called, which
from inspan.cli.say import note
from inspan.errors import Conflict, SessionEnded, SessionNotFound
from inspan.model.code import CodeSpec, Opened

if TYPE_CHECKING:
    from inspan.client.synccode import SyncCode
    from inspan.model.code import CodeSession, Saved


def opened(code: SyncCode, args: argparse.Namespace) -> CodeSession:
    """The session, open. Raises SessionEnded where it died and could be restored, and Conflict."""
    name: str = args.session
    try:
        found = which(code, name)
    except SessionNotFound:
        if name == "last":
            raise
        return _new(code, args)
    if found.open:
        refuse_others(found, args)
        return found
    if found.closed and found.spec.name == name:
        return _new(code, args)
    saved = code.checkpoints(found.id)
    if saved or found.spec.name != name:
        raise ended(found, saved)
    note(f"{_sentence(found)}, and nothing of it was saved")
    return _new(code, args)


def alive(code: SyncCode, word: str) -> CodeSession:
    """The open session that ``word`` means. Raises SessionEnded, SessionNotFound, AmbiguousId."""
    found = which(code, word)
    if not found.open:
        raise ended(found, code.checkpoints(found.id))
    return found


def ended(session: CodeSession, saved: Sequence[Saved]) -> SessionEnded:
    """That it is over, and what can be done about it."""
    return SessionEnded(_sentence(session), hint=what_now(session, saved))


def what_now(session: CodeSession, saved: Sequence[Saved]) -> str:
    """What can be done about a session that is over."""
    name = called(session)
    if not saved:
        return f"It has no checkpoint; `inspan py log {name}` shows what was run in it."
    hint = f"`inspan py restore {name}` begins again from its checkpoint {saved[-1].name}"
    return f"{hint}." if session.closed else f"{hint}; `inspan py close {name}` gives it up."


def _sentence(session: CodeSession) -> str:
    if session.closed or session.reason is None:
        return f"the session {called(session)} is closed"
    return f"the session {called(session)} is over: {session.reason.message.rstrip('.')}"


def wanted(args: argparse.Namespace, folder: str) -> CodeSpec:
    """What flags ask for, in that folder of the machine that it is opened on."""
    allowed: dict[str, str] = {}
    python = args.python
    if afar.address() is None:
        allowed, _ = reach.settings().env.split(os.environ)
        python = chosen_python(args.python)
    return CodeSpec(
        name=args.session,
        cwd=folder,
        env=allowed,
        python=python,
        grants=grants(args),
        limits=limits(args),
    )


def _new(code: SyncCode, args: argparse.Namespace) -> CodeSession:
    folder = str(Path.cwd()) if afar.address() is None else ""
    try:
        session = code.open(wanted(args, folder))
    except Conflict:
        # Somebody else has just opened it.
        session = code.get(args.session)
        refuse_others(session, args)
        return session
    note(f"opened the session {args.session}; `inspan py close {args.session}` ends it")
    first = [event.fact for event in code.transcript(session.id, limit=1)]
    if first and isinstance(first[0], Opened) and first[0].note:
        note(first[0].note)
    return session
