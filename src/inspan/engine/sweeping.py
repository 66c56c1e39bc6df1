"""The folder of workspaces: what lies there and who needs it, bringing back, and sweeping."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Final

from inspan.engine.ledger import Ledger
from inspan.engine.ports import Ports
from inspan.engine.references import References
from inspan.errors import DiskFull, NotFound, TaskNotFound, WorkspaceFailed
from inspan.model import event as e
from inspan.model.place import Place, Standing, SweepPolicy, Swept
from inspan.model.task import Task, Verdict, WorkspaceKind

log = logging.getLogger(__name__)

#: Of an id that no task has any more, so many characters must be told.
_ENOUGH: Final = 4


class Sweeping:
    """What can be asked about workspaces as such, whether their tasks are known or not."""

    def __init__(self, ports: Ports, ledger: Ledger, refs: References) -> None:
        self._ports = ports
        self._ledger = ledger
        self._refs = refs

    async def places(self) -> tuple[Place, ...]:
        """All that lies there, and what was saved of what is gone."""
        # First what lies there: a task is known before its place is made.
        found = await self._ports.workspaces.found()
        return tuple([await self._judged(place) for place in found])

    async def restore(self, ref: str) -> Place:
        """Bring back what ``ref`` names, which may be a task that is pruned."""
        try:
            task: Task | None = await self._refs.task(ref)
        except TaskNotFound:
            task = None
        id_ = task.id if task is not None else await self._forgotten(ref)
        known = task.workspace if task is not None else None
        made = await self._ports.workspaces.restore(id_, known)
        place = next(place for place in await self.places() if place.task == id_)
        return replace(place, path=made.path)

    async def sweep(self, policy: SweepPolicy) -> tuple[Swept, ...]:
        """Remove what nobody needs. What cannot be saved stays, and the reason is told."""
        goes = [place for place in await self.places() if self._goes(place, policy)]
        return tuple([await self._swept(place, dry=policy.dry_run) for place in goes])

    def _goes(self, place: Place, policy: SweepPolicy) -> bool:
        match place.standing:
            case Standing.STRAY:
                return place.kind is WorkspaceKind.WORKTREE or policy.folders
            case Standing.UNDECIDED:
                return place.kind is WorkspaceKind.WORKTREE and policy.undecided
            case Standing.REMOVED if policy.saved_older_than is not None:
                age = self._ports.clock.now() - (place.saved_at or 0.0)
                return age > policy.saved_older_than
            case _:
                return False

    async def _swept(self, place: Place, *, dry: bool) -> Swept:
        if dry:
            return Swept(place=place)
        places = self._ports.workspaces
        try:
            if place.standing is Standing.REMOVED:
                await places.drop(place)
                return Swept(place=place)
            task = await self._known(place.task)
            lost = await places.ignored(task.workspace) if task and task.workspace else 0
            saved = await places.sweep(place)
        except (WorkspaceFailed, DiskFull) as error:
            log.warning("%s stays: %s", place.path, error)
            return Swept(place=place, stays=error.message)
        if task is not None:
            await self._ledger.record(task.id, e.WorkspaceSaved(saved, lost))
        return Swept(place=place, saved=saved)

    async def _judged(self, place: Place) -> Place:
        if place.standing is not Standing.STRAY:
            return place
        task = await self._known(place.task)
        if task is None or (task.done and task.verdict in (Verdict.ACCEPT, Verdict.REJECT)):
            return place
        return replace(place, standing=Standing.UNDECIDED if task.done else Standing.IN_USE)

    async def _known(self, task: str) -> Task | None:
        return self._ledger.open.get(task) or await self._ports.store.get(task)

    async def _forgotten(self, ref: str) -> str:
        found = await self._ports.workspaces.found()
        names = {place.task for place in found if len(ref) >= _ENOUGH}
        meant = [name for name in names if name.endswith(ref) or name.startswith(ref)]
        if len(meant) != 1:
            raise NotFound(
                f"nothing is kept of a workspace {ref[:40]!a}",
                hint="`inspan workspace ls` lists what can be brought back.",
            )
        return meant[0]
