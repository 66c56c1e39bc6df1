"""What is measured of code sessions is asked through this, whoever's they are."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol, TypeAlias

#: The module that has each side, and the name of its context manager there.
SIDES: Final = {
    "worker": ("code_worker", "opened"),
    "here": ("code_control", "here"),
    "daemon": ("code_control", "daemon"),
    "ipykernel": ("code_ipykernel", "opened"),
}


class Session(Protocol):
    """One that is ready."""

    @property
    def pid(self) -> int:
        """Of the process that runs its cells."""
        ...

    async def run(self, code: str) -> None:
        """Return when the cell has ended. Raises RuntimeError where it failed."""
        ...

    def printed(self, code: str) -> AsyncGenerator[bytes, None]:
        """What the cell writes to its standard output, as it comes, until the cell has ended."""
        ...

    async def interrupted(self, code: str, into: float) -> float:
        """Seconds from an interrupt, ``into`` seconds after the start, until the cell's end.

        Raises RuntimeError where it ended before that.
        """
        ...

    async def close(self) -> None:
        """End it."""
        ...


#: What takes a session from a pool, for the length of a block.
Stock: TypeAlias = AbstractAsyncContextManager[Callable[[], Awaitable[Session]]]


class Side(Protocol):
    """Whoever makes sessions."""

    async def open(self, apart: int = 0) -> Session:
        """One more; no zygote is shared by two whose ``apart`` differs."""
        ...

    async def settle(self, apart: int = 0) -> None:
        """Return when the next such session comes as fast as any later one."""
        ...

    async def pooled(self, times: int) -> list[float]:
        """Seconds until a session from a pool has given a result; none where there is no pool."""
        ...

    def stocked(self, size: int) -> Stock | None:
        """A pool that has ``size`` ready when the block begins; ``None`` where there is none."""
        ...

    def helpers(self) -> dict[str, int]:
        """The processes that serve all sessions, by what they are."""
        ...


def opened(side: str, folder: Path) -> AbstractAsyncContextManager[Side]:
    """That side, at work in ``folder`` for the length of a block."""
    module, name = SIDES[side]
    found: AbstractAsyncContextManager[Side] = getattr(
        import_module(f"tools.bench.{module}"), name
    )(folder)
    return found
