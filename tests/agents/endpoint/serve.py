"""The endpoint: its server on loopback, and what it can be asked about a run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.agents.endpoint.answer import Server
from tests.agents.endpoint.runs import Request, Runs
from tests.agents.endpoint.scenario import Turn


class Endpoint:
    """Plays its scripts until ``close``. Threads that still answer then end with it."""

    def __init__(self) -> None:
        self._runs = Runs()
        self._server = Server(self._runs)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def base(self, scenario: str, instance: str, *, bare: bool = False) -> str:
        """The base URL for one run; an API's own path follows."""
        end = "/bare" if bare else ""
        return f"http://127.0.0.1:{self.port}/s/{scenario}/i/{instance}{end}"

    def script(self, instance: str, *turns: Turn) -> None:
        """What a run gets from now on, in the place of its scenario."""
        self._runs.script(instance, turns)

    def requests(self, instance: str) -> list[Request]:
        """What a run has asked so far, with secrets struck out of the headers."""
        return self._runs.requests(instance)

    def steps(self, instance: str) -> list[Request]:
        """Those of its requests that took a turn of the script."""
        return [request for request in self.requests(instance) if request.turn is not None]

    def settled(self, instance: str) -> list[Request]:
        """As `requests`, once each is answered or its client was seen to close, within 5 s."""
        return self._runs.settled(instance)

    def close(self) -> None:
        self._runs.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def serving() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    try:
        yield endpoint
    finally:
        endpoint.close()
