"""What planners and reviewers answer: found in their words, and taken for nothing but data."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.errors import BadInput
from inspan.model.task import Verdict
from inspan.swarm import prompts
from inspan.swarm.said import object_in
from inspan.swarm.verdict import review_of
from inspan.swarm.wishes import Wishes, wishes

pytestmark = pytest.mark.requirement("A6", "A7")

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one, max_size=3)
)


@given(st.dictionaries(st.text(), _JSON, max_size=4), st.sampled_from(range(4)))
def test_an_object_is_found_however_it_is_wrapped(told: dict[str, Any], how: int) -> None:
    text = json.dumps(told, indent=how or None)
    wrapped = [
        text,
        f"Here it is:\n```json\n{text}\n```\nThat is all.",
        f"I looked at it.\n{text}",
        f"{text}\nI hope that helps {{really}}.",
    ][how]
    assert object_in(wrapped) == told


def test_the_last_of_several_counts() -> None:
    assert object_in('```json\n{"a": 1}\n```\nno:\n```json\n{"a": 2}\n```') == {"a": 2}
    assert object_in('{"a": {"b":\n{"c": 3}}}\nand\n{"a": 4}') == {"a": 4}


@given(st.text())
def test_nothing_is_found_where_nothing_is_or_an_object(words: str) -> None:
    with suppress(BadInput):
        assert isinstance(object_in(words), dict)


@pytest.mark.parametrize("words", ["", "[1]", "{" * 100_000, '{"a": ' * 50_000, "```json\n{\n```"])
def test_no_answer_is_too_odd_to_be_refused(words: str) -> None:
    with pytest.raises(BadInput):
        object_in(words)


def test_a_review_is_read() -> None:
    told = review_of(
        {
            "verdict": "reject",
            "summary": "no",
            "findings": [{"file": "a.py", "line": 3, "what": "wrong"}, {"what": "bad"}, "plain"],
        }
    )
    assert told.verdict is Verdict.SEND_BACK
    assert told.findings == ("a.py:3: wrong", "bad", "plain")
    assert review_of({"verdict": "accept"}).verdict is Verdict.ACCEPT
    assert review_of({"verdict": "ask", "summary": "?"}).verdict is None


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ({}, "verdict"),
        ({"verdict": "fine"}, "'fine'"),
        ({"verdict": ["accept"]}, "verdict"),
        ({"verdict": "reject"}, "findings"),
        ({"verdict": "reject", "findings": "x"}, "not a list"),
        ({"verdict": "reject", "findings": [{}]}, "what"),
        ({"verdict": "reject", "findings": [3]}, "what"),
    ],
)
def test_what_is_no_review_is_told_so(told: dict[str, Any], word: str) -> None:
    with pytest.raises(BadInput, match=word):
        review_of(told)


def test_wishes_come_back_from_their_arguments() -> None:
    wanted = Wishes(
        planner="a",
        workers=("b", "c"),
        reviewers=(),
        rounds=0,
        checks=("make test", "--odd one", ""),
        yes=True,
        planned=True,
        slots=7,
        base="-x",
    )
    assert wishes(wanted.argv()) == wanted
    assert wishes(replace(wanted, setups=("npm ci", "a b")).argv()).setups == ("npm ci", "a b")
    plain = Wishes(planner="", workers=("b",), reviewers=("c", "b"))
    assert wishes(plain.argv()) == plain


def test_steps_go_round_and_nobody_reviews_what_is_their_own() -> None:
    asked = Wishes(planner="a", workers=("a", "b"), reviewers=("a", "b"))
    assert [asked.worker(turn) for turn in range(3)] == ["a", "b", "a"]
    assert (asked.reviewer("a"), asked.reviewer("b"), asked.reviewer("shell")) == ("b", "a", "a")
    alone = Wishes(planner="a", workers=("a",), reviewers=("a",))
    assert alone.reviewer("a") == "a"
    assert Wishes(planner="a", workers=("a",)).reviewer("a") is None


def test_a_prompt_takes_anything_as_it_is() -> None:
    odd = "{goal} {0} %s {{"
    assert odd in prompts.plan(odd)
    assert odd in prompts.review(odd, odd, (odd,), odd)
    assert odd in prompts.resolve(odd, (odd,), (odd,))
    assert "git diff HEAD~1" in prompts.review("a", "x" * 300_000, ())
