"""WebSocket, REST and the command say the same of a task at every ``seq``, whoever does what.

Programs and a person at the command line hand in tasks and steer all of them at once, each by a
way of its own; others look on, from the beginning and from the middle, by every way there is.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from inspan.cli.plainly import full
from inspan.client.sync import SyncControl
from inspan.control import EventQuery
from inspan.errors import InspanError
from inspan.model import plain
from inspan.model.event import (
    Answered,
    Cancelled,
    Event,
    Interrupted,
    NeedsInput,
    Resumed,
    Submitted,
)
from inspan.model.lifecycle import apply
from inspan.model.task import Task
from tests.real.daemon import PATIENCE, Daemon
from tests.real.onlookers import (
    ByCommand,
    ByPages,
    BySocket,
    ByStream,
    Onlooker,
    asked,
    written,
)

pytestmark = [pytest.mark.timeout(240), pytest.mark.requirement("A5", "C6")]

ASKS = json.dumps({"steps": [{"ask": "go on?"}, {"say": "well"}, {"exit": 0}]})
#: How many tasks each program hands in, and how often it does something to any task.
TASKS = 6
TURNS = 40
BY_COMMAND = 6
#: The last task that is handed in: whoever has seen it has seen everything before it.
LAST = "the last of all"


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with Daemon() as made:
        yield made


class Story:
    """What is done to the tasks, and what those who do it saw of them."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        #: All that were handed in so far, by whomever.
        self.tasks: list[str] = []
        #: Tasks as they were answered, whenever that was.
        self.snapshots: list[Task] = []
        #: What `inspan show` told.
        self.shown: list[dict[str, Any]] = []
        self.faults: list[BaseException] = []

    def command(self, *words: str) -> Any:
        """What `inspan` prints as JSON; ``None`` where it is refused."""
        command = [sys.executable, "-m", "inspan.cli.main", words[0], "--json", *words[1:]]
        ran = subprocess.run(
            command, env=self.daemon.env, capture_output=True, timeout=PATIENCE, check=False
        )
        if ran.returncode not in (0, 2, 5):
            raise AssertionError((words, ran.returncode, ran.stdout, ran.stderr))
        lines = ran.stdout.decode().splitlines()
        return [json.loads(line) for line in lines] if ran.returncode == 0 else None

    @contextmanager
    def beside(self, *works: Callable[[], None]) -> Iterator[None]:
        """Until they have ended; what goes wrong in them is told."""
        threads = [threading.Thread(target=self._kept, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        yield
        for thread in threads:
            thread.join()
        assert self.faults == []

    def _kept(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as fault:  # noqa: BLE001 - it is told where the test waits
            self.faults.append(fault)


def program(story: Story, seed: int) -> None:
    """By HTTP: hands in, answers, interrupts, resumes, gives up; what cannot be is refused."""
    chance = random.Random(seed)
    spec = plain.dump(story.daemon.spec(provider="scripted", prompt=ASKS))
    for turn in range(TURNS):
        if turn * TASKS % TURNS < TASKS:
            story.tasks.append(_posted(story, "/v1/tasks", spec)["id"])
        task = chance.choice(story.tasks)
        verb, body = chance.choice(
            [
                ("answer", {"text": "yes"}),
                ("interrupt", {"reason": f"by {seed}"}),
                ("resume", {}),
                ("resume", {}),
                ("cancel", {"reason": f"by {seed}"}),
            ][: 4 if turn < TURNS * 3 // 4 else 5]
        )
        _posted(story, f"/v1/tasks/{task}/{verb}", body)
        found = json.loads(asked(story.daemon, f"/v1/tasks/{chance.choice(story.tasks)}").read())
        story.snapshots.append(plain.load(Task, found))


def _posted(story: Story, target: str, body: Any) -> Any:
    answer = asked(story.daemon, target, "POST", body)
    told = json.loads(answer.read())
    assert answer.status in (200, 201, 409), (target, told)
    if answer.status != 409:
        story.snapshots.append(plain.load(Task, told))
    return told


def reacting(story: Story) -> None:
    """By WebSocket: does something about every third thing that it hears of."""
    with story.daemon.control() as control, control.watch(0) as events:
        for number, event in enumerate(events):
            with suppress(InspanError):
                match event.fact:
                    case Submitted(spec=spec) if spec.name == LAST:
                        return
                    case NeedsInput() if number % 3:
                        story.snapshots.append(control.answer(event.task, "yes"))
                    case NeedsInput():
                        story.snapshots.append(control.interrupt(event.task, reason="heard"))
                    case Interrupted() if number % 3:
                        story.snapshots.append(control.resume(event.task))
                    case Interrupted():
                        story.snapshots.append(control.cancel(event.task, reason="heard"))


def person(story: Story) -> None:
    """At the command line."""
    chance = random.Random(3)
    for _ in range(BY_COMMAND):
        made = story.command("add", "--provider", "scripted", "--prompt", ASKS)
        task = made[0]["id"]
        story.tasks.append(task)
        for words in (("interrupt", task), ("resume", task), ("answer", task, "yes")):
            story.command(*words)
        story.command(chance.choice(("answer", "cancel")), chance.choice(story.tasks), "yes")
        story.shown += story.command("show", chance.choice(story.tasks), "--events") or []


def folded(events: list[Event], task: str, seq: int) -> Task | None:
    """A task as its events up to ``seq`` make it."""
    made = None
    for event in events:
        if event.task == task and event.seq <= seq:
            made = apply(made, event)
    return made


def as_shown(value: object) -> Any:
    """As the command writes it: of an environment, the names."""
    return json.loads(json.dumps(full(value)))


def history(control: SyncControl, task: str | None = None) -> list[Event]:
    events: list[Event] = []
    while page := control.history(EventQuery(task=task, since=events[-1].seq if events else 0)):
        events += page
    return events


def test_all_agree_on_every_event_and_every_state(daemon: Daemon) -> None:
    story = Story(daemon)
    kinds_of_onlookers: tuple[type[Onlooker], ...] = (BySocket, ByStream, ByPages, ByCommand)
    onlookers = [kind(daemon, since, LAST) for kind in kinds_of_onlookers for since in (0, 5)]
    with daemon.control() as control:
        with story.beside(*onlookers, lambda: reacting(story)):
            with story.beside(
                lambda: program(story, 1), lambda: program(story, 2), lambda: person(story)
            ):
                pass
            for task in story.tasks:
                with suppress(InspanError):
                    control.cancel(task)
            control.submit(daemon.spec("true", name=LAST, not_before=2e9))
        by_task = [history(control, task) for task in story.tasks]
        now = [control.get(task) for task in story.tasks]
        told = history(control)  # at last: something may have happened since
    seqs = [event.seq for event in told]
    assert seqs == sorted(set(seqs))
    for onlooker in onlookers:
        _agrees(onlooker, told)
    for mine in by_task:
        every = [event for event in told if event.task == mine[0].task]
        assert mine == every[: len(mine)]
    for seen in (*now, *story.snapshots):
        assert seen == folded(told, seen.id, seen.seq)
    for shown in story.shown:
        ref, seq = shown["task"]["id"], shown["task"]["seq"]
        del shown["task"]["session_state"], shown["task"]["activity"]
        assert shown["task"] == as_shown(folded(told, ref, seq))
        until = shown["events"][-1]["seq"]
        mine = [event for event in told if event.task == ref and event.seq <= until]
        assert shown["events"] == [as_shown(event) for event in mine]
    # It was a story worth telling: all kinds of things happened, some in the middle of others.
    assert len(story.tasks) == 2 * TASKS + BY_COMMAND
    kinds = {event.kind for event in told}
    happened = (NeedsInput, Answered, Interrupted, Resumed, Cancelled)
    assert {fact.kind for fact in happened} <= kinds
    assert len({snapshot.state for snapshot in story.snapshots}) > 3


def _agrees(onlooker: Onlooker, told: list[Event]) -> None:
    """None is missing, none came twice, and each has the very bytes that all others have."""
    ended = onlooker.seqs()[-1]
    due = [event for event in told if onlooker.since < event.seq <= ended]
    assert onlooker.seqs() == [event.seq for event in due], type(onlooker)
    if isinstance(onlooker, ByCommand):
        assert onlooker.told == [json.dumps(full(event)).encode() for event in due]
    else:
        assert onlooker.told == [written(plain.dump(event)) for event in due], type(onlooker)
