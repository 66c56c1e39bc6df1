"""What is published describes what is served: each route and socket is reached, and conforms."""

from __future__ import annotations

import json
from dataclasses import make_dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from openapi_spec_validator import validate

from inspan import __version__
from inspan.model.place import Place, Standing
from inspan.model.task import WorkspaceKind
from inspan.server import codetable, describe, table
from inspan.server.app import routed
from inspan.server.entry import Front
from inspan.server.logins import Logins
from inspan.server.tokens import Tokens
from inspan.server.visitor import Scope, Visitor, admit
from inspan.server.ways import Socket, Way
from tests.fakes.control import FakeControl
from tests.fakes.described import Described
from tests.fakes.rest import at_rest

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C6")]

WAYS: tuple[Way[Any], ...] = (
    *table.TASKS,
    *table.STREAMS,
    *table.ENTRY,
    *table.AGENTAPI,
    *codetable.CODE,
)
OWNER = Visitor("owner", frozenset({Scope.ADMIN}))
SPEC = {"command": ["work"], "cwd": "/"}


def test_the_document_of_the_routes_is_one() -> None:
    validate(describe.openapi())
    assert describe.openapi()["info"]["version"] == __version__


def test_every_reference_leads_somewhere_and_every_id_is_one() -> None:
    for document in (describe.openapi(), describe.asyncapi()):
        shapes = document["components"]["schemas"]
        text = json.dumps(document)
        used = {piece.partition('"')[0] for piece in text.split("#/components/schemas/")[1:]}
        assert used <= shapes.keys()
        assert shapes.keys() <= used | {"Problem"}
    ids = [
        each["operationId"]
        for path in describe.openapi()["paths"].values()
        for each in path.values()
    ]
    assert len(ids) == len(set(ids)) == len(WAYS)


def test_what_asyncapi_has_of_a_socket_holds_together() -> None:
    document = describe.asyncapi()
    assert len(document["channels"]) == len(table.LIVE) + len(codetable.CELLS)
    for operation in document["operations"].values():
        name = operation["channel"]["$ref"].rpartition("/")[2]
        assert operation["action"] in document["channels"][name]["messages"]
        for message in operation["messages"]:
            *_, channel, _, which = message["$ref"].split("/")
            assert (channel, which) == (name, operation["action"])


