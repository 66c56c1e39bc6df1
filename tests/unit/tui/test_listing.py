from __future__ import annotations

import random
from dataclasses import replace

import pytest

from inspan.model.task import Task, TaskSpec, TaskState
from inspan.telling.groups import Group, group_of
from inspan.tui.listing import Head, Listing, More

pytestmark = pytest.mark.requirement("E4")


def _task(number: int, state: TaskState = TaskState.QUEUED, name: str = "work") -> Task:
    return Task(id=f"{number:026}", spec=TaskSpec(name=name, cwd="/"), state=state)


def _rows(listing: Listing) -> list[object]:
    return [listing.row(at) for at in range(len(listing))]


def _reference(tasks: list[Task], older: set[Group]) -> list[object]:
    rows: list[object] = []
    for group in Group:
        its = sorted((t for t in tasks if group_of(t) is group), key=lambda t: t.id, reverse=True)
        more = [More(group)] if group in older else []
        if its or more:
            rows += [Head(group), *its, *more]
    return rows


def test_rows_are_those_of_a_list_that_is_sorted_anew() -> None:
    chance = random.Random(6)
    listing, tasks = Listing(), dict[str, Task]()
    for _ in range(600):
        task = _task(chance.randrange(60), chance.choice(list(TaskState)))
        if chance.random() < 0.3:
            tasks.pop(task.id, None)
            listing.drop(task.id)
        else:
            tasks[task.id] = task
            listing.put(task)
        listing.older = {group for group in Group if chance.random() < 0.3}
        expected = _reference(list(tasks.values()), listing.older)
        assert _rows(listing) == expected
        assert listing.row(len(listing)) is None
        assert listing.row(-1) is None
        for at, row in enumerate(expected):
            if isinstance(row, Task):
                assert listing.place(row.id) == at
    assert listing.place("not there") is None


def test_the_nearest_task_is_found_beyond_headings() -> None:
    listing = Listing()
    assert listing.near(0) is None
    run, done = _task(1, TaskState.RUNNING), _task(2, TaskState.COMPLETED)
    listing.fill([run, done])
    assert [listing.near(at) for at in range(4)] == [run, run, done, done]
    assert listing.near(2, -1) == run
    assert listing.near(99) == done


def test_words_that_are_wanted_leave_the_others_out() -> None:
    listing = Listing()
    found, other = _task(1, name="Fix the LOGIN"), _task(2, name="else")
    listing.fill([found, other], "login")
    assert _rows(listing) == [Head(Group.QUEUED), found]
    listing.put(replace(found, state=TaskState.RUNNING))
    listing.put(_task(3, name="more of the rest"))
    assert [listing.count(group) for group in Group] == [0, 1, 0, 0]
