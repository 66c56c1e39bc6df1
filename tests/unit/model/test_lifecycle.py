from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.errors import Conflict, IllegalTransition, StaleAttempt
from inspan.model import event as e
from inspan.model.agent import UNUSED, AgentSession, Ending, Mode, Outcome, Usage
from inspan.model.budget import Budget
from inspan.model.lifecycle import TABLE, allowed, apply, fold
from inspan.model.permission import Decision
from inspan.model.task import (
    TERMINAL,
    CheckResult,
    Exit,
    Needs,
    Reason,
    SetupState,
    SetupStep,
    Stop,
    StopKind,
    Task,
    TaskKind,
    TaskState,
    Verdict,
    is_active,
    is_terminal,
)
from tests.unit.model.samples import HANDED, PLAN, REASON, SPEC, TASK, WORKSPACE, event, facts, task

pytestmark = pytest.mark.requirement("B1", "C1")

S = TaskState
KINDS = tuple(facts(1))
AGENT = AgentSession(id="a-2", mode=Mode.STREAM)
ABOUT_AN_ATTEMPT = tuple(kind for kind in KINDS if "attempt" in kind.__dataclass_fields__)
WIPED_FOR_A_NEW_ATTEMPT = {
    "started_at": None,
    "needs": None,
    "stop": None,
    "pid": None,
    "checks": (),
    "idle_warned_at": None,
}


RUNS = SetupStep("a", "s0", SetupState.RUNS, 100.0)


def after(state: TaskState, fact: e.Fact) -> Task:
    return apply(task(state), event(fact))


def test_every_state_has_a_row_and_every_fact_a_sample() -> None:
    assert set(TABLE) == set(TaskState)
    assert set(KINDS) == set(e.FACTS.values())
    assert len(e.FACTS) == 39


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
@pytest.mark.parametrize("state", TaskState)
def test_a_fact_leads_where_the_table_says_or_is_refused(
    state: TaskState, kind: type[e.Fact]
) -> None:
    before = task(state)
    fact = facts(1)[kind]
    if not allowed(state, kind):
        with pytest.raises(IllegalTransition):
            apply(before, event(fact))
        return
    now = apply(before, event(fact))
    assert now.state is (TABLE[state][kind] or state)
    assert now.seq == 9
    assert (now.id, now.created_at) == (before.id, before.created_at)
    wanted = HANDED.applied(before.spec) if kind is e.HandedOver else before.spec
    assert now.spec == wanted


@pytest.mark.parametrize("kind", ABOUT_AN_ATTEMPT, ids=lambda kind: kind.kind)
@pytest.mark.parametrize("late", [1, 3])
def test_a_fact_of_another_attempt_is_refused(kind: type[e.Fact], late: int) -> None:
    fact = facts(late)[kind]
    for state in TaskState:
        if allowed(state, kind):
            with pytest.raises(StaleAttempt, match=f"attempt {late}"):
                apply(task(state, attempt=2), event(fact))


def test_an_answer_leaves_another_question_open_and_what_is_asked_again_keeps_its_age() -> None:
    needs = Needs("permission", "Bash: ls", id="r-1")
    asked = apply(task(S.RUNNING), event(e.NeedsInput(1, needs)))
    with pytest.raises(IllegalTransition):
        apply(asked, event(e.Answered(1, "r-0")))
    later = replace(event(e.NeedsInput(1, replace(needs, more=1))), at=200.0)
    again = apply(asked, later).needs
    assert again is not None
    assert (again.since, again.more) == (100.0, 1)
    other = apply(asked, replace(later, fact=e.NeedsInput(1, replace(needs, id="r-2")))).needs
    assert other is not None
    assert other.since == 200.0
    assert apply(asked, event(e.Answered(1, "r-1"))).state is S.RUNNING


