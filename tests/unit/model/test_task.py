import pytest

from inspan.model.task import GOOD, TERMINAL, Exit, Patience, TaskState

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
