"""The login of one agent: its program is asked before it is started for work.

The question is asked in the root folder and with the task's own variables, so that no file of a
project has a say in it; and in the task's sandbox, for what is on its PATH may be its own work.
Which agent it is, is the dialect's to know.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import anyio

from inspan.agents.dialect import Dialect, LoginAnswer, TellsLogin
from inspan.engine.ports import Order
from inspan.errors import AttemptsExceeded, LoginFailed
from inspan.model.agent import Ending, Outcome
from inspan.model.task import Exit
from inspan.providers.login import CIRCUIT_OPEN, MAX_ATTEMPTS_EXCEEDED, Logins
from inspan.providers.sandbox import Confined

#: How a command line is started for an order, in its sandbox if it has one: from the root folder.
Start: TypeAlias = Callable[[Sequence[str]], Awaitable[Confined]]


class AgentLogin:
    """The accounts under which one agent works."""

    def __init__(self, dialect: Dialect, logins: Logins) -> None:
        self._dialect = dialect
        self._logins = logins

    async def assure(self, order: Order, start: Start) -> None:
        """That it may be started; ``start`` tells how. Raises LoginFailed, and what that does."""
        dialect = self._dialect
        probe = None
        if isinstance(dialect, TellsLogin):
            asking = await start(dialect.ask_login())

            async def probe() -> LoginAnswer:
                return await _ask(dialect, asking)

        login = await self._logins.assure(self.account(order), probe)
        if login.ok:
            return
        hint = dialect.login_hint if isinstance(dialect, TellsLogin) else None
        if login.code == CIRCUIT_OPEN:
            hint = f"{hint or 'Log in.'} It is tried again in a minute."
        kind = AttemptsExceeded if login.code == MAX_ATTEMPTS_EXCEEDED else LoginFailed
        raise kind(f"{dialect.name} is not logged in ({login.code}): {login.message}", hint=hint)

    def ended(self, order: Order, outcome: Outcome | None) -> None:
        """It was started, and this became of it."""
        refused: bool | None = None
        if outcome is not None and outcome.ending is not Ending.STOPPED:
            refused = outcome.ending is Ending.LOGIN
        self._logins.ended(self.account(order), refused=refused)

    def account(self, order: Order) -> str:
        """What the login depends on: the home, the agent's own variables, which secrets."""
        own = sorted(f"{name}={value}" for name, value in _own(self._dialect, order.env))
        keys = sorted(f"{name}={reference}" for name, reference in order.secrets.items())
        return "\n".join([self._dialect.name, *own, *keys])


def _own(dialect: Dialect, env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    exact = {"HOME", *(name for name in dialect.settings if not name.endswith("*"))}
    begun = tuple(name[:-1] for name in dialect.settings if name.endswith("*"))
    for name, value in env.items():
        if name in exact or (begun and name.startswith(begun)):
            yield name, value


async def _ask(dialect: TellsLogin, asking: Confined) -> LoginAnswer:
    (program, *arguments), env = asking
    found = shutil.which(program, path=env.get("PATH")) or program
    done = await anyio.run_process(
        [found, *arguments],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=env,
        cwd="/",
        check=False,
    )
    code = done.returncode
    how = Exit(code=code) if code >= 0 else Exit(signal=-code)
    return dialect.login(how, done.stdout[: 1 << 16])
