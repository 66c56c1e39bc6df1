"""Pages without a network: each URL has an answer, and each host an address."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import anyio

from inspan.engine.code.ports import Fetched
from inspan.errors import NotGranted, Unable
from inspan.model.origin import Origin


class FakeWeb:
    """``ports.Web``; ``asked`` keeps what it was asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, Fetched] = {}
        #: A host that is not here has a public one.
        self.addresses: dict[str, str] = {}
        #: What it is asked for never comes.
        self.hangs = False
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    async def fetch(
        self,
        origin: Origin,
        method: str,
        target: str,
        headers: Mapping[str, str],
        allowed: Callable[[str], bool],
        most: int,
    ) -> Fetched:
        if not allowed(self.addresses.get(origin.host, "93.184.215.14")):
            raise NotGranted(f"{origin.host} is not at a public address")
        self.asked.append((method, f"{origin}{target}", dict(headers)))
        if self.hangs:
            await anyio.sleep_forever()
        page = self.pages.get(f"{origin}{target}", Fetched(404, (), b""))
        if len(page.body) > most:
            raise Unable(f"{origin} sends more than {most} bytes")
        return page
