"""The Gemini API of Google: generateContent, and streamed as server-sent events."""

from __future__ import annotations

from collections.abc import Iterator

from tests.agents.endpoint.scenario import Refusal, Refuse
from tests.agents.endpoint.wire import TOKENS_IN, TOKENS_OUT, Asked, Call, Json, Reply, Tool, event

_REFUSALS = {
    Refusal.UNAUTHORIZED: (401, "UNAUTHENTICATED", "API key not valid."),
    Refusal.RATE_LIMITED: (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted."),
    Refusal.QUOTA: (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota."),
    Refusal.OVERLOADED: (503, "UNAVAILABLE", "The model is overloaded."),
}
#: How the details of an error name their types.
_RPC = "type.googleapis.com/google.rpc"


def read(body: Json, path: str) -> Asked:
    tools = tuple(
        Tool(each["name"], each.get("parametersJsonSchema") or each.get("parameters"))
        for group in body.get("tools") or ()
        for each in group.get("functionDeclarations") or ()
    )
    model, _, verb = path.rpartition("/")[2].partition(":")
    return Asked(model, verb.startswith("stream"), tools)


def _answer(reply: Reply, part: Json, *, last: bool) -> Json:
    candidate: Json = {"content": {"role": "model", "parts": [part]}, "index": 0}
    if last:
        candidate["finishReason"] = "STOP"
    usage = {
        "promptTokenCount": TOKENS_IN,
        "candidatesTokenCount": TOKENS_OUT,
        "totalTokenCount": TOKENS_IN + TOKENS_OUT,
    }
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": reply.model,
        "responseId": f"response-{reply.number:04d}",
    }


def _call(call: Call) -> Json:
    return {"functionCall": {"name": call.name, "args": call.arguments}}


def plain(reply: Reply) -> Json:
    content = reply.content
    part = _call(content) if isinstance(content, Call) else {"text": content}
    return _answer(reply, part, last=True)


def stream(reply: Reply) -> Iterator[bytes]:
    if isinstance(reply.content, Call):
        yield event(plain(reply))
        return
    *pieces, last = reply.pieces
    for piece in pieces:
        yield event(_answer(reply, {"text": piece}, last=False))
    yield event(_answer(reply, {"text": last}, last=True))


def refusal(refuse: Refuse) -> tuple[int, Json]:
    status, kind, message = _REFUSALS[refuse.why]
    details: list[Json] = []
    if refuse.retry_after is not None:
        details.append({"@type": f"{_RPC}.RetryInfo", "retryDelay": f"{refuse.retry_after}s"})
    if refuse.why is Refusal.QUOTA:
        violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}
        details.append({"@type": f"{_RPC}.QuotaFailure", "violations": [violation]})
    error: Json = {"code": status, "message": message, "status": kind}
    return status, {"error": error | ({"details": details} if details else {})}
