import re
import time

import pytest

from inspan.cli import exits, rows
from inspan.cli.plainly import full
from inspan.errors import BadInput, DaemonUnreachable, TaskNotFound
from inspan.model.activity import STOPPED, Activity, Doing, Source
from inspan.model.task import Exit, Needs, Reason, Stop, StopKind, Task, TaskSpec, TaskState
from inspan.telling import phrases
from inspan.telling.outcome import hint_of

pytestmark = pytest.mark.requirement("A11")

_ID = "01jd0000000000000000abcdef"


def _task(state: TaskState, **fields: object) -> Task:
    spec = TaskSpec(command=("echo", "a b"), cwd="/", env={"SECRET": "s3cret"})
    return Task(**{"id": _ID, "spec": spec, "state": state, **fields})  # type: ignore[arg-type]


def test_a_task_in_five_cells() -> None:
    task = _task(TaskState.RUNNING, started_at=100.0)
    assert rows.row(task, now=165.0) == ("abcdef", "running", "1m 5s", "worker", "echo 'a b'")


def test_why_it_failed_is_told() -> None:
    assert phrases.brief(_task(TaskState.FAILED, exit=Exit(code=3))) == "abcdef failed: exit 3"
    assert phrases.brief(_task(TaskState.FAILED, exit=Exit(signal=9))) == "abcdef failed: signal 9"
    reason = Reason("deadline", "it took longer than 5m")
    told = phrases.brief(_task(TaskState.FAILED, exit=Exit(signal=15), reason=reason))
    assert told == "abcdef failed: it took longer than 5m"
    asks = _task(TaskState.WAITING, needs=Needs("question", "Overwrite?"))
    assert phrases.brief(asks) == "abcdef waiting: asks: Overwrite?"
    assert phrases.brief(_task(TaskState.COMPLETED)) == "abcdef completed"


def test_a_parked_task_says_when_it_wakes() -> None:
    limit = Reason("quota", "the limit is reached")
    parked = _task(TaskState.PENDING, wake_at=4102444800.0, reason=limit)
    assert phrases.reason(parked).startswith("parked until 2")
    assert phrases.reason(parked).endswith("0: the limit is reached")
    soon = _task(TaskState.PENDING, wake_at=time.time(), reason=limit)
    assert re.match(r"parked until \d\d:\d\d:\d\d: ", phrases.reason(soon))


def test_a_hint_names_the_task_that_it_is_about() -> None:
    hint = "`inspan resume ID` goes on; `inspan resume ID --agent NAME` hands it over"
    task = _task(TaskState.FAILED, reason=Reason("quota", "the limit", hint))
    assert hint_of(task) == (
        "`inspan resume abcdef` goes on; `inspan resume abcdef --agent NAME` hands it over"
    )
    assert hint_of(_task(TaskState.RUNNING)) == ""


def test_what_is_stopped_or_told_to_stop_is_called_nothing_else() -> None:
    idle = Activity(Doing.IDLE, 1.0, Source.SCREEN)
    halted = Activity(Doing.UNKNOWN, 1.0, Source.PROCESS, STOPPED)
    runs = _task(TaskState.RUNNING)
    told = _task(TaskState.RUNNING, stop=Stop(StopKind.INTERRUPT, "person", "", 1.0))
    assert phrases.state(runs, idle) == "running, idle"
    assert phrases.state(runs, halted) == "running, stopped"
    assert phrases.state(told, idle) == phrases.state(told, None) == "running, stopping"
    for state in set(TaskState) - {TaskState.RUNNING}:
        assert (
            phrases.state(_task(state), idle) == phrases.state(_task(state), halted) == state.value
        )


@pytest.mark.parametrize(
    "evil",
    ["\x1b]52;c;aGk=\x07", "\x1b[2J\x1b[H", "a\rb", "\x9b31m", "\u202egnp.exe", "a\nb"],
)
def test_nothing_in_a_task_steers_the_terminal(evil: str) -> None:
    spec = TaskSpec(command=(evil,), name=f"n{evil}", role=evil, cwd=evil)
    task = Task(
        id=_ID,
        spec=spec,
        state=TaskState.FAILED,
        reason=Reason("x", evil),
        needs=Needs("question", evil),
    )
    for text in (*rows.row(task), phrases.brief(task), phrases.title(spec)):
        assert text.isprintable()
        assert "\u202e" not in text


def test_json_tells_every_field_but_no_value_of_the_environment() -> None:
    told = full(_task(TaskState.PENDING))
    assert told["short"] == "abcdef"
    assert told["state"] == "pending"
    assert told["exit"] is None
    assert told["spec"]["env"] == ["SECRET"]
    assert told["spec"]["command"] == ["echo", "a b"]
    assert "s3cret" not in repr(told)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (TaskState.COMPLETED, 0),
        (TaskState.SUCCEEDED, 0),
        (TaskState.FAILED, 1),
        (TaskState.ERROR, 1),
        (TaskState.CANCELLED, 1),
        (TaskState.PENDING, 3),
        (TaskState.QUEUED, 3),
        (TaskState.RUNNING, 3),
        (TaskState.PROCESSING, 3),
        (TaskState.WAITING, 5),
        (TaskState.INTERRUPTED, 130),
    ],
)
def test_the_exit_status_of_a_state(state: TaskState, status: int) -> None:
    assert exits.of_task(_task(state)) == status


def test_the_exit_status_of_an_error() -> None:
    assert exits.of_error(BadInput()) == 2
    assert exits.of_error(TaskNotFound()) == 2
    assert exits.of_error(DaemonUnreachable()) == 1


def test_of_many_statuses_the_worst_is_told() -> None:
    assert exits.worst([]) == 0
    assert exits.worst([0, 3, 0]) == 3
    assert exits.worst([5, 4, 0]) == 5
    assert exits.worst([130, 1, 5]) == 1


@pytest.mark.parametrize(
    ("width", "head"),
    [
        (None, rows.HEAD),
        (80, rows.HEAD),
        (50, ("ID", "STATE", "TIME", "TASK")),
        (40, ("ID", "STATE", "TASK")),
        (12, ("ID", "STATE", "TASK")),
    ],
)
def test_on_a_narrow_terminal_what_it_is_and_why_stay(
    width: int | None, head: tuple[str, ...]
) -> None:
    failed = _task(TaskState.FAILED, reason=Reason("exit", "exited with status 3"))
    told = rows.fitted([failed], width)
    assert told[0] == head
    assert len(told[1]) == len(head)


def test_a_long_name_leaves_room_for_the_reason() -> None:
    spec = TaskSpec(command=("true",), name="n" * 100, cwd="/")
    reason = Reason("exit", "exited with status 3")
    task = Task(id=_ID, spec=spec, state=TaskState.FAILED, reason=reason)
    last = rows.fitted([task], 80)[1][-1]
    assert last.startswith("nnn")
    assert last.endswith("… — exited with status 3")
    assert rows.fitted([task], None)[1][-1] == "n" * 100 + " — exited with status 3"


def test_what_waits_for_a_verdict_says_so() -> None:
    spec = TaskSpec(command=("true",), cwd="/", review=True)
    task = Task(id=_ID, spec=spec, state=TaskState.PROCESSING, exit=Exit(code=0))
    assert phrases.brief(task) == "abcdef processing: waits for a verdict"
