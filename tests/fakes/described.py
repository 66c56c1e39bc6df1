"""The routes, watched: every answer and frame is held against the published documents."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inspan.model import wire
from inspan.server import describe


class Described:
    """An app whose answers are what the documents say; it notes where it was."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        #: Routes that were answered as asked, as ``METHOD PATH``; sockets that said something.
        self.seen: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._app(scope, receive, self._hearing(scope, send))
            return
        status, headers, body = 0, {}, bytearray()

        async def noting(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], dict(message["headers"])
            body.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, noting)
        what = template(scope["path"])
        assert what is not None, f"{scope['path']} is in no document"
        kind = headers[b"content-type"].decode().partition(";")[0]
        conforms(scope["method"], what, status, kind, bytes(body))
        self.seen.add(f"{scope['method']} {what}")

    def _hearing(self, scope: Scope, send: Send) -> Send:
        async def hearing(message: Message) -> None:
            if message["type"] == "websocket.send":
                hears(template(scope["path"]) or "", message)
                self.seen.add(f"WS {template(scope['path'])}")
            await send(message)

        return hearing


def conforms(method: str, path: str, status: int, kind: str, body: bytes) -> None:
    """Raises AssertionError or ValidationError where that is no answer that was promised."""
    answers = _openapi()["paths"][path][method.lower()]["responses"]
    assert str(status) in answers, (method, path, status)
    content = answers[str(status)]["content"]
    if kind == "application/vnd.inspan.frames":
        return
    assert kind in content, (method, path, kind)
    if kind == "application/json":
        _validator("openapi", json.dumps(content[kind]["schema"])).validate(json.loads(body))


def hears(path: str, message: Message) -> None:
    """Raises where that is no frame that was promised."""
    promised = next(
        each["messages"]["send"]
        for each in _asyncapi()["channels"].values()
        if each["address"] == path
    )
    if promised["contentType"] != "application/json":
        raw = message.get("bytes")
        assert raw is not None
        opcode, number, payload = wire.opened(raw)
        assert f"`{chr(opcode)}`" in promised["description"], raw
        if opcode in (wire.ACK, wire.FAILED):
            problem = json.dumps({"$ref": "#/components/schemas/Problem"})
            if payload or opcode == wire.FAILED:
                _validator("asyncapi", problem).validate(json.loads(payload))
        else:
            wire.decode(opcode, number, payload)
        return
    told = json.loads(message["text"])
    _validator("asyncapi", json.dumps(promised["payload"])).validate(told)


def said_conforms(path: str, said: Any) -> None:
    """Raises ValidationError where that is nothing that a client may say there."""
    promised = next(
        each["messages"]["receive"]
        for each in _asyncapi()["channels"].values()
        if each["address"] == path
    )
    _validator("asyncapi", json.dumps(promised["payload"])).validate(said)


def template(path: str) -> str | None:
    """The route that a path is of."""
    every = {*_openapi()["paths"], *(each["address"] for each in _asyncapi()["channels"].values())}
    return next(
        (
            each
            for each in sorted(every, key=lambda one: one.count("{"))
            if re.fullmatch(re.escape(each).replace(r"\{ref\}", "[^/]+"), path)
        ),
        None,
    )


@cache
def _openapi() -> dict[str, Any]:
    return describe.openapi()


@cache
def _asyncapi() -> dict[str, Any]:
    return describe.asyncapi()


@cache
def _validator(document: str, schema: str) -> Draft202012Validator:
    whole = _openapi() if document == "openapi" else _asyncapi()
    registry: Registry[Any] = Registry().with_resource(document, DRAFT202012.create_resource(whole))
    return Draft202012Validator(
        json.loads(schema.replace('"#/', f'"{document}#/')), registry=registry
    )
