"""The Messages API of Anthropic, streamed and plain."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.agents.endpoint.scenario import Refusal, Refuse
from tests.agents.endpoint.wire import TOKENS_IN, TOKENS_OUT, Asked, Call, Json, Reply, Tool, event

_REFUSALS = {
    Refusal.UNAUTHORIZED: (401, "authentication_error", "invalid x-api-key"),
    Refusal.RATE_LIMITED: (429, "rate_limit_error", "This request would exceed your rate limit."),
    Refusal.QUOTA: (429, "rate_limit_error", "You have exceeded your quota: insufficient_quota."),
    Refusal.OVERLOADED: (529, "overloaded_error", "Overloaded"),
}


def read(body: Json, path: str) -> Asked:  # noqa: ARG001  # the model is named in the body
    tools = tuple(Tool(tool["name"], tool.get("input_schema")) for tool in body.get("tools") or ())
    return Asked(body.get("model", ""), bool(body.get("stream")), tools)


def _message(reply: Reply, content: list[Json], stop: str | None, tokens: int) -> Json:
    return {
        "id": f"msg_{reply.number:04d}",
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": TOKENS_IN, "output_tokens": tokens},
    }


def _block(reply: Reply) -> Json:
    if isinstance(reply.content, Call):
        return {
            "type": "tool_use",
            "id": f"toolu_{reply.number:04d}",
            "name": reply.content.name,
            "input": reply.content.arguments,
        }
    return {"type": "text", "text": reply.content}


def _stop(reply: Reply) -> str:
    return "tool_use" if isinstance(reply.content, Call) else "end_turn"


def plain(reply: Reply) -> Json:
    return _message(reply, [_block(reply)], _stop(reply), TOKENS_OUT)


def stream(reply: Reply) -> Iterator[bytes]:
    yield _event({"type": "message_start", "message": _message(reply, [], None, 1)})
    empty: Json = {"input": {}} if isinstance(reply.content, Call) else {"text": ""}
    yield _event(
        {"type": "content_block_start", "index": 0, "content_block": {**_block(reply), **empty}}
    )
    for delta in _deltas(reply):
        yield _event({"type": "content_block_delta", "index": 0, "delta": delta})
    yield _event({"type": "content_block_stop", "index": 0})
    delta = {"stop_reason": _stop(reply), "stop_sequence": None}
    usage = {"output_tokens": TOKENS_OUT}
    yield _event({"type": "message_delta", "delta": delta, "usage": usage})
    yield _event({"type": "message_stop"})


def _deltas(reply: Reply) -> Iterator[Json]:
    if isinstance(reply.content, Call):
        text = json.dumps(reply.content.arguments)
        yield {"type": "input_json_delta", "partial_json": text}
        return
    for piece in reply.pieces:
        yield {"type": "text_delta", "text": piece}


def _event(data: Json) -> bytes:
    return event(data, data["type"])


def refusal(refuse: Refuse) -> tuple[int, Json]:
    status, kind, message = _REFUSALS[refuse.why]
    return status, {"type": "error", "error": {"type": kind, "message": message}}
