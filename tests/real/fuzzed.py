"""A server on the network that is asked anything: a real engine over a world of fakes.

What is handed in is never run, since some of it could do harm.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import schemathesis
from schemathesis import checks

from inspan import __version__
from inspan.clock import SystemClock
from inspan.model.listen import listen_at
from inspan.server import describe, sse
from inspan.server.audit import Audit
from inspan.server.net import bound
from inspan.server.serve import serve
from inspan.server.tokens import Tokens
from inspan.server.visitor import Scope
from tests.unit.engine.stage import Stage

#: What a document cannot say is refused all the same: a field that fits another, a cursor that is
#: beyond the code. So what conforms may be refused.
LEFT_OUT = (checks.positive_data_acceptance,)
#: Long enough for `wait`, which is asked to wait for up to a minute, to be told not to.
PATIENCE = 100.0


def left_out(case: schemathesis.Case[Any]) -> list[Any]:
    """The checks that say nothing of ``case``."""
    # An empty list in a query is not sent at all, so that nobody could refuse it.
    unsaid = any(item == [] for item in (case.query or {}).values())
    return [*LEFT_OUT, checks.negative_data_rejection] if unsaid else [*LEFT_OUT]


class NoStop:
    """A server that nobody can stop from outside."""

    def set(self) -> None:
        """`POST /v1/shutdown` is asked, too."""

    async def wait(self) -> None:
        await anyio.sleep_forever()


@dataclass(frozen=True)
class Asked:
    """Where it is, and what opens it."""

    url: str
    token: str

    def call(self) -> dict[str, Any]:
        return {
            "base_url": self.url,
            "headers": {"Authorization": f"Bearer {self.token}"},
            "timeout": PATIENCE,
        }


@contextmanager
def asked() -> Iterator[Asked]:
    """A server in a thread of its own, until the block is left."""
    found: list[Asked] = []
    ready, over = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: anyio.run(_serve, found, ready, over))
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield found[0]
    finally:
        over.set()
        thread.join(PATIENCE)


async def _serve(found: list[Asked], ready: threading.Event, over: threading.Event) -> None:
    with tempfile.TemporaryDirectory(prefix="inspan-") as folder:
        tokens = Tokens(Path(folder) / "tokens.json")
        token = tokens.make("fuzz", [Scope.ADMIN], now=0.0)
        stage = Stage()
        stage.clock = SystemClock()  # type: ignore[assignment]  # a clock that goes
        with bound(listen_at("127.0.0.1:0"), tokens) as network:
            found.append(Asked(network.url, token))
            async with anyio.create_task_group() as group, stage.running() as engine:

                async def until() -> None:
                    await anyio.to_thread.run_sync(over.wait)
                    group.cancel_scope.cancel()

                group.start_soon(until)
                await serve(
                    engine,
                    Path(folder) / "run" / "daemon.sock",
                    version=__version__,
                    audit=Audit(Path(folder) / "audit.jsonl"),
                    on_ready=ready.set,
                    shutdown_event=NoStop(),
                    network=network,
                )


def document() -> schemathesis.BaseSchema:
    """What is asked: nothing endless, and to wait not for half a minute but a moment."""
    whole = describe.openapi()
    for path, ways in list(whole["paths"].items()):
        if any(sse.TYPE in str(way["responses"]) for way in ways.values()):
            del whole["paths"][path]
            _unlink(whole, {way["operationId"] for way in ways.values()})
    wait = whole["paths"]["/v1/tasks/{ref}/wait"]["get"]["parameters"]
    for parameter in wait:
        if parameter["name"] == "timeout":
            parameter["required"] = True
            parameter["schema"]["maximum"] = 0.01
    return schemathesis.openapi.from_dict(whole)


def _unlink(whole: dict[str, Any], gone: set[str]) -> None:
    for ways in whole["paths"].values():
        for way in ways.values():
            for reply in way["responses"].values():
                for name in gone & reply.get("links", {}).keys():
                    del reply["links"][name]
