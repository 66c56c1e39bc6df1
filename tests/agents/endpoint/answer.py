"""Answers the requests of the endpoint, each in its API's words, as its run's script has it.

The path of a request says whose it is: ``/s/SCENARIO/i/INSTANCE/…``, where an instance is one run
with a script of its own, and ``/s/SCENARIO/i/INSTANCE/bare/…`` for an agent that offers its model
no tools. From all others, a request without tools is no step of the work but a title, a summary or
a probe: it gets a harmless answer, and the script stays where it is.
"""

from __future__ import annotations

import json
import re
import select
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from typing import Any

from tests.agents.endpoint import anthropic, chat, gemini, responses, tools
from tests.agents.endpoint.runs import Request, Runs
from tests.agents.endpoint.scenario import (
    Ask,
    Cut,
    Execute,
    Finish,
    Hang,
    Refusal,
    Refuse,
    Say,
    Slowly,
    Turn,
    Write,
)
from tests.agents.endpoint.wire import Api, Asked, Call, Json, Reply

#: In seconds; no agent of ours is let run as long.
LONGEST_HANG = 600
LARGEST_BODY = 32 * 1024 * 1024

_PATH = re.compile(r"/s/(?P<scenario>\w+)/i/(?P<instance>[\w.-]+)(?P<bare>/bare)?(?P<rest>/.*)?$")
_SECRET = {"authorization", "x-api-key", "x-goog-api-key", "cookie", "api-key"}
_APIS: Mapping[str, Api] = {
    "/messages": anthropic,
    "/responses": responses,
    "/chat/completions": chat,
    ":generateContent": gemini,
    ":streamGenerateContent": gemini,
}
_COUNTS: Mapping[str, Json] = {
    "/messages/count_tokens": {"input_tokens": 120},
    ":countTokens": {"totalTokens": 120},
}
#: Says something to every kind of side request: a title, and what is asked for as JSON.
_ASIDE = json.dumps({"title": "A task", "reasoning": "none", "next_speaker": "user"})
#: One of these is in the first event that says that an answer of text is whole.
_ENDINGS = (b'"end_turn"', b'"finish_reason":"stop"', b'"finishReason"', b"response.completed")
#: Tools that are offered alone where a name for the session is asked for, and nothing to be done.
_ASIDES = {"session_title"}
_NO_KEY = Refuse(Refusal.UNAUTHORIZED)
_CLIENT_GONE = (BrokenPipeError, ConnectionResetError)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is gone is in the log; there is nobody to tell."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    timeout = LONGEST_HANG

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        """The log is the endpoint's."""

    def do_GET(self) -> None:
        self._handle()

    def do_HEAD(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def _handle(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        if size > LARGEST_BODY:
            self.close_connection = True
            return
        body = _parsed(self.rfile.read(size))
        headers = {
            name.lower(): "…" if name.lower() in _SECRET else value
            for name, value in self.headers.items()
        }
        place = _PATH.match(self.path.partition("?")[0])
        rest = (place["rest"] or "/") if place else self.path
        instance = place["instance"] if place else ""
        request = Request(time.monotonic(), self.command, rest, headers, body)
        number = self.server.runs.note(instance, request)
        try:
            if place is None:
                self._send(request, 404, {"error": {"message": "the path names no scenario"}})
            else:
                self._answer(place, request, number)
        except _CLIENT_GONE:
            request.client_closed = time.monotonic()
            self.close_connection = True
        request.ended = time.monotonic()

    def _answer(self, place: re.Match[str], request: Request, number: int) -> None:
        for ending, count in _COUNTS.items():
            if request.path.endswith(ending):
                request.side = True
                self._send(request, 200, count)
                return
        for ending, api in _APIS.items():
            if self.command == "POST" and request.path.endswith(ending):
                self._model(api, place, request, number)
                return
        request.side = True
        if request.path.endswith("/models"):
            models = [{"id": "scripted", "object": "model", "type": "model"}]
            self._send(request, 200, {"object": "list", "data": models, "has_more": False})
        else:
            known = request.path == "/"
            self._send(request, 200 if known else 404, {})

    def _model(self, api: Api, place: re.Match[str], request: Request, number: int) -> None:
        if not self._has_key():
            self._play(api, request, Asked("", stream=False, tools=()), number, _NO_KEY)
            return
        asked = api.read(request.body, request.path)
        if {tool.name for tool in asked.tools} <= _ASIDES and not place["bare"]:
            request.side = True
            self._reply(api, request, asked, Reply(number, asked.model, _ASIDE))
            return
        act = self.server.runs.advance(place["scenario"], place["instance"])
        request.turn = type(act).__name__.lower()
        self._play(api, request, asked, number, act)

    def _has_key(self) -> bool:
        """Any will do; but an agent that finds none may send nothing, or the name of a variable."""
        given = (self.headers.get(name, "") for name in _SECRET)
        keys = (value.removeprefix("Bearer").strip() for value in given)
        return any(key and not re.fullmatch(r"[A-Z_]+|undefined|null", key) for key in keys)

    def _play(self, api: Api, request: Request, asked: Asked, number: int, act: Turn) -> None:
        match act:
            case Refuse():
                status, body = api.refusal(act)
                after = act.retry_after
                self._send(request, status, body, {"retry-after": str(after)} if after else None)
            case Hang():
                self._hang(request)
            case Write() | Execute() | Ask():
                content = self._call(request, asked, act)
                self._reply(api, request, asked, Reply(number, asked.model, content))
            case Finish():
                self._wait(request, act.pause * len(act.text.split(" ")))
                content = self._call(request, asked, Execute(act.command))
                self._reply(api, request, asked, Reply(number, asked.model, content, said=act.text))
            case Say() | Slowly() | Cut():
                self._wait(request, act.after if isinstance(act, Say) else 0.0)
                self._reply(api, request, asked, Reply(number, asked.model, act.text), act)

    def _call(self, request: Request, asked: Asked, act: Write | Execute | Ask) -> str | Call:
        """Of a tool, or words: what a model says whose agent has no tool for it, or none at all."""
        if not asked.tools:
            return tools.spelled(act)
        try:
            return tools.call(act, asked.tools)
        except LookupError as error:
            request.turn = "unable"
            return f"I cannot: {error}."

    def _reply(
        self, api: Api, request: Request, asked: Asked, reply: Reply, act: Turn | None = None
    ) -> None:
        if not asked.stream:
            if isinstance(act, Slowly):
                self._wait(request, act.pause * len(reply.pieces))
            self._send(request, 200, api.plain(reply), cut=isinstance(act, Cut) and not act.tidily)
            return
        request.status = 200
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        events = list(api.stream(reply))
        if isinstance(act, Cut):
            events = _cut(events, tidily=act.tidily)
        for event in events:
            if isinstance(act, Slowly):
                self._wait(request, act.pause)
            self._chunk(event)
        if isinstance(act, Cut) and not act.tidily:
            self.close_connection = True
        else:
            self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _send(
        self,
        request: Request,
        status: int,
        body: Json,
        headers: Mapping[str, str] | None = None,
        *,
        cut: bool = False,
    ) -> None:
        data = json.dumps(body).encode()
        request.status = status
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self.close_connection = True

    def _hang(self, request: Request) -> None:
        self._wait(request, LONGEST_HANG)
        self.close_connection = True

    def _wait(self, request: Request, seconds: float) -> None:
        """Raises BrokenPipeError once the client has closed; returns early with the endpoint."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.server.runs.closing.is_set():
                return
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.05))
            if readable and not self._more():
                raise BrokenPipeError

    def _more(self) -> bool:
        """Whether the client, readable now, has sent something more; else it has closed."""
        with suppress(OSError):
            return bool(self.connection.recv(1, socket.MSG_PEEK))
        return False


def _cut(events: list[bytes], *, tidily: bool) -> list[bytes]:
    """Half of them, or all that come before the end."""
    if not tidily:
        return events[: len(events) // 2]
    return list(takewhile(lambda event: not any(end in event for end in _ENDINGS), events))


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data.decode(errors="replace")
