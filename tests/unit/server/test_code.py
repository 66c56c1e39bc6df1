from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from inspan.errors import CheckpointFailed, SessionDied
from inspan.model import wire as limits
from inspan.model.code import CodeSession, CodeSpec
from inspan.server import code as routes
from tests.fakes.control import FakeControl
from tests.fakes.hands import served
from tests.unit.server.test_rest import Served, problem

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D1", "D9")]


class Bench:
    """A served fake with one session, called ``s``."""

    def __init__(self, server: Served, session: CodeSession) -> None:
        self.server = server
        self.session = session
        self.code = server.fake.code
        self.ask = server.ask


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    fake = FakeControl()
    session = await fake.code.open(CodeSpec(cwd="/", name="s"))
    async with served(fake) as socket:
        yield Bench(Served(fake, socket), session)


BAD_BODIES: tuple[tuple[str, Any, str], ...] = (
    ("", b"{", "invalid JSON"),
    ("", "null", "the body"),
    ("", {}, "cwd"),
    ("", {"cwd": "/", "colour": 1}, "colour: there is no such field"),
    ("", {"cwd": "/", "env": {"A": 1}}, "env.A"),
    ("", {"cwd": "/", "grants": {"sandbox": "maybe"}}, "grants.sandbox"),
    ("", {"cwd": "/", "grants": {"net": 1}}, "grants.net"),
    ("", {"cwd": "/", "grants": {"read": "/"}}, "grants.read"),
    ("", {"cwd": "/", "limits": {"memory": 1.5}}, "limits.memory"),
    ("", b'{"cwd": "/", "limits": {"cpu": NaN}}', "limits.cpu"),
    ("/s/cells", {}, "code"),
    ("/s/cells", {"code": 1}, "code"),
    ("/s/cells", b'{"code": "\\udcff"}', "surrogate"),
    ("/s/cells", {"code": "1", "options": {"silent": "no"}}, "options.silent"),
    ("/s/cells", {"code": "1", "option": {}}, "option"),
    ("/s/answer", {"request": "r"}, "text"),
    ("/s/answer", {"text": "x"}, "request"),
    ("/s/interrupt", {"cell": 1}, "cell"),
    ("/s/interrupt", {"deadline": "soon"}, "deadline"),
    ("/s/interrupt", {"deadline": -1}, "deadline"),
    ("/s/interrupt", {"deadline": 1e9}, "deadline"),
    ("/s/close", b'{"deadline": 1e999}', "deadline"),
    ("/s/close", {"deadline": 3601}, "deadline"),
    ("/s/checkpoint", {"name": 1}, "name"),
    ("/s/checkpoint", {"name": "../escape"}, "name"),
    ("/s/checkpoint", {"name": "a/b"}, "name"),
    ("/s/restore", {"names": "x"}, "names"),
    ("/s/complete", {"code": "x"}, "cursor"),
    ("/s/complete", {"code": "x", "cursor": 2}, "cursor"),
    ("/s/inspect", {"code": "x", "cursor": -1}, "cursor"),
    ("/s/inspect", {"code": "x", "cursor": True}, "cursor"),
)


async def test_a_bad_body_is_refused_with_the_field_named(bench: Bench) -> None:
    for target, body, named in BAD_BODIES:
        reply = await bench.ask("POST", f"/v1/code{target}", body)
        told = problem(reply)
        assert (reply.status, told["code"]) == (422, "bad-input"), (target, body, told)
        assert named.lower() in told["detail"].lower()
    assert len(await bench.code.list(ended=True)) == 1
    assert (await bench.code.get("s")).cells == 0


BAD_QUERIES = (
    "?ended=1",
    "?all=true",
    "/s?x=1",
    "/s/checkpoints?x=1",
    "/s/transcript?since=-1",
    "/s/transcript?since=99999999999999999999",
    "/s/transcript?limit=0",
    "/s/transcript?limit=1001",
    "/s/transcript?cell=1",
)


async def test_a_bad_query_is_refused_with_the_parameter_named(bench: Bench) -> None:
    for target in BAD_QUERIES:
        reply = await bench.ask("GET", f"/v1/code{target}")
        name = target.partition("?")[2].partition("=")[0]
        assert (reply.status, problem(reply)["detail"].partition(":")[0]) == (422, name)


VERBS: dict[str, Any] = {
    "cells": {"code": "1"},
    "answer": {"request": "r", "text": None},
    "interrupt": {},
    "checkpoint": {},
    "restore": {},
    "close": {},
    "complete": {"code": "", "cursor": 0},
    "inspect": {"code": "", "cursor": 0},
}


