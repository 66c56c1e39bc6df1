"""What several notices say together."""

import json

import pytest

from inspan.model.notice import Notice, NoticeKind
from inspan.model.task import TaskState
from inspan.notices.wording import LISTED, message, trial

K = NoticeKind


def one(number: int, kind: NoticeKind = K.QUESTION) -> Notice:
    state = TaskState.WAITING if kind is K.QUESTION else TaskState.FAILED
    return Notice(kind, f"id{number}", f"task-{number}", "worker", state, "Which?", number, 1e9)


def test_one_is_told_in_its_own_words() -> None:
    said = message("desk", [one(7)])
    assert (said.title, said.text, said.id) == ("task-7 asks", "Which?", "inspan-desk-7")


@pytest.mark.parametrize(
    ("kinds", "more", "title"),
    [
        ([K.QUESTION] * 7, 0, "7 tasks need you"),
        ([K.QUESTION, K.FAILED], 0, "1 task needs you, 1 failed"),
        ([K.PERMISSION, K.REVIEW, K.BUDGET, K.INTERRUPTED], 0, "4 tasks need you"),
        ([K.FAILED] * 3 + [K.COMPLETED] * 2, 0, "3 tasks failed, 2 done"),
        ([K.PARKED] * 2, 98, "2 tasks parked at a usage limit, 98 more"),
        ([K.COMPLETED] * 2, 0, "2 tasks done"),
    ],
)
def test_many_are_counted(kinds: list[NoticeKind], more: int, title: str) -> None:
    said = message("desk", [one(number, kind) for number, kind in enumerate(kinds)], more=more)
    assert said.title == title


def test_of_many_some_are_shown() -> None:
    said = message("desk", [one(number) for number in range(40)], more=60)
    assert said.text.splitlines()[:2] == ["task-0: Which?", "task-1: Which?"]
    assert said.text.splitlines()[-1] == "and 95 more"
    facts = said.facts(1e9)
    assert facts["count"] == 100
    assert len(facts["tasks"]) == LISTED


def test_the_facts_are_json_and_no_more_than_they_say() -> None:
    facts = message("desk", [one(7)]).facts(1_700_000_000.0)
    assert json.loads(json.dumps(facts)) == {
        "type": "inspan.tasks",
        "id": "inspan-desk-7",
        "timestamp": "2023-11-14T22:13:20.000+00:00",
        "title": "task-7 asks",
        "text": "Which?",
        "count": 1,
        "tasks": [
            {
                "id": "id7",
                "name": "task-7",
                "role": "worker",
                "kind": "question",
                "state": "waiting",
                "line": "Which?",
                "seq": 7,
                "at": "2001-09-09T01:46:40.000+00:00",
            }
        ],
    }


def test_without_words_nothing_is_told_in_a_tasks_own() -> None:
    said = message("desk", [one(1), one(2)], words=False)
    assert "Which?" not in json.dumps(said.facts(1e9)) + said.text


def test_a_trial_is_about_no_task() -> None:
    facts = trial("desk", 5.0).facts(5.0)
    assert (facts["type"], facts["count"], facts["tasks"]) == ("inspan.test", 0, [])
