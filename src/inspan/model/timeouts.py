"""How long things may take unless a task says otherwise: the figures of ``timeouts.yaml``.

Values only, seconds throughout; which file they are in, and when it is read, is not known here.
"""

from __future__ import annotations

from typing import Final

from inspan.model.patience import Backoff, IdleLimit
from inspan.model.task import Patience
from inspan.model.value import field, value


@value(frozen=True, kw_only=True)
class LoginRules:
    """How an agent is asked whether it is logged in: seconds and counts."""

    attempts: int = 3
    timeout: float = 30.0
    backoff: Backoff = field(default_factory=Backoff)
    #: How long a good answer is believed.
    believed: float = 300.0
    #: Logins that failed in a row before nobody asks any more, and for how long.
    failures: int = 3
    rest: float = 60.0


@value(frozen=True, kw_only=True)
class Timeouts:
    """``None`` is without a limit."""

    #: A program, from its start to its end; a check of a task too.
    command: float | None = 300.0
    #: The most that a task may ask for where nobody lifts it.
    command_longest: float = 1800.0
    #: How long a program may be silent.
    command_idle: float | None = None
    #: An agent, from its start to its end, and how long it may be silent.
    lifetime: float | None = 3600.0
    idle: float | None = 300.0
    #: How long before a limit is reached that is told.
    warning: float = 30.0
    #: By how much the rhythm that was seen may stretch a limit of silence, at most.
    stretch: float = 4.0
    #: Between being asked to stop and being killed.
    grace: float = 5.0
    #: By the network: how often a WebSocket is asked for a sign, how long that may take, and how
    #: long a client waits before it tries again.
    ping: float = 30.0
    pong: float = 10.0
    reconnect: float = 5.0
    login: LoginRules = field(default_factory=LoginRules)

    def patience(self, *, agent: bool) -> Patience:
        """The limits of a task that names none."""
        return Patience(
            deadline=self.lifetime if agent else self.command,
            idle=self.idle if agent else self.command_idle,
            warn_before=self.warning,
            grace=self.grace,
        )

    def longest(self, *, agent: bool) -> float | None:
        """The longest deadline that is granted without being lifted."""
        return self.lifetime if agent else self.command_longest

    def silence(self, idle: float | None) -> IdleLimit | None:
        """How ``idle`` follows the rhythm that is seen."""
        return None if idle is None else IdleLimit(idle, idle * self.stretch)


DEFAULT: Final = Timeouts()
