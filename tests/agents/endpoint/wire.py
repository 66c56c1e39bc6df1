"""What the model APIs have in common: a request as read, a reply to be written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tests.agents.endpoint.scenario import Refuse

Json = dict[str, Any]


@dataclass(frozen=True)
class Tool:
    """One that the agent offers. ``schema`` describes its arguments; a free-form one has none."""

    name: str
    schema: Mapping[str, Any] | None


@dataclass(frozen=True)
class Asked:
    """What a request wants, in no API's words."""

    model: str
    stream: bool
    tools: tuple[Tool, ...]


@dataclass(frozen=True)
class Call:
    """A call of one of the tools offered; ``arguments`` of a free-form one are its text."""

    name: str
    arguments: Mapping[str, Any] | str


@dataclass(frozen=True)
class Reply:
    """A whole model turn: text, or one call. ``number`` makes its identifiers.

    ``said``: words beside a call, in the Chat Completions API.
    """

    number: int
    model: str
    content: str | Call
    said: str | None = None

    @property
    def pieces(self) -> Sequence[str]:
        """The text word by word, as a stream gives it."""
        assert isinstance(self.content, str)
        words = self.content.split(" ")
        return [word if at == 0 else f" {word}" for at, word in enumerate(words)]


#: The figures that every answer claims, so that what an agent reports can be told from a guess.
TOKENS_IN, TOKENS_OUT = 120, 34


class Api(Protocol):
    """One of the model APIs; a module each."""

    def read(self, body: Json, path: str) -> Asked: ...
    def plain(self, reply: Reply) -> Json: ...
    def stream(self, reply: Reply) -> Iterator[bytes]: ...
    def refusal(self, refuse: Refuse) -> tuple[int, Json]: ...


def event(data: Json | str, name: str | None = None) -> bytes:
    """One server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
    head = f"event: {name}\n" if name is not None else ""
    return f"{head}data: {text}\n\n".encode()
