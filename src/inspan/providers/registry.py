"""Which providers there are, by name; it makes them and knows nothing of what they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from inspan.agents.dialect import Dialect
from inspan.agents.registry import DIALECTS
from inspan.engine.ports import Provider
from inspan.errors import ProviderNotFound
from inspan.providers.agent import AgentProvider
from inspan.providers.process import Processes
from inspan.providers.scripted import Scripted
from inspan.providers.shell import Shell

_Factory: TypeAlias = Callable[[Processes], Provider]


def _agent(dialect: Callable[[], Dialect]) -> _Factory:
    return lambda processes: AgentProvider(dialect(), processes)


#: name → what makes the provider of that name.
FACTORIES: Final[Mapping[str, _Factory]] = MappingProxyType(
    {
        "scripted": Scripted,
        "shell": Shell,
        **{name: _agent(dialect) for name, dialect in DIALECTS.items()},
    }
)


def names() -> tuple[str, ...]:
    """The names that are known."""
    return tuple(FACTORIES)


def make(name: str, processes: Processes) -> Provider:
    """The provider called ``name``. Raises ProviderNotFound, which names those that are known."""
    try:
        factory = FACTORIES[name]
    except KeyError:
        raise ProviderNotFound(
            f"There is no provider {name!r}; known are: {', '.join(FACTORIES)}."
        ) from None
    return factory(processes)


def make_all(processes: Processes) -> dict[str, Provider]:
    """Every provider, by name."""
    return {name: factory(processes) for name, factory in FACTORIES.items()}
