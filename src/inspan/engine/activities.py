"""What the attempts that run are doing, as far as it is known. Nothing of it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from inspan.engine.ports import Clock, Looks, Run
from inspan.model.activity import Activity, Confidence, Doing, Source
from inspan.model.task import Task

#: Who asks or rests is believed; what works may have been stopped meanwhile.
_MORE: Final = (Doing.UNKNOWN, Doing.WORKING)


class Acting(Protocol):
    """An attempt that runs."""

    @property
    def task(self) -> Task:
        """The task as it is now."""
        ...

    @property
    def run(self) -> Run | None:
        """The live process, if there is one."""
        ...

    @property
    def activity(self) -> Activity | None:
        """What its run told last."""
        ...


async def activity_of(attempt: Acting, clock: Clock) -> Activity:
    """What it does now. Where a look may tell more than what it told last, it is looked at."""
    known = _known(attempt)
    looks: object = attempt.run  # of a run, mypy takes it for impossible that it looks
    if isinstance(looks, Looks) and (known is None or known.doing in _MORE):
        return await looks.look()
    return Activity(Doing.UNKNOWN, clock.now()) if known is None else known


def known_of(attempts: Mapping[str, Acting], tasks: tuple[Task, ...]) -> dict[str, Activity]:
    """What those of ``tasks`` do that is known without a look."""
    found = {task.id: attempts[task.id] for task in tasks if task.id in attempts}
    told = {task: _known(attempt) for task, attempt in found.items()}
    return {task: activity for task, activity in told.items() if activity is not None}


def _known(attempt: Acting) -> Activity | None:
    """What it told; where it told nothing yet, what the store has of a question.

    One with an id was read or heard by the run of an earlier engine, and this one has yet to look.
    """
    needs = attempt.task.needs
    if attempt.activity is not None or needs is None:
        return attempt.activity
    return Activity(
        Doing.WAITING,
        needs.since,
        None if needs.id else Source.PROTOCOL,
        "" if needs.id else "announced",
        needs.question,
        Confidence.CERTAIN,
        needs,
    )
