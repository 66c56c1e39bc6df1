"""The table of what can be asked, as documents that other languages read: OpenAPI and AsyncAPI.

The shapes are those of the classes that requests are validated with and answers are written from.
It is run by whoever makes the documents, and by no daemon.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from inspan import __version__
from inspan.model import wire
from inspan.model.code import CODE_FACTS
from inspan.model.event import FACTS
from inspan.server import codetable, table
from inspan.server.query import Param
from inspan.server.replies import Problem
from inspan.server.ways import Raw, Socket, Way

_Mode = Literal["validation", "serialization"]
_JSON: Final = "application/json"
_REF: Final = "#/components/schemas/{model}"
_ABOUT_REF: Final = (
    "An id, as much of its beginning as is needed, a name, or `last`. Percent-encoded twice, so"
    " that a name with a slash is one segment."
)
_TITLE: Final = "inspan"
_ABOUT: Final = (
    "Runs and supervises command-line agents. By the network each request shows a token; at the"
    " daemon's own Unix socket none is needed, and the Host header is `inspan`. What is at its"
    " default is left out of answers, and may be left out of requests."
)


def openapi() -> dict[str, Any]:
    """The routes, as OpenAPI 3.1."""
    ways: tuple[Way[Any], ...] = (
        *table.TASKS,
        *table.STREAMS,
        *table.ENTRY,
        *table.AGENTAPI,
        *codetable.CODE,
    )
    shapes = _Shapes(ways, ())
    paths: dict[str, dict[str, Any]] = {}
    for way in ways:
        paths.setdefault(way.path, {})[way.method.lower()] = _operation(way, shapes)
    _link(ways, paths)
    return {
        "openapi": "3.1.0",
        "info": {"title": _TITLE, "version": __version__, "description": _ABOUT},
        "servers": [{"url": "http://127.0.0.1:7433"}],
        "paths": paths,
        "components": {"schemas": shapes.components, "securitySchemes": _SECURITY},
    }


def asyncapi() -> dict[str, Any]:
    """The WebSockets, as AsyncAPI 3.0."""
    sockets: tuple[Socket[Any], ...] = (*table.LIVE, *codetable.CELLS)
    shapes = _Shapes((), sockets)
    channels, operations = {}, {}
    for socket in sockets:
        name = socket.verb.__name__
        channels[name] = _channel(socket, shapes)
        for action, said in (("receive", socket.says), ("send", socket.hears)):
            if said is not None:
                operations[f"{name}-{action}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{name}"},
                    "messages": [{"$ref": f"#/channels/{name}/messages/{action}"}],
                }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": _TITLE, "version": __version__, "description": _ABOUT},
        "servers": {"local": {"host": "127.0.0.1:7433", "protocol": "ws"}},
        "channels": channels,
        "operations": operations,
        "components": {"schemas": shapes.components, "securitySchemes": _SECURITY},
    }


_SECURITY: Final = {"token": {"type": "http", "scheme": "bearer"}}


# ── shapes ────────────────────────────────────────────────────────────────────


class _Shapes:
    """The JSON Schemas of every class that is said or answered."""

    def __init__(self, ways: Iterable[Way[Any]], sockets: Iterable[Socket[Any]]) -> None:
        wanted: list[tuple[Any, _Mode]] = [(Problem, "serialization")]
        for way in ways:
            wanted += [(kind, "validation") for kind in _kinds(way.takes)]
            wanted += [(kind, "serialization") for kind in _kinds(way.gives)]
        for socket in sockets:
            wanted += [(kind, "validation") for kind in _kinds(socket.says)]
            wanted += [(kind, "serialization") for kind in _kinds(socket.hears)]
        given = {(repr(kind), mode): (kind, mode) for kind, mode in wanted}
        self._made, defs = TypeAdapter.json_schemas(
            [(key, mode, TypeAdapter(kind)) for key, (kind, mode) in given.items()],
            ref_template=_REF,
        )
        shapes: dict[str, Any] = defs.get("$defs", {})
        self.components = {name: _untitled(shape) for name, shape in sorted(shapes.items())}
        if twice := [name for name in self.components if "__" in name]:
            raise ValueError(f"two classes of one name: {', '.join(twice)}")
        self._close()
        self._say_kinds()

    def of(self, said: Any, mode: _Mode) -> dict[str, Any]:
        """What is said, as a schema."""
        found = [self._made[(repr(kind), mode), mode] for kind in _kinds(said)]
        return found[0] if len(found) == 1 else {"oneOf": found}

    def brief(self, said: Any) -> dict[str, Any]:
        """The same, where a spec that is as it was sent is left out of each task."""
        task = self.components["Task"]
        needed = [name for name in task["required"] if name != "spec"]
        self.components["BriefTask"] = {
            **task,
            "description": "A task without its spec, where that is as it was sent.",
            "required": needed,
        }
        one = {"$ref": _REF.format(model="BriefTask")}
        several = {
            "type": "object",
            "description": "All that were handed in together.",
            "properties": {"tasks": {"type": "array", "items": one}},
            "required": ["tasks"],
            "additionalProperties": False,
        }
        self.components["BriefTasks"] = several
        whole = [self._made[(repr(kind), "serialization"), "serialization"] for kind in said]
        return {"anyOf": [*whole, one, {"$ref": _REF.format(model="BriefTasks")}]}

    def demanding(self, said: Any) -> bool:
        """Whether some of it has to be said."""
        if isinstance(said, Raw):
            return False
        return all(self.components[kind.__name__].get("required") for kind in _kinds(said))

    def _close(self) -> None:
        """What is not named is refused, and never answered."""
        for shape in self.components.values():
            if shape.get("type") == "object" and "properties" in shape:
                shape["additionalProperties"] = False

    def _say_kinds(self) -> None:
        """A fact says in words which one it is; that is no field of its class."""
        facts = {kind.__name__: word for word, kind in (FACTS | CODE_FACTS).items()}
        for name, word in facts.items():
            shape = self.components.get(name)
            if shape is not None:
                shape.setdefault("properties", {})["kind"] = {"const": word}
                shape["required"] = ["kind", *shape.get("required", [])]
                shape["additionalProperties"] = False


def _untitled(shape: Any) -> Any:
    """Without the titles that pydantic makes of names: they say nothing, in many words."""
    if isinstance(shape, list):
        return [_untitled(item) for item in shape]
    if not isinstance(shape, dict):
        return shape
    told = {key: item for key, item in shape.items() if key != "title"}
    return {
        key: {name: _untitled(inner) for name, inner in item.items()}
        if key == "properties"
        else _untitled(item)
        for key, item in told.items()
    }


def _kinds(said: Any) -> tuple[Any, ...]:
    if said is None or isinstance(said, Raw):
        return ()
    return said if isinstance(said, tuple) else (said,)


# ── OpenAPI ───────────────────────────────────────────────────────────────────


def _operation(way: Way[Any], shapes: _Shapes) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": _id(way),
        "summary": way.about,
        "security": [{"token": []}] if way.needs else [],
        "x-scope": way.needs,
        "parameters": [*_in_path(way.path), *map(_in_query, way.query)],
        "responses": {
            str(int(way.status)): {
                "description": way.status.phrase,
                "content": _content(way.gives, shapes, "serialization"),
            },
            **_REFUSALS,
        },
    }
    if way.keyed:
        told["parameters"].append(_KEY)
    if way.brief:
        told["parameters"].append(_BRIEF)
        made = told["responses"][str(int(way.status))]
        made["content"][_JSON]["schema"] = shapes.brief(way.gives)
        made["headers"] = {wire.PREFERRED_HEADER: _BRIEF_GIVEN}
    if way.takes is not None:
        content = _content(way.takes, shapes, "validation")
        told["requestBody"] = {"content": content, "required": shapes.demanding(way.takes)}
    return told


def _link(ways: Iterable[Way[Any]], paths: Mapping[str, Any]) -> None:
    """Say of what makes a thing which routes are about it."""
    for maker in ways:
        if maker.status is HTTPStatus.CREATED and "{ref}" not in maker.path:
            made = paths[maker.path][maker.method.lower()]["responses"][str(int(maker.status))]
            made["links"] = {
                _id(way): {"operationId": _id(way), "parameters": {"ref": "$response.body#/id"}}
                for way in ways
                if way.path.startswith(f"{maker.path}/{{ref}}")
            }


def _id(way: Way[Any]) -> str:
    noun = way.path.removeprefix("/v1").split("/")[1]
    return f"{noun}-{way.verb.__name__}"


def _content(said: Any, shapes: _Shapes, mode: _Mode) -> dict[str, Any]:
    if isinstance(said, Raw):
        return {said.media_type: {"schema": {"type": "string", "description": said.about}}}
    return {_JSON: {"schema": shapes.of(said, mode)}}


def _in_path(path: str) -> list[dict[str, Any]]:
    if "{ref}" not in path:
        return []
    told: dict[str, Any] = {"name": "ref", "in": "path", "required": True}
    told["description"] = _ABOUT_REF
    return [{**told, "schema": {"type": "string", "minLength": 1}}]


def _in_query(param: Param[Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"name": param.name, "in": "query", "description": param.about}
    return {**told, "schema": param.schema()}


_KEY: Final = {
    "name": wire.KEY_HEADER,
    "in": "header",
    "schema": {"type": "string", "minLength": 1},
    "description": "The same key gives what was made before, and makes nothing.",
}
_BRIEF: Final = {
    "name": wire.PREFER_HEADER,
    "in": "header",
    "schema": {"type": "string"},
    "example": wire.BRIEF,
    "description": f"`{wire.BRIEF}` leaves out of each task its spec, where that is as it was sent."
    " Any other preference is passed over (RFC 7240).",
}
_BRIEF_GIVEN: Final = {
    "schema": {"const": wire.BRIEF},
    "description": "That it was done.",
}
_REFUSED: Final = {
    "description": "A problem document, with a stable `code` and a `hint`.",
    "content": {wire.PROBLEM_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
}
_REFUSALS: Final[Mapping[str, Any]] = {"4XX": _REFUSED, "5XX": _REFUSED}


# ── AsyncAPI ──────────────────────────────────────────────────────────────────


def _channel(socket: Socket[Any], shapes: _Shapes) -> dict[str, Any]:
    """``receive`` and ``send`` are what the daemon does, as AsyncAPI 3 has it."""
    messages: dict[str, dict[str, Any]] = {}
    both: tuple[tuple[str, Any, _Mode], ...] = (
        ("receive", socket.says, "validation"),
        ("send", socket.hears, "serialization"),
    )
    for action, said, mode in both:
        if isinstance(said, Raw):
            messages[action] = {"contentType": said.media_type, "description": said.about}
        elif said is not None:
            messages[action] = {"contentType": _JSON, "payload": shapes.of(said, mode)}
    told: dict[str, Any] = {
        "address": socket.path,
        "description": socket.about,
        "messages": messages,
        "bindings": {"ws": {"query": _asked(socket.query)}},
        "x-close-codes": {str(code): about for code, about in wire.CLOSES.items()},
    }
    if "{ref}" in socket.path:
        told["parameters"] = {"ref": {"description": _ABOUT_REF}}
    return told


def _asked(query: Iterable[Param[Any]]) -> dict[str, Any]:
    properties = {param.name: {**param.schema(), "description": param.about} for param in query}
    return {"type": "object", "properties": properties, "additionalProperties": False}
