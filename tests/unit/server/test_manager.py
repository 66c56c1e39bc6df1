"""What a service manager hears of the daemon."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from inspan.server.manager import Manager

pytestmark = pytest.mark.requirement("C9")


def test_the_words_come_to_the_socket_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        env = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "60000000", "PATH": "/bin"}
        told = Manager.of(env)
        assert env == {"PATH": "/bin"}  # no child speaks in the daemon's place
        assert told.interval == 30.0
        told.tell("READY=1")
        assert manager.recv(100) == b"READY=1"
    path.unlink()
    told.tell("STOPPING=1")  # nobody is there any more


@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="names without files are Linux's")
def test_a_name_without_a_file_is_known() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0inspan-{os.getpid()}")
        Manager.of({"NOTIFY_SOCKET": f"@inspan-{os.getpid()}"}).tell("READY=1")
        assert manager.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"NOTIFY_SOCKET": "relative"},
        {"NOTIFY_SOCKET": "vsock:2:1234"},
        {"WATCHDOG_USEC": "60000000"},
        {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"},
        {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "0"},
    ],
)
def test_where_nobody_listens_or_wants_signs_of_life_none_are_given(env: dict[str, str]) -> None:
    found = Manager.of(env)
    assert found.interval is None
    found.tell("READY=1")
