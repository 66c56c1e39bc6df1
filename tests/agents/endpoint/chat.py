"""The Chat Completions API of OpenAI, streamed and plain."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.agents.endpoint.scenario import Refusal, Refuse
from tests.agents.endpoint.wire import TOKENS_IN, TOKENS_OUT, Asked, Call, Json, Reply, Tool, event

_REFUSALS = {
    Refusal.UNAUTHORIZED: (401, "invalid_request_error", "invalid_api_key"),
    Refusal.RATE_LIMITED: (429, "requests", "rate_limit_exceeded"),
    Refusal.QUOTA: (429, "insufficient_quota", "insufficient_quota"),
    Refusal.OVERLOADED: (500, "server_error", "server_error"),
}
_MESSAGES = {
    Refusal.UNAUTHORIZED: "Incorrect API key provided.",
    Refusal.RATE_LIMITED: "Rate limit reached for requests.",
    Refusal.QUOTA: "You exceeded your current quota, please check your plan and billing details.",
    Refusal.OVERLOADED: "The server had an error while processing your request.",
}
_USAGE = {
    "prompt_tokens": TOKENS_IN,
    "completion_tokens": TOKENS_OUT,
    "total_tokens": TOKENS_IN + TOKENS_OUT,
}


def read(body: Json, path: str) -> Asked:  # noqa: ARG001  # the model is named in the body
    functions = (tool["function"] for tool in body.get("tools") or ())
    tools = tuple(Tool(each["name"], each.get("parameters")) for each in functions)
    return Asked(body.get("model", ""), bool(body.get("stream")), tools)


def _head(reply: Reply, kind: str) -> Json:
    identity = f"chatcmpl-{reply.number:04d}"
    return {"id": identity, "object": kind, "created": 1_767_225_600, "model": reply.model}


def _delta(reply: Reply) -> Json:
    if not isinstance(reply.content, Call):
        return {"role": "assistant", "content": reply.content}
    function = {
        "name": reply.content.name,
        "arguments": json.dumps(reply.content.arguments),
    }
    call = {"id": f"call_{reply.number:04d}", "type": "function", "function": function}
    return {"role": "assistant", "content": reply.said, "tool_calls": [call]}


def _finish(reply: Reply) -> str:
    return "tool_calls" if isinstance(reply.content, Call) else "stop"


def plain(reply: Reply) -> Json:
    choice = {"index": 0, "message": _delta(reply), "finish_reason": _finish(reply)}
    return {**_head(reply, "chat.completion"), "choices": [choice], "usage": _USAGE}


def stream(reply: Reply) -> Iterator[bytes]:
    head = _head(reply, "chat.completion.chunk")
    if isinstance(reply.content, Call):
        deltas = [_delta(reply)]
        deltas[0]["tool_calls"][0]["index"] = 0
    else:
        deltas = [{"role": "assistant", "content": ""}]
        deltas += [{"content": piece} for piece in reply.pieces]
    for delta in deltas:
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        yield event({**head, "choices": [choice]})
    last = {"index": 0, "delta": {}, "finish_reason": _finish(reply)}
    yield event({**head, "choices": [last]})
    yield event({**head, "choices": [], "usage": _USAGE})
    yield event("[DONE]")


def refusal(refuse: Refuse) -> tuple[int, Json]:
    status, kind, code = _REFUSALS[refuse.why]
    error = {"message": _MESSAGES[refuse.why], "type": kind, "param": None, "code": code}
    return status, {"error": error}
