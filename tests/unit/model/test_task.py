from dataclasses import replace

import pytest

from inspan.model.task import GOOD, TERMINAL, Exit, Hand, Handed, Patience, TaskState
from tests.unit.model.samples import task

pytestmark = pytest.mark.requirement("C1")


@pytest.mark.parametrize(
    ("how", "ok", "status"),
    [
        (Exit(code=0), True, 0),
        (Exit(code=3), False, 3),
        (Exit(signal=9), False, 137),
        (Exit(signal=15), False, 143),
    ],
)
def test_an_exit_is_told_as_a_shell_would(how: Exit, ok: bool, status: int) -> None:
    assert (how.ok, how.status) == (ok, status)


def test_an_unknown_exit_is_not_a_good_one() -> None:
    assert not Exit().ok
    assert Exit().status != 0


def test_what_ended_well_has_ended() -> None:
    assert GOOD < TERMINAL
    assert {TaskState.COMPLETED, TaskState.SUCCEEDED} == GOOD


def test_the_deadline_is_three_hundred_seconds_unless_said_otherwise() -> None:
    assert Patience().deadline == 300.0


def test_each_attempt_is_told_of_who_had_the_task_then() -> None:
    held = task(TaskState.RUNNING, 5)
    assert held.hand(1).provider == held.hand(5).provider == held.spec.provider
    earlier = (Hand("claude"), Hand("codex", since=3))
    changed = replace(held, handed=Handed(earlier=earlier, since=5, provider="pi"))
    told = [changed.hand(attempt).provider for attempt in range(1, 6)]
    assert told == ["claude", "claude", "codex", "codex", held.spec.provider]
