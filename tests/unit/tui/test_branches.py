from __future__ import annotations

import pytest

from inspan.model.task import Task, TaskSpec, TaskState
from inspan.tui.branches import lines

pytestmark = pytest.mark.requirement("E4")


def _tasks(**after: str) -> dict[str, Task]:
    return {
        name: Task(
            id=name,
            spec=TaskSpec(cwd="/", after=tuple(above)),
            state=TaskState.QUEUED,
        )
        for name, above in after.items()
    }


def _drawn(tasks: dict[str, Task]) -> list[str]:
    return [f"{line.lead}{line.task.id}{''.join(line.also)}" for line in lines(tasks)]


def test_each_stands_below_the_last_that_it_waits_for() -> None:
    assert _drawn(_tasks(a="", b="a", c="a", d="b", e="db", x="")) == [
        "a",
        "├─ b",
        "│  └─ d",
        "│     └─ eb",
        "└─ c",
    ]


def test_what_is_not_known_is_not_waited_for_here() -> None:
    assert _drawn(_tasks(a="z", b="a")) == ["a", "└─ b"]
    assert _drawn(_tasks(a="z")) == []


def test_one_that_is_only_awaited_beside_another_is_there_too() -> None:
    assert _drawn(_tasks(a="", b="", c="ab")) == ["a", "b", "└─ ca"]


def test_a_chain_of_thousands_is_drawn() -> None:
    names = [f"{number:05}" for number in range(5000)]
    tasks = {
        name: Task(
            id=name,
            spec=TaskSpec(cwd="/", after=(names[at - 1],) if at else ()),
            state=TaskState.PENDING,
        )
        for at, name in enumerate(names)
    }
    drawn = list(lines(tasks))
    assert [line.task.id for line in drawn] == names
    assert max(len(line.lead) for line in drawn) < 60
