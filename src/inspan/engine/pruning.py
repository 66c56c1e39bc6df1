"""Pruning: ended tasks that are old, and recordings above the allowance, oldest first."""

from __future__ import annotations

import logging

from inspan.control import Pruned, PrunePolicy
from inspan.engine.ledger import Ledger
from inspan.engine.ports import Ports
from inspan.errors import DiskFull, WorkspaceFailed
from inspan.model.ids import task_of
from inspan.model.task import Workspace

log = logging.getLogger(__name__)


async def prune(ports: Ports, ledger: Ledger, policy: PrunePolicy) -> Pruned:
    """Remove what ``policy`` lets go; nothing of a task that has not ended."""
    gone = await ports.store.prune(policy, ports.clock.now())
    places = [task.workspace for task in gone if task.workspace is not None]
    ignored = sum([await _remove(ports, place, dry=policy.dry_run) for place in places])
    ids = {task.id for task in gone}
    if not policy.dry_run:
        await ports.forget(ids)
    usage = await ports.recordings.usage()
    left = sum(size for session, size in usage if task_of(session) not in ids)
    freed = 0
    for session, size in usage:
        over = policy.bytes is not None and left > policy.bytes
        orphaned = task_of(session) in ids
        if not orphaned and (not over or task_of(session) in ledger.open):
            continue
        left -= 0 if orphaned else size
        freed += size if policy.dry_run else await ports.recordings.remove(session)
    return Pruned(len(gone), freed, ignored)


async def _remove(ports: Ports, place: Workspace, *, dry: bool) -> int:
    """What cannot be saved stays: its repository is gone, or the disk is full. Its task goes."""
    try:
        ignored = await ports.workspaces.ignored(place)
        if not dry:
            await ports.workspaces.remove(place)
    except (WorkspaceFailed, DiskFull) as error:
        log.warning("%s stays: %s", place.path, error)
        return 0
    return ignored
