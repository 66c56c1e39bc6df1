"""How browsers come and go, by HTTP: codes for the owner, a cookie for a code, and its end."""

from __future__ import annotations

from starlette.responses import Response

from inspan.errors import Conflict
from inspan.model.value import value
from inspan.server import schema
from inspan.server.logins import STAYS, Logins
from inspan.server.rest import answer
from inspan.server.visitor import Scope, name_of
from inspan.server.ways import Asked

#: What the page may do unless less is asked for. It does not stop the daemon.
USUAL = (Scope.READ, Scope.WRITE, Scope.ATTACH)


@value(frozen=True)
class Front:
    """Where the page is, and how its cookie is called."""

    logins: Logins
    page: str
    cookie: str
    secure: bool


class Entry:
    """The verbs; without a network there is no page to come in at."""

    def __init__(self, front: Front | None) -> None:
        self._front = front

    async def invite(self, asked: Asked) -> Response:
        """A code, and the address that has it behind its ``#``."""
        front = self._open()
        body = schema.read(schema.Inviting, await asked.body())
        code = front.logins.code(body.scopes or USUAL)
        return answer({"url": f"{front.page}#code={code}"})

    async def enter(self, asked: Asked) -> Response:
        front = self._open()
        cookie = front.logins.enter(schema.read(schema.Entering, await asked.body()).code)
        reply = answer({})
        reply.headers["set-cookie"] = _cookie(front, cookie, STAYS)
        return reply

    async def leave(self, asked: Asked) -> Response:
        front = self._open()
        front.logins.leave(name_of(asked.request))
        reply = answer({})
        reply.headers["set-cookie"] = _cookie(front, "", 0)
        return reply

    def _open(self) -> Front:
        if self._front is None:
            raise Conflict(
                "the daemon does not serve the network, and so no page",
                hint="`inspan web` starts it so.",
            )
        return self._front


def _cookie(front: Front, value: str, seconds: float) -> str:
    secure = "; Secure" if front.secure else ""
    return (
        f"{front.cookie}={value}; Path=/; Max-Age={seconds:.0f}; HttpOnly; SameSite=Strict{secure}"
    )
