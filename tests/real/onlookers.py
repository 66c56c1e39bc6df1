"""Those who look on at a daemon, each by a way of its own: what they were told, as it was written.

They know the addresses and no client of inspan's: whatever a client mends would be hidden here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Any, Final

from tests.fakes.rawsocket import upgraded
from tests.real.daemon import PATIENCE, Daemon

#: A page so small that many are needed.
_PAGE: Final = 7
#: Seconds between two looks of who reads pages.
_LOOK: Final = 0.02


class Onlooker:
    """Reads events after ``since`` until one has ``last`` in its words."""

    def __init__(self, daemon: Daemon, since: int, last: str) -> None:
        self.daemon = daemon
        self.since = since
        #: The JSON of each event, in the order in which they came.
        self.told: list[bytes] = []
        self._last = json.dumps(last).encode()

    def __call__(self) -> None:
        for one in self.come():
            self.told.append(one)
            if self._last in one:
                return
        raise AssertionError(f"{type(self).__name__} came to an end of {len(self.told)} events")

    def come(self) -> Iterator[bytes]:
        """The JSON of each event."""
        raise NotImplementedError

    def seqs(self) -> list[int]:
        return [json.loads(one)["seq"] for one in self.told]


class BySocket(Onlooker):
    """The WebSocket of events."""

    def come(self) -> Iterator[bytes]:
        target = f"/v1/events?since={self.since}"
        with upgraded(self.daemon.places.daemon_socket, target) as client:
            while True:
                heard, client.heard = client.heard, []
                for _, message in heard:
                    yield message
                if not client.read():
                    return


class ByStream(Onlooker):
    """Server-sent events; the number of each is the number in it."""

    def come(self) -> Iterator[bytes]:
        answer = asked(self.daemon, f"/v1/events/stream?since={self.since}")
        number = b""
        for line in answer:
            name, _, value = line.rstrip(b"\n").partition(b": ")
            if name == b"id":
                number = value
            elif name == b"data":
                assert int(number) == json.loads(value)["seq"]
                yield value


class ByPages(Onlooker):
    """Page after page, each from after the last event of the one before."""

    def come(self) -> Iterator[bytes]:
        since = self.since
        while True:
            page = asked(self.daemon, f"/v1/events?since={since}&limit={_PAGE}").read()
            parts = [written(event) for event in json.loads(page)["events"]]
            # A page is made of its events and of nothing else.
            assert page == b'{"events":[%b]}' % b",".join(parts)
            yield from parts
            since = json.loads(parts[-1])["seq"] if parts else since
            if len(parts) < _PAGE:
                time.sleep(_LOOK)


class ByCommand(Onlooker):
    """``inspan events --follow``; it writes every field, and of an environment the names."""

    def come(self) -> Iterator[bytes]:
        words = ["events", "--follow", "--json", "--since", str(self.since)]
        command = [sys.executable, "-m", "inspan.cli.main", *words]
        with subprocess.Popen(command, env=self.daemon.env, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    yield line.rstrip(b"\n")
            finally:
                process.kill()


def written(event: Any) -> bytes:
    """As it is on every wire."""
    return json.dumps(event, separators=(",", ":")).encode()


def asked(daemon: Daemon, target: str, method: str = "GET", body: Any = None) -> HTTPResponse:
    """What any program gets by HTTP."""
    link = HTTPConnection("inspan", timeout=PATIENCE)
    link.sock = socket(AF_UNIX, SOCK_STREAM)
    link.sock.settimeout(PATIENCE)
    link.sock.connect(str(daemon.places.daemon_socket))
    data = None if body is None else json.dumps(body).encode()
    link.request(method, target, data, {"content-type": "application/json", "connection": "close"})
    return link.getresponse()
