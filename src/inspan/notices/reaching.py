"""What telling somebody needs of the world, as Protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from inspan.model.origin import Origin
from inspan.notices.wording import Message


class Clock(Protocol):
    """Time and chance, so that a test can hold both."""

    def now(self) -> float: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...
    def chance(self) -> float: ...


class Web(Protocol):
    """Requests to other machines."""

    async def post(
        self,
        origin: Origin,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        allowed: Callable[[str], bool],
    ) -> tuple[int, Mapping[str, str]]:
        """The status and the headers of the answer; a redirect is an answer.

        Raises NotGranted where ``allowed`` lets no address pass, Unable where nobody answers.
        """
        ...


class Way(Protocol):
    """One way to tell somebody."""

    async def deliver(self, message: Message) -> None:
        """Returns when it has arrived, as far as that can be known. Raises InspanError."""
        ...
