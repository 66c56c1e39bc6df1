"""One worker of a code session, as the engine holds it: its messages as facts, its verbs as calls.

What comes is told at once and in order, each with the mark behind which a later engine goes on: the
number of the last frame, the bytes taken of both capture files, and the cell that runs. It knows no
transcript.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import anyio.to_thread

from inspan.engine.code.ports import CodeAsked, CodeOrder, CodeSeen, CodeSink, CodeWithdrawn
from inspan.engine.ports import Clock
from inspan.errors import BadInput, InspanError, SessionDied, Unable
from inspan.kernel import protocol as p
from inspan.kernel.host.cell import Cell as KernelCell
from inspan.kernel.host.cell import Entry, Output
from inspan.kernel.host.former import Former
from inspan.kernel.host.interrupt import Step
from inspan.kernel.host.output import FILES
from inspan.kernel.host.session import KernelSession, Watching
from inspan.model.code import (
    Cell,
    CellBegan,
    CellEnd,
    CellEnded,
    CellError,
    CellOptions,
    CellState,
    Cleared,
    Climbed,
    Completion,
    LostName,
    Opened,
    Printed,
    Pulse,
    Restored,
    RunEnded,
    Saved,
    Shown,
    Wanted,
)
from inspan.model.session import CodeState
from inspan.model.task import Reason
from inspan.providers.checkpoints import Vault, clear, new_in

_Decoder: Final = codecs.getincrementaldecoder("utf-8")


class PythonRun:
    """``ports.CodeRun`` over a KernelSession, which ``began`` gives it."""

    def __init__(
        self, order: CodeOrder, sink: CodeSink, mark: str, vault: Vault, clock: Clock
    ) -> None:
        """Raises Unable where another inspan wrote the mark."""
        self.number = int(order.name.rpartition("-")[2])
        self.over = False
        self._sink = sink
        self._vault = vault
        self._clock = clock
        self._new = not mark
        self._seq, self._at, self._running = _stood(mark or "0:0:0:")
        self._decoders = [_Decoder("surrogateescape"), _Decoder("surrogateescape")]
        #: One of them may hold the beginning of a character.
        self._held = False
        #: What came before the session is known here.
        self._early: list[tuple[CodeSeen, str]] | None = []
        self._session: KernelSession
        self._left = False
        self._saving = anyio.Lock()

    @property
    def watching(self) -> Watching:
        """What its session is to tell."""
        return Watching(state=self._state, rung=self._rung, beat=self._beat, tell=self._tell)

    def former(self, cells: Sequence[Cell]) -> Former:
        """What an earlier engine had of it."""
        return Former(
            last_seq=self._seq,
            taken=(self._at[0], self._at[1]),
            running=self._running,
            cells=tuple(
                p.Execute(execution_id=one.id, **_asked(one.code, one.options)) for one in cells
            ),
        )

    def began(self, session: KernelSession, note: str) -> None:
        """It is ready."""
        self._session = session
        early, self._early = self._early or [], None
        if self._new:
            self._sink(Opened(self.number, session.pid, session.ready.python, note), self._mark())
        for seen, mark in early:
            self._sink(seen, mark)
        self._state(session.state)

    # ── the port ──────────────────────────────────────────────────────────────

    @property
    def pid(self) -> int:
        return self._session.pid

    async def execute(
        self, cell: str, code: str, options: CellOptions, entered: Callable[[], None]
    ) -> None:
        await self._session.execute(execution_id=cell, entered=entered, **_asked(code, options))

    async def interrupt(self, cell: str | None, deadline: float) -> None:
        await self._session.interrupt(cell, deadline)

    async def answer(self, request: str, text: str | None) -> None:
        self._session.answer(request, text)

    async def settle(
        self, promise: str, *, value: object = None, error: InspanError | None = None
    ) -> None:
        self._session.settle(promise, value=value, error=error)

    async def checkpoint(self, name: str) -> Saved:
        async with self._saving:
            key, written = await anyio.to_thread.run_sync(self._prepared)
            done = await self._session.checkpoint(written.name, key)
            saved = Saved(
                name=name,
                at=self._clock.now(),
                size=done.size,
                names=done.saved,
                lost=_lost(done.lost),
            )
            await anyio.to_thread.run_sync(self._vault.keep, written, saved)
        return saved

    async def restore(self, name: str) -> Restored:
        async with self._saving:
            key, copy = await anyio.to_thread.run_sync(self._prepared)
            await anyio.to_thread.run_sync(self._vault.lay, name, copy)
            try:
                done = await self._session.restore(copy.name, key)
            finally:
                copy.unlink(missing_ok=True)
        return Restored(name=name, names=done.restored, lost=_lost(done.lost))

    async def complete(self, code: str, cursor: int) -> Completion:
        found = await self._session.complete(code, cursor)
        return Completion(found.matches, found.start, found.end)

    async def inspect(self, code: str, cursor: int) -> dict[str, str]:
        return dict((await self._session.inspect(code, cursor)).data)

    async def close(self, deadline: float) -> None:
        await self._session.close(deadline)

    async def abandon(self) -> None:
        self._left = True
        await self._session.abandon()

    def _prepared(self) -> tuple[str, Path]:
        """The session's key, and where its worker is to write or read a checkpoint."""
        clear(self._session.checkpoints)
        return self._vault.key(), new_in(self._session.checkpoints)

    # ── what is told ──────────────────────────────────────────────────────────

    def _say(self, seen: CodeSeen, *, more: bool = False) -> None:
        if self._early is None:
            self._sink(seen, self._mark(), more=more)
        else:
            self._early.append((seen, self._mark()))

    def _mark(self) -> str:
        return f"{self._seq}:{self._at[0]}:{self._at[1]}:{self._running}"

    def _tell(self, cell: str | None, entry: Entry) -> None:
        item: Any = entry.item
        if type(item) is not Output:
            if self._held:
                self._flush(cell)
            self._note(item, entry.seq)
            self._say(_FACTS[type(item)](item), more=entry.more)
            return
        self._seq = max(self._seq, entry.seq)
        if entry.file >= 0:
            self._captured(cell, entry, item)
        elif item.data or item.dropped:
            text = item.data.decode("utf-8", "surrogateescape")
            self._say(Printed(cell, item.stream, text, item.dropped))

    def _note(self, item: Any, seq: int) -> None:
        self._seq = max(self._seq, seq)
        if type(item) is p.Started:
            self._running = self._running or item.execution_id
        elif type(item) in _ENDS and item.execution_id == self._running:
            self._running = ""

    def _captured(self, cell: str | None, entry: Entry, item: Output) -> None:
        """Bytes that end within a character wait for the rest of it, here and after a restart."""
        decoder = self._decoders[entry.file]
        text = decoder.decode(item.data)
        held = len(decoder.getstate()[0])
        self._held = self._held or held > 0
        self._at[entry.file] = entry.offset - held
        if text or item.dropped:
            self._say(Printed(cell, item.stream, text, item.dropped))

    def _flush(self, cell: str | None) -> None:
        self._held = False
        for file, decoder in enumerate(self._decoders):
            held = len(decoder.getstate()[0])
            if held:
                self._at[file] += held
                self._say(Printed(cell, FILES[file][1], decoder.decode(b"", True)))

    def _rung(self, cell: KernelCell, step: Step) -> None:
        self._say(Climbed(cell.execution_id, step.rung.value, step.after))

    def _beat(self, beat: p.Heartbeat) -> None:
        now = self._clock.now()
        self._say(Pulse(now, beat.memory_usage, beat.cpu_percent, beat.namespace_size))

    def _state(self, state: CodeState) -> None:
        if state is CodeState.TERMINATED and self._early is None and not self._left:
            assert self._session.reason is not None
            self.over = True
            self._say(RunEnded(self.number, reason(self._session.reason)))


