"""The smaller ports of the engine, in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from inspan.control import Health, Process
from inspan.errors import KeeperLost, SessionNotFound, WorkspaceFailed
from inspan.model.merging import MergeRequest, MergeResult
from inspan.model.place import Place, Standing
from inspan.model.session import Chunk, Ended, Frame, Hit, Hits, Mark, Output, Times, Wanted
from inspan.model.task import Exit, Task, Workspace, WorkspaceKind


class FakeKeep:
    """``ports.Keep``."""

    def __init__(self) -> None:
        self.name = "keeper-1"
        self.sessions: set[str] = set()
        self.dropped: list[str] = []
        self.gone = False
        #: It has to be waited for.
        self.away = False

    async def id(self) -> str:
        if self.gone:
            raise KeeperLost
        return self.name

    def at_hand(self) -> str | None:
        return None if self.gone or self.away else self.name

    async def held(self) -> tuple[str, ...]:
        return tuple(sorted(self.sessions))

    async def drop(self, session: str) -> None:
        self.sessions.discard(session)
        self.dropped.append(session)


class FakeRecordings:
    """``ports.Recordings``."""

    def __init__(self) -> None:
        self.output: dict[str, bytes] = {}
        #: Which parts were searched.
        self.searched: list[tuple[str, int]] = []

    async def read(self, session: str, offset: int, limit: int) -> tuple[Chunk, ...]:
        if session not in self.output:
            raise SessionNotFound
        data = self.output[session][offset : offset + limit]
        return (Output(offset, data), Ended(len(self.output[session]), Exit(0)))

    async def times(self, session: str, offset: int, until: int | None, most: int) -> Times:
        size = len(self.output[session])
        marks = (Mark(1.0, offset), Mark(2.0, size))
        return Times(size=size, ended=True, began=1.0, until=2.0, marks=marks)

    async def frame(self, session: str, offset: int) -> Frame:
        del offset
        if session not in self.output:
            raise SessionNotFound
        return Frame(offset=0, cols=80, rows=24, drawn="")

    async def search(self, session: str, offset: int, wanted: Wanted) -> Hits:
        if session not in self.output:
            raise SessionNotFound
        self.searched.append((session, offset))
        lines = self.output[session][offset:].decode().splitlines(keepends=True)
        for line in lines:
            offset += len(line.encode())
            if wanted.text in line:
                return Hits((Hit(session, offset, 1.0, line.strip()),), str(offset))
        return Hits(())

    async def follow(self, session: str, offset: int) -> AsyncIterator[Chunk]:
        for chunk in await self.read(session, offset, 1 << 30):
            yield chunk

    async def remove(self, session: str) -> int:
        return len(self.output.pop(session, b""))

    async def usage(self) -> tuple[tuple[str, int], ...]:
        return tuple((session, len(data)) for session, data in self.output.items())


class FakeWorkspaces:
    """``ports.Workspaces``."""

    def __init__(self) -> None:
        self.log: list[str] = []
        #: What ``found`` finds, by task.
        self.there: dict[str, Place] = {}
        #: What ``prepare`` and ``sweep`` raise.
        self.fails: Exception | None = None
        #: Commands that set up what ``prepare`` makes, beside the task's own, and their limit.
        self.setup: tuple[str, ...] = ()
        self.setup_timeout: float | None = 300.0
        #: Another one: what was made is gone, and is made anew.
        self.made = "once"

    async def prepare(self, task: Task) -> Workspace:
        if self.fails is not None:
            raise self.fails
        self.log.append(f"prepare {task.attempt}")
        kind = task.spec.workspace
        branch = f"inspan/{task.id[-6:]}" if kind is WorkspaceKind.WORKTREE else None
        made = Workspace(kind, f"/workspaces/{task.id}", branch, "c0ffee")
        commands = (*self.setup, *task.spec.setup)
        if not commands:
            return made
        limit = self.setup_timeout
        return replace(made, setup=commands, setup_timeout=limit, made=self.made)

    async def diff(self, workspace: Workspace) -> str:
        return f"diff of {workspace.branch}"

    async def accept(self, workspace: Workspace, message: str) -> str:
        self.log.append(f"accept {message.splitlines()[0]}")
        return "decade"

    async def merge(self, task: Task, branch: str, asked: MergeRequest) -> MergeResult:
        if self.fails is not None:
            raise self.fails
        self.log.append(f"merge {branch}")
        into = asked.into or "main"
        made = asked.made or "decade"
        moved = not asked.dry_run
        return MergeResult(branch=branch, into=into, before="c0ffee", commit=made, moved=moved)

    async def snapshot(self, workspace: Workspace) -> str:
        self.log.append("snapshot")
        return "5a4e"

    async def ignored(self, workspace: Workspace) -> int:
        return 0

    async def remove(self, workspace: Workspace) -> str | None:
        self.log.append("remove")
        return "refs/inspan/saved/x"

    async def found(self) -> tuple[Place, ...]:
        return tuple(self.there.values())

    async def sweep(self, place: Place) -> str | None:
        if self.fails is not None:
            raise self.fails
        del self.there[place.task]
        self.log.append("sweep")
        return "refs/inspan/saved/x"

    async def restore(self, task: str, workspace: Workspace | None) -> Workspace:
        if task not in self.there:
            raise WorkspaceFailed("nothing was saved of it")
        place = self.there[task] = replace(self.there[task], standing=Standing.RESTORED)
        return Workspace(place.kind, place.path, place.branch)

    async def drop(self, place: Place) -> None:
        del self.there[place.task]


class FakeVitals:
    """``ports.Vitals``."""

    async def look(self, sessions: int, counts: dict[str, int]) -> Health:
        daemon = Process(1, "0", 0.0, 0)
        return Health(daemon, None, "/state", "/socket", "3", "3", sessions, counts)
