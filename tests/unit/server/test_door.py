"""The door: an answer that has begun is never followed by another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send

from inspan.errors import BadInput
from inspan.server.audit import Audit
from inspan.server.door import HOSTS, Door, OwnSocket

pytestmark = pytest.mark.anyio

SCOPE: Scope = {
    "type": "http",
    "method": "GET",
    "path": "/v1/health",
    "headers": [(b"host", min(HOSTS).encode())],
}


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def answered(*, started: bool, error: Exception) -> tuple[list[Message], Exception | None]:
    """What is sent where the app raises, and what comes out."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        if started:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise error

    try:
        nowhere = Audit(Path(os.devnull))
        door = Door(app, version="1", guard=OwnSocket(), audit=nowhere)
        await door({**SCOPE}, _nothing, send)
    except (BadInput, ValueError) as raised:
        return sent, raised
    return sent, None


@pytest.mark.parametrize("error", [BadInput("no"), ValueError("oh")])
async def test_an_error_is_a_problem_or_breaks_what_has_begun(error: Exception) -> None:
    sent, raised = await answered(started=False, error=error)
    assert raised is None
    assert [one["type"] for one in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == (422 if isinstance(error, BadInput) else 500)
    sent, raised = await answered(started=True, error=error)
    assert raised is error
    assert [one["type"] for one in sent] == ["http.response.start"]
