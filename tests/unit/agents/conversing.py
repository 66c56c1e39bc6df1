"""A conversation over the Agent Client Protocol, led by a test, and what its schema allows us."""

from __future__ import annotations

import json
from typing import Any

from acp import schema
from pydantic import BaseModel

from inspan.agents import signs as s
from inspan.agents.dialect import Talk, Turn
from inspan.agents.registry import find
from inspan.agents.signs import Sign
from inspan.model.agent import Mode

WRITTEN: dict[str, type[BaseModel]] = {
    "initialize": schema.InitializeRequest,
    "session/new": schema.NewSessionRequest,
    "session/load": schema.LoadSessionRequest,
    "session/resume": schema.ResumeSessionRequest,
    "session/prompt": schema.PromptRequest,
    "session/cancel": schema.CancelNotification,
}


def turn(*, resume: str | None = None) -> Turn:
    return Turn(prompt="do it", mode=Mode.ACP, resume=resume, cwd="/home/person/work")


def talk(name: str = "opencode", *, resume: str | None = None) -> Talk:
    dialect = find(name)
    assert dialect is not None
    return dialect.talk(turn(resume=resume))


def hear(conversation: Talk, **message: Any) -> list[Sign]:
    return list(conversation.heard(json.dumps({"jsonrpc": "2.0", **message}).encode()))


def send(conversation: Talk, data: bytes | None) -> list[dict[str, Any]]:
    """What was written, which must be what the schema allows."""
    assert data is not None
    lines = data.splitlines()
    for line in lines:
        allowed(json.loads(line))
        conversation.sent(line)
    return [json.loads(line) for line in lines]


def allowed(message: dict[str, Any]) -> None:
    if message.get("method") in WRITTEN:
        WRITTEN[message["method"]].model_validate(message["params"])
    elif message.get("result") == {}:
        schema.WriteTextFileResponse.model_validate(message["result"])
    elif "result" in message:
        schema.RequestPermissionResponse.model_validate(message["result"])
    else:
        assert "error" in message or message["method"].startswith("_inspan/")


def replies(signs: list[Sign]) -> bytes:
    return b"".join(sign.data for sign in signs if isinstance(sign, s.Reply))


def opened(**session: Any) -> Talk:
    """One that works on its first prompt."""
    conversation = talk()
    send(conversation, conversation.begin())
    hello = {"protocolVersion": 1, "agentInfo": {"name": "x", "version": "9"}}
    send(conversation, replies(hear(conversation, id=1, result=hello)))
    signs = hear(conversation, id=2, result={"sessionId": "a-1", **session})
    (prompt,) = send(conversation, replies(signs))
    assert prompt["params"]["prompt"] == [{"type": "text", "text": "do it"}]
    return conversation


def update(conversation: Talk, what: str, /, **told: Any) -> list[Sign]:
    params = {"sessionId": "a-1", "update": {"sessionUpdate": what, **told}}
    return hear(conversation, method="session/update", params=params)


def ask(conversation: Talk, number: Any = 0, *, session: str = "a-1", **call: Any) -> list[Sign]:
    options = [
        {"optionId": "x1", "name": "For ever", "kind": "allow_always"},
        {"optionId": "x2", "name": "Once", "kind": "allow_once"},
        {"optionId": "x3", "name": "No", "kind": "reject_once"},
    ]
    params = {"sessionId": session, "options": options, "toolCall": {"toolCallId": "t", **call}}
    return hear(conversation, id=number, method="session/request_permission", params=params)
