"""Which providers there are, by name; it makes them and knows nothing of what they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from inspan.engine.ports import Provider
from inspan.errors import ProviderNotFound
from inspan.providers.process import Processes
from inspan.providers.scripted import Scripted
from inspan.providers.shell import Shell

#: name → what makes the provider of that name.
FACTORIES: Final[Mapping[str, Callable[[Processes], Provider]]] = MappingProxyType(
    {"scripted": Scripted, "shell": Shell}
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
