"""The Responses API of OpenAI, streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.agents.endpoint import chat
from tests.agents.endpoint.wire import TOKENS_IN, TOKENS_OUT, Asked, Call, Json, Reply, Tool, event

refusal = chat.refusal


def read(body: Json, path: str) -> Asked:  # noqa: ARG001  # the model is named in the body
    tools = tuple(
        Tool(tool.get("name", tool["type"]), tool.get("parameters"))
        for tool in body.get("tools") or ()
        if tool["type"] in {"function", "custom"}
    )
    return Asked(body.get("model", ""), bool(body.get("stream")), tools)


def _item(reply: Reply) -> Json:
    content = reply.content
    if not isinstance(content, Call):
        text = {"type": "output_text", "text": content, "annotations": []}
        identity = f"msg_{reply.number:04d}"
        return {"type": "message", "id": identity, "role": "assistant", "content": [text]}
    call = {"call_id": f"call_{reply.number:04d}", "name": content.name, "status": "completed"}
    if isinstance(content.arguments, str):
        return {"type": "custom_tool_call", **call, "input": content.arguments}
    return {"type": "function_call", **call, "arguments": json.dumps(content.arguments)}


def plain(reply: Reply) -> Json:
    usage = {
        "input_tokens": TOKENS_IN,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": TOKENS_OUT,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": TOKENS_IN + TOKENS_OUT,
    }
    identity = f"resp_{reply.number:04d}"
    return {
        "id": identity,
        "object": "response",
        "status": "completed",
        "model": reply.model,
        "output": [_item(reply)],
        "usage": usage,
    }


def stream(reply: Reply) -> Iterator[bytes]:
    whole = plain(reply)
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    yield _event({"type": "response.created", "response": begun})
    item = _item(reply)
    empty: Json = {"content": []} if item["type"] == "message" else {}
    added = {**item, **empty, "status": "in_progress"}
    yield _event({"type": "response.output_item.added", "output_index": 0, "item": added})
    if item["type"] == "message":
        place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
        for piece in reply.pieces:
            yield _event({"type": "response.output_text.delta", **place, "delta": piece})
    yield _event({"type": "response.output_item.done", "output_index": 0, "item": item})
    yield _event({"type": "response.completed", "response": whole})


def _event(data: Json) -> bytes:
    return event(data, data["type"])
