"""`--agent api`: a real daemon, a real process, and a service on this machine that answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.real.console import MEASURED, Console

pytestmark = pytest.mark.timeout(180)

KEY = "sk-canary-of-a-key"
Answer = tuple[int, dict[str, str], Any]
CLAUDE = {
    "content": [{"type": "text", "text": "Four"}, {"type": "text", "text": "."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1000, "cache_read_input_tokens": 500, "output_tokens": 2000},
}
GPT = {
    "choices": [{"message": {"content": "Four."}, "finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 1500,
        "completion_tokens": 2000,
        "prompt_tokens_details": {"cached_tokens": 500},
    },
}


class Service:
    """Answers what it is asked, in turn, and knows what that was."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/v1"
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []


@contextmanager
def serving() -> Iterator[Service]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            headers = {name.lower(): text for name, text in self.headers.items()}
            known.asked.append((self.path, headers, body))
            status, more, told = known.answers.pop(0)
            raw = json.dumps(told).encode()
            self.send_response(status)
            for name, text in {**more, "content-length": str(len(raw))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        known = Service(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield known
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console(MEASURED) as console:
        yield console


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as service:
        yield service


def asked(console: Console, service: Service, kind: str, *more: str) -> dict[str, Any]:
    """The task when it is over."""
    name = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}[kind]
    env = {name: KEY, "INSPAN_API_URL": service.url, "INSPAN_API_MODEL": "small"}
    with console.start("add", "--agent", "api", *more, "two and two?", env=env) as adding:
        out, err = adding.communicate(timeout=60)
    assert adding.returncode == 0, err
    console.run("wait", out.decode().strip())
    return dict(json.loads(console.say("show", "--json", out.decode().strip())))


def test_a_model_is_asked_and_asked_again_where_its_service_says_later(
    console: Console, service: Service
) -> None:
    busy = (529, {"retry-after": "0.05"}, {"error": {"message": "overloaded"}})
    service.answers = [busy, (200, {}, CLAUDE)]
    task = asked(console, service, "anthropic")
    assert task["state"] == "completed", task["reason"]
    said = console.say("logs", task["id"])
    assert "it is asked again in 0.05 s: 529: overloaded" in said
    assert "Four." in said
    used = task["usage"]
    assert (used["read"], used["cached"], used["written"]) == (1500, 500, 2000)
    assert used["cost"] is None
    path, headers, body = service.asked[-1]
    assert (path, headers["x-api-key"]) == ("/v1/messages", KEY)
    assert body["model"] == "small"
    assert body["messages"] == [{"role": "user", "content": "two and two?"}]
    assert len(service.asked) == 2


def test_the_key_is_nowhere_but_in_the_header(console: Console, service: Service) -> None:
    quoted = {"error": {"message": f"the key {KEY} is not allowed that"}}
    service.answers = [(400, {}, quoted)]
    task = asked(console, service, "anthropic")
    assert task["state"] == "failed"
    assert service.asked[0][1]["x-api-key"] == KEY
    for told in (json.dumps(task), console.say("logs", "--raw", task["id"]), console.say("events")):
        assert KEY not in told
    for file in console.home.rglob("*"):
        if file.is_file():
            assert KEY.encode() not in file.read_bytes(), file


def test_a_service_of_the_other_kind_is_asked_and_its_price_told(
    console: Console, service: Service
) -> None:
    service.answers = [(200, {}, GPT)]
    task = asked(console, service, "openai", "--env", "INSPAN_API_PRICE=2/10")
    assert task["state"] == "completed", task["reason"]
    assert task["usage"]["cost"] == pytest.approx(1500 * 2e-6 + 2000 * 10e-6)
    path, headers, _ = service.asked[0]
    assert (path, headers["authorization"]) == ("/v1/chat/completions", f"Bearer {KEY}")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((401, {}, {"error": {"message": "who?"}}), "login"),
        ((429, {"retry-after": "4000"}, {"error": {"message": "too much"}}), "quota"),
        ((404, {}, {"error": {"message": "no such model"}}), "failed"),
        ((200, {}, {**CLAUDE, "stop_reason": "max_tokens"}), "cut"),
        ((200, {}, {**CLAUDE, "content": []}), "empty"),
        ((200, {}, [1]), "empty"),
    ],
)
def test_what_goes_wrong_is_told_as_of_any_agent(
    console: Console, service: Service, answer: Answer, code: str
) -> None:
    service.answers = [answer]
    task = asked(console, service, "anthropic")
    assert task["outcome"]["ending"] == code, task
    assert len(service.asked) == 1


def test_without_a_key_or_a_model_it_says_what_to_do(console: Console) -> None:
    task = console.say("add", "--agent", "api", "hello")
    console.run("wait", task)
    assert "there is no key for a model" in console.say("logs", task) + console.say("show", task)
