"""Which providers there are, by name; it makes them and knows nothing of what they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

from inspan.agents.dialect import Dialect, OwnFolder, kept_by
from inspan.agents.registry import DIALECTS, OWN
from inspan.engine.ports import Provider
from inspan.errors import ProviderNotFound
from inspan.providers.agent import AgentProvider
from inspan.providers.login import Logins
from inspan.providers.process import Processes
from inspan.providers.scripted import Scripted
from inspan.providers.shell import Shell

_Factory: TypeAlias = Callable[[Processes, Logins | None], Provider]


def _agent(dialect: Callable[[], Dialect]) -> _Factory:
    return lambda processes, logins: AgentProvider(dialect(), processes, logins)


#: name → what makes the provider of that name.
FACTORIES: Final[Mapping[str, _Factory]] = MappingProxyType(
    {
        "scripted": lambda processes, _: Scripted(processes),
        "shell": lambda processes, _: Shell(processes),
        **{name: _agent(dialect) for name, dialect in {**DIALECTS, **OWN}.items()},
    }
)


def names() -> tuple[str, ...]:
    """The names that are known."""
    return tuple(FACTORIES)


def make(name: str, processes: Processes, logins: Logins | None = None) -> Provider:
    """The provider called ``name``; ``logins`` watches over those of agents.

    Raises ProviderNotFound, which names those that are known.
    """
    try:
        factory = FACTORIES[name]
    except KeyError:
        raise ProviderNotFound(
            f"There is no provider {name!r}; known are: {', '.join(FACTORIES)}."
        ) from None
    return factory(processes, logins)


class More(Protocol):
    """Agents that do not come with inspan."""

    def find(self, name: str) -> Dialect | None:
        """The one of that name; the same object while it is the same."""
        ...

    def names(self) -> Iterable[str]:
        """Those that are known by name."""
        ...


class Providers(Mapping[str, Provider]):
    """Every provider, by name. One that is not ours is looked up each time: it may have changed."""

    def __init__(
        self, processes: Processes, logins: Logins | None = None, *, more: More | None = None
    ) -> None:
        self._shared = (processes, logins)
        self._own = {name: factory(*self._shared) for name, factory in FACTORIES.items()}
        self._more = more
        self._made: dict[str, tuple[Dialect, Provider]] = {}

    def __getitem__(self, name: str) -> Provider:
        """Raises KeyError, and what ``More.find`` does."""
        if name in self._own:
            return self._own[name]
        dialect = None if self._more is None else self._more.find(name)
        if dialect is None:
            raise KeyError(name)
        known = self._made.get(name)
        if known is None or known[0] is not dialect:
            known = (dialect, AgentProvider(dialect, *self._shared))
            self._made[name] = known
        return known[1]

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        if self._more is not None:
            yield from self._more.names()

    def __len__(self) -> int:
        return sum(1 for _ in self)


def all_kept() -> tuple[OwnFolder, ...]:
    """What the agents that are known keep in a home."""
    return tuple(folder for dialect in DIALECTS.values() for folder in kept_by(dialect()))
