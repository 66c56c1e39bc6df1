"""What the attempts that run are doing, as far as it is known. Nothing of it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from inspan.engine.ports import Clock, Halts, Looks, Run
from inspan.model.activity import STOPPED, Activity, Confidence, Doing, Source
from inspan.model.task import Task


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
    """What it does now. A look gives the reason by now, and what the system alone can tell.

    That it does something else it tells by itself, once what follows from that is stored.
    """
    known = _known(attempt, clock)
    looks: object = attempt.run  # of a run, mypy takes it for impossible that it looks
    if isinstance(looks, Looks) and (known is None or known is attempt.activity):
        seen = await looks.look()
        if known is not None and seen.same(known):
            return replace(seen, since=known.since)
        if known is None or seen.source is Source.PROCESS:
            return seen
    return Activity(Doing.UNKNOWN, clock.now()) if known is None else known


def known_of(
    attempts: Mapping[str, Acting], tasks: tuple[Task, ...], clock: Clock
) -> dict[str, Activity]:
    """What those of ``tasks`` do that is known without a look."""
    found = {task.id: attempts[task.id] for task in tasks if task.id in attempts}
    told = {task: _known(attempt, clock) for task, attempt in found.items()}
    return {task: activity for task, activity in told.items() if activity is not None}


def _known(attempt: Acting, clock: Clock) -> Activity | None:
    """What it told; where it told nothing yet, what the store has of a question.

    One with an id was read or heard by the run of an earlier engine, and this one has yet to look.
    What was stopped does nothing of what it told, unless it asked: a question stands.
    """
    needs = attempt.task.needs
    halts: object = attempt.run  # as above
    if needs is None and isinstance(halts, Halts) and (words := halts.halted()):
        now, sure = clock.now(), Confidence.CERTAIN
        return Activity(Doing.UNKNOWN, now, Source.PROCESS, STOPPED, words, sure)
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
