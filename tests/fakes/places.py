"""The folder of workspaces of a ``FakeControl``: what lies there, by task."""

from __future__ import annotations

from dataclasses import replace

from inspan.errors import Conflict, NotFound, NothingToDecide
from inspan.model.merging import MergeRequest, MergeResult, goal_branch
from inspan.model.place import Place, Standing, SweepPolicy, Swept
from inspan.model.task import Task, TaskKind


def restored(places: dict[str, Place], task: str) -> Place:
    found = next((id_ for id_ in places if id_.endswith(task)), None)
    if found is None:
        raise NotFound(f"nothing is kept of a workspace {task}")
    if places[found].standing is not Standing.REMOVED:
        raise Conflict("it is there: nothing of it has to come back")
    places[found] = replace(places[found], standing=Standing.RESTORED)
    return places[found]


def swept(places: dict[str, Place], policy: SweepPolicy) -> tuple[Swept, ...]:
    gone = {Standing.STRAY} | ({Standing.UNDECIDED} if policy.undecided else set())
    found = [place for place in places.values() if place.standing in gone]
    if not policy.dry_run:
        for place in found:
            del places[place.task]
    return tuple(Swept(place=place) for place in found)


def merged(task: Task, asked: MergeRequest) -> MergeResult:
    if task.spec.kind is not TaskKind.GOAL:
        raise NothingToDecide
    return MergeResult(
        branch=goal_branch(task.id),
        into=asked.into or "main",
        before="c0ffee",
        commit=asked.made or "decade",
        moved=not asked.dry_run,
    )
