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
from inspan.providers.login import Logins
from inspan.providers.process import Processes
from inspan.providers.ptyrun import Screens
from inspan.providers.scripted import Scripted
from inspan.providers.shell import Shell

_Factory: TypeAlias = Callable[[Processes, Logins | None, Screens | None], Provider]


def _agent(dialect: Callable[[], Dialect]) -> _Factory:
    return lambda processes, *shared: AgentProvider(dialect(), processes, *shared)


#: name → what makes the provider of that name.
FACTORIES: Final[Mapping[str, _Factory]] = MappingProxyType(
    {
        "scripted": lambda processes, *_: Scripted(processes),
        "shell": lambda processes, *_: Shell(processes),
        **{name: _agent(dialect) for name, dialect in DIALECTS.items()},
    }
)


def names() -> tuple[str, ...]:
    """The names that are known."""
    return tuple(FACTORIES)


def make(
    name: str,
    processes: Processes,
    logins: Logins | None = None,
    screens: Screens | None = None,
) -> Provider:
    """The provider called ``name``; ``logins`` and ``screens`` watch over agents.

    Raises ProviderNotFound, which names those that are known.
    """
    try:
        factory = FACTORIES[name]
    except KeyError:
        raise ProviderNotFound(
            f"There is no provider {name!r}; known are: {', '.join(FACTORIES)}."
        ) from None
    return factory(processes, logins, screens)


def make_all(
    processes: Processes, logins: Logins | None = None, screens: Screens | None = None
) -> dict[str, Provider]:
    """Every provider, by name."""
    return {name: factory(processes, logins, screens) for name, factory in FACTORIES.items()}