def test_submitted_makes_a_pending_task() -> None:
    made = apply(None, event(e.Submitted(replace(SPEC, not_before=500.0))))
    assert made == Task(
        id=TASK,
        spec=replace(SPEC, not_before=500.0),
        state=S.PENDING,
        seq=9,
        correlation="c-1",
        created_at=100.0,
        wake_at=500.0,
    )
    assert made.attempt == 0


def test_a_task_is_submitted_only_once() -> None:
    with pytest.raises(IllegalTransition, match="only once"):
        apply(task(S.PENDING), event(e.Submitted(SPEC)))


def test_nothing_happens_to_a_task_that_was_never_submitted() -> None:
    with pytest.raises(IllegalTransition, match="never submitted"):
        apply(None, event(e.Readied()))


FIELDS: list[tuple[TaskState, e.Fact, dict[str, Any]]] = [
    (S.PENDING, e.Postponed(REASON, 50.0), {"reason": REASON, "wake_at": 50.0}),
    (
        S.PENDING,
        e.Readied(),
        {**WIPED_FOR_A_NEW_ATTEMPT, "reason": None, "wake_at": None, "attempt": 2},
    ),
    (
        S.QUEUED,
        e.AttemptStarted(1, "s-1", "k-1"),
        {
            "session": "s-1",
            "keeper": "k-1",
            "started_at": 100.0,
            "exit": None,
            "reason": None,
            "wake_at": None,
            "output_bytes": 0,
        },
    ),
    (S.QUEUED, e.Postponed(REASON), {"reason": REASON, "wake_at": None}),
    (S.RUNNING, e.WorkspaceReady(1, WORKSPACE), {"workspace": WORKSPACE}),
    (S.RUNNING, e.SetupStarted(1, "a", "s0"), {"setup": (RUNS,)}),
    (S.RUNNING, e.Spawned(1, 7), {"pid": 7}),
    (S.RUNNING, e.AgentBegan(1, AGENT), {"agent": AGENT}),
    (S.RUNNING, e.UsageCounted(1, Usage(read=7)), {"usage": Usage(read=7)}),
    (S.RUNNING, e.IdleWarned(1, 270, 300), {"idle_warned_at": 100.0}),
    (S.RUNNING, e.Stirred(1), {"idle_warned_at": None}),
    (S.RUNNING, e.DeadlineWarned(1, 30, 300), {}),
    (S.RUNNING, e.Overloaded(1, "claude", 2, 4), {}),
    (
        S.RUNNING,
        e.NeedsInput(1, Needs("permission", "May I?", ("yes",))),
        {"needs": Needs("permission", "May I?", ("yes",), 100.0)},
    ),
    (S.RUNNING, e.Exited(1, Exit(signal=9), 70), {"exit": Exit(signal=9), "output_bytes": 70}),
    (S.WAITING, e.Answered(1), {"needs": None}),
    (S.WAITING, e.PermissionDecided(1, "r-1", "Bash: ls", Decision.DENY, "deny Bash"), {}),
    (S.WAITING, e.Exited(1, Exit(code=0), 70), {"needs": None, "exit": Exit(code=0), "pid": None}),
    (
        S.WAITING,
        e.NeedsInput(1, Needs("prompt", "And?")),
        {"needs": Needs("prompt", "And?", (), 100.0)},
    ),
    (S.WAITING, e.Cancelled(REASON), {"needs": None, "pid": None, "ended_at": 100.0}),
    (
        S.PROCESSING,
        e.CheckEnded(1, "false", Exit(code=1), "c1"),
        {"checks": (*task(S.PROCESSING).checks, CheckResult("false", Exit(code=1), "c1"))},
    ),
    (S.PROCESSING, e.Completed(1), {"ended_at": 100.0}),
    (S.PROCESSING, e.Succeeded(1), {"ended_at": 100.0}),
    (S.PROCESSING, e.Failed(1, REASON), {"reason": REASON, "ended_at": 100.0}),
    (
        S.PROCESSING,
        e.Retried(1, REASON, 77.0),
        {**WIPED_FOR_A_NEW_ATTEMPT, "reason": REASON, "wake_at": 77.0, "retried": 1, "attempt": 2},
    ),
    (
        S.PROCESSING,
        e.Parked(1, REASON, 88.0),
        {"reason": REASON, "wake_at": 88.0, "parked": 1, "started_at": None, "attempt": 1},
    ),
    (S.PROCESSING, e.Accepted(1, "ann"), {"verdict": Verdict.ACCEPT, "ended_at": 100.0}),
    (
        S.PROCESSING,
        e.Rejected(1, "ann", ("x",)),
        {"verdict": Verdict.REJECT, "findings": ("x",), "ended_at": 100.0},
    ),
    (
        S.PROCESSING,
        e.SentBack(1, "ann", ("x",)),
        {**WIPED_FOR_A_NEW_ATTEMPT, "verdict": Verdict.SEND_BACK, "findings": ("x",), "attempt": 2},
    ),
    (
        S.INTERRUPTED,
        e.Resumed("ann"),
        {**WIPED_FOR_A_NEW_ATTEMPT, "reason": None, "ended_at": None, "attempt": 2},
    ),
    (S.RUNNING, e.Interrupted(REASON), {"reason": REASON, "ended_at": 100.0, "pid": None}),
    (S.RUNNING, e.Errored(REASON), {"reason": REASON, "ended_at": 100.0, "pid": None}),
    (S.RUNNING, e.Cancelled(REASON), {"reason": REASON, "ended_at": 100.0, "pid": None}),
    (
        S.RUNNING,
        e.StopRequested(StopKind.CANCEL, "ann", "done with it"),
        {"stop": Stop(StopKind.CANCEL, "ann", "done with it", 100.0)},
    ),
    (
        S.COMPLETED,
        e.Judged(Verdict.REJECT, "ann", ("x",)),
        {"verdict": Verdict.REJECT, "findings": ("x",)},
    ),
    (S.COMPLETED, e.WorkspaceSaved("refs/x"), {}),
]


