"""Many steps of one goal, a fifth of which crash: slots are kept to, and none is lost."""

from __future__ import annotations

import json
import subprocess
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from inspan.client.sync import SyncControl
from inspan.control import EventQuery
from inspan.model import event as e
from inspan.model.task import Task, TaskSpec, TaskState
from inspan.settings import locate
from tests.real.console import MEASURED, Console
from tests.real.daemon import until

pytestmark = [pytest.mark.timeout(600), pytest.mark.requirement("A3", "A7")]

PATIENCE = 400.0
#: Each is there while it runs, says how many it saw there, and a crash is a kill -9 of itself.
PROGRAM = """\
here=$1/runs/$$; : > "$here"; ls "$1/runs" | wc -l >> "$1/seen"
if [ "$3" = crashes ] && [ ! -e "$1/was/$2" ]; then
  : > "$1/was/$2"; rm "$here"; kill -9 $$
fi
rm "$here"; [ "$3" != fails ] || kill -9 $$
"""


def how(number: int) -> str:
    """One in fifty crashes whenever it is tried, so that a fifth in all crash at first."""
    return "fails" if number % 50 == 7 else "crashes" if number % 50 in range(10, 19) else "works"


def step(number: int, place: Path) -> dict[str, Any]:
    near = [number - 9] if number % 3 == 0 and number >= 9 and how(number - 9) != "fails" else []
    return {
        "name": str(number),
        "provider": "shell",
        "command": ["sh", "-c", PROGRAM, "sh", str(place), str(number), how(number)],
        "workspace": "here",
        "review": False,
        "after": [str(one) for one in near],
    }


@pytest.mark.parametrize(
    ("count", "limit"),
    [(100, 5), *(pytest.param(300, limit, marks=pytest.mark.soak) for limit in (1, 3, 5))],
)
def test_no_more_than_the_limit_and_no_slot_is_lost(count: int, limit: int) -> None:
    with Console(f"{MEASURED}roles: {{default: 8, worker: {limit}}}\n") as console:
        place = console.home / "place"
        for name in ("runs", "was"):
            (place / name).mkdir(parents=True)
        subprocess.run(["git", "init", "--quiet", str(place)], check=True)
        who = ("-c", "user.name=n", "-c", "user.email=a@b")
        words = ("commit", "--quiet", "--allow-empty", "-m", "first")
        subprocess.run(["git", "-C", str(place), *who, *words], check=True)
        steps = [step(number, place) for number in range(count)]
        crashing = [number for number in range(count) if how(number) != "works"]
        assert len(crashing) == count // 5
        (console.home / "plan.json").write_text(json.dumps({"steps": steps}))
        plan = ("--plan", str(console.home / "plan.json"), "--reviewer", "none")
        goal = console.say("goal", *plan, "--cwd", str(place), "--detach")
        with SyncControl(locate(console.env).daemon_socket) as control:
            over = control.wait(goal, timeout=PATIENCE)
            assert over.state is TaskState.FAILED, over
            assert over.reason is not None
            assert over.reason.message.startswith(f"{count - count // 50} of {count} done")
            _nothing_is_left(control, over, count)
            _kept_to(control, over, place, count, limit)
            _all_slots_are_there(control, place, limit)


def _events(control: SyncControl, goal: Task) -> list[e.Event]:
    found: list[e.Event] = []
    while page := control.history(
        EventQuery(correlation=goal.correlation, since=found[-1].seq if found else 0)
    ):
        found += page
    return found


def _nothing_is_left(control: SyncControl, goal: Task, count: int) -> None:
    """Each step has a task, each of them is over, and each crash was an attempt of its own."""
    tasks = [
        control.get(event.task)
        for event in _events(control, goal)
        if isinstance(event.fact, e.Submitted) and event.task != goal.id
    ]
    assert len(tasks) == count
    assert all(task.done for task in tasks)
    assert sum(task.state is TaskState.FAILED for task in tasks) == count // 50
    assert sum(task.attempt == 2 for task in tasks) == count // 5
    until(lambda: control.health().sessions == 0, "the last session to be closed", 60)


def _kept_to(control: SyncControl, goal: Task, place: Path, count: int, limit: int) -> None:
    """By the events, and by what the programs saw of one another."""
    held = {e.AttemptStarted: 1, e.Exited: -1}
    at_work = list(
        accumulate(
            held.get(type(event.fact), 0)
            for event in _events(control, goal)
            if event.task != goal.id
        )
    )
    assert max(at_work) == limit
    assert at_work[-1] == 0
    seen = [int(line) for line in (place / "seen").read_text().split()]
    assert len(seen) == count + count // 5
    assert max(seen) <= limit


def _all_slots_are_there(control: SyncControl, place: Path, limit: int) -> None:
    """As many as may run at once run at once, none of which ends before all of them run."""
    go = place / "go"
    wait = f"until [ -e '{go}' ]; do sleep 0.05; done"
    spec = TaskSpec(command=("sh", "-c", wait), cwd="/", env={"PATH": "/usr/bin:/bin"})
    tasks = control.submit_all([spec] * limit)
    until(
        lambda: all(control.get(task.id).state is TaskState.RUNNING for task in tasks),
        "all slots to be taken",
        60,
    )
    go.touch()
    for task in tasks:
        assert control.wait(task.id, timeout=60).state is TaskState.COMPLETED
