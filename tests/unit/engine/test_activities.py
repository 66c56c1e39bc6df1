"""What an attempt does, by what it told and by a look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pytest

from inspan.engine.activities import activity_of, known_of
from inspan.engine.ports import Run
from inspan.model.activity import Activity, Doing, Source
from inspan.model.task import Needs, Task, TaskSpec, TaskState
from tests.fakes.clock import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B4")]


@dataclass
class Looking:
    seen: Activity

    async def look(self) -> Activity:
        return self.seen


@dataclass
class Halted(Looking):
    def halted(self) -> str:
        return "claude was stopped"


@dataclass
class Acts:
    activity: Activity | None
    run: Run | None
    task: Task


def _acts(told: Activity | None, seen: Activity | None, needs: Needs | None = None) -> Acts:
    task = Task(
        id="t", spec=TaskSpec(cwd="/"), state=TaskState.RUNNING, created_at=0.0, needs=needs
    )
    return Acts(told, None if seen is None else cast("Run", Looking(seen)), task)


def _does(doing: Doing, source: Source) -> Activity:
    return Activity(doing, 1.0, source, rule=source.value)


WORKS = _does(Doing.WORKING, Source.TITLE)
ASKS = _does(Doing.WAITING, Source.SCREEN)


async def test_a_look_gives_the_newest_reason_for_the_same() -> None:
    by_hook = _does(Doing.WORKING, Source.HOOK)
    assert await activity_of(_acts(WORKS, by_hook), FakeClock()) == by_hook


async def test_what_it_begins_to_do_is_heard_when_it_tells_it() -> None:
    assert await activity_of(_acts(WORKS, ASKS), FakeClock()) == WORKS
    assert await activity_of(_acts(ASKS, WORKS), FakeClock()) == ASKS


async def test_what_the_system_tells_is_heard_at_once() -> None:
    stopped = _does(Doing.UNKNOWN, Source.PROCESS)
    assert await activity_of(_acts(WORKS, stopped), FakeClock()) == stopped


async def test_what_a_signal_stopped_does_nothing_of_what_it_told_but_ask() -> None:
    clock = FakeClock()
    acts = _acts(WORKS, WORKS)
    acts.run = cast("Run", Halted(WORKS))
    found = await activity_of(acts, clock)
    assert found.stopped
    assert (found.doing, found.evidence) == (Doing.UNKNOWN, "claude was stopped")
    assert known_of({"t": acts}, (acts.task,), clock) == {"t": found}
    asks = _acts(ASKS, ASKS, Needs("permission", "May it?"))
    asks.run = cast("Run", Halted(ASKS))
    assert await activity_of(asks, clock) == ASKS


async def test_a_question_in_the_store_stands_until_somebody_has_looked_again() -> None:
    needs = Needs("permission", "May it?", id="q")
    found = await activity_of(_acts(None, _does(Doing.UNKNOWN, Source.SCREEN), needs), FakeClock())
    assert (found.doing, found.needs) == (Doing.WAITING, needs)


async def test_what_never_told_is_looked_at() -> None:
    assert await activity_of(_acts(None, WORKS), FakeClock()) == WORKS
    assert (await activity_of(_acts(None, None), FakeClock())).doing is Doing.UNKNOWN
