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
from functools import partial
from pathlib import Path

from inspan.client.rejoin import Rejoin
from inspan.client.sync import SyncControl
from inspan.settings.places import locate

__all__ = ["SyncControl", "open"]


@contextmanager
def open(  # noqa: A001 - read as inspan.sync.open
    *,
    host: str | None = None,
    token: str | None = None,
    ca: str | Path | None = None,
    reconnect: bool = True,
) -> Iterator[SyncControl]:
    """The daemon's Control, or that of one at ``host``, as ``inspan.open`` has it.

    Streams find back to a daemon that was lost, unless ``reconnect`` is false.
    Raises DaemonUnreachable where it cannot be started, BadInput.
    """
    if host is not None:
        from inspan.client.address import parse  # noqa: PLC0415 - most have their own

        there = parse(host, token=token, ca=None if ca is None else str(ca))
        with SyncControl(there, Rejoin() if reconnect else None) as control:
            yield control
        return
    from inspan.client.launch import launch  # noqa: PLC0415 - only where it must be started

    places = locate(os.environ)
    places.prepare()
    start = partial(launch, places.daemon_socket, places.state_dir, places.logs)
    start()
    rejoin = Rejoin(start=start) if reconnect else None
    with SyncControl(places.daemon_socket, rejoin) as control:
        yield control
