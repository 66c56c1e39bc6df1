"""Logins, with the clock in our hands: attempts, pauses, the breaker, and no stampede."""

from __future__ import annotations

import anyio
import pytest

from inspan.agents.dialect import LoginAnswer
from inspan.model.patience import Backoff
from inspan.model.timeouts import LoginRules
from inspan.providers.login import (
    CIRCUIT_OPEN,
    MAX_ATTEMPTS_EXCEEDED,
    NOT_LOGGED_IN,
    Login,
    Logins,
)
from tests.fakes.clock import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C2")]

YES = LoginAnswer(ok=True)
NO = LoginAnswer(ok=False, message="no network")
NEVER = LoginAnswer(ok=False, message="log in first", final=True)


class Door:
    """A probe that gives these answers one after the other, the last one for ever."""

    def __init__(self, clock: FakeClock, *answers: LoginAnswer | Exception | None) -> None:
        self._clock = clock
        self._answers = list(answers)
        self.asked_at: list[float] = []

    async def __call__(self) -> LoginAnswer:
        self.asked_at.append(self._clock.monotonic() - 1000.0)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is None:
            await anyio.sleep_forever()
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None
        return answer


async def _assured(clock: FakeClock, logins: Logins, door: Door | None, seconds: float) -> Login:
    """What comes of it within so many seconds of the fake clock."""
    came: list[Login] = []

    async def ask() -> None:
        came.append(await logins.assure("me", door))

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await clock.advance(seconds)
        group.cancel_scope.cancel()
    (login,) = came
    return login


async def test_the_third_attempt_succeeds_after_two_pauses() -> None:
    clock = FakeClock()
    door = Door(clock, NO, RuntimeError("it broke"), YES)
    login = await _assured(clock, Logins(clock), door, 3.0)
    assert (login.ok, login.attempts) == (True, 3)
    assert door.asked_at == [0.0, 1.0, 3.0]


async def test_jitter_only_adds() -> None:
    clock = FakeClock()
    clock.luck = 0.999
    rules = LoginRules(backoff=Backoff(first=1.0, most=30.0, jitter=0.5))
    door = Door(clock, NO)
    await _assured(clock, Logins(clock, lambda: rules), door, 10.0)
    assert door.asked_at == pytest.approx([0.0, 1.4995, 4.4985], abs=0.01)


@pytest.mark.parametrize("answer", [NO, RuntimeError("it broke")], ids=["refused", "raised"])
async def test_three_failures_are_the_end_and_nothing_more_is_tried(
    answer: LoginAnswer | Exception,
) -> None:
    clock = FakeClock()
    door = Door(clock, answer)
    login = await _assured(clock, Logins(clock), door, 1000.0)
    assert (login.code, login.attempts) == (MAX_ATTEMPTS_EXCEEDED, 3)
    assert login.message in ("no network", "it broke")
    assert len(door.asked_at) == 3


async def test_no_answer_in_time_is_an_attempt() -> None:
    clock = FakeClock()
    door = Door(clock, None, YES)
    login = await _assured(clock, Logins(clock), door, 31.0)
    assert (login.ok, login.attempts) == (True, 2)
    assert door.asked_at == [0.0, 31.0]


async def test_what_asking_again_will_not_help_is_asked_once() -> None:
    clock = FakeClock()
    door = Door(clock, NEVER)
    login = await _assured(clock, Logins(clock), door, 100.0)
    assert (login.code, login.message, login.attempts) == (NOT_LOGGED_IN, "log in first", 1)
    assert len(door.asked_at) == 1


