"""Whatever is done to both stores, they answer alike."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from inspan.control import EventQuery, PrunePolicy, TaskQuery
from inspan.engine.ports import Change, Store
from inspan.errors import InspanError
from inspan.model import event as e
from inspan.model.lifecycle import allowed
from inspan.model.task import Exit, Reason, TaskState
from inspan.store.memory import MemoryStore
from inspan.store.sqlite import SqliteStore
from inspan.store.verify import verify
from tests.fakes.lives import SPEC, Author

pytestmark = pytest.mark.requirement("A4")

T = TypeVar("T")
#: In memory where that can be had: what is asked is what they answer, not how long it is kept.
FOLDERS = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
WHY = Reason("because", "it was so")
NAMES = st.sampled_from(["", "a", "b", "\udcff"])
ROLES = st.sampled_from(["worker", "planner"])
STATES = st.lists(st.sampled_from(list(TaskState)), max_size=3, unique=True).map(tuple)


def facts(attempt: int) -> list[e.Fact]:
    """Something for every state to go on with."""
    return [
        e.Readied(),
        e.Postponed(WHY, 5.0),
        e.AttemptStarted(attempt, f"session-{attempt}", "keeper"),
        e.Spawned(attempt, 7),
        e.Exited(attempt, Exit(3), 99),
        e.Completed(attempt),
        e.Retried(attempt, WHY, 8.0),
        e.Interrupted(WHY),
        e.Resumed("person"),
        e.Cancelled(WHY),
    ]


class Pair(RuleBasedStateMachine):
    """The two stores side by side, and an author who knows what is legal."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=FOLDERS)
        self.path = Path(self.folder.name) / "inspan.db"
        self.runner = asyncio.Runner()
        self.author = Author()
        self.memory = MemoryStore()
        self.sqlite = self.run(SqliteStore.open(self.path, synchronous="OFF"))
        self.waiting: list[Change] = []

    def run(self, work: Awaitable[T]) -> T:
        async def wait() -> T:
            return await work

        return self.runner.run(wait())

    def both(self, ask: Callable[[Store], Awaitable[Any]]) -> Any:
        answers = []
        for store in (self.sqlite, self.memory):
            try:
                answers.append(self.run(ask(store)))
            except InspanError as error:
                answers.append(type(error))
        assert answers[0] == answers[1]
        return answers[0]

    def commit(self, change: Change) -> None:
        self.both(lambda store: store.commit(change))

    @rule(name=NAMES, role=ROLES, key=st.none() | NAMES, correlation=st.none() | NAMES)
    def submit(self, name: str, role: str, key: str | None, correlation: str | None) -> None:
        spec = replace(SPEC, name=name, role=role, after=tuple(self.author.tasks)[-1:])
        seq = self.author.seq
        change = self.author.submit(spec, key=key, correlation=correlation)
        if key is not None and self.both(lambda store: store.by_key(key)) is not None:
            self.author.tasks.pop(change.tasks[0].id)
            self.author.seq = seq
        self.commit(change)

    @precondition(lambda self: self.author.tasks)
    @rule(which=st.integers(0, 50), step=st.integers(0, 9), later=st.booleans())
    def go_on(self, which: int, step: int, later: bool) -> None:
        task = list(self.author.tasks.values())[which % len(self.author.tasks)]
        legal = [fact for fact in facts(task.attempt) if allowed(task.state, type(fact))]
        if legal:
            self.waiting.append(self.author.tell(task.id, legal[step % len(legal)]))
        if not later:
            self.land()

    def land(self) -> None:
        """Commit what is waiting at one time, so that it meets in a batch."""
        changes, self.waiting = self.waiting, []
        for store in (self.sqlite, self.memory):
            self.run(self.together(store, changes))

    async def together(self, store: Store, changes: list[Change]) -> None:
        await asyncio.gather(*map(store.commit, changes))

    @precondition(lambda self: self.author.tasks)
    @rule(which=st.integers(0, 50))
    def repeat(self, which: int) -> None:
        self.land()
        history = self.both(lambda store: store.history(EventQuery(since=which, limit=1)))
        self.commit(Change(events=history, tasks=()))

    @rule(
        states=STATES,
        role=st.none() | ROLES,
        name=st.none() | NAMES,
        correlation=st.none() | NAMES | st.integers(0, 50),
        limit=st.integers(0, 4),
        start=st.none() | st.integers(0, 50),
    )
    def look(
        self,
        states: tuple[TaskState, ...],
        role: str | None,
        name: str | None,
        correlation: str | int | None,
        limit: int,
        start: int | None,
    ) -> None:
        ids = list(self.author.tasks)
        before = ids[start % len(ids)] if ids and start is not None else None
        if isinstance(correlation, int):
            correlation = ids[correlation % len(ids)] if ids else None
        query = TaskQuery(
            states=states,
            role=role,
            name=name,
            correlation=correlation,
            limit=limit,
            before=before,
        )
        self.both(lambda store: store.list(query))

    @rule(
        since=st.integers(-1, 60),
        limit=st.integers(-1, 9),
        which=st.none() | st.integers(0, 50),
        correlation=st.none() | NAMES,
    )
    def read(self, since: int, limit: int, which: int | None, correlation: str | None) -> None:
        ids = list(self.author.tasks)
        task = ids[which % len(ids)] if ids and which is not None else None
        for query in (
            EventQuery(task=task, correlation=correlation, since=since, limit=limit),
            EventQuery(correlation=task, since=since, limit=limit),
        ):
            self.both(lambda store, query=query: store.history(query))  # type: ignore[misc]
        moment = self.author.at - limit / 1000
        self.both(lambda store: store.newest("task.submitted", moment))

    @precondition(lambda self: self.author.tasks)
    @rule(which=st.integers(0, 50), size=st.integers(1, 26), head=st.booleans())
    def find(self, which: int, size: int, head: bool) -> None:
        task = list(self.author.tasks)[which % len(self.author.tasks)]
        self.both(lambda store: store.find(task[:size] if head else task[-size:]))
        self.both(lambda store: store.find("last"))

    @rule(age=st.none() | st.floats(0, 0.05), dry_run=st.booleans())
    def prune(self, age: float | None, dry_run: bool) -> None:
        self.land()
        policy = PrunePolicy(older_than=age, dry_run=dry_run)
        gone = self.both(lambda store: store.prune(policy, self.author.at))
        for task in gone if not dry_run else ():
            del self.author.tasks[task.id]

    @rule()
    def reopen(self) -> None:
        self.land()
        self.run(self.sqlite.close())
        assert verify(self.path).problems == ()
        self.sqlite = self.run(SqliteStore.open(self.path, synchronous="OFF"))

    @invariant()
    def they_agree(self) -> None:
        self.both(lambda store: store.open_tasks())
        self.both(lambda store: store.last_seq())
        if not self.waiting:
            for task in list(self.author.tasks.values())[-3:]:
                assert self.both(lambda store, task=task: store.get(task.id)) == task  # type: ignore[misc]

    def teardown(self) -> None:
        self.run(self.sqlite.close())
        self.runner.close()
        self.folder.cleanup()


TestPair = Pair.TestCase
TestPair.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
