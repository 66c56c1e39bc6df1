from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.datastructures import QueryParams

from inspan import __version__
from inspan.client import wire
from inspan.errors import BadInput
from inspan.model.task import TaskKind, TaskSpec
from inspan.server import describe
from inspan.server.live import WRITER
from inspan.server.query import Query
from tests.fakes.control import FakeControl
from tests.fakes.hands import served

pytestmark = pytest.mark.anyio

OWN = {"host": "inspan", "inspan-version": __version__}
SPEC = TaskSpec(command=("work",), cwd="/")


class Served:
    """A server, its Control, and a way to ask it anything."""

    def __init__(self, fake: FakeControl, socket: Path) -> None:
        self.fake = fake
        self.socket = socket

    async def raw(self, raw: bytes) -> wire.Response:
        async with await anyio.connect_unix(self.socket) as stream:
            await stream.send(raw)
            answer = wire.Answer()
            with anyio.fail_after(30):
                while (reply := answer.feed(await stream.receive())) is None:
                    pass
            return reply

    async def ask(
        self,
        method: str,
        target: str,
        body: Any = b"",
        headers: dict[str, str] | None = None,
    ) -> wire.Response:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.raw(wire.request(method, target, {**OWN, **(headers or {})}, sent))


@pytest.fixture
async def server() -> AsyncIterator[Served]:
    fake = FakeControl()
    async with served(fake) as socket:
        yield Served(fake, socket)


def problem(reply: wire.Response) -> dict[str, Any]:
    """The problem document, after looking at everything that each of them has."""
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["inspan-version"] == __version__
    told: dict[str, Any] = json.loads(reply.body)
    assert told["status"] == reply.status
    assert told["type"] == f"urn:inspan:error:{told['code']}"
    assert told["title"]
    assert told["detail"]
    assert told["hint"]
    return told


BAD_BODIES: tuple[tuple[str, Any, str], ...] = (
    ("/v1/tasks", b"{", "invalid JSON"),
    ("/v1/tasks", b"[" * 100_000, "the body"),
    ("/v1/tasks", b"\xff\xfe", "the body"),
    ("/v1/tasks", "null", "the body"),
    ("/v1/tasks", [], "the body"),
    ("/v1/tasks", {}, "cwd"),
    ("/v1/tasks", {"cwd": "/", "colour": 1}, "colour: there is no such field"),
    ("/v1/tasks", {"cwd": "/", "patience": {"deadlin": 1}}, "patience.deadlin: there is no"),
    ("/v1/tasks", {"cwd": "/", "priority": "high"}, "priority"),
    ("/v1/tasks", {"cwd": "/", "priority": 1.5}, "priority"),
    ("/v1/tasks", {"cwd": "/", "command": "rm -rf /"}, "command"),
    ("/v1/tasks", {"cwd": "/", "on_crash": "explode"}, "on_crash"),
    ("/v1/tasks", b'{"cwd": "/", "not_before": NaN}', "not_before"),
    ("/v1/tasks", b'{"cwd": "/", "name": "\\udcff"}', "surrogate"),
    ("/v1/tasks", {"cwd": "/", "env": {"A": 1}}, "env.A"),
    ("/v1/tasks", {"specs": []}, "specs"),
    ("/v1/tasks", {"specs": [{"cwd": "/"}, {"cwd": 3}]}, "specs.1.cwd"),
    ("/v1/tasks", {"specs": [{"cwd": "/"}], "more": 1}, "more"),
    ("/v1/tasks", b'{"cwd": "/", "specs": [', "invalid JSON"),
    ("/v1/tasks", b'{"cwd": "/", "specs": ' + b"[" * 100_000, "the body"),
    ("/v1/tasks", {"specs": [{"cwd": "/"}] * 1001}, "specs"),
    ("/v1/tasks/last/answer", {"text": 1}, "text"),
    ("/v1/tasks/last/answer", {}, "text"),
    ("/v1/tasks/last/interrupt", {"force": "yes"}, "force"),
    ("/v1/tasks/last/cancel", {"why": "x"}, "why"),
    ("/v1/tasks/last/resume", {"x": 1}, "x"),
    ("/v1/tasks/last/decide", {"verdict": "maybe"}, "verdict"),
    ("/v1/prune", {"older_than": "long"}, "older_than"),
    ("/v1/shutdown", {"now": True}, "now"),
)


