"""The network: a real daemon that listens at a port, asked by programs that know no inspan."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.real.console import Console
from tests.real.daemon import until

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("C6", "C9")]

LISTENING = "server: {listen: 127.0.0.1:0}\n"


@pytest.fixture
def console() -> Iterator[Console]:
    with Console(LISTENING) as console:
        yield console


def url_of(console: Console) -> str:
    return str(json.loads(console.say("up", "--json"))["url"])


def ask(
    url: str,
    method: str,
    path: str,
    token: str | None,
    body: Any = None,
    headers: dict[str, str] | None = None,
    trusted: ssl.SSLContext | None = None,
) -> tuple[int, Any]:
    at = urlsplit(url)
    assert at.hostname
    link = (
        http.client.HTTPSConnection(at.hostname, at.port, timeout=30, context=trusted)
        if at.scheme == "https"
        else http.client.HTTPConnection(at.hostname, at.port, timeout=30)
    )
    shown = {"authorization": f"Bearer {token}"} if token else {}
    link.request(method, path, json.dumps(body) if body else None, {**shown, **(headers or {})})
    reply = link.getresponse()
    raw = reply.read()
    link.close()
    return reply.status, json.loads(raw)


def test_a_program_hands_in_a_task_and_reads_what_it_printed(console: Console) -> None:
    url = url_of(console)
    token = console.say("token", "new", "ci", "--scope", "write")
    spec = {"command": ["echo", "hello"], "cwd": str(console.home), "env": console.env}
    status, task = ask(url, "POST", "/v1/tasks", token, spec)
    assert status == 201
    status, task = ask(url, "GET", f"/v1/tasks/{task['id']}/wait?timeout=30", token)
    assert (status, task["state"]) == (200, "completed")
    assert console.say("logs", task["id"]) == "hello"
    # And who did that is in the log.
    lines = json.loads(console.say("audit", "--json"))["lines"]
    assert [(line["who"], line["what"], line["status"]) for line in lines] == [
        ("token ci", "POST /v1/tasks", 201)
    ]


def test_events_come_by_websocket_and_a_page_elsewhere_gets_none(console: Console) -> None:
    url = url_of(console)
    token = console.say("token", "new", "watch")
    at = url.replace("http:", "ws:") + "/v1/events?since=0"
    console.say("run", "--", "true")

    async def first(origin: str | None) -> Any:
        shown = {"authorization": f"Bearer {token}"}
        async with connect(at, additional_headers=shown, origin=origin) as events:  # type: ignore[arg-type]  # any text
            return json.loads(await events.recv())

    assert "fact" in asyncio.run(first(None))
    assert "fact" in asyncio.run(first(url))
    # A page on another port of this very machine.
    with pytest.raises(InvalidStatus, match="403"):
        asyncio.run(first("http://127.0.0.1:1"))


def test_what_is_not_granted_is_refused_and_nothing_happens(console: Console) -> None:
    url = url_of(console)
    reader = console.say("token", "new", "reader")
    spec = {"command": ["touch", "was-run"], "cwd": str(console.home)}
    refused = [
        ask(url, "POST", "/v1/tasks", reader, spec),
        ask(url, "POST", "/v1/tasks", None, spec),
        ask(url, "POST", "/v1/shutdown", reader),
        ask(url, "GET", "/v1/tasks", reader, headers={"host": "evil.example"}),
    ]
    assert [status for status, _ in refused] == [403, 401, 403, 421]
    assert refused[0][1]["code"] == "not-granted"
    assert "token new" in refused[0][1]["hint"]
    assert ask(url, "GET", "/v1/tasks", reader)[1]["tasks"] == []
    console.say("token", "revoke", "reader")
    assert ask(url, "GET", "/v1/tasks", reader)[0] == 401
    audited = json.loads(console.say("audit", "--json"))
    assert [line["status"] for line in audited["lines"]] == [403, 401, 403, 421, 401]
    assert [line["who"] for line in audited["lines"]] == [
        *("token reader", None, "token reader", None, None)
    ]
    assert reader not in json.dumps(audited)


def test_what_is_no_http_harms_nobody(console: Console) -> None:
    at = urlsplit(url_of(console))
    assert at.port
    for nonsense in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"\0" * 100_000):
        with socket.create_connection((at.hostname, at.port), timeout=30) as link:
            link.sendall(nonsense)
            link.shutdown(socket.SHUT_WR)
            while link.recv(1 << 16):
                pass
    assert console.run("status").returncode == 0


def test_a_certificate_encrypts(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    tls = f"tls: {{cert: {tmp_path}/cert.pem, key: {tmp_path}/key.pem}}"
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    with Console(f"server: {{listen: '127.0.0.1:0', {tls}}}\n") as console:
        url = url_of(console)
        assert url.startswith("https://")
        token = console.say("token", "new", "far")
        assert ask(url, "GET", "/v1/health", token, trusted=trusted)[0] == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(url, "GET", "/v1/health", token)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{listen: 0.0.0.0:7433}", "can be reached from other machines"),
        ("{listen: '[::]:7433'}", "can be reached from other machines"),
        ("{listen: 127.0.0.1}", "no address to listen at"),
        ("{listen: example.org:80}", "neither an IP address nor localhost"),
        ("{listen: 127.0.0.1:0, host: [a]}", "'host' is not known here"),
        ("{listen: 127.0.0.1:0, hosts: a}", "not a list of hosts"),
        ("{listen: 127.0.0.1:0, origins: ['*']}", "not a list of origins"),
        ("{listen: 127.0.0.1:0, origins: ['https://a/']}", "not a list of origins"),
        ("{listen: 127.0.0.1:0, tls: {cert: a}}", "belong together"),
        ("{listen: 127.0.0.1:0, tls: {cert: none, key: none}}", "the certificate none"),
    ],
)
def test_a_door_that_is_not_as_it_was_meant_stays_shut(section: str, said: str) -> None:
    with Console(f"server: {section}\n") as console:
        refused = console.run("up")
        assert refused.returncode == 1
        assert said in refused.stderr.decode()
        assert json.loads(console.run("status", "--json").stdout)["daemon"] is None


def test_up_listens_where_it_is_told_and_says_so() -> None:
    with Console("") as console:
        console.say("up")
        refused = console.run("up", "--listen", "127.0.0.1:0")
        assert refused.returncode == 2
        assert b"does not serve the network" in refused.stderr
        assert console.run("up", "--restart", "--listen", "0.0.0.0:1").returncode == 2
        said = console.say("up", "--restart", "--listen", "127.0.0.1:0")
        url = json.loads(console.say("status", "--json"))["url"]
        assert f"it listens at {url}" in said
        assert url in console.say("status")
        token = console.say("token", "new", "me", "--scope", "admin")
        assert ask(url, "POST", "/v1/shutdown", token)[0] == 202


def test_tokens_are_told_of_and_never_shown_again(tmp_path: Path) -> None:
    with Console("") as console:
        assert "no tokens" in console.say("token", "ls")
        text = console.say("token", "new", "a", "--scope", "read", "--expires", "30d")
        file = tmp_path / "token"
        console.say("token", "rotate", "a", "--out", str(file))
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_text().strip() != text
        listed = console.say("token", "ls")
        assert text not in listed
        assert "in 30d" in listed or "in 29d" in listed
        for words in (("new", "a"), ("revoke", "b"), ("new", "B"), ("ls", "a"), ("rotate",)):
            assert console.run("token", *words).returncode == 2, words


def test_a_log_that_was_changed_is_told(console: Console) -> None:
    for _ in range(3):
        console.say("run", "--", "true")
    log = Path(json.loads(console.say("status", "--json"))["logs"]) / "audit.jsonl"
    assert console.run("audit").returncode == 0
    log.write_text(log.read_text().replace('"status":201', '"status":200', 1))
    told = console.run("audit")
    assert told.returncode == 1
    assert b"not as it was written: line 2" in told.stderr


def entered(page: str, code: str) -> tuple[int, str]:
    """What a browser gets for a code: the status, and its cookie."""
    at = urlsplit(page)
    assert at.hostname
    # Every name below localhost is this machine (RFC 6761); not every resolver knows it.
    link = http.client.HTTPConnection("127.0.0.1", at.port, timeout=30)
    origin = f"{at.scheme}://{at.netloc}"
    link.request(
        "POST", "/v1/login", json.dumps({"code": code}), {"host": at.netloc, "origin": origin}
    )
    reply = link.getresponse()
    reply.read()
    link.close()
    return reply.status, (reply.headers["set-cookie"] or "").partition(";")[0]


def test_the_page_is_served_while_what_runs_runs_on() -> None:
    with Console("") as console:
        task = json.loads(console.say("add", "--json", "--", "sleep", "600"))
        until(lambda: json.loads(console.say("show", "--json", "last"))["state"] == "running", "it")
        pid = json.loads(console.say("show", "--json", "last"))["pid"]
        url = console.say("web", "--no-open", "--port", "0")
        page, _, code = url.partition("#code=")
        assert json.loads(console.say("show", "--json", "last"))["pid"] == pid
        assert entered(page, code)[0] == 200
        assert entered(page, code)[0] == 403
        # A second browser may only look.
        code = console.say("web", "--no-open", "--read-only").partition("#code=")[2]
        _, cookie = entered(page, code)
        here, shown = page.replace("inspan.localhost", "127.0.0.1").rstrip("/"), {"cookie": cookie}
        assert ask(here, "GET", f"/v1/tasks/{task['id']}", None, headers=shown)[0] == 200
        shown["origin"] = page.rstrip("/")
        for verb in ("cancel", "prompt", "send"):
            assert ask(here, "POST", f"/v1/tasks/{task['id']}/{verb}", None, {}, shown)[0] == 403
        listed = json.loads(console.say("token", "ls", "--json"))["tokens"]
        assert [each["scopes"] for each in listed] == [["read", "write", "attach-write"], ["read"]]
        for words in (("--port", "70000"), ("--port", "x")):
            assert console.run("web", "--no-open", *words).returncode == 2
