"""WebSocket, REST and the command say the same of a task at every ``seq``, whoever does what.

Two programs and a person at the command line work on the same tasks at once; others look on.
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
from inspan.model.event import Answered, Event, Interrupted, NeedsInput, Resumed, Submitted
from inspan.model.lifecycle import apply
from inspan.model.task import Task
from tests.fakes.rawsocket import upgraded
from tests.real.daemon import PATIENCE, Daemon

pytestmark = [pytest.mark.timeout(240), pytest.mark.requirement("A5", "C6")]

ASKS = json.dumps({"steps": [{"ask": "go on?"}, {"say": "well"}, {"exit": 0}]})
TASKS = 12
#: How often each program does something to a task.
TURNS = 40
BY_COMMAND = 8


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with Daemon() as made:
        yield made


class Story:
    """What is done to the tasks, and what everybody saw of them."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        with daemon.control() as control:
            spec = daemon.spec(provider="scripted", prompt=ASKS)
            self.tasks = [task.id for task in control.submit_all([spec] * TASKS)]
            for task in self.tasks:
                control.wait(task, timeout=PATIENCE)  # until it asks
        #: Tasks as they were answered, whenever that was.
        self.snapshots: list[Task] = []
        #: What `inspan show` told.
        self.shown: list[dict[str, Any]] = []
        self.faults: list[BaseException] = []

    def command(self, *words: str) -> Any:
        """What `inspan` prints as JSON; ``None`` where it is refused."""
        command = [sys.executable, "-m", "inspan.cli.main", *words, "--json"]
        ran = subprocess.run(
            command, env=self.daemon.env, capture_output=True, timeout=PATIENCE, check=False
        )
        if ran.returncode not in (0, 2, 5):
            raise AssertionError((words, ran.returncode, ran.stderr))
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
    """Answers, interrupts, resumes and gives up; what cannot be is refused, and that is all."""
    chance = random.Random(seed)
    with story.daemon.control() as control:
        verbs: tuple[Callable[[str], Task], ...] = (
            lambda task: control.answer(task, "yes"),
            lambda task: control.interrupt(task, reason=f"by {seed}"),
            lambda task: control.resume(task),
            lambda task: control.resume(task),
        )
        for turn in range(TURNS):
            task = chance.choice(story.tasks)
            verb = control.cancel if turn > TURNS * 3 // 4 else chance.choice(verbs)
            with suppress(InspanError):
                story.snapshots.append(verb(task))
            story.snapshots.append(control.get(chance.choice(story.tasks)))


def person(story: Story) -> None:
    chance = random.Random(3)
    for _ in range(BY_COMMAND):
        task = chance.choice(story.tasks)
        story.command("interrupt", task)
        story.command("resume", task)
        story.command("answer", task, "yes")
        story.shown += story.command("show", task, "--events") or []


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


class Watcher:
    """Reads the WebSocket of events until somebody submits the last task."""

    def __init__(self, story: Story, since: int, task: str | None = None) -> None:
        self._story = story
        self.since = since
        self.task = task
        self.seen: list[Event] = []

    def __call__(self) -> None:
        target = f"/v1/events?since={self.since}"
        with upgraded(self._story.daemon.places.daemon_socket, target) as client:
            while True:
                heard, client.heard = client.heard, []
                for _, message in heard:
                    event = plain.load_event(json.loads(message))
                    self.seen.append(event)
                    if isinstance(event.fact, Submitted) and event.fact.spec.name == "last":
                        return
                assert client.read()


def history(control: SyncControl, task: str | None = None) -> list[Event]:
    events: list[Event] = []
    while page := control.history(EventQuery(task=task, since=events[-1].seq if events else 0)):
        events += page
    return events


def test_all_agree_on_every_event_and_every_state(daemon: Daemon) -> None:
    story = Story(daemon)
    with daemon.control() as control:
        watchers = [Watcher(story, since) for since in (0, 5, 0)]
        with story.beside(*watchers):
            with story.beside(
                lambda: program(story, 1), lambda: program(story, 2), lambda: person(story)
            ):
                pass
            for task in story.tasks:
                with suppress(InspanError):
                    control.cancel(task)
            control.submit(daemon.spec("true", name="last", not_before=2e9))
        by_command = story.command("events")
        by_task = [history(control, task) for task in story.tasks]
        now = [control.get(task) for task in story.tasks]
        told = history(control)  # at last: something may have happened since
    until_last = [event for event in told if event.seq <= watchers[0].seen[-1].seq]
    for watcher in watchers:
        assert watcher.seen == [event for event in until_last if event.seq > watcher.since]
    assert by_command == [as_shown(event) for event in told[: len(by_command)]]
    seqs = [event.seq for event in told]
    assert seqs == sorted(set(seqs))
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
    kinds = {event.kind for event in told}
    assert {NeedsInput.kind, Answered.kind, Interrupted.kind, Resumed.kind} <= kinds
    assert len({snapshot.state for snapshot in story.snapshots}) > 3
