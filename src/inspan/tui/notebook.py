"""A code session's transcript as blocks: a cell with what came of it, or a remark. Pure.

It is told of events in order and says which blocks are otherwise since it was asked last; it draws
none of them, and never knows where they come from.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from rich.text import Text

from inspan.model import code as c
from inspan.settings.figures import show_duration
from inspan.terminal.sanitize import one_line
from inspan.tui.output import Printed, paragraph, safe, shown, source
from inspan.tui.picture import Picture

#: Blocks that are kept, the newest.
BLOCKS_MOST: Final = 200
#: What no cell printed.
_LOOSE: Final = "loose-"
#: Things that one cell shows, at most; of more the last ones.
_PIECES_MOST: Final = 100
_MARKS: Final = {
    c.CellState.WAITING: ("○", "dim"),
    c.CellState.RUNNING: ("●", "cyan"),
    c.CellState.DONE: ("✓", "green"),
    c.CellState.FAILED: ("✗", "red"),
    c.CellState.INTERRUPTED: ("■", "yellow"),
    c.CellState.LOST: ("!", "red"),
}
#: Images that are kept, and bytes of those that wait to be decoded; of more the newest.
PICTURES_MOST, HELD_MOST = 64, 64 << 20
#: Seconds from which on it is told how long a cell took.
_LONG: Final = 1.0


@dataclass(slots=True)
class _Piece:
    """Text as it was printed, or what was shown at once."""

    stream: str = ""
    printed: Printed | None = None
    lines: list[Text | Picture] = field(default_factory=list)
    display: str | None = None


@dataclass(slots=True)
class Block:
    """A cell, or where ``code`` is ``None`` a remark, or what no known cell printed."""

    key: str
    seq: int
    code: str | None = None
    number: int = 0
    state: c.CellState = c.CellState.WAITING
    pieces: list[_Piece] = field(default_factory=list)
    end: list[Text | Picture] = field(default_factory=list)
    wants: dict[str, c.Wanted] = field(default_factory=dict)
    seconds: float = 0.0
    clears: bool = False

    def parts(self) -> list[Text | Picture]:
        """All of it: texts, and the images that can be drawn between them."""
        parts: list[Text | Picture] = []
        lines: list[Text] = []
        for line in self._lines():
            lines.append(
                Text(f"▣ {line.line}", style="cyan") if isinstance(line, Picture) else line
            )
            if isinstance(line, Picture) and line.points is not None:
                parts += [Text("\n").join(lines), line]
                lines = []
        return [*parts, Text("\n").join(lines)] if lines else parts

    def pictures(self) -> list[Picture]:
        """Its images."""
        return [one for part in self.pieces for one in _pictures(part.lines)] + _pictures(self.end)

    def _lines(self) -> Iterable[Text | Picture]:
        if self.code is not None:
            mark, style = _MARKS[self.state]
            first, *others = source(self.code)
            took = show_duration(self.seconds) if self.seconds >= _LONG else ""
            first.stylize("bold")
            head = Text.assemble((f"{mark} ", style), (f"[{self.number}] ", "dim"), first)
            yield head.append(f"   {took}" if took else "", "dim")
            lead = " " * (len(f"[{self.number}] ") + 2)
            for line in others:
                line.stylize("bold")
                yield Text.assemble(lead, line)
        for piece in self.pieces:
            if piece.printed is None:
                yield from piece.lines
                continue
            if piece.printed.lost:
                yield Text(f"… {piece.printed.lost} lines before these", style="dim")
            yield from piece.printed.lines()
        for wanted in self.wants.values():
            yield Text.assemble(("? ", "yellow"), safe(wanted.prompt or "it waits for a line"))
        yield from self.end

    def take(self, fact: c.CodeFact) -> None:
        """Have this happen in it."""
        match fact:
            case c.CellBegan():
                self.state = c.CellState.RUNNING
            case c.Printed():
                self.prints(fact)
            case c.Shown():
                self.shows(fact)
            case c.Cleared():
                self.clear(wait=fact.wait)
            case c.Wanted():
                self.wants[fact.request] = fact
            case c.CellEnded():
                self.ends(fact.end)

    def prints(self, fact: c.Printed) -> None:
        """It printed something."""
        self._cleared()
        if fact.dropped:
            self._add(_Piece(lines=[Text(f"… {fact.dropped} bytes were not kept", style="dim")]))
        last = self.pieces[-1] if self.pieces else None
        if last is None or last.printed is None or last.stream != fact.stream:
            last = _Piece(fact.stream, Printed("red" if fact.stream == "stderr" else ""))
            self._add(last)
        assert last.printed is not None
        last.printed.feed(fact.text)

    def shows(self, fact: c.Shown) -> None:
        """It showed something, or shows it otherwise."""
        lines = shown(fact.data)
        if fact.update:
            for piece in self.pieces:
                if fact.display_id is not None and piece.display == fact.display_id:
                    _follow(piece.lines, lines)
                    piece.lines = lines
            return
        if self.clears:
            _follow([line for piece in self.pieces for line in piece.lines], lines)
        self._cleared()
        self._add(_Piece(lines=lines, display=fact.display_id))

    def asked(self, wanted: c.Wanted) -> None:
        """It got its line, or needs it no more; what was said is nobody's to see."""
        self._add(_Piece(lines=[safe(wanted.prompt, "dim")]))

    def clear(self, *, wait: bool) -> None:
        """Take off what it showed, at once or when there is more."""
        self.clears = True
        if not wait:
            self._cleared()

    def ends(self, end: c.CellEnd) -> None:
        """It is over."""
        self.state, self.seconds = end.state, end.seconds
        self.wants.clear()
        self.end = list(_ended(end))

    def _cleared(self) -> None:
        if self.clears:
            self.clears = False
            self.pieces.clear()

    def _add(self, piece: _Piece) -> None:
        self.pieces.append(piece)
        del self.pieces[:-_PIECES_MOST]


