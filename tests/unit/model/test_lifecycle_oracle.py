"""The life of a task told a second time, by hand, to another library's state machine.

It shares no line with the table: where the two differ, one of them is wrong.
"""

from collections.abc import Iterator

import pytest
from statemachine import State, StateMachine
from statemachine.exceptions import TransitionNotAllowed

from inspan.errors import IllegalTransition
from inspan.model import event as e
from inspan.model.lifecycle import apply
from inspan.model.task import TaskState
from tests.unit.model.samples import event, facts, task

pytestmark = pytest.mark.requirement("B1")


class Life(StateMachine):
    pending = State(initial=True)
    queued = State()
    running = State()
    waiting = State()
    processing = State()
    interrupted = State()
    # Judged and WorkspaceSaved still happen to a task that has ended, and the library lets
    # nothing leave a final state; that these never change is a test of its own.
    completed = State()
    succeeded = State()
    failed = State()
    error = State()
    cancelled = State()

    postponed = pending.to.itself() | queued.to(pending)
    readied = pending.to(queued)
    attempt_started = queued.to(running)
    workspace_ready = running.to.itself()
    setup_started = running.to.itself()
    setup_done = running.to.itself()
    setup_failed = running.to(processing)
    spawned = running.to.itself()
    needs_input = running.to(waiting) | waiting.to.itself()
    answered = waiting.to(running)
    agent_began = running.to.itself() | waiting.to.itself()
    usage_counted = running.to.itself() | waiting.to.itself()
    permission_decided = running.to.itself() | waiting.to.itself()
    prompt_accepted = running.to.itself() | waiting.to.itself()
    prompt_settled = running.to.itself() | waiting.to.itself()
    idle_warned = running.to.itself()
    stirred = running.to.itself()
    deadline_warned = running.to.itself()
    overloaded = running.to.itself() | waiting.to.itself()
    exited = running.to(processing) | waiting.to(processing)
    check_ended = processing.to.itself()
    all_is_well = processing.to(completed)
    verified = processing.to(succeeded)
    went_wrong = processing.to(failed)
    retried = processing.to(queued)
    parked = processing.to(pending)
    errored = error.from_(pending, queued, running, waiting, processing, interrupted)
    stop_requested = (
        pending.to.itself()
        | queued.to.itself()
        | running.to.itself()
        | waiting.to.itself()
        | processing.to.itself()
        | interrupted.to.itself()
    )
    planned = (
        pending.to.itself()
        | queued.to.itself()
        | running.to.itself()
        | waiting.to.itself()
        | processing.to.itself()
        | interrupted.to.itself()
    )
    stopped = interrupted.from_(pending, queued, running, waiting, processing)
    resumed = interrupted.to(queued)
    handed_over = pending.to.itself() | interrupted.to.itself()
    given_up = cancelled.from_(pending, queued, running, waiting, processing, interrupted)
    accepted = processing.to(succeeded)
    rejected = processing.to(failed)
    sent_back = processing.to(queued)
    judged = (
        completed.to.itself()
        | succeeded.to.itself()
        | failed.to.itself()
        | error.to.itself()
        | cancelled.to.itself()
    )
    workspace_saved = (
        pending.to.itself()
        | queued.to.itself()
        | running.to.itself()
        | waiting.to.itself()
        | processing.to.itself()
        | interrupted.to.itself()
        | completed.to.itself()
        | succeeded.to.itself()
        | failed.to.itself()
        | error.to.itself()
        | cancelled.to.itself()
    )


#: What a fact is called above; ``Submitted`` makes a task and happens to none.
NAMES: dict[type[e.Fact], str] = {
    e.Postponed: "postponed",
    e.Readied: "readied",
    e.AttemptStarted: "attempt_started",
    e.WorkspaceReady: "workspace_ready",
    e.SetupStarted: "setup_started",
    e.SetupDone: "setup_done",
    e.SetupFailed: "setup_failed",
    e.Spawned: "spawned",
    e.AgentBegan: "agent_began",
    e.UsageCounted: "usage_counted",
    e.NeedsInput: "needs_input",
    e.Answered: "answered",
    e.PermissionDecided: "permission_decided",
    e.PromptAccepted: "prompt_accepted",
    e.PromptSettled: "prompt_settled",
    e.IdleWarned: "idle_warned",
    e.Stirred: "stirred",
    e.DeadlineWarned: "deadline_warned",
    e.Overloaded: "overloaded",
    e.Exited: "exited",
    e.CheckEnded: "check_ended",
    e.Completed: "all_is_well",
    e.Succeeded: "verified",
    e.Failed: "went_wrong",
    e.Retried: "retried",
    e.Parked: "parked",
    e.Errored: "errored",
    e.StopRequested: "stop_requested",
    e.Interrupted: "stopped",
    e.Resumed: "resumed",
    e.HandedOver: "handed_over",
    e.Planned: "planned",
    e.Cancelled: "given_up",
    e.Accepted: "accepted",
    e.Rejected: "rejected",
    e.SentBack: "sent_back",
    e.Judged: "judged",
    e.WorkspaceSaved: "workspace_saved",
}


def oracle(state: TaskState, kind: type[e.Fact]) -> TaskState | None:
    """Where the library's machine goes; ``None`` where it refuses."""
    if kind not in NAMES:
        return None
    machine = Life(start_value=state.value)
    try:
        machine.send(NAMES[kind])
    except TransitionNotAllowed:
        return None
    return TaskState(machine.current_state.value)


def ours(state: TaskState, kind: type[e.Fact]) -> TaskState | None:
    try:
        return apply(task(state), event(facts(1)[kind])).state
    except IllegalTransition:
        return None


def pairs() -> Iterator[tuple[TaskState, type[e.Fact]]]:
    for state in TaskState:
        for kind in facts(1):
            yield state, kind


def test_both_machines_agree_on_every_state_and_fact() -> None:
    compared = 0
    for state, kind in pairs():
        assert ours(state, kind) is oracle(state, kind), f"{state} × {kind.kind}"
        compared += 1
    assert compared == 11 * 39


def test_the_oracle_knows_every_state_and_every_fact() -> None:
    assert {state.value for state in Life.states} == set(TaskState)
    assert set(NAMES) | {e.Submitted} == set(e.FACTS.values())
