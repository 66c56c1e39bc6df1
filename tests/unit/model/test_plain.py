import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspan.model import event as e
from inspan.model import plain
from inspan.model.code import CODE_FACTS
from inspan.model.plain import dump, load, load_event, load_fact, shallow, text
from inspan.model.role import Role
from inspan.model.task import Exit, Patience, Task, TaskSpec, TaskState, TerminalSpec
from tests.unit.model.samples import SPEC, event, facts, of, task

any_fact = st.one_of(*(of(kind) for kind in facts(1)))


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(dump(value)))


@given(any_fact)
def test_every_fact_comes_back_as_it_was(fact: e.Fact) -> None:
    assert load_fact(through_json(fact)) == fact


@given(of(Task))
@settings(max_examples=50)
def test_every_task_comes_back_as_it_was(value: Task) -> None:
    assert load(Task, through_json(value)) == value


@given(of(int), of(float), of(str), any_fact)
def test_every_event_comes_back_as_it_was(seq: int, at: float, word: str, fact: e.Fact) -> None:
    value = e.Event(seq, at, word, word, fact)
    assert load_event(through_json(value)) == value


any_value = any_fact | st.one_of(*(of(kind) for kind in CODE_FACTS.values())) | of(Task)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(any_value | JSON | st.lists(any_value, max_size=2))
@settings(max_examples=300)
def test_a_value_is_written_as_an_encoder_writes_it(value: Any) -> None:
    written = text(value)
    assert written == json.dumps(dump(value), separators=(",", ":"))
    assert written.isascii()


@given(any_value)
def test_the_first_value_of_a_class_is_told_as_the_hundredth(value: Any) -> None:
    plain._TELLERS.pop(type(value), None)
    first = plain.shallow(value)
    by_hand = plain._TELLERS[type(value)]
    later = [plain.shallow(value) for _ in range(plain._BY_HAND + 3)]
    assert plain._TELLERS[type(value)] is not by_hand
    for told in later:
        assert (told, list(told)) == (first, list(first))


@given(any_value)
def test_the_first_value_of_a_class_is_written_as_the_hundredth(value: Any) -> None:
    plain._WRITERS.pop(type(value), None)
    first = text(value)
    by_hand = plain._WRITERS[type(value)]
    later = {text(value) for _ in range(plain._BY_HAND + 3)}
    assert plain._WRITERS[type(value)] is not by_hand
    assert later == {first}


@given(any_value)
def test_the_first_value_of_a_class_that_was_expected_is_written_as_any(value: Any) -> None:
    kind: Any = type(value)
    plain._WRITERS.pop(kind, None)
    plain.expect.cache_clear()
    plain.expect(kind)
    expected = plain._WRITERS[kind]
    assert text(value) == json.dumps(dump(value), separators=(",", ":"))
    assert plain._WRITERS[kind] is expected


def test_what_is_at_its_default_is_left_out() -> None:
    assert dump(TaskSpec(cwd="/tmp")) == {"cwd": "/tmp"}
    assert dump(Role("worker", 2)) == {"name": "worker"}
    assert dump(Exit(code=0)) == {"code": 0}
    assert dump(e.Readied()) == {"kind": "task.readied"}


@pytest.mark.parametrize("value", [3, 0.5, "word", True, None])
def test_a_plain_word_is_itself(value: object) -> None:
    assert dump(value) is value


def test_what_is_stored_does_not_depend_on_where_the_value_came_from() -> None:
    """A spec that crossed a wire has equal parts, not the same ones; its digest may not differ."""
    read = replace(
        SPEC,
        patience=Patience(deadline=float("300"), grace=float("5")),
        terminal=TerminalSpec(cols=int("80")),
        env={},
    )
    told = {"cwd": "/tmp", "command": ["true"], "kind": "goal", "patience": {}}
    assert dump(read) == told


def test_an_older_value_without_a_newer_field_reads_as_its_default() -> None:
    old = dump(task(TaskState.RUNNING))
    del old["checks"], old["idle_warned_at"]
    read = load(Task, old)
    assert (read.checks, read.idle_warned_at) == ((), None)


def test_a_field_of_a_newer_inspan_is_passed_over() -> None:
    plain = dump(task(TaskState.RUNNING)) | {"mood": "good"}
    plain["spec"]["weather"] = "fair"
    assert load(Task, plain) == task(TaskState.RUNNING)


def test_a_fact_names_its_kind_and_an_unknown_kind_is_an_error() -> None:
    assert through_json(e.Spawned(1, 7)) == {"kind": "attempt.spawned", "attempt": 1, "pid": 7}
    with pytest.raises(KeyError):
        load_fact({"kind": "task.dreamt"})


def test_a_missing_field_is_an_error() -> None:
    with pytest.raises(TypeError):
        load_fact({"kind": "attempt.spawned", "attempt": 1})


def test_the_environment_is_stored_and_never_shown() -> None:
    spec = replace(SPEC, env={"TOKEN": "hush"})
    assert load(TaskSpec, through_json(spec)).env == {"TOKEN": "hush"}
    assert "hush" not in repr(spec)
    assert "hush" not in repr(replace(task(TaskState.RUNNING), spec=spec))


def test_an_event_says_what_it_is() -> None:
    assert [event(fact).kind for fact in facts(1).values()] == list(e.FACTS)
    assert {item.name for item in fields(e.Event)} == {"seq", "at", "task", "correlation", "fact"}


def test_nothing_is_told_of_what_is_no_value_of_ours() -> None:
    with pytest.raises(TypeError, match="no class of values"):
        shallow(object())