async def test_a_bad_body_is_refused_with_the_field_named(server: Served) -> None:
    await server.fake.submit(SPEC)
    for target, body, named in BAD_BODIES:
        reply = await server.ask("POST", target, body)
        told = problem(reply)
        assert (reply.status, told["code"]) == (422, "bad-input"), target
        assert named.lower() in told["detail"].lower()
    assert len(server.fake.tasks) == 1


BAD_PLANS: tuple[tuple[object, str], ...] = (
    ({"version": 0}, "plan"),
    ({"plan": {"steps": []}}, "version"),
    ({"plan": {"steps": []}, "version": 0}, "1 to 2000 steps"),
    ({"plan": {"steps": [{"name": "a", "promt": "x"}]}, "version": 0}, "plan.steps.0.promt"),
    ({"plan": {"steps": [{"name": "a", "workspace": "x"}]}, "version": 0}, "steps.0.workspace"),
    ({"plan": {"steps": [{"name": "a"}]}, "version": 0}, "step 'a'"),
)


async def test_a_bad_plan_is_refused_and_none_is_told_with_a_hint(server: Served) -> None:
    goal = await server.fake.submit(replace(SPEC, kind=TaskKind.GOAL))
    for body, named in BAD_PLANS:
        told = problem(await server.ask("PUT", f"/v1/tasks/{goal.id}/plan", body))
        assert (told["status"], told["code"]) == (422, "bad-input")
        assert named in told["detail"]
    reply = await server.ask("GET", f"/v1/tasks/{goal.id}/plan")
    assert (reply.status, problem(reply)["code"]) == (404, "not-found")
    assert "Only a goal has one" in problem(reply)["hint"]


BAD_QUERIES = (
    "/v1/tasks?limit=0",
    "/v1/tasks?limit=1001",
    "/v1/tasks?limit=-1",
    "/v1/tasks?limit=%C2%B2",
    "/v1/tasks?states=sleeping",
    "/v1/tasks?stats=running",
    "/v1/tasks?role=" + "x" * 1001,
    "/v1/tasks/last?x=1",
    "/v1/tasks/last/diff?x=1",
    "/v1/tasks/last/wait?timeout=61",
    "/v1/tasks/last/wait?timeout=-1",
    "/v1/tasks/last/wait?timeout=nan",
    "/v1/tasks/last/wait?timeout=soon",
    "/v1/events?since=-1",
    "/v1/events?since=99999999999999999999",
    "/v1/events?limit=5001",
    "/v1/sessions/last/output?offset=-1",
    "/v1/sessions/last/output?limit=0",
    "/v1/sessions/last/output?limit=9999999",
    "/v1/health?x=1",
    "/v1/metrics?since=yesterday",
    "/v1/metrics?since=-1",
    "/v1/metrics?since=nan",
)


async def test_a_bad_query_is_refused_with_the_parameter_named(server: Served) -> None:
    await server.fake.submit(SPEC)
    for target in BAD_QUERIES:
        reply = await server.ask("GET", target)
        name = target.partition("?")[2].partition("=")[0]
        assert (reply.status, problem(reply)["detail"].partition(":")[0]) == (422, name)


NOT_THERE = (
    ("GET", "/", 404),
    ("GET", "/v2/tasks", 404),
    ("GET", "/v1/tasks/", 404),
    ("GET", "/v1/tasks/a%2Fb", 404),
    ("GET", "/v1/tasks/../../etc/passwd", 404),
    ("GET", "/v1/tasks/nobody-knows-me", 404),
    ("GET", "/v1/sessions/nobody-knows-me/output", 404),
    ("GET", "/v1/sessions/x/terminal", 404),
    ("DELETE", "/v1/tasks", 405),
    ("PUT", "/v1/tasks/last", 405),
    ("OPTIONS", "/v1/tasks", 405),
    ("GET", "/v1/shutdown", 405),
    ("POST", "/v1/health", 405),
)


