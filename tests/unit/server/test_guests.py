"""The door for agents: whose token is none, or of a task that is not at work, gets nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message

from inspan import __version__
from inspan.control import Control
from inspan.model.delegation import Delegation
from inspan.model.task import Task, TaskSpec
from inspan.server import table
from inspan.server.audit import Audit
from inspan.server.base import NoBase
from inspan.server.door import Door, Guard, OwnSocket
from inspan.server.guestkeys import GuestKeys
from inspan.server.guests import GuestDoor, _Leashed, guests_app
from tests.fakes.control import FakeControl

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C9")]

AGENT = TaskSpec(provider="claude", prompt="work", cwd="/", delegates=True)
CHILD = {"provider": "claude", "prompt": "a part of it", "cwd": ""}


class Guest:
    """Asks at the agents' door, as uvicorn would."""

    def __init__(self, folder: Path) -> None:
        self.fake = FakeControl()
        self.keys = GuestKeys(folder / "key", folder / "socket")
        self.app: ASGIApp = guests_app(self.fake, anyio.Event(), NoBase(), Delegation())
        self.audit = Audit(folder / "audit.jsonl")

    async def ask(
        self, what: str, token: str | None, body: Any = None, guard: Guard | None = None
    ) -> tuple[int, dict[str, Any]]:
        """The status, and what was answered."""
        method, _, path = what.partition(" ")
        shown = [] if token is None else [(b"authorization", token.encode())]
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", b"inspan"), *shown],
        }
        sent = b"" if body is None else json.dumps(body).encode()
        coming: list[Message] = [{"type": "http.request", "body": sent, "more_body": False}]
        said: list[Message] = []

        async def receive() -> Message:
            return coming.pop(0) if coming else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            said.append(message)

        stands = guard or GuestDoor(self.keys)
        door = Door(self.app, version=__version__, guard=stands, audit=self.audit)
        with anyio.fail_after(30):
            await door(scope, receive, send)
        told: dict[str, Any] = json.loads(b"".join(one.get("body", b"") for one in said))
        return said[0]["status"], told

    def shown(self, task: Task) -> str:
        return f"Bearer {self.keys.token(task.id)}"


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    return Guest(tmp_path)


async def test_at_work_it_hands_in_and_sees_what_it_handed_in(guest: Guest) -> None:
    own = guest.fake.start((await guest.fake.submit(AGENT)).id)
    status, child = await guest.ask("POST /v1/tasks", guest.shown(own), CHILD)
    assert (status, child["spec"]["parent"]) == (201, own.id)
    _, page = await guest.ask("GET /v1/tasks", guest.shown(own))
    assert [task["id"] for task in page["tasks"]] == [child["id"]]


async def test_who_shows_no_token_of_a_task_is_told_where_it_is(guest: Guest) -> None:
    own = guest.fake.start((await guest.fake.submit(AGENT)).id)
    token = guest.keys.token(own.id)
    for shown in (None, "", token, f"Basic {token}", f"Bearer {token}0", "Bearer inspan_task_"):
        status, told = await guest.ask("POST /v1/tasks", shown, CHILD)
        assert (status, told["code"]) == (401, "not-granted")
        assert "INSPAN_TOKEN" in told["hint"]
    assert [*guest.fake.tasks] == [own.id]


async def test_the_token_of_a_task_that_is_forgotten_counts_no_more(guest: Guest) -> None:
    own = guest.fake.start((await guest.fake.submit(AGENT)).id)
    del guest.fake.tasks[own.id]
    for what in ("POST /v1/tasks", "GET /v1/tasks"):
        status, told = await guest.ask(what, guest.shown(own), CHILD)
        assert (status, told["code"]) == (403, "not-granted")
        assert "is forgotten" in told["detail"]
    assert not guest.fake.tasks


@pytest.mark.parametrize("why", ["over", "never"])
async def test_the_token_of_a_task_that_may_not_is_refused(guest: Guest, why: str) -> None:
    spec = replace(AGENT, delegates=why == "over")
    own = guest.fake.start((await guest.fake.submit(spec)).id)
    if why == "over":
        guest.fake.ends(own.id)
    status, told = await guest.ask("POST /v1/tasks", guest.shown(own), CHILD)
    assert (status, told["code"]) == (403, "not-granted")
    assert "--mcp" in told["hint"]
    assert [*guest.fake.tasks] == [own.id]


async def test_whoever_is_no_tasks_agent_gets_nothing_here(guest: Guest) -> None:
    status, told = await guest.ask("GET /v1/tasks", None, guard=OwnSocket())
    assert (status, told["code"]) == (403, "not-granted")
    assert "no task's agent asks" in told["detail"]


async def test_what_is_not_for_agents_is_not_there(guest: Guest) -> None:
    own = guest.fake.start((await guest.fake.submit(AGENT)).id)
    for what in ("POST /v1/prune", "POST /v1/shutdown", "GET /v1/health", "POST /v1/code"):
        status, told = await guest.ask(what, guest.shown(own), {})
        assert (status, told["code"]) == (404, "not-found")
        assert "for an agent" in told["detail"]


async def test_a_way_that_anybody_may_go_is_none_for_agents(guest: Guest) -> None:
    own = guest.fake.start((await guest.fake.submit(AGENT)).id)
    way = replace(table.TASKS[0], needs=None)

    def leashed(_: str) -> Control:
        return guest.fake

    leash = _Leashed(way, guest.fake, anyio.Event(), leashed)
    guest.app = Router([Route(way.path, leash, methods=[way.method])])
    status, told = await guest.ask(f"{way.method} {way.path}", guest.shown(own), CHILD)
    assert (status, told["code"]) == (403, "not-granted")
    assert [*guest.fake.tasks] == [own.id]