async def test_the_breaker_opens_half_opens_and_closes() -> None:
    clock = FakeClock()
    logins = Logins(clock, lambda: LoginRules(failures=2, rest=60.0))
    door = Door(clock, NEVER)
    for _ in range(2):
        assert (await _assured(clock, logins, door, 0.0)).code == NOT_LOGGED_IN
    assert (await _assured(clock, logins, door, 0.0)).code == CIRCUIT_OPEN
    assert len(door.asked_at) == 2
    await clock.advance(60.0)
    assert (await _assured(clock, logins, door, 0.0)).code == NOT_LOGGED_IN  # the one probe
    assert (await _assured(clock, logins, door, 0.0)).code == CIRCUIT_OPEN
    await clock.advance(60.0)
    good = Door(clock, YES)
    assert (await _assured(clock, logins, good, 0.0)).ok
    # As long as nobody knows what came of the one that was let through, no other is.
    assert (await _assured(clock, logins, good, 0.0)).code == CIRCUIT_OPEN
    logins.ended("me", refused=False)
    assert (await _assured(clock, logins, good, 0.0)).ok


@pytest.mark.parametrize("told", [None, False])
async def test_a_half_open_breaker_does_not_stay_so(told: bool | None) -> None:
    clock = FakeClock()
    logins = Logins(clock, lambda: LoginRules(failures=1, rest=60.0))
    await _assured(clock, logins, Door(clock, NEVER), 0.0)
    await clock.advance(60.0)
    assert (await _assured(clock, logins, None, 0.0)).ok
    logins.ended("me", refused=told)
    assert (await _assured(clock, logins, None, 0.0)).ok


async def test_being_turned_away_later_counts_and_is_asked_about_again() -> None:
    clock = FakeClock()
    logins = Logins(clock, lambda: LoginRules(failures=2))
    door = Door(clock, YES)
    for _ in range(2):
        assert (await _assured(clock, logins, door, 0.0)).ok
        logins.ended("me", refused=True)
    assert len(door.asked_at) == 2  # a good answer is believed only as long as it proves right
    assert (await _assured(clock, logins, door, 0.0)).code == CIRCUIT_OPEN


async def test_a_good_answer_is_believed_for_a_while() -> None:
    clock = FakeClock()
    logins = Logins(clock, lambda: LoginRules(believed=300.0))
    door = Door(clock, YES)
    for _ in range(3):
        assert (await _assured(clock, logins, door, 0.0)).ok
        logins.ended("me", refused=False)
    assert len(door.asked_at) == 1
    await clock.advance(300.0)
    assert (await _assured(clock, logins, door, 0.0)).ok
    assert len(door.asked_at) == 2


async def test_many_at_once_ask_once() -> None:
    clock = FakeClock()
    logins = Logins(clock)
    door = Door(clock, NO, YES)
    came: list[Login] = []

    async def ask() -> None:
        came.append(await logins.assure("me", door))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask)
        await clock.advance(1.0)
    assert [login.ok for login in came] == [True] * 20
    assert len(door.asked_at) == 2


async def test_one_account_does_not_answer_for_another() -> None:
    clock = FakeClock()
    logins = Logins(clock, lambda: LoginRules(failures=1))
    await _assured(clock, logins, Door(clock, NEVER), 0.0)
    assert (await logins.assure("you", None)).ok


async def test_giving_up_from_outside_tells_nothing() -> None:
    clock = FakeClock()
    logins = Logins(clock, lambda: LoginRules(failures=1, rest=60.0))
    await _assured(clock, logins, Door(clock, NEVER), 0.0)
    await clock.advance(60.0)
    with anyio.move_on_after(0) as given_up:
        await logins.assure("me", Door(clock, None))
    assert given_up.cancelled_caught
    assert (await _assured(clock, logins, Door(clock, YES), 0.0)).ok


async def test_giving_up_while_it_is_asked_leaves_the_next_one_to_ask() -> None:
    clock = FakeClock()
    logins = Logins(clock, lambda: LoginRules(failures=1, rest=60.0))
    await _assured(clock, logins, Door(clock, NEVER), 0.0)
    await clock.advance(60.0)
    never = Door(clock, None)
    async with anyio.create_task_group() as group:
        group.start_soon(logins.assure, "me", never)
        await clock.advance(0.0)
        group.cancel_scope.cancel()
    assert len(never.asked_at) == 1
    assert (await _assured(clock, logins, Door(clock, YES), 0.0)).ok
