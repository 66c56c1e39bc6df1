"""What comes from a worker, sorted to the cells it belongs to, in order and bounded.

It owns the open cells, the numbering of frames and what may be acknowledged. A cell's end is passed
on after all that its descriptors got. It starts and ends no process: what cannot be is raised as
KernelProtocol and is for the link to act on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeAlias, cast

from inspan.errors import InspanError, KernelProtocol
from inspan.kernel import protocol as p
from inspan.kernel.host.board import Board
from inspan.kernel.host.cell import (
    Cell,
    End,
    Entry,
    Inbox,
    Output,
    Stream,
    Tell,
    Told,
    captured,
    entry,
)
from inspan.kernel.host.output import FILES, PIECE, Captures, Follower

#: Frames, and bytes of them, after which a running cell acknowledges what was read.
_ACK_FRAMES: Final = 64
_ACK_BYTES: Final = 1 << 20
#: Seconds that bytes of a capture file wait at most for what Python printed before them: a worker
#: in which C code holds the interpreter's lock does not send that.
HELD: Final = 0.5
#: Cells of an earlier host that nobody has taken yet.
ADOPTED_MOST: Final = 256

Reply: TypeAlias = p.Checkpointed | p.Restored | p.Completion | p.Inspection
_REPLIES: Final = frozenset({"checkpointed", "restored", "completion", "inspection"})
_ENDS: Final = frozenset({"result", "error"})
_ASKS: Final = frozenset({"ask", "withdraw"})
_BOUNDS: Final = _ENDS | {"started"}
_Within: TypeAlias = p.Output | p.Display | p.Clear | p.Input | p.Ask | p.Withdraw
_OfCell: TypeAlias = p.Started | _Within | p.Result | p.Error


class Hooks:
    """What the session is told; each is set once, before anything comes."""

    def __init__(
        self,
        *,
        hold: Callable[[bool], None],
        ack: Callable[[int], None],
        idle: Callable[[], None],
        busy: Callable[[], None],
        beat: Callable[[], None],
        full: Callable[[Cell], None],
        fault: Callable[[InspanError], None],
        asked: Callable[[p.Ask | p.Withdraw], None] | None,
        tell: Tell | None = None,
    ) -> None:
        #: Take nothing more from the link, or go on.
        self.hold = hold
        #: Everything up to this number is with its readers.
        self.ack = ack
        #: The last open cell has ended; the first is there.
        self.idle = idle
        self.busy = busy
        #: A sign of life came.
        self.beat = beat
        #: A cell's descriptors got more than the cap.
        self.full = full
        #: What came cannot be.
        self.fault = fault
        #: Code wants something of its host, or waits for it no longer.
        self.asked = asked
        #: Every entry, instead of readers.
        self.tell = tell


class _Sight(NamedTuple):
    """The capture files as they were at a look, and what has to come before their bytes."""

    ends: tuple[int, int]
    #: The round of what was printed last by then.
    printed: int
    #: The number of a message that comes behind it, or has it, once there is one.
    said: int | None
    #: When they are not waited for any longer.
    until: float


class Inflow:
    """Frames and captured bytes in, entries of cells out."""

    def __init__(
        self, captures: Captures, board: Board, hooks: Hooks, *, cap: int, adopts: bool
    ) -> None:
        """``adopts``: cells that nobody here asked for are those of an earlier host."""
        #: The numbers of all cells are known here: the board tells that one has begun, and the
        #: message of it may come later.
        self.foretells = not adopts
        self._board = board
        #: Of which it was told that it has begun before its message came.
        self._foretold: Cell | None = None
        self.cells: dict[str, Cell] = {}
        #: Cells of an earlier host, in order, for ``adopted`` of the session.
        self.adopted: deque[Cell] = deque()
        self.news = asyncio.Event()
        #: What belongs to no open cell: of tasks that outlive theirs, and of their processes.
        tell = hooks.tell
        self.loose = Inbox(self, drops=True) if tell is None else Told(self, None, tell)
        self.heartbeat: p.Heartbeat | None = None
        self.last_words = ""
        #: The last number that came.
        self.seq = 0
        self.running: Cell | None = None
        self.replies: dict[str, asyncio.Future[Reply]] = {}
        self._captures = captures
        self._hooks = hooks
        self._cap = cap
        self._adopts = adopts
        self._joins = adopts
        self._waiting: deque[tuple[p.FromWorker, bytes]] = deque()
        self._follower = Follower(self.look)
        #: Of bytes that wait for what was printed before them.
        self._sight: _Sight | None = None
        self._unsettled: dict[int, None] = {}
        self._acked = 0
        self._due = 0
        self._pumping = False

    # ── from the link ─────────────────────────────────────────────────────────

    def message(self, message: p.FromWorker, body: bytes) -> None:
        """The next one. Raises KernelProtocol."""
        self._waiting.append((message, body))
        if not self._pumping:
            self._pump()

    def joined(self, ready: p.Ready) -> None:
        """A worker that ran before us answered ``hello``: its cell is ours now."""
        if self._adopts and ready.execution_id:
            cell = self.cells.get(ready.execution_id) or self._adopt(ready.execution_id)
            if cell is self.running:
                cell.number = ready.number
            # One that others are before has begun since, and that comes behind their ends.
            if not cell.begun and cell is next(iter(self.cells.values())):
                self._begin(cell, ready.number)

    def rejoined(self) -> None:
        """A new link to the same worker goes on behind ``seq``."""
        self._waiting.clear()

    # ── from the readers ──────────────────────────────────────────────────────

    def settled(self, entry: Entry) -> None:
        if entry.file >= 0:
            self._captures.settled(entry.file, entry.offset)
        if entry.seq in self._unsettled:
            del self._unsettled[entry.seq]
            self._acknowledge()

    def room(self) -> None:
        try:
            self._pump()
        except KernelProtocol as error:
            self._hooks.fault(error)

    def _acknowledge(self) -> None:
        if self.seq - self._acked >= _ACK_FRAMES or self._due >= _ACK_BYTES:
            safe = self.safe()
            if safe:
                self._hooks.ack(safe)

    def safe(self) -> int:
        """What the worker may forget up to, to be told to it now; 0 where that is nothing new."""
        safe = next(iter(self._unsettled), self.seq + 1) - 1
        if safe <= self._acked:
            return 0
        self._acked, self._due = safe, 0
        return safe

    # ── the cells ─────────────────────────────────────────────────────────────

    def part(self) -> None:
        """A cell is about to be asked for: what the descriptors got before is none of its own."""
        if not self.cells:
            self._flush_loose()

    def open(self, cell: Cell) -> None:
        """It was asked for."""
        self._enter(cell)

    def resume(self, cell: Cell, *, begun: bool) -> None:
        """A cell that an earlier host asked for; what its descriptors got meanwhile is its own."""
        self._enter(cell)
        if begun:
            self._foretold = cell
            self._begin(cell, 0)

    def rest(self) -> None:
        """The worker is gone: what its cell's descriptors got last, as far as there is room."""
        self._peek()
        if self.running is not None:
            with suppress(KernelProtocol):
                self._read_until(self._sizes())

    def die(self, death: InspanError) -> None:
        """Nothing more comes, and ``death`` ends what is open."""
        self._follower.stop()
        self._waiting.clear()
        for cell in self.cells.values():
            cell.die(death)
        self.cells.clear()
        self.running = None
        self.loose.close(death)
        self.news.set()
        for reply in self.replies.values():
            if not reply.done():
                reply.set_exception(death)

    def _pump(self) -> None:
        self._pumping = True
        try:
            while self._waiting:
                message, body = self._waiting[0]
                if not self._handle(message, body):
                    self._hooks.hold(True)
                    return
                self._waiting.popleft()
            self._hooks.hold(False)
        finally:
            self._pumping = False

    def _handle(self, message: p.FromWorker, body: bytes) -> bool:
        """False where its cell has no room: it waits then, and all behind it."""
        # By their types: isinstance is slow to say no of a pydantic class.
        if message.type == "broken":
            self.last_words = message.reason
            return True
        assert message.type != "ready"  # the link's
        if not self._follows(message.seq):
            return True
        if message.type in _REPLIES:
            self._answered(cast("Reply", message))
        elif message.type == "heartbeat":
            self.heartbeat = message
            self._hooks.beat()
        elif not self._to_cell(cast("_OfCell", message), body):
            return False
        self.seq = message.seq
        self._joins = False
        self._due += len(body)
        self._acknowledge()
        return True

    def _follows(self, seq: int) -> bool:
        """Whether it is new. Raises KernelProtocol where something between is missing."""
        if seq > self.seq + 1 and not self._joins:
            raise KernelProtocol(f"The session's process went from message {self.seq} to {seq}.")
        return seq > self.seq

    def _answered(self, message: Reply) -> None:
        reply = self.replies.get(message.request)
        if reply is not None and not reply.done():
            reply.set_result(message)

    def _to_cell(self, message: _OfCell, body: bytes) -> bool:
        cell = self.cells.get(message.execution_id or "")
        if cell is None and message.type in _BOUNDS:
            cell = self._adopt(message.execution_id or "")
        if cell is not None and cell.inbox.blocked:
            return False
        if message.type in _ENDS:
            assert cell is not None
            end = cast("End", message)
            if end.began is not None and not cell.begun:
                self._foretell(cell, end.began.number, end.began.mode, more=True)
            return self._finish(cell, end)
        if message.type == "started":
            assert cell is not None
            if cell is self._foretold:
                return True
            self._begin(cell, message.number)
        elif not self._read_before(cast("_Within", message)):
            return False
        item = (
            Output(message.stream, body, message.dropped) if message.type == "output" else message
        )
        size = len(body) if message.type == "output" else _weight(message)
        if cell is None:
            self.loose.put(entry(item, size, message.seq))
        else:
            self._unsettled[message.seq] = None
            cell.inbox.put(entry(item, size, message.seq))
        if self._hooks.asked is not None and message.type in _ASKS:
            self._hooks.asked(cast("p.Ask | p.Withdraw", message))
        return True

    def _adopt(self, execution_id: str) -> Cell:
        if not self._adopts or len(self.adopted) >= ADOPTED_MOST:
            raise KernelProtocol(
                f"The session speaks of cell {execution_id!r}, which is not known."
            )
        cell = Cell(execution_id, 0, self, self._hooks.tell)
        self._enter(cell)
        if self._hooks.tell is None:
            self.adopted.append(cell)
            self.news.set()
        return cell

    def _enter(self, cell: Cell) -> None:
        if not self.cells:
            self._hooks.busy()
            self._follower.start()
        self.cells[cell.execution_id] = cell

    def _begin(self, cell: Cell, number: int) -> None:
        cell.number = number or cell.number
        cell.begun = True
        # One that is refused begins and ends while another runs.
        if self.running is None:
            self.running = cell

    def _finish(self, cell: Cell, end: End) -> bool:
        if cell is self.running and not self._read_until((end.fd.out, end.fd.err)):
            return False
        self._unsettled[end.seq] = None
        del self.cells[cell.execution_id]
        if cell is self.running:
            self.running = self._sight = None
        cell.finish(entry(end, _weight(end), end.seq), end)
        if not self.cells:
            self._follower.stop()
            self._hooks.idle()
        return True

    # ── the capture files ─────────────────────────────────────────────────────

    def _sizes(self) -> tuple[int, int]:
        return self._captures.size(0), self._captures.size(1)

    def _sighted(self, cell: Cell) -> _Sight | None:
        """The files as they are, where what is new in them is this cell's for certain.

        Its end may be on its way while the next one writes already: what the files had *before* a
        look at the board is of no cell that began later, and follows nothing that is printed later.
        """
        ends = self._sizes()
        if not cell.number or list(ends) == self._captures.at:
            return None
        stand = self._board.stand()
        if stand is None or stand.number != cell.number:
            return None
        said = stand.said if stand.sent >= stand.printed else None
        return _Sight(ends, stand.printed, said, asyncio.get_running_loop().time() + HELD)

    def _ripe(self, cell: Cell) -> tuple[int, int]:
        """How far the files may be passed on: what was printed before that has come."""
        sight = self._sight
        if sight is None:
            sight = self._sighted(cell)
        elif sight.said is None:
            stand = self._board.stand()
            if stand is not None and stand.sent >= sight.printed:
                sight = sight._replace(said=stand.said)
        self._sight = sight
        if sight is not None:
            come = sight.said is not None and sight.said <= self.seq
            if come or asyncio.get_running_loop().time() >= sight.until:
                self._sight = None
                return sight.ends
        return self._captures.at[0], self._captures.at[1]

    def _read_before(self, message: _Within) -> bool:
        """Give the running cell what its descriptors got before this; False: it has no room."""
        if self.running is None:
            return True
        if message.type != "output":
            return self._read_until((message.fd.out, message.fd.err))
        out, err = self._captures.at
        if message.stream == "stdout":
            return self._read_until((message.after, err))
        return self._read_until((out, message.after))

    def look(self) -> int:
        """One look at what needs no message, while cells are open; the bytes that were found."""
        if self.running is None:
            self._peek()
        cell, found = self.running, 0
        if cell is not None and not cell.inbox.blocked:
            ripe = self._ripe(cell)
            # Where there is more than is ripe, the next look is soon.
            found = int(self._sight is not None)
            try:
                for which, size in enumerate(ripe):
                    found = max(found, self._piece(cell, which, size))
            except KernelProtocol as error:
                self._hooks.fault(error)
        return found

    def _peek(self) -> None:
        """Whether the next cell has begun: the worker may say so no sooner than it says more."""
        cell = next(iter(self.cells.values()), None)
        if not self.foretells or self.running is not None or cell is None or cell.begun:
            return
        begun = self._board.begun()
        if begun is not None and begun.number == cell.number:
            self._foretell(cell, cell.number, begun.mode)

    def _foretell(
        self, cell: Cell, number: int, mode: p.ExecutionMode, *, more: bool = False
    ) -> None:
        """It has begun, and no message of its own has said so yet."""
        started = p.Started(
            seq=self.seq + 1, execution_id=cell.execution_id, number=number, mode=mode
        )
        self._foretold = cell
        cell.inbox.put(entry(started, 0, 0, more=more))
        self._begin(cell, number)

    def _read_until(self, ends: tuple[int, int]) -> bool:
        """Give the running cell its descriptors' bytes up to there; False: it has no room."""
        cell = self.running
        assert cell is not None
        for which, until in enumerate(ends):
            while self._captures.at[which] < until:
                if cell.inbox.blocked:
                    return False
                if not self._piece(cell, which, until):
                    break
        return True

    def _piece(self, cell: Cell, which: int, until: int) -> int:
        stream: Stream = FILES[which][1]
        if gone := self._captures.passed(which):
            cell.inbox.put(_gone(stream, gone, self._captures.at[which]))
        data = self._captures.read(which, until)
        if data:
            before, cell.wrote = cell.wrote, cell.wrote + len(data)
            at = self._captures.at[which]
            item = captured(stream, data, at)
            if cell.wrote > self._cap:
                item = _gone(stream, len(data), at)
            cell.inbox.put(item)
            if before <= self._cap < cell.wrote:
                self._hooks.full(cell)
        return len(data)

    def _flush_loose(self) -> None:
        """What the descriptors got since the last cell ended is of no cell; the newest is kept."""
        for which, size in enumerate(self._sizes()):
            if size == self._captures.at[which]:
                continue
            if gone := self._captures.passed(which):
                self.loose.put(_gone(FILES[which][1], gone, self._captures.at[which]))
            while data := self._captures.read(which, size):
                self.loose.put(captured(FILES[which][1], data, self._captures.at[which]))
                if len(data) < PIECE:
                    break


def _gone(stream: Stream, size: int, offset: int) -> Entry:
    """Bytes of a descriptor that nobody gets."""
    return captured(stream, b"", offset)._replace(item=Output(stream, b"", size), size=0)


def _weight(message: p.FromWorker) -> int:
    """Its bytes in memory, nearly: only texts and rich values make it large."""
    if message.type == "result":
        return len(message.repr or "") + _characters(message.data)
    if message.type == "display":
        return _characters(message.data)
    if message.type == "error":
        return sum(map(len, message.traceback))
    return len(str(message.payload)) if message.type == "ask" else 0


def _characters(data: dict[str, Any]) -> int:
    return sum([len(str(part)) for part in data.values()]) if data else 0