class Asker:
    """Asks the routes themselves, as somebody who may do everything."""

    def __init__(self, folder: Path) -> None:
        self.fake = FakeControl()
        self.visitor = OWNER
        self.tokens = Tokens(folder / "tokens.json")
        front = Front(Logins(self.tokens), "http://page/", "inspan", secure=True)
        self.eyes = Described(routed(self.fake, anyio.Event(), front))

    async def ask(self, method: str, target: str, body: Any = None) -> Any:
        path, _, query = target.partition("?")
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        coming = [{"type": "http.request", "body": raw, "more_body": False}]
        said = bytearray()

        async def receive() -> Any:
            return coming.pop() if coming else await anyio.sleep_forever()

        async def send(message: Any) -> None:
            said.extend(message.get("body", b""))

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [],
            "app": self,
        }
        admit(scope, self.visitor)
        with anyio.fail_after(30):
            await self.eyes(scope, receive, send)
        return json.loads(said) if said.startswith((b"{", b"[")) else bytes(said)

    async def talk(self, target: str, *words: Any) -> None:
        """Say that on a socket, hear one frame, and go."""
        path, _, query = target.partition("?")
        heard = anyio.Event()
        coming = [{"type": "websocket.connect"}]
        coming += [{"type": "websocket.receive", "text": json.dumps(word)} for word in words]

        async def receive() -> Any:
            if coming:
                return coming.pop(0)
            await heard.wait()
            return {"type": "websocket.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "websocket.send":
                heard.set()

        scope = {
            "type": "websocket",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [],
            "subprotocols": [],
            "app": self,
        }
        admit(scope, OWNER)
        with anyio.fail_after(30):
            await self.eyes(scope, receive, send)


async def test_every_route_and_socket_is_reached_and_says_what_it_may(tmp_path: Path) -> None:
    asker = Asker(tmp_path)
    await asker.ask("POST", "/v1/tasks", SPEC)
    await asker.ask("POST", "/v1/tasks", {"specs": [SPEC, SPEC]})
    await _goal(asker)
    await _running(asker)
    await _ended(asker)
    await asker.ask("GET", "/v1/tasks?limit=2&states=queued,running")
    events = await asker.ask("GET", "/v1/events?limit=5000")
    assert len(events["events"]) > 10
    await asker.talk("/v1/events?since=0")
    await asker.ask("GET", "/v1/health")
    await asker.ask("GET", "/v1/metrics?since=0&limit=5")
    await asker.ask("GET", "/metrics")
    await asker.ask("POST", "/v1/prune", {"dry_run": True})
    await _workspaces(asker)
    await _code(asker)
    await _browser(asker)
    await asker.ask("POST", "/v1/shutdown")
    await _told_until_it_stops(asker)
    ways = WAYS
    sockets: tuple[Socket[Any], ...] = (*table.LIVE, *codetable.CELLS)
    every = {f"{way.method} {way.path}" for way in ways}
    assert asker.eyes.seen == every | {f"WS {socket.path}" for socket in sockets}


async def _running(asker: Asker) -> None:
    task = await asker.fake.submit_running()
    asker.fake.prints(task.id, b"hello")
    for path in ("", "/activity", "/wait?timeout=0"):
        await asker.ask("GET", f"/v1/tasks/{task.id}{path}")
    await asker.ask("GET", f"/v1/sessions/{task.id}/output")
    await asker.ask("GET", f"/v1/sessions/{task.id}/times?offset=1&until=3&most=2")
    await asker.ask("GET", f"/v1/sessions/{task.id}/frame?offset=1")
    await asker.ask("GET", "/v1/search?text=hell&limit=1")
    await asker.ask("POST", f"/v1/tasks/{task.id}/send", b"y\n")
    await asker.ask("POST", f"/v1/tasks/{task.id}/prompt", {"text": "go on"})
    asker.fake.asks(task.id, "really?")
    await asker.ask("POST", f"/v1/tasks/{task.id}/answer", {"text": "yes"})
    agent = f"/v1/tasks/{task.id}/agentapi"
    assert (await asker.ask("GET", f"{agent}/status"))["agent_type"] == "custom"
    assert (await asker.ask("GET", f"{agent}/messages"))["messages"][0]["content"] == "hello"
    assert await asker.ask("POST", f"{agent}/message", {"content": "y", "type": "raw"})
    await asker.talk(f"/v1/sessions/{task.id}/terminal")
    await asker.ask("POST", f"/v1/tasks/{task.id}/interrupt", {"reason": "lunch"})
    await asker.ask("POST", f"/v1/tasks/{task.id}/resume", {})
    await asker.ask("POST", f"/v1/tasks/{task.id}/cancel", {})


async def _goal(asker: Asker) -> None:
    goal = await asker.ask("POST", "/v1/tasks", {"cwd": "/", "kind": "goal"})
    plan = {"steps": [{"name": "a", "prompt": "do it", "workspace": "here", "minutes": 2}]}
    at = f"/v1/tasks/{goal['id']}/plan"
    assert (await asker.ask("PUT", at, {"plan": plan, "version": 0}))["planned"] == 1
    assert await asker.ask("GET", at) == {"version": 1, "plan": plan, "by": "person"}
    told = await asker.ask("GET", f"/v1/tasks/{goal['id']}/goal")
    assert told["plan"] == plan
    assert told["steps"] == [{"name": "a", "state": "waits", "merged": None}]
    at = f"/v1/tasks/{goal['id']}/merge"
    assert (await asker.ask("POST", at, {"dry_run": True}))["into"] == "main"


async def _ended(asker: Asker) -> None:
    task = await asker.fake.submit_running()
    asker.fake.ends(task.id)
    asker.fake.diffs[task.id] = "--- a\n+++ b\n"
    await asker.ask("GET", f"/v1/tasks/{task.id}/diff")
    await asker.ask("POST", f"/v1/tasks/{task.id}/decide", {"verdict": "accept"})


async def _told_until_it_stops(asker: Asker) -> None:
    """What goes on for as long as the daemon does."""
    await asker.ask("GET", "/v1/events/stream?since=0")
    await asker.ask("GET", "/v1/sessions/last/stream")
    for path in ("events", "screen"):
        await asker.ask("GET", f"/v1/tasks/last/agentapi/{path}")


async def _browser(asker: Asker) -> None:
    url = (await asker.ask("POST", "/v1/logins", {"scopes": ["read"]}))["url"]
    assert url.startswith("http://page/#code=")
    await asker.ask("POST", "/v1/login", {"code": url.partition("=")[2]})
    (made,) = asker.tokens.all()
    asker.visitor = Visitor(f"token {made.name}", frozenset(made.scopes))
    await asker.ask("POST", "/v1/logout")
    asker.visitor = OWNER


async def _workspaces(asker: Asker) -> None:
    gone = Place(
        task="1" * 26, kind=WorkspaceKind.WORKTREE, path="/w", standing=Standing.REMOVED, saved="r"
    )
    asker.fake.places = {
        gone.task: gone,
        "2" * 26: replace(gone, task="2" * 26, standing=Standing.STRAY),
    }
    await asker.ask("GET", "/v1/workspaces")
    await asker.ask("POST", f"/v1/workspaces/{gone.task}/restore")
    await asker.ask("POST", "/v1/workspaces/sweep", {"dry_run": True})


async def _code(asker: Asker) -> None:
    at = f"/v1/code/{(await asker.ask('POST', '/v1/code', {'cwd': '/'}))['id']}"
    await asker.ask("GET", "/v1/code?ended=true")
    await asker.ask("GET", at)
    for code in ("a = 1", "a", "print(a)", "display({'text/plain': 'x'})", "1/0"):
        cell = await asker.ask("POST", f"{at}/cells", {"code": code})
    await asker.ask("POST", f"{at}/cells", {"code": "line = input('who? ')"})
    await at_rest()
    told = await asker.ask("GET", f"{at}/transcript")
    (wanted,) = [each["fact"] for each in told["events"] if each["fact"]["kind"] == "cell.wanted"]
    await asker.ask("POST", f"{at}/answer", {"request": wanted["request"], "text": "me"})
    await asker.ask("POST", f"{at}/checkpoint", {"name": "c"})
    await asker.ask("GET", f"{at}/checkpoints")
    await asker.ask("POST", f"{at}/restore", {"name": "c"})
    await asker.ask("POST", f"{at}/complete", {"code": "a", "cursor": 1})
    await asker.ask("POST", f"{at}/inspect", {"code": "a", "cursor": 1})
    await asker.ask("POST", f"{at}/interrupt", {"cell": cell["id"]})
    await asker.talk("/v1/cells", {"follow": {"session": cell["session"], "since": 0}})
    await asker.ask("POST", f"{at}/close", {})


def test_two_classes_of_one_name_are_not_published() -> None:
    first, second = (make_dataclass("Same", [("word", kind)]) for kind in (str, int))
    second.__module__ = "elsewhere"
    ways = [replace(WAYS[0], takes=(kind,)) for kind in (first, second)]
    with pytest.raises(ValueError, match=r"two classes of one name: .*Same"):
        describe._Shapes(ways, ())