async def test_every_verb_tells_an_unknown_session(bench: Bench) -> None:
    for ref in ("nobody", "..", "%252e%252e%252fetc", "a%2500b"):
        for verb, body in VERBS.items():
            reply = await bench.ask("POST", f"/v1/code/{ref}/{verb}", body)
            assert (reply.status, problem(reply)["code"]) == (404, "session-not-found")
        for verb in ("", "/transcript", "/checkpoints"):
            reply = await bench.ask("GET", f"/v1/code/{ref}{verb}")
            assert (reply.status, problem(reply)["code"]) == (404, "session-not-found")


async def test_errors_have_their_own_status(bench: Bench) -> None:
    fake, ask = bench.server.fake, bench.ask
    assert (await ask("POST", "/v1/code/s/cells", {"code": "unsavable = 1"})).status == 201
    saved = await ask("POST", "/v1/code/s/checkpoint")
    assert (saved.status, problem(saved)["code"]) == (503, CheckpointFailed.code)
    taken = await ask("POST", "/v1/code", {"cwd": "/", "name": "s"})
    assert (taken.status, problem(taken)["code"]) == (409, "conflict")
    await fake.code.open(CodeSpec(cwd="/"), key="k")
    reused = await ask("POST", "/v1/code", {"cwd": "/x"}, {"idempotency-key": "k"})
    assert (reused.status, problem(reused)["code"]) == (409, "key-reused")
    unwanted = await ask("POST", "/v1/code/s/answer", {"request": "r", "text": ""})
    assert (unwanted.status, problem(unwanted)["code"]) == (409, "conflict")
    await ask("POST", "/v1/code/s/close")
    ended = await ask("POST", "/v1/code/s/cells", {"code": "1"})
    assert (ended.status, problem(ended)["code"]) == (409, "session-ended")
    fake.workers.fails = SessionDied("nothing starts here")
    dead = await ask("POST", "/v1/code", {"cwd": "/"})
    assert (dead.status, problem(dead)["code"]) == (503, "session-died")


async def test_a_page_of_a_transcript_is_bounded_in_bytes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "PAGE_BYTES", 1000)
    monkeypatch.setattr(routes, "STEP", 2)
    for _ in range(10):
        await bench.code.execute(bench.session.id, f"print({'x' * 300!r})")
    seqs: list[int] = []
    more = True
    while more:
        since = seqs[-1] if seqs else 0
        reply = await bench.ask("GET", f"/v1/code/s/transcript?since={since}")
        told = json.loads(reply.body)
        more = told["more"]
        assert len(reply.body) < 3000
        seqs += [event["seq"] for event in told["events"]]
    assert seqs == [event.seq for event in await bench.code.transcript(bench.session.id)]


async def test_an_event_that_no_client_takes_is_refused_and_passed_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.code.execute(bench.session.id, f"print({'x' * 5000!r})")
    monkeypatch.setattr(limits, "EVENT_MOST", 5000)
    reply = await bench.ask("GET", "/v1/code/s/transcript")
    told = problem(reply)
    assert (reply.status, told["code"]) == (503, "unable")
    seq = int(told["hint"].rpartition("=")[2].rstrip("."))
    after = await bench.ask("GET", f"/v1/code/s/transcript?since={seq}")
    assert after.status in (200, 503)


async def test_a_cell_above_the_limit_of_a_body_is_refused(bench: Bench) -> None:
    reply = await bench.ask("POST", "/v1/code/s/cells", {"code": "x" * limits.BODY_MOST})
    assert (reply.status, problem(reply)["code"]) == (413, "bad-input")


#: What a stranger may put anywhere.
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**64, 10**400, 1e308, 0.5, "", "s", "\x00", "../..", "é" * 300),
    *([], [[]], {}, {"": ""}, {"code": "1"}, ["s", 1], {"a": {"b": {"c": []}}}),
)


async def test_no_malformed_request_is_our_fault(bench: Bench) -> None:
    """Seeded: a field of each verb's body is replaced, dropped or added; or all of it is noise."""
    chance = random.Random(7)
    bodies = {"cells": {"code": "1", "options": {"mode": "auto"}}, **VERBS}
    targets: list[tuple[str, Any]] = [
        ("/v1/code", {"cwd": "/", "env": {}, "grants": {}, "limits": {}, "name": None})
    ]
    targets += [(f"/v1/code/s/{verb}", body) for verb, body in bodies.items() if verb != "close"]
    for turn in range(600):
        target, body = targets[turn % len(targets)]
        odd: Any = dict(body)
        for _ in range(chance.randint(1, 2)):
            odd[chance.choice([*body, "more"])] = chance.choice(ODD)
        sent: Any = chance.choice((odd, odd, odd, chance.choice(ODD)))
        raw = sent if chance.random() < 0.9 else chance.randbytes(chance.randint(1, 60))
        reply = await bench.ask("POST", target, raw)
        assert reply.status < 500, (target, raw, reply.body)
        if reply.status >= 400:
            problem(reply)