class Notebook:
    """The blocks of one session. Where its images are not ``drawn``, they are lines."""

    def __init__(self, *, drawn: bool = True) -> None:
        self._drawn, self._undecoded = drawn, False
        self.blocks: OrderedDict[str, Block] = OrderedDict()
        #: The last event that was taken; what comes after it is asked for.
        self.seq = 0
        self._changed: set[str] = set()

    @property
    def wants(self) -> tuple[c.Wanted, ...]:
        """The lines that are waited for now, the oldest first."""
        return tuple(want for block in self.blocks.values() for want in block.wants.values())

    @property
    def busy(self) -> bool:
        """Whether a cell runs or waits, as far as is known."""
        going = (c.CellState.WAITING, c.CellState.RUNNING)
        return any(one.code is not None and one.state in going for one in self.blocks.values())

    @property
    def codes(self) -> list[str]:
        """What was run, the oldest first."""
        return [block.code for block in self.blocks.values() if block.code is not None]

    def entered(self, code: str, since: int) -> bool:
        """Whether a cell with that code came after event ``since``."""
        return any(one.code == code and one.seq > since for one in self.blocks.values())

    def changed(self) -> set[str]:
        """The keys of blocks that are otherwise, or gone, since this was asked last."""
        changed, self._changed = self._changed, set()
        return changed

    def take(self, event: c.CodeEvent) -> None:
        """Have this happen next. What was taken already is passed over."""
        if event.seq <= self.seq:
            return
        self.seq = event.seq
        fact = event.fact
        match fact:
            case c.CellEntered():
                if not fact.options.silent:
                    self._put(Block(fact.cell, event.seq, fact.code, fact.number))
            case c.Given():
                self._given(fact.request)
            case c.CellBegan() | c.Printed() | c.Shown() | c.Cleared() | c.Wanted() | c.CellEnded():
                block = self._block(fact.cell, event.seq)
                if block is not None:
                    block.take(fact)
                    if isinstance(fact, c.Shown | c.CellEnded):
                        self._keep()
            case _:
                self._aside(fact, event.seq)

    def undecoded(self) -> tuple[str, Picture] | None:
        """The newest image that nobody has decoded, and the key of its block."""
        if self._undecoded:
            for key, block in reversed(self.blocks.items()):
                for one in reversed(block.pictures()):
                    if one.held:
                        return key, one
        self._undecoded = False
        return None

    def decoded(self, key: str) -> None:
        """An image of that block is otherwise now."""
        self._changed.add(key)

    def _keep(self) -> None:
        """Of many images the newest, so that a session of a day is as small as one of an hour."""
        self._undecoded = self._drawn
        count = held = 0
        for key, block in reversed(self.blocks.items()):
            for one in reversed(block.pictures()):
                if not one.held and one.points is None:
                    continue
                count, held = count + 1, held + one.held
                if not self._drawn or count > PICTURES_MOST or held > HELD_MOST:
                    one.forget()
                    self._changed.add(key)

    def _given(self, request: str) -> None:
        for block in self.blocks.values():
            wanted = block.wants.pop(request, None)
            if wanted is not None:
                block.asked(wanted)
                self._changed.add(block.key)

    def _block(self, cell: str | None, seq: int) -> Block | None:
        """That of the cell; ``None`` where it is a silent one, or one that is kept no more."""
        if cell is not None:
            block = self.blocks.get(cell)
        else:
            block = next(reversed(self.blocks.values()), None)
            if block is None or not block.key.startswith(_LOOSE):
                block = self._put(Block(f"{_LOOSE}{seq}", seq))
        if block is not None:
            self._changed.add(block.key)
        return block

    def _put(self, block: Block) -> Block:
        self.blocks[block.key] = block
        self._changed.add(block.key)
        while len(self.blocks) > BLOCKS_MOST:
            self._changed.add(self.blocks.popitem(last=False)[0])
        return block

    def _aside(self, fact: c.CodeFact, seq: int) -> None:
        if isinstance(fact, c.RunEnded):
            for block in self.blocks.values():
                block.wants.clear()
        lines = list(_remark(fact))
        if lines:
            told: list[Text | Picture] = [
                Text(one_line(line), style="dim italic") for line in lines
            ]
            self._put(Block(f"remark-{seq}", seq, end=told))