@pytest.mark.parametrize(
    ("state", "fact", "wanted"), FIELDS, ids=[f"{s}-{f.kind}" for s, f, _ in FIELDS]
)
def test_the_fields_after_a_fact(state: TaskState, fact: e.Fact, wanted: dict[str, Any]) -> None:
    now = after(state, fact)
    assert {name: getattr(now, name) for name in wanted} == wanted


def test_what_a_fact_does_not_tell_stays() -> None:
    before = task(S.RUNNING)
    assert after(S.RUNNING, e.Spawned(1, 7)) == replace(before, pid=7, seq=9)
    assert after(S.COMPLETED, e.WorkspaceSaved(None)) == replace(task(S.COMPLETED), seq=9)


def test_how_far_a_workspace_is_set_up_is_told_and_goes_when_it_is_made_anew() -> None:
    step = replace(RUNS, began_at=50.0)
    running = replace(task(S.RUNNING), setup=(step,))
    ended = replace(step, ended_at=100.0)

    def then(fact: e.Fact) -> Task:
        return apply(running, event(fact))

    done = replace(ended, state=SetupState.DONE, exit=Exit(0))
    assert then(e.SetupDone(1, "a", "s0")).setup == (done,)
    for late, state in ((False, SetupState.FAILED), (True, SetupState.TIMED_OUT)):
        failed = then(e.SetupFailed(1, "a", "s0", Exit(7), late))
        assert failed.state is S.PROCESSING
        assert failed.setup == (replace(ended, state=state, exit=Exit(7)),)
        assert apply(failed, event(e.Failed(1, REASON))).setup == failed.setup
    assert then(e.Cancelled(REASON)).setup == (replace(ended, state=SetupState.STOPPED),)
    assert then(e.WorkspaceReady(1, WORKSPACE)).setup == (step,)
    assert then(e.WorkspaceReady(1, replace(WORKSPACE, made="anew"))).setup == ()


