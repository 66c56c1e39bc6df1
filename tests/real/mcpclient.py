"""A client of the Model Context Protocol: lines to and from the real `inspan mcp`."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

#: Long enough for a loaded machine.
PATIENCE = 60.0


class McpClient:
    """One server's process."""

    def __init__(
        self, env: Mapping[str, str], cwd: Path, *, version: str = "2025-06-18", greet: bool = True
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "inspan.cli.main", "mcp"],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        self._held = b""
        self._numbers = 0
        #: What came and was not waited for yet.
        self.others: list[dict[str, Any]] = []
        if greet:
            self.greeting = self.ask(
                "initialize",
                protocolVersion=version,
                capabilities={},
                clientInfo={"name": "tests", "version": "1"},
            )["result"]
            self.tell("notifications/initialized")

    def write(self, line: bytes) -> None:
        """A line, whatever it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")

    def read(self) -> Any:
        """The next message."""
        assert self.process.stdout is not None
        end = time.monotonic() + PATIENCE
        while b"\n" not in self._held:
            left = end - time.monotonic()
            assert left > 0, f"no answer in {PATIENCE:g} s"
            if select.select([self.process.stdout], [], [], left)[0]:
                data = self.process.stdout.read(1 << 16)
                assert data, self.process.stderr and self.process.stderr.read()
                self._held += data
        line, _, self._held = self._held.partition(b"\n")
        return json.loads(line)

    def tell(self, method: str, **params: Any) -> None:
        """A notice."""
        self.write(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode())

    def begin(self, method: str, **params: Any) -> int:
        """Ask, and do not wait; the id."""
        self._numbers += 1
        asked = {"jsonrpc": "2.0", "id": self._numbers, "method": method, "params": params}
        self.write(json.dumps(asked).encode())
        return self._numbers

    def end(self, number: int) -> dict[str, Any]:
        """The answer to what was begun."""
        while True:
            for place, told in enumerate(self.others):
                if told.get("id") == number:
                    return self.others.pop(place)
            self.others.append(self.read())

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        return self.end(self.begin(method, **params))

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a tool gave; one that is refused is an error of the test."""
        told = self.ask("tools/call", name=tool, arguments=arguments)["result"]
        assert not told.get("isError"), told
        assert json.loads(told["content"][0]["text"]) == told["structuredContent"]
        return dict(told["structuredContent"])

    def refused(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Why a tool refused."""
        told = self.ask("tools/call", name=tool, arguments=arguments)["result"]
        assert told.get("isError"), told
        return dict(json.loads(told["content"][0]["text"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.process.communicate(timeout=PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
