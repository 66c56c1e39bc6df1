"""The gate of the network: every route and socket, by every name, origin and token.

Only what the tables here list passes; what is new and not in them fails.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.routing import Route, Router, WebSocketRoute
from starlette.types import Message

from inspan import __version__
from inspan.errors import Conflict
from inspan.model.listen import Listen
from inspan.server.app import routed
from inspan.server.audit import Audit
from inspan.server.door import Door
from inspan.server.entry import Front
from inspan.server.gate import HEADERS, Gate
from inspan.server.logins import LIFE, MOST, STAYS, Logins
from inspan.server.tokens import Tokens
from inspan.server.visitor import Scope
from tests.fakes.control import FakeControl

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C9")]

PORT = 7433
LISTEN = Listen(
    host="127.0.0.1", port=PORT, hosts=("box.example",), origins=("https://box.example",)
)
#: What each scope opens. All of them open what `read` does.
NEEDS: dict[Scope, set[str]] = {
    Scope.READ: {
        "GET /v1/tasks",
        "GET /v1/tasks/{ref}",
        "GET /v1/tasks/{ref}/activity",
        "GET /v1/tasks/{ref}/diff",
        "GET /v1/tasks/{ref}/goal",
        "GET /v1/tasks/{ref}/plan",
        "GET /v1/tasks/{ref}/wait",
        "GET /v1/tasks/{ref}/agentapi/status",
        "GET /v1/tasks/{ref}/agentapi/messages",
        "GET /v1/tasks/{ref}/agentapi/events",
        "GET /v1/tasks/{ref}/agentapi/screen",
        "GET /v1/events",
        "GET /v1/events/stream",
        "GET /v1/sessions/{ref}/output",
        "GET /v1/sessions/{ref}/stream",
        "GET /v1/sessions/{ref}/frame",
        "GET /v1/sessions/{ref}/times",
        "GET /v1/search",
        "GET /v1/health",
        "GET /v1/metrics",
        "GET /metrics",
        "GET /v1/workspaces",
        "GET /v1/code",
        "GET /v1/code/{ref}",
        "GET /v1/code/{ref}/checkpoints",
        "GET /v1/code/{ref}/transcript",
        "POST /v1/logout",
        "WS /v1/events",
        "WS /v1/sessions/{ref}/terminal",
    },
    Scope.WRITE: {
        "POST /v1/tasks",
        "POST /v1/tasks/{ref}/prompt",
        "POST /v1/tasks/{ref}/answer",
        "POST /v1/tasks/{ref}/agentapi/message",
        "POST /v1/tasks/{ref}/interrupt",
        "POST /v1/tasks/{ref}/resume",
        "POST /v1/tasks/{ref}/cancel",
        "POST /v1/tasks/{ref}/decide",
        "PUT /v1/tasks/{ref}/plan",
        "POST /v1/tasks/{ref}/merge",
        "POST /v1/workspaces/{ref}/restore",
        "POST /v1/code",
        "POST /v1/code/{ref}/checkpoint",
        "POST /v1/code/{ref}/restore",
        "POST /v1/code/{ref}/close",
        "POST /v1/code/{ref}/cells",
        "POST /v1/code/{ref}/answer",
        "POST /v1/code/{ref}/interrupt",
        "POST /v1/code/{ref}/complete",
        "POST /v1/code/{ref}/inspect",
        "WS /v1/cells",
    },
    Scope.ATTACH: {"POST /v1/tasks/{ref}/send", "WS /v1/sessions/{ref}/terminal?writer=true"},
    Scope.ADMIN: {
        "POST /v1/prune",
        "POST /v1/workspaces/sweep",
        "POST /v1/shutdown",
        "POST /v1/logins",
    },
}
EVERY = sorted(set().union(*NEEDS.values()))
#: What is open to strangers, but not to pages of other origins nor by other names.
OPEN = {"POST /v1/login", "GET /", "GET /web/{name}"}
LOOKS = ("GET", "HEAD")
TURNED_AWAY = {401, 403, 421}


class Knocks:
    """Asks at the door of the network, as uvicorn would."""

    def __init__(self, tmp: Path) -> None:
        self.tokens = Tokens(tmp / "tokens.json")
        self.audit = tmp / "audit.jsonl"
        self.gate = Gate(
            self.tokens,
            hosts=LISTEN.served(PORT),
            origins=LISTEN.admitted(PORT),
            cookie=LISTEN.cookie(PORT),
            now=lambda: 100.0,
        )
        self.fake = FakeControl()
        log = Audit(self.audit)
        self.logins = Logins(self.tokens, lambda: self.now)
        self.now = 100.0
        front = Front(self.logins, LISTEN.page(PORT), LISTEN.cookie(PORT), secure=False)
        self.routes = routed(self.fake, anyio.Event(), front)
        self._door = Door(self.routes, version=__version__, guard=self.gate, audit=log)

    def token(self, *scopes: Scope, name: str = "t", ends: float | None = None) -> str:
        return self.tokens.make(name, scopes, now=1.0, ends=ends)

    async def ask(
        self, what: str, headers: Iterable[tuple[str, str]], body: bytes = b""
    ) -> tuple[int, Message]:
        """The status, and the message that it came with; of a socket 101 where it was opened."""
        method, _, target = what.partition(" ")
        named = target.replace("{ref}", "nothing").replace("{name}", "app.js")
        path, _, query = named.partition("?")
        scope: dict[str, Any] = {
            "type": "websocket" if method == "WS" else "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), text.encode()) for name, text in headers],
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }
        if method != "WS":
            scope["method"] = method
        said: list[Message] = []
        coming: list[Message] = [{"type": "websocket.connect"}, {"type": "websocket.disconnect"}]
        if method != "WS":
            coming = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return coming.pop(0) if coming else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            said.append(message)

        await self._door(scope, receive, send)
        first = said[0]
        return first.get("status", 101 if first["type"].endswith("accept") else 0), first


@pytest.fixture
def knocks(tmp_path: Path) -> Knocks:
    return Knocks(tmp_path)


def head(
    host: str | None = f"127.0.0.1:{PORT}",
    origin: str | None = None,
    token: str | None = None,
    site: str | None = None,
) -> list[tuple[str, str]]:
    given = {
        "host": host,
        "origin": origin,
        "authorization": None if token is None else f"Bearer {token}",
        "sec-fetch-site": site,
    }
    return [(name, text) for name, text in given.items() if text is not None]


def test_the_tables_name_every_route_and_socket(tmp_path: Path) -> None:
    routes = Knocks(tmp_path).routes
    assert isinstance(routes, Router)
    found = set()
    for route in routes.routes:
        if isinstance(route, WebSocketRoute):
            found.add(f"WS {route.path}")
        else:
            assert isinstance(route, Route)
            found |= {
                f"{method} {route.path}" for method in route.methods or () if method != "HEAD"
            }
    assert found == {what.partition("?")[0] for what in EVERY} | OPEN


HOSTS = (None, "127.0.0.1", "evil.example", f"evil.example:{PORT}", "127.0.0.1:1", "inspan")
GOOD_HOSTS = (f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"[::1]:{PORT}", "box.example")
ORIGINS = ("https://evil.example", "null", "", f"http://evil.example:{PORT}", "http://127.0.0.1:1")
GOOD_ORIGINS = (None, f"http://127.0.0.1:{PORT}", f"http://localhost:{PORT}", "https://box.example")


@pytest.mark.parametrize("what", EVERY)
async def test_only_our_names_origins_and_tokens_pass(knocks: Knocks, what: str) -> None:
    good = knocks.token(Scope.ADMIN)
    over = knocks.token(Scope.ADMIN, name="over", ends=99.0)
    tokens = (None, "", "x", good[:-1], good + "=", "inspan_" + "a" * 43, over)
    sites = ("cross-site", "same-site")
    passed = []
    every = itertools.product(
        (*HOSTS, *GOOD_HOSTS),
        (*ORIGINS, *GOOD_ORIGINS),
        (*tokens, good),
        (None, "same-origin", "none", *sites),
    )
    for host, origin, token, site in every:
        status, _ = await knocks.ask(what, head(host, origin, token, site))
        ours = host in GOOD_HOSTS and origin in GOOD_ORIGINS and token == good
        if ours and origin is None and site in sites:
            ours = False
        assert (status not in TURNED_AWAY) == ours, (host, origin, token, site, status)
        if ours:
            passed.append(status)
    assert passed


@pytest.mark.parametrize("what", EVERY)
async def test_each_scope_opens_what_is_its_own(knocks: Knocks, what: str) -> None:
    needed = next(scope for scope, opened in NEEDS.items() if what in opened)
    for scope in Scope:
        status, _ = await knocks.ask(what, head(token=knocks.token(scope, name=scope)))
        may = needed is Scope.READ or scope in (needed, Scope.ADMIN)
        assert (status not in TURNED_AWAY) == may, (scope, status)


@pytest.mark.parametrize(
    "twice", [("host", f"127.0.0.1:{PORT}"), ("origin", f"http://127.0.0.1:{PORT}")]
)
async def test_what_is_said_twice_is_refused(knocks: Knocks, twice: tuple[str, str]) -> None:
    good = head(token=knocks.token(Scope.ADMIN), origin=f"http://127.0.0.1:{PORT}")
    assert (await knocks.ask("GET /v1/health", good))[0] == 200
    status, _ = await knocks.ask("GET /v1/health", [*good, twice])
    assert status in TURNED_AWAY


async def test_a_token_counts_in_its_header_alone(knocks: Knocks) -> None:
    good = knocks.token(Scope.ADMIN)
    for told in (f"bearer {good}", f"Basic {good}", good, f"Bearer  {good}", f"Bearer {good} "):
        status, _ = await knocks.ask("GET /v1/health", [*head(), ("authorization", told)])
        assert status == 401, told
    for query in (f"token={good}", f"access_token={good}"):
        assert (await knocks.ask(f"GET /v1/health?{query}", head()))[0] == 401
    assert (await knocks.ask("GET /v1/health", [*head(), ("cookie", f"inspan={good}")]))[0] == 401
    shown = [*head(token=good), ("authorization", f"Bearer {good}")]
    assert (await knocks.ask("GET /v1/health", shown))[0] == 401


async def test_a_token_that_is_revoked_or_rotated_counts_no_more(knocks: Knocks) -> None:
    first = knocks.token(Scope.READ)
    assert (await knocks.ask("GET /v1/health", head(token=first)))[0] == 200
    # As `inspan token` does it, in a process of its own.
    second = Tokens(knocks.tokens._path).rotate("t", now=2.0)
    assert (await knocks.ask("GET /v1/health", head(token=first)))[0] == 401
    assert (await knocks.ask("GET /v1/health", head(token=second)))[0] == 200
    Tokens(knocks.tokens._path).revoke("t")
    assert (await knocks.ask("GET /v1/health", head(token=second)))[0] == 401


async def test_a_file_of_tokens_that_others_could_read_lets_nobody_in(knocks: Knocks) -> None:
    good = knocks.token(Scope.READ)
    knocks.tokens._path.chmod(0o640)
    os.utime(knocks.tokens._path, (5, 5))
    status, answer = await knocks.ask("GET /v1/health", head(token=good))
    assert status == 503
    assert good not in str(answer)
    knocks.tokens._path.chmod(0o600)
    assert (await knocks.ask("GET /v1/health", head(token=good)))[0] == 200


async def test_every_answer_tells_a_browser_to_keep_and_run_nothing(knocks: Knocks) -> None:
    good = knocks.token(Scope.READ)
    for what, headers in (
        ("GET /v1/health", head(token=good)),
        ("GET /v1/health", head()),
        ("GET /nowhere", head(token=good)),
        ("POST /v1/prune", head(token=good)),
        ("WS /v1/events", head(token=good)),
    ):
        _, first = await knocks.ask(what, headers)
        told = {name.decode(): text.decode() for name, text in first["headers"]}
        assert told.items() >= HEADERS.items()
        assert not any(name.startswith("access-control-") for name in told)


async def test_no_page_of_another_origin_is_told_that_it_may_ask(knocks: Knocks) -> None:
    """A browser asks so before it sends a header of ours; whatever it is told, it is not yes."""
    asked = [
        *head(origin="https://evil.example", site="cross-site"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ]
    status, first = await knocks.ask("OPTIONS /v1/tasks", asked)
    assert status == 403
    assert not any(b"access-control" in name for name, _ in first["headers"])


# ── browsers ──────────────────────────────────────────────────────────────────

PAGE = f"http://inspan.localhost:{PORT}"


def browser(
    cookie: str, origin: str | None = PAGE, site: str | None = None
) -> list[tuple[str, str]]:
    shown = head(f"inspan.localhost:{PORT}", origin, site=site)
    return [*shown, ("cookie", f"other=1; inspan-{PORT}={cookie}; more=2")]


def cookie_of(message: Message) -> str:
    told: str = dict(message["headers"])[b"set-cookie"].decode()
    value, *ways = told.partition("=")[2].split("; ")
    assert ways == ["Path=/", f"Max-Age={STAYS:.0f}", "HttpOnly", "SameSite=Strict"]
    assert told.startswith(f"inspan-{PORT}=")
    return value


async def logged_in(knocks: Knocks, *scopes: Scope) -> str:
    code = knocks.logins.code(scopes or (Scope.READ, Scope.WRITE, Scope.ATTACH))
    body = json.dumps({"code": code}).encode()
    status, first = await knocks.ask("POST /v1/login", head(origin=PAGE), body)
    assert status == 200
    return cookie_of(first)


@pytest.mark.parametrize("what", [what for what in EVERY if what != "POST /v1/logout"])
async def test_a_cookie_opens_what_it_may_for_our_own_page_alone(knocks: Knocks, what: str) -> None:
    cookie = await logged_in(knocks)
    admin = what in NEEDS[Scope.ADMIN]
    looks = what.partition(" ")[0] in LOOKS
    for origin, site in itertools.product(
        (*ORIGINS, *GOOD_ORIGINS, PAGE), (None, "same-origin", "same-site", "cross-site")
    ):
        status, _ = await knocks.ask(what, browser(cookie, origin, site))
        ours = origin in GOOD_ORIGINS or origin == PAGE
        if origin is None:
            # What looks may leave it out, if it is not said to come from elsewhere.
            ours = looks and site in (None, "same-origin")
        assert (status not in TURNED_AWAY) == (ours and not admin), (origin, site, status)


async def test_a_code_is_good_once_and_soon(knocks: Knocks) -> None:
    code = knocks.logins.code([Scope.READ])
    late = knocks.logins.code([Scope.READ])
    for shown, status in ((code, 200), (code, 403), ("", 403), (code + "x", 403)):
        body = json.dumps({"code": shown}).encode()
        assert (await knocks.ask("POST /v1/login", head(origin=PAGE), body))[0] == status
    knocks.now += LIFE
    body = json.dumps({"code": late}).encode()
    assert (await knocks.ask("POST /v1/login", head(origin=PAGE), body))[0] == 403


async def test_there_is_an_end_to_the_codes_that_wait(knocks: Knocks) -> None:
    for _ in range(MOST):
        knocks.logins.code([Scope.READ])
    with pytest.raises(Conflict):
        knocks.logins.code([Scope.READ])
    knocks.now += LIFE
    knocks.logins.code([Scope.READ])


async def test_a_cookie_is_no_token_and_a_token_no_cookie(knocks: Knocks) -> None:
    cookie, token = await logged_in(knocks), knocks.token(Scope.ADMIN)
    assert (await knocks.ask("GET /v1/health", head(token=cookie)))[0] == 401
    assert (await knocks.ask("GET /v1/health", browser(token)))[0] == 401
    twice = [*browser(cookie), ("cookie", f"inspan-{PORT}={cookie}")]
    assert (await knocks.ask("GET /v1/health", twice))[0] == 401
    assert (await knocks.ask("GET /v1/health", browser(cookie)))[0] == 200


async def test_who_logs_out_is_out_and_only_a_browser_does(knocks: Knocks) -> None:
    cookie, token = await logged_in(knocks), knocks.token(Scope.ADMIN)
    assert (await knocks.ask("POST /v1/logout", head(token=token)))[0] == 422
    status, first = await knocks.ask("POST /v1/logout", browser(cookie))
    assert status == 200
    assert b"Max-Age=0" in dict(first["headers"])[b"set-cookie"]
    assert (await knocks.ask("GET /v1/health", browser(cookie)))[0] == 401
    assert (await knocks.ask("GET /v1/health", head(token=token)))[0] == 200


@pytest.mark.parametrize("what", sorted(OPEN))
async def test_what_is_open_is_open_by_our_names_and_to_our_page(knocks: Knocks, what: str) -> None:
    for host, origin in itertools.product((*HOSTS, *GOOD_HOSTS), (*ORIGINS, *GOOD_ORIGINS)):
        status, _ = await knocks.ask(what, head(host, origin))
        ours = host in GOOD_HOSTS and origin in GOOD_ORIGINS
        # That a code is missing is told by another status.
        assert (status not in {*TURNED_AWAY}) == ours, (host, origin, status)


async def test_the_page_runs_its_own_scripts_alone(knocks: Knocks) -> None:
    for what in ("GET /", "GET /web/app.js", "GET /web/xterm.js"):
        status, first = await knocks.ask(what, head(site="cross-site"))
        told = dict(first["headers"])
        assert status == 200
        assert b"script-src 'self'" in told[b"content-security-policy"]
        assert b"unsafe-eval" not in told[b"content-security-policy"]
    for path in ("/web/nothing.js", "/web/..%2ftokens.py", "/web/__init__.py"):
        assert (await knocks.ask(f"GET {path}", head()))[0] == 404


async def test_logins_are_in_the_audit_log_without_their_codes(knocks: Knocks) -> None:
    cookie = await logged_in(knocks)
    await knocks.ask("POST /v1/login", head(origin=PAGE), b'{"code": "none"}')
    text = knocks.audit.read_text()
    assert cookie not in text
    assert [json.loads(line)["status"] for line in text.splitlines()] == [200, 403]
