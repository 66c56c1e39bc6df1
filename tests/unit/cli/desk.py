"""A daemon of fakes behind a real socket, at the place where a command looks for one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from inspan.cli import reach
from inspan.client.sync import SyncControl
from tests.fakes.control import FakeControl
from tests.fakes.hands import served


@dataclass
class Desk:
    """The fake, the loop that it lives on, and its socket."""

    fake: FakeControl
    portal: BlockingPortal
    socket: Path

    def control(self) -> SyncControl:
        """A client of it."""
        return SyncControl(self.socket)


@contextmanager
def desk(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """One in a home of its own."""
    monkeypatch.setenv("INSPAN_HOME", str(home))
    there = reach.places()
    with start_blocking_portal("asyncio") as portal:
        fake = FakeControl()
        with portal.wrap_async_context_manager(served(fake)) as socket:
            there.runtime_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            there.daemon_socket.symlink_to(socket)
            try:
                yield Desk(fake, portal, there.daemon_socket)
            finally:
                shutil.rmtree(there.runtime_dir)