async def test_what_is_not_there_is_a_problem_too(server: Served) -> None:
    for method, target, status in NOT_THERE:
        reply = await server.ask(method, target)
        problem(reply)
        assert reply.status == status, target


async def test_every_verb_tells_an_unknown_task(server: Served) -> None:
    bodies = {"answer": {"text": "x"}, "decide": {"verdict": "accept"}, "send": b"x"}
    for verb in ("send", "answer", "interrupt", "resume", "cancel", "decide"):
        reply = await server.ask("POST", f"/v1/tasks/nobody/{verb}", bodies.get(verb, {}))
        assert (reply.status, problem(reply)["code"]) == (404, "task-not-found")
    plan = {"plan": {"steps": [{"name": "a", "prompt": "x"}]}, "version": 0}
    reply = await server.ask("PUT", "/v1/tasks/nobody/plan", plan)
    assert (reply.status, problem(reply)["code"]) == (404, "task-not-found")
    for more in ("", "/diff", "/plan", "/wait"):
        reply = await server.ask("GET", f"/v1/tasks/nobody{more}")
        assert (reply.status, problem(reply)["code"]) == (404, "task-not-found")


async def test_errors_have_their_own_status(server: Served) -> None:
    first, _ = await server.fake.submit_all([SPEC, SPEC])
    await server.fake.submit(SPEC, key="k")
    cases = (
        (await server.ask("GET", f"/v1/tasks/{first.id[:4]}"), 409, "ambiguous-id"),
        (await server.ask("POST", f"/v1/tasks/{first.id}/resume"), 409, "illegal-transition"),
        (
            await server.ask("POST", "/v1/tasks", {"cwd": "/x"}, {"idempotency-key": "k"}),
            409,
            "key-reused",
        ),
    )
    for reply, status, code in cases:
        assert (reply.status, problem(reply)["code"]) == (status, code)


async def test_a_body_beyond_the_limit_is_refused_before_it_is_all_read(server: Served) -> None:
    reply = await server.ask("POST", "/v1/tasks", b'"' + b"x" * (5 << 20) + b'"')
    assert (reply.status, problem(reply)["code"]) == (413, "bad-input")


async def test_what_is_no_http_is_a_problem(server: Served) -> None:
    reply = await server.raw(b"\x16\x03\x01 hello\r\n\r\n")
    told = json.loads(reply.body)
    assert (reply.status, told["code"]) == (400, "bad-input")


