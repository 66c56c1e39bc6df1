"""A tool that fails, as the model at the other end of the pipe reads it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from inspan.errors import BadInput
from inspan.mcp.serving import VERSIONS, Progress, Server, Tool

pytestmark = pytest.mark.anyio


async def _refusing(_given: Mapping[str, Any], _progress: Progress) -> Mapping[str, Any]:
    raise BadInput("there is no such task", hint="Look at the list.")


async def _broken(_given: Mapping[str, Any], _progress: Progress) -> Mapping[str, Any]:
    raise RuntimeError("a secret of the inside")


async def _well(given: Mapping[str, Any], _progress: Progress) -> Mapping[str, Any]:
    return {"said": given["word"]}


TOOLS = [
    Tool(name=name, about="a tool", takes={"type": "object"}, call=call)
    for name, call in (("refusing", _refusing), ("broken", _broken), ("well", _well))
]


async def told(*asked: tuple[str, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """What was answered, by the number of the question; 0 is the greeting's."""
    requests = [("initialize", {"protocolVersion": VERSIONS[0]}), *asked]
    lines = [
        json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        for number, (method, params) in enumerate(requests)
    ]
    written: list[bytes] = []

    async def write(line: bytes) -> None:
        written.append(line)

    read, sent = os.pipe()
    try:
        os.write(sent, "".join(f"{line}\n" for line in lines).encode())
        os.close(sent)
        with anyio.fail_after(30):
            await Server(TOOLS, write, version="1", instructions="").run(read)
    finally:
        os.close(read)
    return {answer["id"]: answer for answer in map(json.loads, written)}


def call(name: str, **given: Any) -> tuple[str, dict[str, Any]]:
    return "tools/call", {"name": name, "arguments": given}


async def test_what_is_refused_is_for_the_model_to_read() -> None:
    result = (await told(call("refusing")))[1]["result"]
    assert result["isError"] is True
    assert json.loads(result["content"][0]["text"]) == {
        "code": "bad-input",
        "message": "there is no such task",
        "hint": "Look at the list.",
    }


async def test_an_unforeseen_error_says_nothing_of_the_inside_and_the_next_call_is_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = await told(call("broken"), call("well", word="yes"))
    result = answers[1]["result"]
    assert result["isError"] is True
    assert "its log has more" in result["content"][0]["text"]
    assert "secret" not in json.dumps(answers)
    assert "a secret of the inside" in caplog.text
    assert answers[2]["result"]["structuredContent"] == {"said": "yes"}
