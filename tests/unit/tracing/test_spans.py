"""Events as spans."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from inspan.errors import InspanError
from inspan.model import event as e
from inspan.model import trace
from inspan.model.agent import AgentSession, Mode, Usage
from inspan.model.lifecycle import TABLE, apply
from inspan.model.task import ACTIVE, Exit, Handed, Needs, Reason, StopKind, Task, TaskSpec
from inspan.tracing.spans import Span, Story, spans
from tests.unit.model.samples import SPEC, TASK, facts

OTHER = "01jd0000000000000000000001"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def events(*told: e.Fact | float, spec: TaskSpec = SPEC, correlation: str = TASK) -> list[e.Event]:
    """Those facts of a task, a second apart; a number lets so many more pass."""
    made: list[e.Event] = []
    at = 100.0
    for one in (e.Submitted(spec), *told):
        if isinstance(one, float):
            at += one
        else:
            made.append(e.Event(len(made) + 1, at, TASK, correlation, one))
            at += 1
    return made


def named(told: tuple[Span, ...]) -> dict[str, Span]:
    return {span.name: span for span in told}


BEGUN = (e.Readied(), e.AttemptStarted(1, f"{TASK}-1", "k"), e.Spawned(1, 7))


def test_a_task_with_a_question_and_a_check() -> None:
    told = spans(
        events(
            *BEGUN,
            e.NeedsInput(1, Needs("permission", "rm?")),
            10.0,
            e.Answered(1),
            e.Exited(1, Exit(0), 12),
            e.CheckEnded(1, "make secret", Exit(2), f"{TASK}-1-c1"),
            e.Failed(1, Reason("check", "a check failed\x1b[2J")),
        )
    )
    assert [span.name for span in told] == [
        "pending",
        "queue",
        "question",
        "check",
        "attempt",
        "task",
    ]
    by = named(told)
    whole = trace.root(TASK, {})
    assert by["task"].place == whole
    assert by["task"].parent is None
    assert (by["task"].start, by["task"].end) == (100.0, 118.0)
    assert {by[name].parent for name in ("pending", "queue", "attempt")} == {whole.span}
    assert {by[name].parent for name in ("question", "check")} == {by["attempt"].place.span}
    assert by["question"].end - by["question"].start == 11
    assert by["question"].attributes == {"inspan.question.kind": "permission"}
    assert by["check"].attributes["process.exit.code"] == 2
    assert (by["check"].start, by["check"].error) == (116.0, "it ended with 2")
    assert by["attempt"].attributes["process.exit.code"] == 0
    assert by["attempt"].attributes["error.type"] == "check"
    assert by["task"].error == "a check failed"
    assert by["task"].attributes["inspan.task.state"] == "failed"
    assert "secret" not in repr(told)


def test_what_sets_a_workspace_up_is_a_part_of_its_attempt() -> None:
    told = spans(
        events(
            e.Readied(),
            e.AttemptStarted(1, f"{TASK}-1", "k"),
            e.SetupStarted(1, "npm ci", f"{TASK}-1-s0"),
            10.0,
            e.SetupDone(1, "npm ci", f"{TASK}-1-s0"),
            e.SetupStarted(1, "make secret", f"{TASK}-1-s1"),
            e.SetupFailed(1, "make secret", f"{TASK}-1-s1", Exit(2)),
            e.Failed(1, Reason("setup-failed", "it failed")),
        )
    )
    assert [span.name for span in told] == ["pending", "queue", "setup", "setup", "attempt", "task"]
    done, failed, attempt = told[2:5]
    assert (done.end - done.start, done.error) == (11.0, None)
    assert (failed.end - failed.start, failed.error) == (1.0, "it ended with 2")
    assert {done.parent, failed.parent} == {attempt.place.span}
    assert failed.attributes["inspan.session"] == f"{TASK}-1-s1"
    assert attempt.attributes["error.type"] == "setup-failed"
    assert "secret" not in repr(told)


def test_an_attempt_that_is_retried_and_what_lies_between() -> None:
    told = spans(
        events(
            *BEGUN,
            e.Exited(1, Exit(signal=9), 12),
            e.Retried(1, Reason("exit", "killed"), 110.0),
            9.0,
            e.AttemptStarted(2, f"{TASK}-2", "k"),
            e.Exited(2, Exit(0), 12),
            e.Completed(2),
        )
    )
    assert Counter(span.name for span in told)["attempt"] == 2
    first, second = (span for span in told if span.name == "attempt")
    assert first.attributes["inspan.exit.signal"] == 9
    assert (first.error, second.error) == ("killed", None)
    backoff, queue = told[3], told[4]
    assert (backoff.name, backoff.start, backoff.end) == ("backoff", 105.0, 110.0)
    assert (queue.name, queue.start, queue.end) == ("queue", 110.0, 115.0)


def test_an_agents_tokens_are_those_of_the_attempt() -> None:
    used = Usage(read=90, cached=60, written=7, cost=0.5)
    told = spans(
        events(
            *BEGUN,
            e.AgentBegan(1, AgentSession(id="c-9", mode=Mode.STREAM, model="m-1")),
            e.UsageCounted(1, used),
            e.Exited(1, Exit(0), 12),
            e.Parked(1, Reason("quota", "until noon"), 200.0),
            50.0,
            e.Readied(),
            e.AttemptStarted(2, f"{TASK}-2", "k"),
            e.Exited(2, Exit(0), 12),
            e.Completed(2),
            spec=replace(SPEC, provider="claude"),
        )
    )
    first, second = (span for span in told if span.name == "attempt")
    assert first.attributes["gen_ai.usage.input_tokens"] == 90
    assert first.attributes["gen_ai.usage.cache_read.input_tokens"] == 60
    assert first.attributes["gen_ai.usage.output_tokens"] == 7
    assert first.attributes["gen_ai.response.model"] == "m-1"
    assert first.attributes["gen_ai.conversation.id"] == "c-9"
    assert first.attributes["gen_ai.agent.name"] == "claude"
    assert "gen_ai.usage.input_tokens" not in second.attributes
    assert named(told)["parked"].attributes == {"inspan.reason": "quota"}


def test_what_a_person_stops_has_not_failed() -> None:
    wish = e.StopRequested(StopKind.INTERRUPT, "person")
    told = spans(events(*BEGUN, wish, e.Interrupted(Reason("interrupt", "by a person"))))
    assert [span.name for span in told] == ["pending", "queue", "attempt"]
    assert told[-1].error is None
    lost = spans(events(*BEGUN, e.Interrupted(Reason("keeper", "it was lost"))))
    assert lost[-1].error == "it was lost"


def test_a_task_is_below_whoever_submitted_it() -> None:
    spec = replace(SPEC, env={"TRACEPARENT": PARENT, "MY_KEY": "hush"})
    told = spans(events(*BEGUN, e.Cancelled(Reason("cancel", "enough")), spec=spec))
    assert {span.place.trace for span in told} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    assert named(told)["task"].parent == "00f067aa0ba902b7"
    assert "hush" not in repr(told)
    unwanted = replace(SPEC, env={"TRACEPARENT": PARENT[:-2] + "00"})
    told = spans(events(*BEGUN, e.Cancelled(Reason("cancel", "enough")), spec=unwanted))
    assert not any(span.place.sampled for span in told)


def test_a_handover_leaves_a_task_where_it_was() -> None:
    elsewhere = {"TRACEPARENT": PARENT.replace("00f067", "11f067").replace("4bf92f", "5bf92f")}
    handed = Handed(earlier=(), since=2, provider="two", env=elsewhere)
    gone = e.Cancelled(Reason("cancel", "enough"))
    for env, parent in (({}, None), ({"TRACEPARENT": PARENT}, "00f067aa0ba902b7")):
        told = spans(events(e.HandedOver("me", handed), gone, spec=replace(SPEC, env=env)))
        assert (told[-1].parent, told[-1].place) == (parent, trace.root(TASK, env))


def test_other_tasks_are_linked() -> None:
    spec = replace(SPEC, after=(OTHER,), continues=OTHER)
    gone = e.Cancelled(Reason("cancel", "enough"))
    (told,) = spans(events(gone, spec=spec, correlation=OTHER))[1:]
    place = trace.root(OTHER, {})
    assert told.links == (("after", place), ("continues", place), ("correlation", place))
    elsewhere = trace.root(OTHER, {"TRACEPARENT": PARENT})
    (told,) = spans(events(gone, spec=spec), {OTHER: elsewhere})[1:]
    assert told.links == (("after", elsewhere), ("continues", elsewhere))
    assert spans(events(gone))[-1].links == ()


# ── whatever may happen to a task ─────────────────────────────────────────────


@st.composite
def lives(draw: st.DrawFn) -> list[e.Event]:
    """Any life that the table of states allows, on a clock that may be set back."""
    made = [e.Event(1, 100.0, TASK, TASK, e.Submitted(SPEC))]
    task: Task = apply(None, made[0])
    for _ in range(draw(st.integers(0, 40))):
        samples = facts(task.attempt)
        allowed = sorted(TABLE[task.state], key=lambda kind: kind.kind)
        fact = samples[draw(st.sampled_from(allowed))]
        at = made[-1].at + draw(st.sampled_from([-5.0, 0.0, 0.5, 30.0]))
        event = e.Event(made[-1].seq + 1, at, TASK, TASK, fact)
        try:
            task = apply(task, event)
        except InspanError:
            continue
        made.append(event)
    return made


@given(lives())
def test_every_life_is_a_tree_of_spans(life: list[e.Event]) -> None:
    told = spans(life)
    ids = [span.place.span for span in told]
    assert len(set(ids)) == len(ids)
    assert {span.place.trace for span in told} <= {trace.root(TASK, {}).trace}
    assert all(span.end >= span.start for span in told)
    task = None
    for event in life:
        task = apply(task, event)
    assert task is not None
    started = sum(isinstance(event.fact, e.AttemptStarted) for event in life)
    counted = Counter(span.name for span in told)
    assert counted["attempt"] == started - (task.state in ACTIVE)
    assert counted["check"] == sum(isinstance(event.fact, e.CheckEnded) for event in life)
    assert counted["task"] == task.done
    if task.done:
        # Nothing is left open below it.
        assert {span.parent for span in told} <= {*ids, None}


@given(lives(), st.data())
def test_it_does_not_matter_who_tells_which_part(life: list[e.Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(life)))
    story = Story()
    for event in life[:cut]:
        story.tell(event)
    before = spans(life[:cut])
    after = [span for event in life[cut:] for span in story.tell(event)]
    assert (*before, *after) == spans(life)
