"""A session as agentapi has it: a real daemon, asked by what knows agentapi alone.

The shapes are those of agentapi's own document, version 0.11.6.
"""

from __future__ import annotations

import http.client
import json
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.test_network import LISTENING, ask, url_of
from tests.real.console import Console
from tests.real.daemon import until

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("C6", "C4")]

ECHO = """\
import sys
print("ready", flush=True)
for line in sys.stdin:
    print("you said", line.strip(), flush=True)
"""
LINED = Path(__file__).parents[1] / "fakes" / "turning_agent.py"


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console(LISTENING) as console:
        yield console


class Theirs:
    """A client of agentapi: it knows one address, and the four things that can be asked there."""

    def __init__(self, console: Console, task: str, *scopes: str) -> None:
        self._url = url_of(console)
        self._base = f"/v1/tasks/{task}/agentapi"
        which = [word for scope in scopes for word in ("--scope", scope)]
        self._token = console.say("token", "new", f"t{time.monotonic_ns()}", *which)

    def status(self) -> str:
        code, told = ask(self._url, "GET", f"{self._base}/status", self._token)
        assert code == 200
        assert told.keys() == {"status", "agent_type"}
        assert told["status"] in ("running", "stable")
        return str(told["status"])

    def stable(self) -> None:
        until(lambda: self.status() == "stable", "it to take a message")

    def messages(self) -> list[tuple[str, str]]:
        code, told = ask(self._url, "GET", f"{self._base}/messages", self._token)
        assert (code, told.keys()) == (200, {"messages"})
        assert [each["id"] for each in told["messages"]] == list(range(len(told["messages"])))
        assert all(
            each.keys() == {"id", "role", "content", "time"} and each["time"][4] == "-"
            for each in told["messages"]
        )
        return [(each["role"], each["content"]) for each in told["messages"]]

    def message(self, content: str, kind: str = "user") -> tuple[int, Any]:
        body = {"content": content, "type": kind}
        return ask(self._url, "POST", f"{self._base}/message", self._token, body)

    @contextmanager
    def listening(self, what: str = "events") -> Iterator[Iterator[tuple[str, Any]]]:
        """Events by name, as they come."""
        at = urlsplit(self._url)
        assert at.hostname
        link = http.client.HTTPConnection(at.hostname, at.port, timeout=30)
        shown = {"authorization": f"Bearer {self._token}"}
        link.request("GET", f"{self._base}/{what}", headers=shown)
        reply = link.getresponse()
        assert (reply.status, reply.getheader("content-type")) == (
            200,
            "text/event-stream; charset=utf-8",
        )
        try:
            yield _events(reply)
        finally:
            link.close()


def _events(reply: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
    name, number = "", 0
    for raw in reply:
        key, _, text = raw.decode().rstrip("\n").partition(": ")
        if key == "id":
            assert int(text) == number + 1
            number += 1
        elif key == "event":
            name = text
        elif key == "data":
            yield name, json.loads(text)


def _until_told(news: Iterator[tuple[str, Any]], wanted: str, **fields: Any) -> Any:
    for name, told in news:
        if name == wanted and all(told[key] == value for key, value in fields.items()):
            return told
    raise AssertionError(f"{wanted} {fields} never came")


def test_a_program_on_a_terminal_is_spoken_to(console: Console) -> None:
    task = console.say("add", "--cwd", str(console.home), "--", sys.executable, "-c", ECHO)
    client = Theirs(console, task, "write", "attach-write")
    with client.listening() as news, client.listening("screen") as screens:
        first = _until_told(news, "message_update", role="agent", message="ready")
        assert first.keys() == {"id", "role", "message", "time"}
        assert _until_told(news, "status_change", status="stable")["agent_type"] == "custom"
        # What printed a moment ago is at work for another.
        until(lambda: client.message("hello") == (200, {"ok": True}), "it to take a message")
        _until_told(news, "message_update", id=1, role="user", message="hello")
        answer = "hello\nyou said hello"
        _until_told(news, "message_update", id=2, role="agent", message=answer)
        _until_told(screens, "screen", screen=f"ready\n{answer}")
    client.stable()
    assert client.message("raw\n", "raw") == (200, {"ok": True})
    until(lambda: "you said raw" in client.messages()[-1][1], "what was typed to be answered")
    # What was typed as it is, is no message.
    assert [role for role, _ in client.messages()] == ["agent", "user", "agent"]


def test_an_agent_at_its_turn_is_spoken_to(console: Console) -> None:
    work = console.home / "work"
    (work / "bin").mkdir(parents=True)
    program = work / "bin" / "claude"
    program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(LINED)])} "$@"\n')
    program.chmod(0o755)
    path = f"PATH={work / 'bin'}:{console.env['PATH']}"
    flags = ["--agent", "claude", "--mode", "stream", "--cwd", str(work), "--env", path]
    task = console.say("add", *flags, "--env", "ANTHROPIC_API_KEY=none", "do it")
    client = Theirs(console, task, "write")
    until(lambda: (work / "heard").exists(), "its first prompt")
    assert client.status() == "running"
    assert client.message("and the tests") == (200, {"ok": True})
    for turn in (1, 2):
        (work / f"go-{turn}").touch()
    said = [
        ("user", "do it"),
        ("agent", "Turn 1 is done."),
        ("user", "and the tests"),
        ("agent", "Turn 2 is done."),
    ]
    until(lambda: client.messages() == said, "both of its turns")
    client.stable()
    # Who asks for the first time hears the same, but for words that the store does not have.
    console.say("up", "--restart")
    later = Theirs(console, task, "read").messages()
    assert [role for role, _ in later] == [role for role, _ in said]
    assert [text for role, text in later if role == "agent"] == [
        "Turn 1 is done.",
        "Turn 2 is done.",
    ]


def test_a_question_is_answered_by_a_message(console: Console) -> None:
    script = json.dumps(
        {"steps": [{"ask": {"question": "May I?", "options": ["yes", "no"]}}, {"say": "{answer}!"}]}
    )
    task = console.say("add", "--provider", "scripted", "--prompt", script)
    client = Theirs(console, task, "write")
    until(lambda: '"needs"' in console.say("show", task, "--json"), "its question")
    assert client.status() == "stable"
    assert client.message("yes") == (200, {"ok": True})
    console.say("wait", task)
    assert "yes!" in client.messages()[-1][1]


def test_what_cannot_be_is_refused_and_nothing_is_typed(console: Console) -> None:
    busy = (
        "import time, itertools\nfor n in itertools.count(): print(n, flush=True); time.sleep(.05)"
    )
    task = console.say("add", "--cwd", str(console.home), "--", sys.executable, "-c", busy)
    client = Theirs(console, task, "write")
    until(lambda: client.messages() != [], "it to begin")
    assert client.status() == "running"
    status, refused = client.message("now")
    assert (status, refused["code"]) == (409, "conflict")
    assert "stable" in refused["hint"]
    # Typing is a right of its own, also here.
    assert client.message("\x03", "raw")[0] == 403
    assert client.message("x", "shout")[0] == 422
    assert Theirs(console, "none", "read").message("x")[0] == 403
    console.say("cancel", task)
    assert client.status() == "stable"
    assert client.message("more")[0] == 409
