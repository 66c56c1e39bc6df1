"""What is worth telling, and whether it still is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.model import event as e
from inspan.model.agent import Ending
from inspan.model.lifecycle import apply
from inspan.model.notice import Notice, NoticeKind, Target, Webhook
from inspan.model.task import Exit, Needs, Reason, StopKind, Task, TaskSpec
from inspan.notices.finding import kind_of, notice, wanted

ID = "01hzzzzzzzzzzzzzzzzzzzzzzz"
K = NoticeKind
BEGUN = (e.Readied(), e.AttemptStarted(1, f"{ID}-1", "k"), e.Spawned(1, 7))
WHY = Reason("exit", "it ended with 3")
USED_UP = Reason(Ending.BUDGET.value, "it has used $2 of $2")


def told(*facts: e.Fact, spec: TaskSpec | None = None) -> Notice | None:
    """What is told of a task that began so, by the last of the facts."""
    task, event = after(*facts, spec=spec)
    kind = kind_of(event.fact)
    return notice(kind, event, task) if kind else None


def after(*facts: e.Fact, spec: TaskSpec | None = None) -> tuple[Task, e.Event]:
    spec = spec or TaskSpec(command=("true",), cwd="/", name="build")
    task = None
    for seq, fact in enumerate((e.Submitted(spec), *facts), 1):
        event = e.Event(seq, 100.0 + seq, ID, ID, fact)
        task = apply(task, event)
    assert task is not None
    return task, event


ENDED = (*BEGUN, e.Exited(1, Exit(0), 10))


@pytest.mark.parametrize(
    ("facts", "kind", "line"),
    [
        ((*BEGUN, e.NeedsInput(1, Needs("question", "Which?"))), K.QUESTION, "Which?"),
        ((*BEGUN, e.NeedsInput(1, Needs("prompt", "Next"))), K.QUESTION, "Next"),
        ((*BEGUN, e.NeedsInput(1, Needs("permission", "rm -r x"))), K.PERMISSION, "rm -r x"),
        ((*ENDED, e.Completed(1)), K.COMPLETED, ""),
        ((*ENDED, e.Failed(1, WHY)), K.FAILED, "it ended with 3"),
        ((*ENDED, e.Failed(1, USED_UP)), K.BUDGET, "it has used $2 of $2"),
        ((*BEGUN, e.Interrupted(USED_UP)), K.BUDGET, "it has used $2 of $2"),
        ((*BEGUN, e.Interrupted(Reason("keeper", "lost"))), K.INTERRUPTED, "lost"),
        ((*BEGUN, e.Errored(Reason("spawn", "no such file"))), K.FAILED, "no such file"),
        ((*ENDED, e.Parked(1, Reason("quota", "until noon"), 9.0)), K.PARKED, "until noon"),
    ],
)
def test_what_needs_somebody_is_found(
    facts: tuple[e.Fact, ...], kind: NoticeKind, line: str
) -> None:
    found = told(*facts)
    assert found is not None
    assert (found.kind, found.line, found.name, found.task) == (kind, line, "build", ID)
    assert found.seq == len(facts) + 1


def test_a_result_that_waits_for_a_verdict_is_found() -> None:
    spec = TaskSpec(command=("true",), cwd="/", review=True, checks=("make",))
    assert told(*ENDED, spec=spec) is None
    found = told(*ENDED, e.CheckEnded(1, "make", Exit(0), f"{ID}-1-c1"), spec=spec)
    assert found is not None
    assert found.kind is K.REVIEW
    assert told(*ENDED, e.CheckEnded(1, "make", Exit(1), f"{ID}-1-c1"), spec=spec) is None


def test_what_somebody_asked_for_is_told_to_nobody() -> None:
    wish = e.StopRequested(StopKind.INTERRUPT, "person")
    assert told(*BEGUN, wish, e.Interrupted(Reason("interrupt", "by a person"))) is None
    assert told(*BEGUN, e.Cancelled(Reason("cancel", "by a person"))) is None
    assert told(*ENDED) is None


def test_what_is_over_by_now_is_told_to_nobody() -> None:
    asked = e.NeedsInput(1, Needs("question", "Which?"))
    _, event = after(*BEGUN, asked)
    task, _ = after(*BEGUN, asked, e.Answered(1))
    assert notice(K.QUESTION, event, task) is None


def test_nothing_that_a_terminal_would_obey_gets_out() -> None:
    spec = TaskSpec(command=("true",), cwd="/", name="\x1b]0;x\x07a\nb\u202e")
    found = told(*BEGUN, e.NeedsInput(1, Needs("question", "\x1b[2Jgo?\r\n" * 99)), spec=spec)
    assert found is not None
    assert found.name == "a b"
    assert found.line.startswith("go? go?")
    assert len(found.line) <= 200


@given(name=st.text(), line=st.text())
def test_every_name_and_line_is_one_printable_line(name: str, line: str) -> None:
    spec = TaskSpec(command=("true",), cwd="/", name=name)
    found = told(*BEGUN, e.NeedsInput(1, Needs("question", line)), spec=spec)
    assert found is not None
    assert found.name
    for text in (found.name, found.line):
        assert not any(ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 for letter in text)


@pytest.mark.parametrize(
    ("fields", "is_wanted"),
    [
        ({}, True),
        ({"kinds": frozenset({K.FAILED})}, False),
        ({"roles": ("worker", "tester")}, True),
        ({"roles": ("tester",)}, False),
        ({"tasks": ("bu*",)}, True),
        ({"tasks": ("Bu*", "test-?")}, False),
    ],
)
def test_a_target_says_what_it_wants(fields: dict[str, object], is_wanted: bool) -> None:
    found = told(*BEGUN, e.NeedsInput(1, Needs("question", "Which?")))
    assert found is not None
    target = Target(name="t", way=Webhook(url="https://a.example/"), **fields)  # type: ignore[arg-type]
    assert wanted(target, found, "build") is is_wanted
