"""Which code sessions are forgotten: those over for long, and the oldest above a size.

One that is forgotten is gone as a whole: row, transcript, checkpoints. None that is open goes.
"""

from __future__ import annotations

from inspan.control import PrunePolicy
from inspan.engine.code.lives import Lives
from inspan.engine.code.ports import CodePorts
from inspan.model.code import CodeSession


async def prune(ports: CodePorts, lives: Lives, policy: PrunePolicy) -> tuple[int, int]:
    """Forget what ``policy`` lets go: how many, and their bytes."""
    over = await ports.store.code_sessions(ended=True)
    over = tuple(sorted((each for each in over if not each.open), key=_ended))
    sizes = [await _size(ports, session.id) for session in over]
    count, freed, left = 0, 0, sum(sizes)
    for session, size in zip(over, sizes, strict=True):
        age = ports.clock.now() - _ended(session)
        old = policy.older_than is not None and age > policy.older_than
        if not old and (policy.bytes is None or left <= policy.bytes):
            continue
        if policy.dry_run or await lives.forget(session.id):
            count, freed, left = count + 1, freed + size, left - size
    return count, freed


async def _size(ports: CodePorts, session: str) -> int:
    return await ports.transcripts.size(session) + await ports.provider.size(session)


def _ended(session: CodeSession) -> float:
    return session.created_at if session.ended_at is None else session.ended_at
