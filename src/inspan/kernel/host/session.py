"""A code session as its host has it: cells in, their messages out, whatever happens to the worker.

Its two tasks live in the task group it is given: one waits for the process's end, one acts on it.
All values belong to one event loop. What the worker sends can end this session and nothing else.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import anyio
from pydantic import BaseModel, ValidationError

from inspan.errors import (
    BadInput,
    CheckpointFailed,
    InputFull,
    InspanError,
    KeeperLost,
    KernelProtocol,
    NotConfined,
    SessionNotFound,
    WorkerNotReady,
)
from inspan.keeper.client import KeeperClient
from inspan.kernel import protocol as p
from inspan.kernel.host import launch
from inspan.kernel.host.board import Board
from inspan.kernel.host.cell import Cell, Item, Tell
from inspan.kernel.host.confinement import Confinement
from inspan.kernel.host.former import Former
from inspan.kernel.host.guard import Guard, Process
from inspan.kernel.host.inflow import Hooks, Inflow, Reply
from inspan.kernel.host.interrupt import Ladder, Step
from inspan.kernel.host.link import packed
from inspan.kernel.host.meter import Meter
from inspan.kernel.host.output import Captures
from inspan.kernel.host.process import WorkerProcess
from inspan.kernel.worker.boot import CHECKPOINTS
from inspan.model.session import CodeState, follow

#: Cells that run or wait for their turn; one more is refused with InputFull.
CELLS_MOST: Final = 256
#: Bytes of one cell's descriptors; more is dropped and said so, and the cell is interrupted.
CAP: Final = 1 << 30
#: Seconds from the first signal to the kill.
DEADLINE: Final = 5.0
#: Seconds after which, at the next sign of life, an idle session's last end counts as stored.
STORED: Final = 60.0
#: Seconds for a worker to start.
START: Final = 20.0

_Message = TypeVar("_Message", bound=BaseModel)
_Reply = TypeVar("_Reply", bound=Reply)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What the owner of a session wants to be told, in the loop, at once; each must be quick."""

    state: Callable[[CodeState], None] | None = None
    rung: Callable[[Cell, Step], None] | None = None
    asked: Callable[[p.Ask | p.Withdraw], None] | None = None
    beat: Callable[[p.Heartbeat], None] | None = None
    #: Nobody iterates cells: each entry is told when it comes, and taken with that.
    tell: Tell | None = None


