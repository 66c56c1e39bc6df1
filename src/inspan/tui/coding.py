"""What a person has done with a code session: by dialogs, and the verbs of Control.

Each is fired, since it waits for a person, or for a cell that does not listen. What Control refuses
is an error like any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias
from uuid import uuid4

import anyio

from inspan.control import Control
from inspan.errors import BadInput, Conflict, NotFound
from inspan.model.code import Cell, CodeSession, CodeSpec, Saved, Wanted
from inspan.model.ids import short
from inspan.settings.figures import show_size
from inspan.telling import facts
from inspan.terminal.sanitize import one_line
from inspan.tui.dialogs.asking import Dialogs
from inspan.tui.dialogs.choice import ChoiceDialog
from inspan.tui.dialogs.confirm import ConfirmDialog
from inspan.tui.dialogs.line import LineDialog
from inspan.tui.dialogs.newsession import NewSession, NewSessionDialog
from inspan.tui.notebook import counted

_NAMES_GO: Final = "Its process ends, and with it all names that are not saved."
_DEAF: Final = "It was asked to, and does not listen. Its process would end, and with it all names."
_NOTHING_SAVED: Final = "Nothing of it was saved yet; `s` saves its names while it is open."


#: Makes what was written to a session, as the command line does; it may read files.
MakeSession: TypeAlias = Callable[[NewSession], CodeSpec]


class Coding:
    """On code sessions, through one Control."""

    def __init__(self, control: Control, dialogs: Dialogs, make: MakeSession | None = None) -> None:
        self._control = control
        self._dialogs = dialogs
        self._make = make
        self._written = NewSession()
        #: What was asked for last, and by which key: it is not to be opened twice.
        self._asked: tuple[CodeSpec, str] | None = None
        #: Sessions of which a cell was asked to end and has not.
        self._interrupting: set[str] = set()

    async def new(self) -> CodeSession | None:
        """Open one. Where that fails, what was written is there the next time."""
        written = await self._dialogs.ask(NewSessionDialog(self._written))
        if written is None:
            return None
        self._written = written
        session = await self._open(await self._made(written))
        self._written = replace(written, name="")
        return session

    async def restart(self, session: CodeSession) -> CodeSession | None:
        """The same with a new process and no names, if that is meant; it is another session."""
        text = f"Begin {called(session)} anew?\n{_NAMES_GO} What was run in it can still be read."
        dialog = ConfirmDialog("Begin anew", text, yes="Begin anew (y)", no="Leave it (n)")
        if not await self._dialogs.ask(dialog):
            return None
        # Of the environment nobody is told that it has; it gets that of now.
        made = await self._made(NewSession(name=session.spec.name or "", folder=session.spec.cwd))
        if not session.closed:
            await self._control.code.close(session.id)
        return await self._open(replace(session.spec, env=made.env))

    async def _made(self, written: NewSession) -> CodeSpec:
        if self._make is None:
            raise BadInput("here no session can be opened")
        return await anyio.to_thread.run_sync(self._make, written)

    async def _open(self, spec: CodeSpec) -> CodeSession:
        """Once, also where the daemon went away before it said so."""
        if self._asked is None or self._asked[0] != spec:
            self._asked = (spec, uuid4().hex)
        session = await self._control.code.open(spec, key=self._asked[1])
        self._asked = None
        return session

    async def interrupt(self, session: CodeSession) -> Cell | None:
        """Interrupt the cell that runs; a second time, if that is meant, end the process."""
        if session.id in self._interrupting:
            dialog = ConfirmDialog("It does not end", _DEAF, yes="End it (y)", no="Wait on (n)")
            if await self._dialogs.ask(dialog):
                return await self._control.code.interrupt(session.id, deadline=0.0)
            return None
        self._interrupting.add(session.id)
        try:
            return await self._control.code.interrupt(session.id, deadline=math.inf)
        finally:
            self._interrupting.discard(session.id)

    async def save(self, session: CodeSession) -> Saved:
        """Save its names; what could not be is told by its transcript."""
        return await self._control.code.checkpoint(session.id)

    async def restore(self, session: CodeSession) -> bool:
        """Give names back that were saved, those that are chosen. False where none were."""
        saved = (await self._control.code.checkpoints(session.id))[::-1]
        if not saved:
            raise NotFound(f"{called(session)} has no checkpoint", hint=_NOTHING_SAVED)
        choices = [(one.name, _told(one)) for one in saved]
        new = "" if session.open else " It gets a new process."
        text = f"Give {called(session)} back which names? They replace those that are there.{new}"
        name = await self._dialogs.ask(ChoiceDialog("Restore", text, choices))
        if name is None:
            return False
        await self._control.code.restore(session.id, name)
        return True

    async def close(self, session: CodeSession) -> None:
        """End it, if that is meant."""
        text = f"End {called(session)}?\n{_NAMES_GO}"
        dialog = ConfirmDialog("End a session", text, yes="End it (y)", no="Keep it (n)")
        if not session.closed and await self._dialogs.ask(dialog):
            await self._control.code.close(session.id)

    async def answer(self, session: CodeSession, wanted: Wanted, dialog: LineDialog) -> bool:
        """Give the line that is waited for. False where it is not waited for any more."""
        typed = await self._dialogs.ask(dialog)
        if typed is None:
            return True
        try:
            await self._control.code.answer(session.id, wanted.request, typed.text)
        except Conflict:
            return False
        return True


def called(session: CodeSession) -> str:
    """What a person calls it."""
    return one_line(session.spec.name or short(session.id))


def _told(saved: Saved) -> str:
    names = counted(len(saved.names))
    return f"{saved.name}, {facts.clock(saved.at)}, {names}, {show_size(saved.size)}"
