"""Whatever a client with the key sends, a kernel answers it or lets it go, and answers the next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from inspan.jupyter.wire import DELIMITER, Wire
from tests.real.console import PATIENCE
from tests.real.jupyter import installed, started
from tests.unit.jupyter.test_wire import JSON, OBJECTS, signed

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("D12")]

#: What requests have in them; each may be there and be anything.
FIELDS = (
    *("code", "silent", "store_history", "user_expressions", "allow_stdin", "stop_on_error"),
    *("cursor_pos", "detail_level", "hist_access_type", "n", "start", "stop", "pattern", "unique"),
    *("output", "raw", "session", "comm_id", "target_name", "data", "value"),
)
KINDS = (
    *("execute_request", "complete_request", "inspect_request", "history_request"),
    *("is_complete_request", "comm_info_request", "comm_open", "comm_msg", "comm_close"),
    *("interrupt_request", "kernel_info_request", "input_reply", "debug_request", ""),
)
CODE = st.sampled_from(
    ["1", "x = '\ud800'", "print('\udcff')", "'\ud83d'", "a\0b", "\ud800?", "1 / 0", "é?", "((("]
)
CONTENT: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6),
    code=CODE | JSON,
    user_expressions=st.dictionaries(st.text(max_size=3), CODE | JSON, max_size=2) | JSON,
)


@dataclass
class Client:
    """Sends what it is given, and waits for the answer of a question behind it."""

    wire: Wire
    key: bytes
    sockets: dict[str, zmq.Socket[bytes]]

    def send(self, channel: str, *parts: bytes) -> None:
        self.sockets[channel].send_multipart(signed(*parts, key=self.key))

    def is_alive(self, channel: str) -> bool:
        """Whether the kernel still says who it is."""
        socket = self.sockets[channel]
        frames = self.wire.encode("kernel_info_request", {})
        asked = json.loads(frames[2])["msg_id"]
        socket.send_multipart(frames)
        while socket.poll(int(PATIENCE * 1000)):
            reply = socket.recv_multipart()
            parts = reply[reply.index(DELIMITER) + 2 :]
            if json.loads(parts[1]).get("msg_id") == asked:
                return bool(json.loads(parts[3])["status"] == "ok")
        return False


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with installed() as console, started(console) as (manager, _), zmq.Context() as context:
        info: dict[str, Any] = {**manager.get_connection_info()}
        sockets = {}
        for channel in ("shell", "control", "stdin"):
            sockets[channel] = context.socket(zmq.DEALER)
            sockets[channel].set(zmq.LINGER, 0)
            sockets[channel].connect(f"tcp://{info['ip']}:{info[channel + '_port']}")
        yield Client(Wire(info["key"]), info["key"], sockets)
        for socket in sockets.values():
            socket.close()


@settings(max_examples=150)
@given(
    channel=st.sampled_from(["shell", "control", "stdin"]),
    kind=st.sampled_from(KINDS),
    header=OBJECTS,
    parent=JSON,
    content=CONTENT | JSON,
)
def test_no_content_ends_the_kernel(
    client: Client, channel: str, kind: str, header: dict[str, Any], parent: Any, content: Any
) -> None:
    head = {**header, "msg_id": f"{id(header)}", "msg_type": kind}
    client.send(channel, *(json.dumps(part).encode() for part in (head, parent, {}, content)))
    assert client.is_alive("control")
    assert client.is_alive("shell")


@settings(max_examples=50)
@given(parts=st.lists(st.binary(max_size=20) | JSON.map(lambda x: json.dumps(x).encode())))
def test_no_frames_end_the_kernel(client: Client, parts: list[bytes]) -> None:
    for channel in client.sockets:
        client.send(channel, *parts)
    assert client.is_alive("control")
    assert client.is_alive("shell")
