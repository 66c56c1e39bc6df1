"""The life of a session: one table, which every fact about a task keeps to."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from inspan.errors import InspanError
from inspan.model.activity import Activity, Doing
from inspan.model.agent import AgentSession, Mode, Usage
from inspan.model.agentlife import TABLE, SessionState, session_state
from inspan.model.lifecycle import allowed, apply, how_to_continue
from inspan.model.task import Stop, StopKind, Task, TaskState, WorkspaceKind
from tests.unit.model.samples import SPEC, WORKSPACE, event, facts, task

pytestmark = pytest.mark.requirement("C4")

S = SessionState
STOPS = (None, Stop(StopKind.INTERRUPT, "person"))


def _task(state: TaskState, provider: str, pid: int | None, stop: Stop | None) -> Task:
    spec = replace(SPEC, provider=provider)
    return replace(task(state), spec=spec, pid=pid, stop=stop)


def test_every_state_has_a_row_and_ends() -> None:
    assert set(TABLE) == set(S)
    assert all(S.TERMINATED in after for state, after in TABLE.items() if state is not S.TERMINATED)
    assert TABLE[S.TERMINATED] == frozenset()


@pytest.mark.parametrize("provider", ["shell", "claude", "gemini"])
def test_whatever_happens_to_a_task_its_session_keeps_to_the_table(provider: str) -> None:
    compared = 0
    for state, (kind, fact), stop in product(TaskState, facts(1).items(), STOPS):
        pids = {TaskState.RUNNING: (None, 99), TaskState.WAITING: (99,)}.get(state, (None,))
        for before in (_task(state, provider, pid, stop) for pid in pids if allowed(state, kind)):
            try:
                after = apply(before, event(fact))
            except InspanError:
                continue  # what was checked, or answered, is another matter
            compared += 1
            then, now = session_state(before), session_state(after)
            if after.state in (TaskState.PENDING, TaskState.QUEUED):
                assert now is S.CREATED
            elif before.state is TaskState.QUEUED and after.state is TaskState.RUNNING:
                assert now in TABLE[S.CREATED] | TABLE[S.STARTING]  # somebody may have stopped it
            else:
                assert now is then or now in TABLE[then], f"{state} × {kind.kind}"
    assert compared > 100


def test_an_agent_goes_all_the_way() -> None:
    spec = replace(SPEC, provider="claude", workspace=WorkspaceKind.WORKTREE)
    idle = Activity(Doing.IDLE, 0.0)
    made = replace(task(TaskState.QUEUED), spec=spec, pid=None, workspace=None)
    steps = [
        (made, None),
        (replace(made, state=TaskState.RUNNING), None),
        (replace(made, state=TaskState.RUNNING, workspace=WORKSPACE), None),
        (replace(made, state=TaskState.RUNNING, pid=7), idle),
        (replace(made, state=TaskState.RUNNING, pid=7), None),
        (replace(made, state=TaskState.WAITING, pid=7), None),
        (replace(made, state=TaskState.WAITING, pid=7, stop=STOPS[1]), None),
        (replace(made, state=TaskState.INTERRUPTED), None),
    ]
    assert [session_state(*step) for step in steps] == list(S)


def test_a_login_that_failed_ends_the_session() -> None:
    assert session_state(_task(TaskState.RUNNING, "claude", None, None)) is S.AUTHENTICATING
    assert session_state(_task(TaskState.ERROR, "claude", None, None)) is S.TERMINATED


def test_a_program_is_busy_as_soon_as_it_runs() -> None:
    assert session_state(_task(TaskState.RUNNING, "shell", None, None)) is S.STARTING
    assert session_state(_task(TaskState.RUNNING, "shell", 7, None)) is S.BUSY


def test_what_is_used_is_added_and_taken_away_again() -> None:
    before, more = Usage(read=1, cost=0.5), Usage(read=2, cached=3, written=4, turns=1, cost=1.5)
    assert before.plus(more).minus(before) == more
    assert Usage(read=5).minus(Usage(read=2, cost=1.0)) == Usage(read=3)


def test_more_is_asked_of_an_agent_that_is_done_in_another_task() -> None:
    done = replace(task(TaskState.COMPLETED), agent=AgentSession(id="a-1", mode=Mode.STREAM))
    assert "inspan run --continue" in how_to_continue(done)
    assert how_to_continue(replace(done, agent=None)) == ""
    assert how_to_continue(replace(done, state=TaskState.RUNNING)) == ""
