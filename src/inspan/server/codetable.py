"""What can be asked of code sessions: the part of ``table`` that is about them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from inspan.model.code import Cell, CodeSession, CodeSpec, Completion, Restored, Saved
from inspan.server import base, code, replies, rest, schema
from inspan.server.cells import CellTalks
from inspan.server.code import CodeRest
from inspan.server.visitor import Scope
from inspan.server.ways import Socket, Way

_READ: Final = Scope.READ
_WRITE: Final = Scope.WRITE
_CREATED: Final = HTTPStatus.CREATED
_SESSION: Final = "/v1/code/{ref}"

CODE: Final[tuple[Way[CodeRest], ...]] = (
    Way(
        method="POST",
        path="/v1/code",
        needs=_WRITE,
        verb=CodeRest.open,
        about="Open a code session.",
        takes=CodeSpec,
        query=(base.BASE,),
        gives=CodeSession,
        status=_CREATED,
        keyed=True,
    ),
    Way(
        method="GET",
        path="/v1/code",
        needs=_READ,
        verb=CodeRest.list,
        about="Code sessions.",
        query=(code.ENDED,),
        gives=replies.Sessions,
    ),
    Way(
        method="GET",
        path=_SESSION,
        needs=_READ,
        verb=CodeRest.get,
        about="A code session as it is now.",
        gives=CodeSession,
    ),
    Way(
        method="POST",
        path=f"{_SESSION}/checkpoint",
        needs=_WRITE,
        verb=CodeRest.checkpoint,
        about="Save its namespace; what cannot be saved is named.",
        takes=schema.Naming,
        gives=Saved,
        status=_CREATED,
    ),
    Way(
        method="GET",
        path=f"{_SESSION}/checkpoints",
        needs=_READ,
        verb=CodeRest.checkpoints,
        about="Its checkpoints.",
        gives=replies.Checkpoints,
    ),
    Way(
        method="POST",
        path=f"{_SESSION}/restore",
        needs=_WRITE,
        verb=CodeRest.restore,
        about="Give it the namespace of a checkpoint.",
        takes=schema.Naming,
        gives=Restored,
    ),
    Way(
        method="POST",
        path=f"{_SESSION}/close",
        needs=_WRITE,
        verb=CodeRest.close,
        about="End it.",
        takes=schema.Closing,
        gives=CodeSession,
    ),
    Way(
        method="POST",
        path=f"{_SESSION}/cells",
        needs=_WRITE,
        verb=CodeRest.execute,
        about="Hand in a cell.",
        takes=schema.Executing,
        gives=Cell,
        status=_CREATED,
    ),
    Way(
        method="GET",
        path=f"{_SESSION}/transcript",
        needs=_READ,
        verb=CodeRest.transcript,
        about="What happened in it, oldest first, and whether there is more.",
        query=(rest.SINCE, code.LIMIT),
        gives=replies.Transcript,
    ),
    Way(
        method="POST",
        path=f"{_SESSION}/answer",
        needs=_WRITE,
        verb=CodeRest.answer,
        about="The line that a cell waits for.",
        takes=schema.Giving,
        gives=replies.Done,
    ),
    Way(
        method="POST",
        path=f"{_SESSION}/interrupt",
        needs=_WRITE,
        verb=CodeRest.interrupt,
        about="Interrupt a cell, the one that runs if none is named.",
        takes=schema.Interrupting,
        gives=replies.InterruptedCell,
    ),
    # Both may run code of the session: what completes or describes a value is its own.
    Way(
        method="POST",
        path=f"{_SESSION}/complete",
        needs=_WRITE,
        verb=CodeRest.complete,
        about="What could follow at the cursor.",
        takes=schema.Pointing,
        gives=Completion,
    ),
    Way(
        method="POST",
        path=f"{_SESSION}/inspect",
        needs=_WRITE,
        verb=CodeRest.inspect,
        about="What is known of the name at the cursor.",
        takes=schema.Pointing,
        gives=replies.Inspected,
    ),
)

CELLS: Final[tuple[Socket[CellTalks], ...]] = (
    Socket(
        path="/v1/cells",
        needs=lambda _: _WRITE,
        verb=CellTalks.talk,
        about="Cells are handed in, and what happens is told, on one connection.",
        says=schema.Said,
        hears=replies.Told,
    ),
)
