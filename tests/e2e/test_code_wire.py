"""What a stranger may send to code sessions, before a whole engine with real workers."""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from inspan.model.code import CodeSpec
from tests.fakes.hands import served
from tests.fakes.puppets import lone_engine
from tests.unit.server.test_code import ODD, VERBS
from tests.unit.server.test_rest import Served, problem

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C9", "D1")]

#: A session that can be had, with something in every field.
SPEC: dict[str, Any] = {
    "cwd": "/",
    "name": "n",
    "env": {"A": "1"},
    "grants": {
        "read": ["/usr"],
        "write": [],
        "net": True,
        "sandbox": "auto",
        "capabilities": ["tasks", "human", "store=it", "http=https://example.org"],
    },
    "limits": {"memory": 1 << 30, "cpu": 100.0, "files": 100},
}
CELL = {"code": "1", "options": {"mode": "auto", "threaded": False, "store": True}}


@pytest.fixture
async def server() -> AsyncIterator[Served]:
    """The door of an engine in which one session, ``s``, is open."""
    async with lone_engine() as (running, _), served(running) as socket:
        await running.code.open(CodeSpec(cwd="/", name="s", env={"PATH": os.environ["PATH"]}))
        yield Served(running, socket)  # type: ignore[arg-type]  # only its socket is used


BAD_SPECS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"cwd": "/\0"}, "NUL"),
    ({"cwd": "here"}, "not absolute"),
    ({"cwd": "x" * 5000}, "not absolute"),
    ({"env": {"": "x"}}, "no name"),
    ({"env": {"A": "\0"}}, "NUL"),
    ({"python": "\0"}, "NUL"),
    ({"grants": {"read": ["usr"]}}, "not absolute"),
    ({"grants": {"write": ["/\0"]}}, "there is no"),
    ({"grants": {"capabilities": ["magic"]}}, "grants.capabilities: there is no 'magic'"),
    ({"grants": {"capabilities": ["tasks", "\0"]}}, "grants.capabilities"),
    ({"grants": {"capabilities": ["http=https://example.org/path"]}}, "grants.capabilities"),
    ({"limits": {"memory": 0}}, "limits.memory"),
    ({"limits": {"cpu": -1.0}}, "limits.cpu"),
    ({"limits": {"files": 0}}, "limits.files"),
)


async def test_a_session_that_cannot_be_is_refused_with_what_is_wrong(server: Served) -> None:
    for change, named in BAD_SPECS:
        reply = await server.ask("POST", "/v1/code", {**SPEC, **change})
        told = problem(reply)
        assert (reply.status, told["code"]) == (422, "bad-input"), (change, told)
        assert named in told["detail"]


async def test_no_malformed_request_breaks_anything(server: Served) -> None:
    """Seeded. A problem that names no cause is one that nobody thought of."""
    chance = random.Random(11)
    targets = [(f"/v1/code/s/{verb}", body) for verb, body in VERBS.items() if verb != "close"]
    targets += [("/v1/code", SPEC), ("/v1/code/s/cells", CELL)]
    for turn in range(300):
        target, body = targets[turn % len(targets)]
        changed = _changed(copy.deepcopy(body), chance)
        reply = await server.ask("POST", target, changed)
        if reply.status >= 400:
            assert problem(reply)["code"] != "inspan", (target, changed)
        elif target == "/v1/code":
            await server.ask("POST", f"/v1/code/{json.loads(reply.body)['id']}/close")
    assert (await server.ask("POST", "/v1/code/s/cells", CELL)).status == 201


def _changed(body: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """One of its values, however deep, is something odd."""
    where = body
    name = chance.choice([*body, "more"])
    while isinstance(where.get(name), dict) and where[name] and chance.random() < 0.9:
        where = where[name]
        name = chance.choice(list(where))
    odd = chance.choice(ODD)
    where[name] = [odd] if isinstance(where.get(name), list) else odd
    return body