def test_a_plan_changes_its_version_and_nothing_else() -> None:
    for state in set(S) - TERMINAL:
        before = task(state)
        now = apply(before, event(e.Planned(1, PLAN, "ann")))
        assert now == replace(before, planned=1, seq=9)
        assert apply(now, event(e.Planned(2, PLAN, "ann"), seq=10)).planned == 2


@pytest.mark.parametrize(("planned", "version"), [(0, 0), (0, 2), (1, 1), (3, 3), (3, 5)])
def test_a_plan_takes_the_place_of_the_newest_alone(planned: int, version: int) -> None:
    before = replace(task(S.RUNNING), planned=planned)
    with pytest.raises(Conflict, match=f"version {version - 1} .* newest") as caught:
        apply(before, event(e.Planned(version, PLAN, "ann")))
    assert "inspan plan show" in caught.value.hint


def test_only_a_goal_has_a_plan() -> None:
    before = replace(task(S.RUNNING), spec=replace(SPEC, kind=TaskKind.WORK))
    with pytest.raises(IllegalTransition, match="no goal"):
        apply(before, event(e.Planned(1, PLAN, "ann")))


def test_a_rejected_task_says_who_rejected_it() -> None:
    reason = after(S.PROCESSING, e.Rejected(1, "ann")).reason
    assert reason is not None
    assert reason.code == "rejected"
    assert "ann" in reason.message


@pytest.mark.parametrize(
    "checks", [(), (CheckResult("a", Exit(code=0), "s"), CheckResult("b", Exit(code=1), "s"))]
)
def test_only_checks_that_all_passed_make_a_task_succeed(checks: tuple[CheckResult, ...]) -> None:
    with pytest.raises(IllegalTransition, match="all passed"):
        apply(replace(task(S.PROCESSING), checks=checks), event(e.Succeeded(1)))


def test_attempts_are_numbered_from_one_and_a_retry_is_counted() -> None:
    story: list[e.Fact] = [
        e.Submitted(SPEC),
        e.Readied(),
        e.AttemptStarted(1, "s-1", "k"),
        e.Spawned(1, 10),
        e.Exited(1, Exit(code=1), 3),
        e.Retried(1, REASON, 5.0),
        e.AttemptStarted(2, "s-2", "k"),
        e.Interrupted(REASON),
        e.Resumed("ann"),
        e.AttemptStarted(3, "s-3", "k"),
        e.Exited(3, Exit(code=0), 3),
        e.Completed(3),
    ]
    now: Task | None = None
    attempts = []
    for seq, fact in enumerate(story, start=1):
        now = apply(now, event(fact, seq=seq))
        attempts.append(now.attempt)
    assert attempts == [0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3]
    assert now is not None
    assert (now.state, now.retried, now.session, now.seq) == (S.COMPLETED, 1, "s-3", 12)


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 2)), max_size=60))
def test_whatever_is_told_the_rules_hold(walk: list[tuple[type[e.Fact], int]]) -> None:
    now = apply(None, event(e.Submitted(SPEC), seq=1))
    for seq, (kind, older) in enumerate(walk, start=2):
        before = now
        try:
            now = apply(before, event(facts(before.attempt - older)[kind], seq=seq))
        except Conflict:
            continue
        assert now.seq == seq > before.seq
        assert older == 0 or kind not in ABOUT_AN_ATTEMPT
        if before.state in TERMINAL:
            assert now.state is before.state
        entered = now.state is S.QUEUED and before.state is not S.QUEUED
        assert now.attempt == before.attempt + entered
        assert (now.ended_at is not None) == (now.done or now.state is S.INTERRUPTED)
        assert now.pid is None or is_active(now.state)
        assert (now.needs is not None) == (now.state is S.WAITING)


def test_the_words_for_states() -> None:
    terminal = {S.COMPLETED, S.SUCCEEDED, S.FAILED, S.ERROR, S.CANCELLED}
    active = {S.RUNNING, S.WAITING, S.PROCESSING}
    assert {state for state in TaskState if is_terminal(state)} == terminal
    assert {state for state in TaskState if is_active(state)} == active
    assert {state for state in TaskState if task(state).done} == terminal
    assert all(state == state.value == str(state) for state in TaskState)


