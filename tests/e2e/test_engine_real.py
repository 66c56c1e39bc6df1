"""The engine over a real keeper, real processes and a real database, verb by verb."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from inspan.client.sync import SyncControl
from inspan.control import EventQuery, TaskQuery
from inspan.errors import CyclicPlan, DeadlineTooLong, IllegalTransition
from inspan.model.event import Event, Retried
from inspan.model.session import Output
from inspan.model.task import Patience, Task, TaskState
from tests.real.daemon import Daemon, alive, until
from tests.real.gates import MEMBERS, family, gate, pids

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("A1", "A2", "B2", "B7")]

FAST = Patience(deadline=None, lifted=True, grace=0.4)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon("roles: {wide: 5, narrow: 1}\n") as running:
        yield running


@pytest.fixture
def control(daemon: Daemon) -> Iterator[SyncControl]:
    with daemon.control() as control:
        yield control


def text_of(control: SyncControl, session: str) -> bytes:
    chunks = control.read(session)
    return b"".join(chunk.data for chunk in chunks if isinstance(chunk, Output))


def kinds(control: SyncControl, task: Task) -> list[str]:
    return [event.kind for event in control.history(EventQuery(task=task.id))]


def code_of(task: Task) -> str:
    assert task.reason is not None
    return task.reason.code


def running(control: SyncControl, *tasks: Task) -> bool:
    return all(control.get(task.id).state is TaskState.RUNNING for task in tasks)


# ── ends ─────────────────────────────────────────────────────────────────────


def test_a_failing_command_is_tried_again_and_then_it_is_over(
    daemon: Daemon, control: SyncControl
) -> None:
    line = 'echo try >>tries; echo "this is try $INSPAN_ATTEMPT"; exit 3'
    task = control.wait(control.submit(daemon.spec("sh", "-c", line, retries=1)).id)
    assert (task.state, task.attempt, task.retried) == (TaskState.FAILED, 2, 1)
    assert code_of(task) == "exit"
    assert (daemon.home / "tries").read_text() == "try\ntry\n"
    for attempt in (1, 2):
        assert text_of(control, f"{task.id}-{attempt}") == b"this is try %d\r\n" % attempt
    happened = control.history(EventQuery(task=task.id))
    spawned = next(event.at for event in happened if event.kind == "attempt.spawned")
    retried = next(event.fact for event in happened if isinstance(event.fact, Retried))
    # The first delay is a second and jitter only adds.
    assert retried.wake_at - spawned >= 1.0
    assert task.started_at is not None
    assert task.started_at >= retried.wake_at


@pytest.mark.requirement("B5")
def test_the_deadline_ends_everything_that_the_task_began(
    daemon: Daemon, control: SyncControl
) -> None:
    marks = daemon.home / "deadline.pids"
    patience = Patience(deadline=3, grace=0.2)
    task = control.submit(daemon.spec(*family(marks), patience=patience))
    until(lambda: len(pids(marks)) == MEMBERS, "the whole family")
    everybody = pids(marks)
    ended = control.wait(task.id)
    assert (ended.state, code_of(ended)) == (TaskState.FAILED, "deadline")
    assert [pid for pid in everybody if alive(pid)] == []


@pytest.mark.requirement("B5")
@pytest.mark.parametrize("force", [False, True])
def test_interrupting_ends_everything_before_it_returns(
    daemon: Daemon, control: SyncControl, force: bool
) -> None:
    marks = daemon.home / f"interrupt-{force}.pids"
    task = control.submit(daemon.spec(*family(marks), patience=FAST))
    until(lambda: len(pids(marks)) == MEMBERS, "the whole family")
    stopped = control.interrupt(task.id, force=force)
    assert [pid for pid in pids(marks) if alive(pid)] == []
    assert stopped.state is TaskState.INTERRUPTED
    assert control.cancel(task.id).state is TaskState.CANCELLED


@pytest.mark.requirement("B5")
def test_what_a_task_leaves_behind_at_its_own_end_is_ended_too(
    daemon: Daemon, control: SyncControl
) -> None:
    marks = daemon.home / "left.pids"
    line = '(setsid sh -c \'echo $$ >>"$0"; exec sleep 1000\' "$1" >/dev/null 2>&1 &)'
    wait = '; until test -s "$1"; do sleep 0.02; done'
    task = control.submit(daemon.spec("sh", "-c", line + wait, "sh", str(marks)))
    assert control.wait(task.id).state is TaskState.COMPLETED
    until(lambda: not any(map(alive, pids(marks))), "what was left to end")


@pytest.mark.requirement("B4")
def test_silence_is_warned_of_and_then_ended(daemon: Daemon, control: SyncControl) -> None:
    patience = Patience(deadline=None, idle=1.5, warn_before=1, grace=0.4, lifted=True)
    line = "echo busy; exec sleep 1000"
    task = control.wait(control.submit(daemon.spec("sh", "-c", line, patience=patience)).id)
    assert (task.state, code_of(task)) == (TaskState.FAILED, "idle")
    assert "attempt.idle_warned" in kinds(control, task)


@pytest.mark.requirement("B4")
def test_one_that_speaks_is_not_idle(daemon: Daemon, control: SyncControl) -> None:
    patience = Patience(deadline=None, idle=2, warn_before=0.5, lifted=True)
    line = "for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 0.25; done"
    task = control.wait(control.submit(daemon.spec("sh", "-c", line, patience=patience)).id)
    assert task.state is TaskState.COMPLETED


def test_checks_decide_and_the_rest_of_them_is_not_run(
    daemon: Daemon, control: SyncControl
) -> None:
    good = daemon.spec("sh", "-c", "echo 42 >made", checks=("test -s made", "grep -q 42 made"))
    bad = daemon.spec("true", checks=("echo reason >&2; exit 4", "touch never"))
    passed = control.wait(control.submit(good).id)
    assert passed.state is TaskState.SUCCEEDED
    assert [check.exit.code for check in passed.checks] == [0, 0]
    failed = control.wait(control.submit(bad).id)
    assert (failed.state, code_of(failed)) == (TaskState.FAILED, "check-failed")
    assert [check.exit.code for check in failed.checks] == [4]
    assert text_of(control, failed.checks[0].session) == b"reason\n"
    assert not (daemon.home / "never").exists()


def test_a_deadline_beyond_the_maximum_is_refused(daemon: Daemon, control: SyncControl) -> None:
    with pytest.raises(DeadlineTooLong) as refused:
        control.submit(daemon.spec("true", patience=Patience(deadline=1801)))
    assert refused.value.code == "deadline-too-long"
    lifted = daemon.spec("true", patience=Patience(deadline=1801, lifted=True))
    assert control.wait(control.submit(lifted).id).state is TaskState.COMPLETED


# ── order ────────────────────────────────────────────────────────────────────


@pytest.mark.requirement("A3")
def test_a_role_has_two_slots_unless_it_is_told_otherwise(
    daemon: Daemon, control: SyncControl
) -> None:
    gates = [daemon.home / f"slot{number}" for number in range(3)]
    specs = [daemon.spec(*gate(path), role="unnamed") for path in gates]
    first, second, third = (control.submit(spec) for spec in specs)
    other = control.wait(control.submit(daemon.spec("true", role="another")).id)
    assert other.state is TaskState.COMPLETED
    until(lambda: running(control, first, second), "two of them")
    assert control.get(third.id).state is TaskState.QUEUED
    gates[1].touch()
    until(lambda: running(control, third), "the third")
    assert control.get(first.id).state is TaskState.RUNNING
    gates[0].touch()
    gates[2].touch()
    ended = [control.wait(task.id) for task in (first, second, third)]
    assert all(task.state is TaskState.COMPLETED for task in ended)
    assert ended[2].started_at is not None
    assert ended[1].ended_at is not None
    assert ended[2].started_at >= ended[1].ended_at


def test_priorities_and_then_the_order_of_submission(daemon: Daemon, control: SyncControl) -> None:
    door = daemon.home / "priority"
    blocker = control.submit(daemon.spec(*gate(door), role="narrow"))
    until(lambda: running(control, blocker), "it to hold the only slot")
    line = 'echo "$1" >>order'
    names = [("low", -1), ("plain1", 0), ("plain2", 0), ("high", 9)]
    tasks = [
        control.submit(
            daemon.spec("sh", "-c", line, "sh", name, role="narrow", priority=priority, name=name)
        )
        for name, priority in names
    ]
    door.touch()
    assert all(control.wait(task.id).state is TaskState.COMPLETED for task in tasks)
    assert (daemon.home / "order").read_text().split() == ["high", "plain1", "plain2", "low"]


def test_dependents_wait_and_fall_with_what_they_wait_for(
    daemon: Daemon, control: SyncControl
) -> None:
    def write(word: str, fail: int = 0) -> tuple[str, ...]:
        return ("sh", "-c", f"echo {word} >>chain; exit {fail}")

    specs = [
        daemon.spec(*write("a"), name="a"),
        daemon.spec(*write("b"), name="b", after=("@0",)),
        daemon.spec(*write("c", fail=1), name="c", after=("@0", "@1")),
        daemon.spec(*write("d"), name="d", after=("@2",)),
        daemon.spec(*write("e"), name="e", after=("@3",)),
    ]
    tasks = [control.wait(task.id) for task in control.submit_all(specs)]
    assert [task.state.value for task in tasks] == [
        "completed", "completed", "failed", "cancelled", "cancelled",
    ]  # fmt: skip
    assert (daemon.home / "chain").read_text().split() == ["a", "b", "c"]
    loop = [daemon.spec("true", after=("@1",)), daemon.spec("true", after=("@0",))]
    with pytest.raises(CyclicPlan):
        control.submit_all(loop)


def test_a_delayed_start_is_no_sooner(daemon: Daemon, control: SyncControl) -> None:
    at = time.time() + 1
    task = control.submit(daemon.spec("true", not_before=at))
    assert task.state is TaskState.PENDING
    done = control.wait(task.id)
    assert done.state is TaskState.COMPLETED
    assert done.started_at is not None
    assert done.started_at >= at


def test_one_that_waits_for_a_slot_can_be_given_up(daemon: Daemon, control: SyncControl) -> None:
    door = daemon.home / "given-up"
    blocker = control.submit(daemon.spec(*gate(door), role="narrow"))
    queued = control.submit(daemon.spec("touch", "should-not-be", role="narrow"))
    assert control.get(queued.id).state is TaskState.QUEUED
    given_up = control.cancel(queued.id, reason="not wanted")
    assert (given_up.state, given_up.started_at) == (TaskState.CANCELLED, None)
    door.touch()
    control.wait(blocker.id)
    after = control.submit(daemon.spec("true", role="narrow"))
    assert control.wait(after.id).state is TaskState.COMPLETED
    assert not (daemon.home / "should-not-be").exists()
    with pytest.raises(IllegalTransition):
        control.cancel(queued.id)


def test_what_was_interrupted_goes_on_as_a_new_attempt(
    daemon: Daemon, control: SyncControl
) -> None:
    line = "test -e resumed && { echo again; exit 0; }; touch resumed; echo first; exec sleep 1000"
    task = control.submit(daemon.spec("sh", "-c", line, patience=FAST))
    until(lambda: (daemon.home / "resumed").exists(), "the first attempt")
    assert control.interrupt(task.id, reason="lunch").state is TaskState.INTERRUPTED
    control.resume(task.id)
    done = control.wait(task.id)
    assert (done.state, done.attempt) == (TaskState.COMPLETED, 2)
    assert text_of(control, f"{task.id}-1").startswith(b"first")
    assert text_of(control, f"{task.id}-2") == b"again\r\n"
    assert kinds(control, done)[-4:] == [
        "attempt.started", "attempt.spawned", "attempt.exited", "task.completed",
    ]  # fmt: skip


# ── many ─────────────────────────────────────────────────────────────────────


@pytest.mark.requirement("A10")
def test_five_that_wait_do_so_at_the_same_time(daemon: Daemon, control: SyncControl) -> None:
    specs = [daemon.spec("sleep", "1", role="wide", name=f"s{n}") for n in range(5)]
    tasks = [control.wait(task.id) for task in control.submit_all(specs)]
    assert all(task.state is TaskState.COMPLETED for task in tasks)
    starts = [task.started_at for task in tasks if task.started_at is not None]
    ends = [task.ended_at for task in tasks if task.ended_at is not None]
    assert max(starts) < min(ends)


def test_ten_created_together_are_all_there_with_one_round_trip(
    daemon: Daemon, control: SyncControl
) -> None:
    specs = [daemon.spec("true", role="wide", name=f"ten{number}") for number in range(10)]
    tasks = control.submit_all(specs, key="ten")
    assert len({task.id for task in tasks}) == 10
    assert [task.id for task in control.submit_all(specs, key="ten")] == [t.id for t in tasks]
    ended = [control.wait(task.id) for task in tasks]
    assert {task.state for task in ended} == {TaskState.COMPLETED}


@pytest.mark.requirement("A5")
def test_history_comes_in_pages_and_each_event_once(daemon: Daemon, control: SyncControl) -> None:
    specs = [daemon.spec("true", role="wide", correlation="paged") for _ in range(6)]
    tasks = control.submit_all(specs)
    for task in tasks:
        control.wait(task.id)
    whole = control.history(EventQuery(correlation="paged", limit=500))
    paged: list[Event] = []
    query = EventQuery(correlation="paged", limit=7)
    while page := control.history(query):
        assert len(page) <= 7
        paged += page
        query = replace(query, since=page[-1].seq)
    assert tuple(paged) == whole
    assert [event.seq for event in whole] == sorted({event.seq for event in whole})
    for task in tasks:
        own = [event.kind for event in whole if event.task == task.id]
        assert own == kinds(control, task)
        assert own[0] == "task.submitted"
        assert own[-1] == "task.completed"


def test_tasks_come_in_pages_too(daemon: Daemon, control: SyncControl) -> None:
    made = control.submit_all([daemon.spec("true", role="wide", name="page") for _ in range(7)])
    for task in made:
        control.wait(task.id)
    found: list[str] = []
    query = TaskQuery(name="page", limit=3)
    while True:
        page = control.list(query)
        found += [task.id for task in page.tasks]
        if page.next is None:
            break
        query = replace(query, before=page.next)
    assert found == [task.id for task in reversed(made)]


def test_the_folder_of_a_task_may_be_gone_when_its_turn_comes(
    daemon: Daemon, control: SyncControl
) -> None:
    place = daemon.home / "short-lived"
    place.mkdir()
    door = daemon.home / "turn"
    blocker = control.submit(daemon.spec(*gate(door), role="narrow"))
    spec = replace(daemon.spec("true", role="narrow"), cwd=str(place))
    task = control.submit(spec)
    Path(place).rmdir()
    door.touch()
    control.wait(blocker.id)
    ended = control.wait(task.id)
    assert (ended.state, code_of(ended)) == (TaskState.ERROR, "folder-missing")
