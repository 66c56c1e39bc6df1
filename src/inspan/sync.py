"""The synchronous door: Control with blocking calls, for programs that have no event loop.

    with inspan.sync.open() as control:
        task = control.submit(inspan.spec("pytest", "-q"))
        print(control.wait(task.id).state)

It speaks to the daemon, which it starts where there is none. The verbs are those of
``inspan.Control``; one connection belongs to one thread at a time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from inspan.client.sync import SyncControl
from inspan.settings.places import locate

__all__ = ["SyncControl", "open"]


@contextmanager
def open() -> Iterator[SyncControl]:  # noqa: A001 - read as inspan.sync.open
    """The daemon's Control. Raises DaemonUnreachable where it cannot be started."""
    from inspan.client.launch import launch  # noqa: PLC0415 - only where it must be started

    places = locate(os.environ)
    places.prepare()
    launch(places.daemon_socket, places.state_dir, places.logs)
    with SyncControl(places.daemon_socket) as control:
        yield control
