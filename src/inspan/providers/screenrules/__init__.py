"""The rulebooks that come with inspan: one file for each agent, and one for any program."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from inspan.errors import BadInput, ProviderNotFound
from inspan.terminal.rulefile import FILE_MOST, parse
from inspan.terminal.rules import Rulebook

#: For a program of which nothing is known.
GENERIC: Final = "generic"
_SUFFIX: Final = ".toml"


def names() -> tuple[str, ...]:
    """The agents that have a rulebook, and ``generic``."""
    found = (item.name for item in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)))


@cache
def rulebook(name: str) -> Rulebook:
    """One of ``names``. Raises ProviderNotFound."""
    if name not in names():
        raise ProviderNotFound(
            f"There are no screen rules for {name}.", hint=f"There are {', '.join(names())}."
        )
    file = f"{name}{_SUFFIX}"
    return parse((files(__name__) / file).read_text("utf-8"), file)


def rulebooks(agent: str, own: Path | None = None) -> tuple[Rulebook, ...]:
    """What to look with: the agent's own rules where there are any, else those for any program.

    Never both: what an agent's screen quotes would fit the general ones. ``own`` is a file that
    comes with the agent. Raises BadInput for what is amiss with it.
    """
    if own is not None:
        return (_read(own),)
    return (rulebook(agent if agent in names() else GENERIC),)


def _read(path: Path) -> Rulebook:
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_MOST + 1)
        return parse(raw.decode(), str(path))
    except OSError as error:
        raise BadInput(f"cannot read the screen rules {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not valid UTF-8") from error