def _stood(mark: str) -> tuple[int, list[int], str]:
    """The last seq, how much was read of each descriptor's file, and the cell that ran."""
    try:
        seq, out, err, running = mark.split(":")
        return int(seq), [int(out), int(err)], running
    except ValueError as error:
        raise Unable(
            "where the session stood was written by another version of inspan, and cannot be read",
            hint="Restore it from a checkpoint, or open a new one.",
        ) from error


def reason(error: InspanError) -> Reason:
    """Why a run is over, without the hint for sessions that have one run only."""
    hint = error.hint.removesuffix(type(error).default_hint).removesuffix(SessionDied.default_hint)
    return Reason(error.code, error.message, hint.rstrip())


def _asked(code: str, options: CellOptions) -> dict[str, Any]:
    try:
        mode = p.ExecutionMode(options.mode)
    except ValueError as error:
        known = ", ".join(p.ExecutionMode)
        raise BadInput(f"mode: {options.mode!r} is none of {known}.") from error
    return {
        "code": code,
        "mode": mode,
        "threaded": options.threaded,
        "silent": options.silent,
        "store": options.store,
        "allow_stdin": options.stdin,
        "file": options.file,
    }


def _result(item: p.Result) -> CellEnded:
    return CellEnded(
        item.execution_id,
        CellEnd(
            state=CellState.DONE,
            seconds=item.execution_time,
            count=item.count,
            value=item.value,
            repr=item.repr,
            data=item.data,
            metadata=item.metadata,
        ),
    )


def _error(item: p.Error) -> CellEnded:
    state = CellState.INTERRUPTED if item.interrupted else CellState.FAILED
    error = CellError(item.name, item.message, item.traceback, item.status)
    end = CellEnd(state=state, seconds=item.execution_time, count=item.count, error=error)
    return CellEnded(item.execution_id, end)


_ENDS: Final = (p.Result, p.Error)
#: By the class of what came.
_FACTS: Final[dict[type, Callable[[Any], CodeSeen]]] = {
    p.Started: lambda item: CellBegan(item.execution_id, item.mode.value),
    p.Display: lambda item: Shown(
        item.execution_id, item.data, item.metadata, item.display_id, item.update
    ),
    p.Clear: lambda item: Cleared(item.execution_id, item.wait),
    p.Input: lambda item: Wanted(item.execution_id, item.request, item.prompt, item.password),
    p.Ask: lambda item: CodeAsked(
        item.execution_id, item.promise, item.capability, item.payload, item.timeout
    ),
    p.Withdraw: lambda item: CodeWithdrawn(item.promise),
    p.Result: _result,
    p.Error: _error,
}


def _lost(names: Sequence[p.Lost]) -> tuple[LostName, ...]:
    return tuple(LostName(one.name, one.kind, one.reason) for one in names)