def test_what_attempts_used_is_added_up_and_a_retry_begins_a_new_conversation() -> None:
    first, more = Usage(read=7, written=1, turns=1, cost=0.5), Usage(read=2, turns=1)
    counted = apply(task(S.RUNNING), event(e.UsageCounted(1, first)))
    ended = apply(replace(counted, agent=AGENT), event(e.Exited(1, Exit(code=0), 1)))
    again = apply(ended, event(e.Retried(1, REASON, 50.0)))
    assert again.agent is None
    started = apply(again, event(e.AttemptStarted(2, "s-2", "k-1")))
    assert (started.usage, started.used_before, started.resumes) == (UNUSED, first, None)
    counted = apply(started, event(e.UsageCounted(2, more)))
    assert counted.used == Usage(read=9, written=1, turns=2, cost=0.5)


def test_a_parked_task_takes_its_conversation_up_in_another_attempt() -> None:
    limit = Reason("quota", "the limit is reached")
    parked = apply(replace(task(S.PROCESSING), agent=AGENT), event(e.Parked(1, limit, 88.0)))
    assert parked.is_parked
    ready = apply(parked, event(e.Readied("person")))
    assert (ready.state, ready.attempt, ready.wake_at) == (S.QUEUED, 2, None)
    assert (ready.agent, ready.parked, ready.is_parked) == (AGENT, 1, False)


def test_a_budget_that_was_raised_stays_until_it_is_raised_again() -> None:
    spec = replace(SPEC, budget=Budget(cost=2))
    rests = replace(task(S.INTERRUPTED), spec=spec)
    assert rests.allowance == spec.budget
    for told in (Budget(cost=4), None):
        rests = replace(apply(rests, event(e.Resumed("ann", told))), state=S.INTERRUPTED)
        assert rests.allowance == Budget(cost=4)


def test_a_sent_back_task_takes_its_conversation_up() -> None:
    judged = replace(task(S.PROCESSING), agent=AGENT)
    again = apply(judged, event(e.SentBack(1, "person", ("tests",))))
    started = apply(again, event(e.AttemptStarted(2, "s-2", "k-1", AGENT.id)))
    assert (started.agent, started.resumes) == (AGENT, AGENT.id)


@pytest.mark.parametrize("ending", Ending)
def test_an_agents_outcome_counts_and_not_its_exit(ending: Ending) -> None:
    before = task(S.RUNNING)
    asked = replace(before, spec=replace(before.spec, review=True), checks=(), stop=None)
    for code in (0, 1):
        exited = e.Exited(1, Exit(code=code), 1, Outcome(ending))
        assert apply(asked, event(exited)).awaits_verdict == (ending is Ending.DONE)


@given(st.sampled_from(S), st.lists(st.sampled_from(KINDS), min_size=1, max_size=8))
def test_several_facts_at_once_are_what_they_are_one_by_one(
    state: S, kinds: list[type[e.Fact]]
) -> None:
    before = task(state)
    told = [event(facts(1)[kind], seq=seq) for seq, kind in enumerate(kinds, start=9)]
    now = before
    try:
        for each in told:
            now = apply(now, each)
    except (IllegalTransition, StaleAttempt, Conflict) as refused:
        with pytest.raises(type(refused)):
            fold(before, told)
    else:
        assert fold(before, told) == now
    assert before == task(state)


def test_a_life_is_folded_from_its_submission_on() -> None:
    submitted, readied = event(e.Submitted(SPEC), seq=1), event(e.Readied(), seq=2)
    assert fold(None, (submitted, readied)) == apply(apply(None, submitted), readied)
    with pytest.raises(IllegalTransition, match="only once"):
        fold(None, (submitted, submitted))


def test_a_task_of_nothing_is_no_task() -> None:
    with pytest.raises(ValueError, match="nothing happened"):
        fold(None, ())