def _pictures(lines: list[Text | Picture]) -> list[Picture]:
    return [line for line in lines if isinstance(line, Picture)]


def _follow(before: list[Text | Picture], lines: list[Text | Picture]) -> None:
    """The images of ``lines`` come where others were."""
    for one, other in zip(_pictures(lines), _pictures(before), strict=False):
        one.instead_of(other)


def counted(names: int) -> str:
    """So many names."""
    return f"{names} name{'' if names == 1 else 's'}"


def _ended(end: c.CellEnd) -> Iterable[Text | Picture]:
    if end.error is not None:
        for part in end.error.traceback:
            yield from paragraph(part, "red")
        if not end.error.traceback:
            yield safe(one_line(f"{end.error.name}: {end.error.message}"), "red")
    elif end.state is c.CellState.LOST:
        yield Text("its process ended while it ran, or waited", style="red")
    elif end.data:
        yield from shown(end.data)
    elif end.repr is not None:
        yield from paragraph(end.repr)


def _remark(fact: c.CodeFact) -> Iterable[str]:
    match fact:
        case c.Opened():
            yield f"process {fact.run}, Python {fact.python}"
            if fact.note:
                yield fact.note
        case c.RunEnded():
            yield fact.reason.message
        case c.CheckpointMade(saved):
            yield f"saved as {saved.name}: {counted(len(saved.names))}"
            yield from (f"not saved: {one.name} ({one.reason})" for one in saved.lost)
        case c.CheckpointRestored(restored):
            yield f"restored from {restored.name}: {counted(len(restored.names))}"
            yield from (f"not restored: {one.name} ({one.reason})" for one in restored.lost)
        case c.Asked():
            yield f"it asked its host for {fact.capability}"
