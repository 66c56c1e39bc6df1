"""What a service manager is told of the daemon: that it is ready, alive, stopping (sd_notify).

The protocol is systemd's: datagrams to the socket that NOTIFY_SOCKET names. Where there is none,
nothing is told. Nothing here knows what the daemon does.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Self

from inspan.model.value import value


@value(frozen=True)
class Manager:
    """``interval``: seconds in which it wants a sign of life; ``None`` where it wants none."""

    address: str = ""
    interval: float | None = None

    @classmethod
    def of(cls, env: MutableMapping[str, str]) -> Self:
        """The one that ``env`` names, which is taken out of it: it is none of the children's."""
        address = env.pop("NOTIFY_SOCKET", "")
        every, whom = env.pop("WATCHDOG_USEC", ""), env.pop("WATCHDOG_PID", "")
        if not address.startswith(("/", "@")):
            return cls()
        meant = whom in ("", str(os.getpid()))
        interval = int(every) / 2e6 if every.isdecimal() and int(every) and meant else None
        return cls(address, interval)

    def tell(self, words: str) -> None:
        """Send one message; that nobody takes it is no reason to fail."""
        if not self.address:
            return
        # A name that begins with @ is one of Linux's own, without a file.
        to = f"\0{self.address[1:]}" if self.address[0] == "@" else self.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.setblocking(False)
            link.sendto(words.encode("utf-8", "replace"), to)
