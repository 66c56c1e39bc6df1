"""Who asks, and what they may: a door puts it beside the request, and each route looks at it.

A request with nobody beside it gets nothing, so a door that forgets does not open.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from inspan.errors import NotGranted
from inspan.model.value import value

if TYPE_CHECKING:
    # `inspan token` asks for scopes too, and needs no server for that.
    from starlette.requests import HTTPConnection
    from starlette.types import Scope as Connection

#: Under these names in the ASGI scope of a request.
_WHO: Final = "inspan.visitor"
_NEEDS: Final = "inspan.needs"


class Scope(StrEnum):
    """What somebody may do."""

    READ = "read"  #: look at everything, what was printed included
    WRITE = "write"  #: hand in, prompt, answer, stop, decide; and look
    ATTACH = "attach-write"  #: type into terminals; and look
    ADMIN = "admin"  #: all of that, prune and stop the daemon


@value(frozen=True)
class Visitor:
    """Who asks."""

    name: str
    scopes: frozenset[Scope]
    #: The task for whose agent is asked; ``None``: it is a person, or a person's program.
    task: str | None = None

    def may(self, needs: Scope) -> bool:
        """True where one of the scopes includes ``needs``."""
        if needs is Scope.READ:
            return bool(self.scopes)
        return needs in self.scopes or Scope.ADMIN in self.scopes


def admit(connection: Connection, visitor: Visitor) -> None:
    """Let ``visitor`` go on to the routes."""
    connection[_WHO] = visitor


def require(connection: HTTPConnection, needs: Scope) -> None:
    """Raises NotGranted where whoever asks may not do that."""
    visitor = connection.scope.get(_WHO)
    connection.scope[_NEEDS] = needs
    if visitor is None or not visitor.may(needs):
        who = visitor.name if visitor else "nobody"
        raise NotGranted(
            f"{who} was not granted {needs}",
            hint=f"A token with it is made by `inspan token new NAME --scope {needs}`.",
        )


def welcome(connection: HTTPConnection) -> None:
    """Let anybody do that; it is noted all the same."""
    connection.scope[_NEEDS] = Scope.WRITE


def task_of(connection: Connection) -> str | None:
    """The task for whose agent is asked."""
    visitor: Visitor | None = connection.get(_WHO)
    return None if visitor is None else visitor.task


def name_of(connection: HTTPConnection) -> str:
    """Who asks."""
    visitor: Visitor = connection.scope[_WHO]
    return visitor.name


def seen(connection: Connection) -> tuple[str | None, Scope | None]:
    """Who asked and what that needed; ``None`` for a stranger, and where it did not come so far."""
    visitor = connection.get(_WHO)
    return visitor.name if visitor and visitor.scopes else None, connection.get(_NEEDS)