async def test_an_unforeseen_error_says_nothing_of_the_inside(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(FakeControl):
        async def get(self, task: str) -> Any:
            raise RuntimeError(f"secret of {task}")

    async with served(Broken()) as socket:
        reply = await Served(FakeControl(), socket).ask("GET", "/v1/tasks/last")
    told = problem(reply)
    assert (reply.status, told["code"]) == (500, "inspan")
    assert b"secret" not in reply.body
    assert "secret of last" in caplog.text


async def test_without_the_network_there_is_no_page_to_come_in_by(server: Served) -> None:
    for target, body in (("/v1/logins", {}), ("/v1/login", {"code": "x"}), ("/v1/logout", b"")):
        reply = await server.ask("POST", target, body)
        told = problem(reply)
        assert (reply.status, told["code"]) == (409, "conflict")
        assert "inspan web" in told["hint"]
        assert "set-cookie" not in reply.headers


# ── who may come in ───────────────────────────────────────────────────────────

ROUTES = (
    "GET /v1/health",
    "GET /v1/tasks",
    "POST /v1/tasks",
    "POST /v1/shutdown",
    "GET /v1/events",
)


EVIL: tuple[tuple[dict[str, str], int], ...] = (
    ({"host": "evil.example"}, 421),
    ({"host": "inspan.evil.example"}, 421),
    ({"host": "127.0.0.1:8000"}, 421),
    ({"host": ""}, 421),
    ({"host": "inspan", "origin": "https://evil.example"}, 403),
    ({"host": "inspan", "origin": "http://inspan"}, 403),
    ({"host": "localhost", "origin": "null"}, 403),
)


@pytest.mark.parametrize("upgrade", [False, True])
async def test_a_browser_is_not_let_in(server: Served, upgrade: bool) -> None:
    more = wire.upgrade_headers(wire.upgrade_key()) if upgrade else {}
    for route, (headers, status) in itertools.product(ROUTES, EVIL):
        method, target = route.split(" ")
        raw = wire.request("GET" if upgrade else method, target, headers | more)
        reply = await server.raw(raw)
        assert (reply.status, problem(reply)["code"]) == (status, "refused")
    assert not server.fake.events


async def test_a_request_with_two_hosts_is_refused(server: Served) -> None:
    reply = await server.raw(b"GET /v1/health HTTP/1.1\r\nhost: inspan\r\nhost: evil\r\n\r\n")
    assert reply.status in (400, 421)


async def test_curl_may_leave_the_version_out(server: Served) -> None:
    reply = await server.raw(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert reply.status == 200
    assert reply.headers["inspan-version"] == __version__


async def test_another_version_is_told_before_anything_is_done(server: Served) -> None:
    other = {"inspan-version": "0.0.9"}
    reply = await server.ask("POST", "/v1/tasks", {"cwd": "/"}, other)
    assert (reply.status, problem(reply)["code"]) == (409, "daemon-mismatch")
    assert not server.fake.tasks
    assert (await server.ask("GET", "/v1/health", headers=other)).status == 200


# ── what is answered ──────────────────────────────────────────────────────────


async def test_one_task_and_several(server: Served) -> None:
    one = await server.ask("POST", "/v1/tasks", {"cwd": "/", "command": ["x"]})
    assert (one.status, json.loads(one.body)["state"]) == (201, "queued")
    several = await server.ask("POST", "/v1/tasks", {"specs": [{"cwd": "/"}, {"cwd": "/"}]})
    assert len(json.loads(several.body)["tasks"]) == 2


async def test_raw_output_tells_the_rest_in_headers(server: Served) -> None:
    task = await server.fake.submit(SPEC)
    server.fake.start(task.id)
    server.fake.prints(task.id, b"0123456789")
    server.fake.cuts(task.id, 3, 7)
    target = f"/v1/sessions/{task.id}/output"
    first = await server.ask("GET", target)
    assert (first.body, first.headers["inspan-next-offset"]) == (b"012", "3")
    assert "inspan-ended" not in first.headers
    server.fake.ends(task.id, 4)
    rest = await server.ask("GET", f"{target}?offset=3")
    assert (rest.body, rest.headers["inspan-gap"]) == (b"789", "3-7")
    assert (rest.headers["inspan-next-offset"], rest.headers["inspan-ended"]) == ("10", "4")


async def test_a_wait_ends_when_the_task_rests(server: Served) -> None:
    task = await server.fake.submit(SPEC)
    server.fake.start(task.id)
    states: list[str] = []

    async def waiting() -> None:
        reply = await server.ask("GET", f"/v1/tasks/{task.id}/wait?timeout=30")
        states.append(json.loads(reply.body)["state"])

    async with anyio.create_task_group() as group:
        group.start_soon(waiting)
        with anyio.fail_after(30):
            while not server.fake.watching:
                await anyio.lowlevel.checkpoint()
        server.fake.asks(task.id, "which?")
    assert states == ["waiting"]
    server.fake.ends(task.id)
    reply = await server.ask("GET", f"/v1/tasks/{task.id}/wait")
    assert json.loads(reply.body)["state"] == "completed"
    assert server.fake.watching == 0


async def test_a_wait_ends_when_its_time_is_over(server: Served) -> None:
    task = await server.fake.submit(SPEC)
    reply = await server.ask("GET", f"/v1/tasks/{task.id}/wait?timeout=0.01")
    assert json.loads(reply.body)["state"] == "queued"
    assert server.fake.watching == 0


async def test_a_wait_ends_when_the_client_leaves(server: Served) -> None:
    task = await server.fake.submit(SPEC)
    async with await anyio.connect_unix(server.socket) as stream:
        await stream.send(wire.request("GET", f"/v1/tasks/{task.id}/wait?timeout=50", OWN))
        with anyio.fail_after(30):
            while not server.fake.watching:
                await anyio.lowlevel.checkpoint()
    with anyio.fail_after(30):
        while server.fake.watching:
            await anyio.lowlevel.checkpoint()


async def test_the_diff_is_the_patch_itself(server: Served) -> None:
    task = await server.fake.submit(SPEC)
    server.fake.diffs[task.id] = "--- a\n+++ b\n-caf\udce9\n"
    reply = await server.ask("GET", f"/v1/tasks/{task.id}/diff")
    assert reply.body == b"--- a\n+++ b\n-caf\xe9\n"


async def test_no_object_and_no_flag_are_refused_by_name(server: Served) -> None:
    for body in (b"null", b"[]"):
        reply = await server.ask("POST", "/v1/prune", body)
        assert (reply.status, problem(reply)["code"]) == (422, "bad-input")
    with pytest.raises(BadInput, match="writer: must be true or false"):
        Query(QueryParams("writer=maybe"), (WRITER,))[WRITER]


async def test_a_body_that_is_cut_short_changes_nothing(server: Served) -> None:
    async with await anyio.connect_unix(server.socket) as stream:
        await stream.send(wire.request("POST", "/v1/tasks", OWN, b'{"command": ["work"]}')[:-5])
    assert (await server.ask("GET", "/v1/tasks")).status == 200
    assert (await server.fake.list()).tasks == ()


async def test_what_somebody_has_already_is_not_sent_again(server: Served) -> None:
    task = await server.fake.submit(SPEC)
    server.fake.diffs[task.id] = "--- a\n+++ b\n"
    for target in (f"/v1/tasks/{task.id}", "/v1/tasks", f"/v1/tasks/{task.id}/diff"):
        first = await server.ask("GET", target)
        tag = first.headers["etag"]
        for known in (tag, f'"another", W/{tag}', "*"):
            same = await server.ask("GET", target, headers={"if-none-match": known})
            assert (same.status, same.body, same.headers["etag"]) == (304, b"", tag)
        other = await server.ask("GET", target, headers={"if-none-match": '"another"'})
        assert (other.status, other.body) == (200, first.body)
    await server.fake.cancel(task.id)
    told = await server.ask("GET", f"/v1/tasks/{task.id}", headers={"if-none-match": tag})
    assert told.status == 200


async def test_what_is_as_it_was_sent_is_left_out_where_that_is_preferred(server: Served) -> None:
    spec = {"command": ["work"], "cwd": "/", "env": {"A": "b"}}
    brief = {"prefer": "respond-async, Return=Minimal; x=1"}
    whole = await server.ask("POST", "/v1/tasks", spec)
    assert json.loads(whole.body)["spec"] == spec
    assert "preference-applied" not in whole.headers
    one = await server.ask("POST", "/v1/tasks", spec, brief)
    assert one.headers["preference-applied"] == "return=minimal"
    assert "spec" not in json.loads(one.body)
    assert (await server.fake.get(json.loads(one.body)["id"])).spec.env == {"A": "b"}
    for other in ("", "respond-async", "return=representation"):  # RFC 7240: passed over
        reply = await server.ask("POST", "/v1/tasks", spec, {"prefer": other})
        assert (reply.status, json.loads(reply.body)["spec"]) == (201, spec)
    (told,) = (
        one
        for one in describe.openapi()["paths"]["/v1/tasks"]["post"]["parameters"]
        if one["name"] == "prefer"
    )
    assert told["schema"] == {"type": "string"}
    linked = {**spec, "after": ["@0"]}
    several = await server.ask("POST", "/v1/tasks", {"specs": [spec, linked]}, brief)
    first, second = json.loads(several.body)["tasks"]
    assert "spec" not in first
    assert second["spec"]["after"] == [first["id"]]  # which is not what was sent


async def test_several_are_several_wherever_that_is_written(server: Served) -> None:
    spec = {"command": ["work"], "cwd": "/"}
    for raw in (
        json.dumps({"specs": [spec, spec]}).encode(),
        b' \n{\t"specs" :' + json.dumps([spec, spec]).encode() + b"}",
        b'{"\\u0073pecs":' + json.dumps([spec, spec]).encode() + b"}",
    ):
        reply = await server.ask("POST", "/v1/tasks", raw)
        assert len(json.loads(reply.body)["tasks"]) == 2
