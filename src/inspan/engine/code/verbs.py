"""``control.Code`` in process: each verb finds the session that is meant, and asks it.

It joins the lives of sessions to what happens in them; it decides nothing itself.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final, TypeAlias

from inspan.control import PrunePolicy
from inspan.engine.code.capabilities import TaskVerbs, known
from inspan.engine.code.idle import close_idle
from inspan.engine.code.lives import Lives, Spawn
from inspan.engine.code.place import Place
from inspan.engine.code.ports import CodePorts
from inspan.engine.code.pruning import prune
from inspan.errors import BadInput, Conflict, NotFound
from inspan.model.code import (
    Cell,
    CellEnded,
    CellEntered,
    CellOptions,
    CheckpointMade,
    CheckpointRestored,
    CodeEvent,
    CodeFact,
    CodeSession,
    CodeSpec,
    Completion,
    Restored,
    Saved,
    asked_by,
)
from inspan.model.ids import ulid

#: Seconds for what still runs when an engine of one program ends.
_LAST: Final = 2.0
_PAGE: Final = 500
#: Where a following begins: in a place, behind a number, and of which cell alone.
_Begin: TypeAlias = tuple[Place, int, str | None]
#: What the file of a checkpoint may be called.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class CodeVerbs:
    """The code sessions of an engine; ``load`` comes first, and one of the two ends last."""

    def __init__(self, ports: CodePorts, spawn: Spawn, tasks: TaskVerbs) -> None:
        self._ports = ports
        self._lives = Lives(ports, known(ports, tasks), spawn)

    async def load(self) -> None:
        """Take up what an earlier engine left."""
        await self._lives.load()

    async def abandon(self) -> None:
        """Leave the processes to a later engine."""
        await self._lives.abandon()

    def holds(self, run: str) -> bool:
        """Whether a session is open that this run serves, or may."""
        return self._lives.holds(run)

    async def close_all(self) -> None:
        """End every session: nobody comes later."""
        await self._lives.close_all(_LAST)

    async def close_idle(self, longest: float) -> int:
        """Save and close those in which nothing has happened for ``longest`` seconds."""
        return await close_idle(
            self._lives, self.checkpoint, self._ports.clock.monotonic(), longest
        )

    async def prune(self, policy: PrunePolicy) -> tuple[int, int]:
        """Forget sessions that are over, as ``policy`` says: how many, and their bytes."""
        return await prune(self._ports, self._lives, policy)

    # ── sessions ──────────────────────────────────────────────────────────────

    async def open(self, spec: CodeSpec, *, key: str | None = None) -> CodeSession:
        return (await self._lives.open(spec, key)).now()

    async def get(self, session: str) -> CodeSession:
        return (await self._lives.find(session)).now()

    async def list(self, *, ended: bool = False) -> tuple[CodeSession, ...]:
        return await self._lives.all(ended=ended)

    async def checkpoint(self, session: str, name: str = "") -> Saved:
        place = await self._lives.find(session)
        if name and not _NAME.fullmatch(name):
            raise BadInput("a checkpoint's name is letters, digits, '.', '_' and '-'")
        clock = self._ports.clock
        run = await place.alive()
        saved = await run.checkpoint(name or ulid(clock.now(), clock.entropy(10)))
        place.tell(CheckpointMade(saved))
        return saved

    async def checkpoints(self, session: str) -> tuple[Saved, ...]:
        place = await self._lives.find(session)
        return await self._ports.provider.checkpoints(place.session.id)

    async def restore(self, session: str, name: str = "") -> Restored:
        place = await self._lives.find(session)
        saved = await self._ports.provider.checkpoints(place.session.id)
        known = [one.name for one in saved]
        if not known or (name and name not in known):
            raise NotFound(f"The session {place.session.id} has no checkpoint {name}".rstrip())
        place = await self._lives.revive(place.session.id)
        restored = await (await place.alive()).restore(name or known[-1])
        place.tell(CheckpointRestored(restored))
        return restored

    async def close(self, session: str, *, deadline: float = 5.0) -> CodeSession:
        return await self._lives.close(session, deadline)

    # ── cells ─────────────────────────────────────────────────────────────────

    async def execute(self, session: str, code: str, options: CellOptions = CellOptions()) -> Cell:
        place = await self._lives.find(session)
        return await place.execute(code, options)

    def run(
        self, session: str, code: str, options: CellOptions = CellOptions()
    ) -> AsyncGenerator[CodeEvent, None]:
        async def begin() -> _Begin:
            place = await self._lives.find(session)
            cell = await place.execute(code, options)
            return place, await self._begin(place, cell.id), cell.id

        return _told(begin)

    def follow(
        self, session: str, since: int | None = None, *, cell: str | None = None
    ) -> AsyncGenerator[CodeEvent, None]:
        async def begin() -> _Begin:
            place = await self._lives.find(session)
            if cell is None:
                return place, place.feed.head if since is None else since, None
            return place, max(since or 0, await self._begin(place, cell)), cell

        return _told(begin)

    async def transcript(
        self, session: str, since: int = 0, limit: int = 500
    ) -> tuple[CodeEvent, ...]:
        place = await self._lives.find(session)
        return await self._ports.transcripts.read(place.session.id, since, limit)

    async def answer(self, session: str, request: str, text: str | None) -> None:
        place = await self._lives.find(session)
        if place.run is None:  # an engine that has just come has not found it yet
            await place.settled.wait()
        if place.wants(request) and request.startswith(f"{asked_by(place.session.id)}/"):
            await self._lives.asks.answer(request, text)
        elif not place.wants(request) or not await place.answer(request, text):
            raise Conflict("Nothing waits for this line any more.")

    async def interrupt(
        self, session: str, cell: str | None = None, *, deadline: float = 5.0
    ) -> Cell | None:
        return await (await self._lives.find(session)).interrupt(cell, deadline)

    async def complete(self, session: str, code: str, cursor: int) -> Completion:
        return await (await (await self._lives.find(session)).alive()).complete(code, cursor)

    async def inspect(self, session: str, code: str, cursor: int) -> dict[str, str]:
        return await (await (await self._lives.find(session)).alive()).inspect(code, cursor)

    # ── within ────────────────────────────────────────────────────────────────

    async def _begin(self, place: Place, cell: str) -> int:
        """The number before a cell's first event. Raises NotFound."""
        known = place.since(cell)
        if known is not None:
            return known
        since = 0
        while page := await self._ports.transcripts.read(place.session.id, since, _PAGE):
            for event in page:
                if isinstance(event.fact, CellEntered) and event.fact.cell == cell:
                    return event.seq - 1
            since = page[-1].seq
        raise NotFound(f"The session {place.session.id} has no cell {cell!r}.")


async def _told(begin: Callable[[], Awaitable[_Begin]]) -> AsyncGenerator[CodeEvent, None]:
    """What happens from there on; of one cell, if one is named, until its end."""
    place, seen, cell = await begin()

    def enough() -> bool:
        return cell is not None and cell not in place.cells

    while batch := await place.feed.after(seen, enough):
        for event in batch:
            if cell is None:
                yield event
            elif cell_of(event.fact) == cell:
                yield event
                if type(event.fact) is CellEnded:
                    return
        seen = batch[-1].seq


def cell_of(fact: CodeFact) -> str | None:
    """The cell that a fact is of."""
    return getattr(fact, "cell", None)
