"""A webhook's server on this machine: it remembers what came, and answers as a test says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.real.webserver import Answer, posted


@dataclass
class Came:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def facts(self) -> Any:
        return json.loads(self.body)


@dataclass
class Hooks:
    """What came so far, and what is answered next; 204 where nothing is."""

    port: int = 0
    came: list[Came] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def titles(self) -> list[str]:
        return [one.facts["title"] for one in self.came]

    def tasks(self) -> list[str]:
        """Every task that was told of, as often as it was."""
        return [task["id"] for one in self.came for task in one.facts["tasks"]]


@contextmanager
def serving() -> Iterator[Hooks]:
    hooks = Hooks()

    def take(path: str, headers: dict[str, str], body: bytes) -> Answer:
        hooks.came.append(Came(path, headers, body))
        return hooks.answers.pop(0) if hooks.answers else (204, {})

    with posted(take) as hooks.port:
        yield hooks
