"""Whether an agent is logged in, asked before it is started: with patience, and without insisting.

At most three attempts, each at most 30 s, with a pause between them that doubles; a circuit breaker
for each account; and one question at a time for each account, whose answer all who wait for it get.
It knows no agent: what is asked, and what an answer means, comes from outside.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, TypeAlias

import anyio

from inspan.agents.dialect import LoginAnswer
from inspan.engine.ports import Clock
from inspan.model.patience import Breaker
from inspan.model.timeouts import LoginRules
from inspan.model.value import value

MAX_ATTEMPTS_EXCEEDED: Final = "MAX_ATTEMPTS_EXCEEDED"
NOT_LOGGED_IN: Final = "NOT_LOGGED_IN"
CIRCUIT_OPEN: Final = "CIRCUIT_OPEN"


@value
class Login:
    """What came of it: ``code`` is empty where it is logged in."""

    code: str = ""
    message: str = ""
    attempts: int = 0

    @property
    def ok(self) -> bool:
        """True where it is logged in."""
        return not self.code


Probe: TypeAlias = Callable[[], Awaitable[LoginAnswer]]


class Logins:
    """The accounts of all agents, a handful. One is whatever its probe depends on, as a text."""

    def __init__(self, clock: Clock, rules: Callable[[], LoginRules] = LoginRules) -> None:
        """``rules`` are asked whenever they begin to count: they can change."""
        self._clock = clock
        self._rules = rules
        self._accounts: dict[str, _Account] = {}

    async def assure(self, account: str, probe: Probe | None) -> Login:
        """That ``account`` may be tried, and is logged in as far as ``probe`` can tell.

        Never raises for what it finds. Where it is ok, ``ended`` has to tell what came of it.
        """
        known = self._account(account)
        async with known.turn:
            now = self._clock.monotonic()
            if not known.breaker.allows(now):
                times = known.breaker.failures
                return Login(CIRCUIT_OPEN, f"it was turned away {times} times in a row")
            before, known.breaker = known.breaker, known.breaker.tried(now)
            if probe is None or known.good_until > now:
                return Login()
            try:
                login = await self._attempts(probe)
            except BaseException:
                known.breaker = before  # given up from outside, which tells nothing
                raise
            now = self._clock.monotonic()
            if login.ok:
                known.good_until = now + self._rules().believed
            else:
                known.breaker = known.breaker.failed(now)
            return login

    def ended(self, account: str, *, refused: bool | None) -> None:
        """Whether the agent was turned away in the end; ``None``: it never came to that."""
        known = self._account(account)
        if refused is None:
            known.breaker = replace(known.breaker, probing=False)
        elif refused:
            known.breaker = known.breaker.failed(self._clock.monotonic())
            known.good_until = 0.0
        else:
            known.breaker = known.breaker.succeeded()

    def _account(self, account: str) -> _Account:
        rules = self._rules()
        known = self._accounts.setdefault(account, _Account())
        known.breaker = replace(known.breaker, threshold=rules.failures, rest=rules.rest)
        return known

    async def _attempts(self, probe: Probe) -> Login:
        rules = self._rules()
        answer = LoginAnswer(ok=False)
        for number in range(1, rules.attempts + 1):
            answer = await self._once(probe, rules.timeout)
            if answer.ok:
                return Login(attempts=number)
            if answer.final:
                return Login(NOT_LOGGED_IN, answer.message, number)
            if number < rules.attempts:
                await self._clock.sleep(rules.backoff.delay(number, self._clock.chance()))
        return Login(MAX_ATTEMPTS_EXCEEDED, answer.message, rules.attempts)

    async def _once(self, probe: Probe, patience: float) -> LoginAnswer:
        """One attempt; an exception is one too, and so is no answer in time."""
        answers: list[LoginAnswer] = []

        async def ask() -> None:
            try:
                answers.append(await probe())
            except Exception as error:  # noqa: BLE001 - whatever it is, it is no login
                answers.append(LoginAnswer(ok=False, message=str(error) or type(error).__name__))
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await self._clock.sleep(patience)
            group.cancel_scope.cancel()
        late = LoginAnswer(ok=False, message=f"it did not answer within {patience:g} s")
        return answers[0] if answers else late


class _Account:
    def __init__(self) -> None:
        self.breaker = Breaker()
        self.good_until = 0.0
        self.turn = anyio.Lock()