class KernelSession:
    """Made by ``open`` or ``reattach``; end it with ``close`` or ``abandon``.

    Every verb raises SessionDied once the worker is gone, SessionEnded once it was closed.
    """

    def __init__(self, session: str, folder: Path, watching: Watching, *, cap: int) -> None:
        self.id, self.folder = session, folder
        self.state = CodeState.CREATED
        #: Why it is over.
        self.reason: InspanError | None = None
        #: How far it is confined, since it is ready.
        self.confined: p.Confined | None = None
        self._watching = watching
        self._cap = cap
        self._tag = secrets.token_hex(4)
        self._asked = 0
        #: The newest cell's number; unknown, and never guessed, where an earlier host had cells.
        self._number: int | None = 0
        #: Of the worker's process, and what that says of itself, since it was met.
        self.pid = 0
        self.ready: p.Ready
        self._kept: deque[Cell] = deque()
        self._tidied = 0.0
        self._inflow: Inflow  # since _begin
        self._guard: Guard
        self._meter: Meter | None = None
        self._ladder: Ladder

    # ── its life ──────────────────────────────────────────────────────────────

    @classmethod
    async def open(
        cls,
        group: asyncio.TaskGroup,
        keeper: KeeperClient,
        order: launch.Order,
        *,
        within: float = START,
        cap: int = CAP,
        watching: Watching | None = None,
    ) -> Self:
        """A new session, ready. Its tasks are in ``group``.

        Raises WorkerNotReady, NotConfined, AlreadyRecorded, BadInput, and what
        ``KeeperClient.spawn`` raises.
        """
        if order.confinement is not None:
            order = replace(order, confinement=order.confinement.checked())
        card = launch.prepare(order)
        process, forker = await launch.spawn(keeper, order, card)
        session = cls(order.session, order.folder, watching or Watching(), cap=cap)
        session.pid = process.pid
        await session.join(group, process, card, within=within)
        if forker is not None:
            with suppress(KeeperLost):  # the session's own end tells of it
                forker.want(keeper)
        if order.confinement is not None:
            await session._confine(process.pid, order.confinement)
        return session

    @classmethod
    async def reattach(
        cls,
        group: asyncio.TaskGroup,
        keeper: KeeperClient,
        folder: Path,
        *,
        former: Former | None = None,
        confinement: Confinement | None = None,
        within: float = START,
        cap: int = CAP,
        watching: Watching | None = None,
    ) -> Self:
        """Take a live session up that another host left; its cells come by ``adopted``.

        What the other host's readers had taken is not sent again. The cells of ``former`` are
        asked for once more: the worker runs none twice. Raises SessionNotFound where there is none
        or it has ended, WorkerNotReady, KernelProtocol.
        """
        card = launch.card(folder)
        status = await keeper.status(card.session)
        if not status.alive:
            raise SessionNotFound(f"The code session {card.session} has ended.")
        process = await WorkerProcess.of(keeper, card.session, status.pid)
        session = cls(card.session, folder, watching or Watching(), cap=cap)
        session.pid = process.pid
        await session.join(group, process, card, within=within, former=former or Former())
        if confinement is not None:
            await session._confine(process.pid, confinement.checked())
        return session

    async def join(
        self,
        group: asyncio.TaskGroup,
        process: Process,
        card: launch.Card,
        *,
        within: float = START,
        former: Former | None = None,
    ) -> None:
        """Meet a worker that was started; ``former``: by another host. Raises WorkerNotReady."""
        self._become(CodeState.STARTING)
        try:
            self._wire(process, card, former)
        except OSError as error:
            if former is None:
                await process.kill()
                await process.forget()
            process.close()
            raise WorkerNotReady(f"The session's folder cannot be read: {error}.") from error
        had = former or Former()
        self._number = None if former else 0
        self._inflow.seq = had.last_seq
        for message in had.cells:
            begun = message.execution_id == had.running
            self._inflow.resume(self._cell(message.execution_id), begun=begun)
        try:
            self.ready = await self._guard.start(
                group, within, last_seq=had.last_seq, ours=former is None
            )
        except InspanError as error:
            self._over(error)
            raise
        self.confined = self.ready.confined
        for message in had.cells:
            if message.execution_id in self._inflow.cells:
                self._guard.write(packed(message))
        self._become(CodeState.BUSY if self._inflow.cells else CodeState.READY)

    async def _confine(self, pid: int, confinement: Confinement) -> None:
        if confinement.limits.memory is not None:
            self._meter = Meter(pid, confinement.limits.memory, self._guard.fault)
        try:
            confinement.judge(self.confined)
        except NotConfined:
            with anyio.CancelScope(shield=True):
                await self.close()
            raise

    async def close(self, deadline: float = DEADLINE) -> None:
        """End it: a running cell is interrupted, and what was registered at exit runs.

        After ``deadline`` seconds the worker is killed with all that it started.
        """
        if self.state is not CodeState.TERMINATED:
            self._guard.farewell(p.Shutdown(), deadline)
            if self._inflow.running is not None:
                await self._ladder.climb(self._inflow.running, deadline)
        await self._guard.done()

    async def abandon(self) -> None:
        """Leave it running, for another host or none; this object is over."""
        if self.state is not CodeState.TERMINATED:
            self._acknowledge()
            await self._guard.leave()

    async def over(self) -> InspanError:
        """Wait until it is over, and all that it had is let go; why."""
        await self._guard.done()
        assert self.reason is not None
        return self.reason

    # ── cells ─────────────────────────────────────────────────────────────────

    async def execute(
        self,
        code: str,
        *,
        mode: p.ExecutionMode = p.ExecutionMode.AUTO,
        threaded: bool = False,
        silent: bool = False,
        store: bool = True,
        allow_stdin: bool = True,
        file: str | None = None,
        execution_id: str | None = None,
        entered: Callable[[], None] | None = None,
    ) -> Cell:
        """Ask for a cell; it runs after those asked for before.

        ``entered`` is called when nothing stands against it, before it is sent. Cells whose end was
        seen count as ``stored`` from now on, or after an idle minute. Raises InputFull where too
        many wait, BadInput for an id that is in use and for code that is no text or too long.
        """
        self._alive()
        self._asked += 1
        execution_id = f"{self._tag}-{self._asked}" if execution_id is None else execution_id
        if execution_id in self._inflow.cells:
            raise BadInput(f"execution_id: there is a cell {execution_id!r} already.")
        if len(self._inflow.cells) >= CELLS_MOST:
            raise InputFull(f"{CELLS_MOST} cells of this session wait for their turn.")
        if self._guard.full:
            await self._guard.room()
            self._alive()
        self._tidy()
        message = _made(
            p.Execute,
            execution_id=execution_id,
            code=code,
            mode=mode,
            threaded=threaded,
            silent=silent,
            store=store,
            allow_stdin=allow_stdin,
            file=file,
            ack=self._inflow.safe(),
        )
        return self._begin(message, entered)

    async def adopted(self) -> AsyncGenerator[Cell, None]:
        """Cells of an earlier host as they become known, until the session is over."""
        inflow = self._inflow
        while True:
            while inflow.adopted:
                yield inflow.adopted.popleft()
            if self.state is CodeState.TERMINATED:
                return
            inflow.news.clear()
            await inflow.news.wait()

    async def loose(self) -> AsyncGenerator[Item, None]:
        """What belongs to no open cell, until the session is over: one reader; the oldest goes."""
        with suppress(InspanError):
            while True:
                yield (await self._inflow.loose.get()).item

    async def interrupt(
        self, execution_id: str | None = None, deadline: float = DEADLINE
    ) -> tuple[Step, ...]:
        """Interrupt a cell, the running one if none is named, by the whole ladder.

        Returns when it is over, killed after ``deadline`` seconds if it must be, with what was
        done; nothing was where no such cell is open. A cell that waits for its turn is cancelled.
        """
        self._alive()
        cells = self._inflow.cells
        cell = self._inflow.running or next(iter(cells.values()), None)
        if execution_id is not None:
            cell = cells.get(execution_id)
        return () if cell is None else await self._ladder.climb(cell, deadline)

    # ── what code asks for ────────────────────────────────────────────────────

    def answer(self, request: str, value: str | None) -> None:
        """The line that ``Input`` asked for; ``None`` for the end of the input."""
        self._say(_made(p.InputResponse, request=request, value=value))

    def settle(self, promise: str, *, value: Any = None, error: InspanError | None = None) -> None:
        """How what an ``Ask`` wanted ended: ``value`` is plain JSON; ``error``: it did not."""
        answer = {"ok": error is None, "value": value}
        if error is not None:
            answer |= {"error": error.message, "code": error.code}
        self._say(_made(p.Answer, promise=promise, **answer))

    # ── what is asked of the worker ───────────────────────────────────────────

    async def complete(self, code: str, cursor: int) -> p.Completion:
        """What could follow at ``cursor``. Waits while code holds the interpreter."""
        return await self._ask(p.Completion, p.Complete, code=code, cursor=cursor)

    async def inspect(self, code: str, cursor: int, detail: int = 0) -> p.Inspection:
        """What is known of the name at ``cursor``. Waits while code holds the interpreter."""
        return await self._ask(p.Inspection, p.Inspect, code=code, cursor=cursor, detail=detail)

    async def checkpoint(self, name: str, key: str) -> p.Checkpointed:
        """Save the namespace as the file ``name`` in the folder ``checkpoints``.

        ``key`` is hexadecimal, of 16 bytes or more. Raises CheckpointFailed.
        """
        done = await self._ask(p.Checkpointed, p.Checkpoint, path=name, key=key)
        if done.error:
            raise CheckpointFailed(f"The checkpoint was not made: {done.error}")
        return done

    async def restore(self, name: str, key: str) -> p.Restored:
        """Merge the checkpoint ``name``, which lies in ``checkpoints``, into the namespace.

        Raises CheckpointFailed.
        """
        done = await self._ask(p.Restored, p.Restore, path=name, key=key)
        if done.error:
            raise CheckpointFailed(f"The checkpoint was not restored: {done.error}")
        return done

    @property
    def checkpoints(self) -> Path:
        """The folder of its checkpoints, there once one was made; a file may be put there, too."""
        return self.folder / CHECKPOINTS

    @property
    def heartbeat(self) -> p.Heartbeat | None:
        """The last sign of life."""
        return self._inflow.heartbeat

    @property
    def last_seq(self) -> int:
        """The last number that came, for ``reattach``."""
        return self._inflow.seq

    # ── within ────────────────────────────────────────────────────────────────

    def _wire(self, process: Process, card: launch.Card, former: Former | None) -> None:
        captures = Captures(self.folder, None if former is None else former.taken)
        board = Board(self.folder)
        guard = self._guard = Guard(card, self.folder, process, captures, self._over)
        hooks = Hooks(
            hold=guard.hold,
            ack=lambda seq: guard.send(p.Ack(seq=seq)),
            idle=lambda: self._become(CodeState.READY),
            busy=lambda: self._become(CodeState.BUSY),
            beat=self._beat,
            full=lambda cell: guard.later(lambda: self._ladder.climb(cell, DEADLINE)),
            fault=guard.fault,
            asked=self._watching.asked,
            tell=self._watching.tell,
        )
        self._inflow = guard.inflow = Inflow(
            captures, board, hooks, cap=self._cap, adopts=former is not None
        )
        self._ladder = Ladder(
            board,
            process,
            lambda cell: guard.send(p.Cancel(execution_id=cell.execution_id)),
            self._inflow.look,
            self._watching.rung,
        )

    def _begin(self, message: p.Execute, entered: Callable[[], None] | None) -> Cell:
        frames = packed(message)
        if self._number is not None:
            self._number += 1
        cell = self._cell(message.execution_id)
        self._kept.append(cell)
        if entered is not None:
            entered()
        # Before it is sent: what the descriptors get from then on is the cell's.
        self._inflow.part()
        self._guard.write(frames)
        self._inflow.open(cell)
        return cell

    def _cell(self, execution_id: str) -> Cell:
        return Cell(execution_id, self._number or 0, self._inflow, self._watching.tell)

    def _beat(self) -> None:
        if self._meter is not None:
            self._meter.look()
        if self._watching.beat is not None and self.heartbeat is not None:
            self._watching.beat(self.heartbeat)
        if asyncio.get_running_loop().time() - self._tidied >= STORED:
            self._tidy()

    def _tidy(self) -> None:
        """What was seen counts as stored; the ends of few cells wait for who wants them."""
        self._tidied = asyncio.get_running_loop().time()
        kept, self._kept = self._kept, deque()
        surplus = len(kept) - CELLS_MOST
        for number, old in enumerate(kept):
            if old.ended and (old.seen or number < surplus):
                old.stored()
            else:
                self._kept.append(old)

    def _acknowledge(self) -> None:
        if safe := self._inflow.safe():
            self._guard.send(p.Ack(seq=safe))

    async def _ask(self, kind: type[_Reply], message: type[BaseModel], **fields: Any) -> _Reply:
        self._asked += 1
        request = f"{self._tag}-{self._asked}"
        asked = _made(message, request=request, **fields)
        reply = self._inflow.replies[request] = asyncio.get_running_loop().create_future()
        try:
            self._say(asked)
            done = await reply
        finally:
            del self._inflow.replies[request]
        if not isinstance(done, kind):
            raise KernelProtocol(f"{type(done).__name__} is no answer to {message.__name__}.")
        return done

    def _say(self, message: BaseModel) -> None:
        self._alive()
        self._guard.send(message)

    def _alive(self) -> None:
        if self.reason is not None:
            raise self.reason

    def _over(self, reason: InspanError) -> None:
        if self.reason is None:
            self.reason = reason
            self._become(CodeState.TERMINATED)
            self._inflow.die(reason)

    def _become(self, state: CodeState) -> None:
        if state is not self.state:
            self.state = follow(self.state, state)
            if self._meter is not None:
                self._measure(self._meter)
            if self._watching.state is not None:
                self._watching.state(state)

    def _measure(self, meter: Meter) -> None:
        if self.state is CodeState.TERMINATED:
            meter.close()
        elif self.state is CodeState.BUSY:
            meter.start()
        else:
            meter.rest()


def _made(message: type[_Message], **fields: Any) -> _Message:
    try:
        return message(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{where}: {first['msg']}.") from error
